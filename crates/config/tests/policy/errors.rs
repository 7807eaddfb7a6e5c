//! What is refused, what is warned of, and how it is said.

use mantlet_config::{Config, Environment, Source};

use super::{errors, exchange, read, warnings};

#[test]
fn a_proxy_that_can_only_redirect_is_warned_of() {
    let warned = |text: &str| {
        let config = Config::read(&Source::new("x", text)).expect("valid").0;
        let loaded = config.load(Some(Environment::Production)).expect("valid");
        loaded.for_proxy().expect("no nonce").warnings.to_string()
    };
    assert!(warned("https = \"redirect\"").contains("redirects every request"));
    let listed = "hosts.allowed = [\"example.com\"]";
    let trusting = "https = \"redirect\"\ntrusted_proxies = [\"10.0.0.1\"]";
    assert_eq!(warned(&format!("{trusting}\n{listed}")), "");
    assert_eq!(warned(&format!("https = \"auto\"\n{listed}")), "");
    assert!(warned("").contains("hosts: is not written"));
    assert_eq!(warned("hosts.allowed = [\"*\"]"), "");
}

#[test]
fn a_value_that_is_no_toml_is_one_error() {
    let found = errors("preset = \n");
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(
        found[0].starts_with("mantlet.toml:1:10: error: toml: "),
        "{found:?}"
    );
}

#[test]
fn every_error_comes_at_once_with_its_place() {
    let text = r#"preset = "balancd"
https = "always"
trusted_proxies = ["10.0.0.0/99"]
nonce-upstream = true

[csp]
img-src = ["self", "https://a.example;b"]
scrpt-src = ["'self'"]

[headers]
strict-transport-security = { max-age = 1, preload = true }
referrer_policy = "no-referrer"
x-content-type-options = "sniff"
"x bad" = "1"
x-late = "a\nb"

[[route]]
path = "docs"
"#;
    let found = errors(text).join("\n");
    for (line, words) in [
        (1, "did you mean \"balanced\"?"),
        (2, "auto, assume, redirect"),
        (3, "neither a network"),
        (4, "did you mean nonce_upstream?"),
        (7, "'self'"),
        (8, "did you mean script-src?"),
        (11, "preload"),
        (12, "referrer-policy"),
        (13, "nosniff"),
        (14, "field name"),
        (15, "headers.x-late"),
        (18, "starts with /"),
    ] {
        let prefix = format!("mantlet.toml:{line}:");
        let hit = found
            .lines()
            .any(|error| error.starts_with(&prefix) && error.contains(words));
        assert!(hit, "line {line}: {words} in\n{found}");
    }
}

#[test]
fn a_field_that_two_values_would_void_is_not_appended() {
    for field in [
        "permissions-policy",
        "cross-origin-opener-policy",
        "x-content-type-options",
    ] {
        let found = errors(&format!("headers.{field} = {{ mode = \"append\" }}"));
        assert!(found[0].contains("cannot be appended"), "{found:?}");
    }
}

#[test]
fn same_site_none_without_secure_is_warned_of() {
    let text = "[cookies]\nsamesite = \"None\"";
    let found = warnings(text);
    assert_eq!(found.len(), 1, "{found:?}");
    let start = "mantlet.toml:2:12: warning: cookies.samesite: ";
    assert!(found[0].starts_with(start), "{found:?}");
    let engine = read(text).expect("valid");
    for (tls, cookie) in [
        (true, "set-cookie: a=b; Secure; SameSite=None"),
        (false, "set-cookie: a=b"),
    ] {
        let lines = exchange(&engine, "/", tls, &[("set-cookie", "a=b")]);
        assert!(lines.iter().any(|line| line == cookie), "{lines:?}");
    }

    assert!(warnings("[cookies]\nsecure = true\nsamesite = \"None\"").is_empty());
    let exception =
        "[cookies]\nsecure = true\n[cookies.exceptions.a]\nsecure = false\nsamesite = \"None\"";
    assert!(warnings(exception)[0].contains("cookies.exceptions.a.samesite"));
}

#[test]
fn a_policy_without_directives_is_warned_of() {
    let text = "[[csp]]\nimg-src = []\n[[csp]]\nscript-src = false\nstyle-src = false";
    let found = warnings(text);
    assert_eq!(found.len(), 1, "{found:?}");
    let start = "mantlet.toml:4:1: warning: csp: is a policy without a directive";
    assert!(found[0].starts_with(start), "{found:?}");
    assert!(warnings("[[csp]]\nmode = \"remove\"").is_empty());
    assert!(warnings("[csp]\nimg-src = false").is_empty());
}

#[test]
fn how_long_to_cache_is_said_in_one_place() {
    let found = errors("cache.default = \"no-store\"\nheaders.cache-control = \"private\"");
    assert_eq!(found.len(), 1, "{found:?}");
    let start = "mantlet.toml:2:9: error: headers.cache-control: stands here and in [cache]";
    assert!(found[0].starts_with(start), "{found:?}");
    // layers replace each other
    let route = "cache.default = \"no-store\"\n[[route]]\npath = \"/x\"\nheaders.cache-control = \"private\"";
    assert!(warnings(route).is_empty());
    let code = Config::read(&Source::new("x", "cache.default = \"no-store\""))
        .expect("valid")
        .0
        .custom_header("cache-control", "private");
    assert!(code.build().is_ok());
}

#[test]
fn fields_that_no_browser_reads_are_warned_of() {
    for (name, words) in [
        ("feature-policy", "(permissions-policy)"),
        ("expect-ct", "Certificate Transparency"),
        ("public-key-pins", "no browser reads it"),
        ("public-key-pins-report-only", "no browser reads it"),
        ("x-webkit-csp", "(content-security-policy)"),
        ("x-content-security-policy", "(content-security-policy)"),
    ] {
        let found = warnings(&format!("headers.{name} = \"x\""));
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains(words), "{found:?}");
        let removed = warnings(&format!("headers.{name} = {{ mode = \"remove\" }}"));
        assert!(removed.is_empty(), "{removed:?}");
    }
}

#[test]
fn a_misspelled_field_is_an_error_and_a_similar_one_a_warning() {
    for (name, meant) in [
        ("referer-policy", "referrer-policy"),
        ("x-frame-option", "x-frame-options"),
        ("content-security-polcy", "content-security-policy"),
        ("strict_transport_security", "strict-transport-security"),
    ] {
        let found = errors(&format!("headers.{name} = \"x\""));
        assert_eq!(found.len(), 1, "{found:?}");
        let hint = format!("(did you mean {meant}?)");
        assert!(found[0].ends_with(&hint), "{found:?}");
    }
    let found = warnings("headers.x-frames-opts = \"x\"");
    assert!(found[0].ends_with("(did you mean x-frame-options?)"));
    assert!(
        warnings("headers.net = \"x\"")
            .iter()
            .all(|one| one.contains("warning"))
    );
    assert!(warnings("headers.x-team = \"x\"").is_empty());
}

#[test]
fn a_key_in_the_wrong_table_is_told_the_right_one() {
    for (text, hint) in [
        (
            "x-frame-options = \"DENY\"",
            "headers go under [headers]: headers.x-frame-options",
        ),
        (
            "Referrer_Policy = \"no-referrer\"",
            "headers go under [headers]: headers.referrer-policy",
        ),
        (
            "script-src = [\"'self'\"]",
            "directives go under [csp]: csp.script-src",
        ),
        (
            "content-security-policy = \"default-src 'self'\"",
            "write [csp], a key per directive",
        ),
        (
            "[content-security-policy-report-only]\nimg-src = []",
            "write [csp_report_only], a key per directive",
        ),
        ("[route]\npath = \"/docs\"", "write [[route]]"),
        (
            "[[route]]\npath = \"/docs\"\nimg-src = []",
            "directives go under [csp]: csp.img-src",
        ),
    ] {
        let found = errors(text);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].ends_with(&format!("({hint})")), "{found:?}");
        assert!(found[0].starts_with("mantlet.toml:"), "{found:?}");
    }
}

#[test]
fn dead_directives_are_warned_of() {
    for text in [
        "block-all-mixed-content = true",
        "block-all-mixed-content = []",
        "prefetch-src = [\"'self'\"]",
        "plugin-types = \"application/pdf\"",
    ] {
        let found = warnings(&format!("[csp]\n{text}"));
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains("is ignored by browsers"), "{found:?}");
        assert!(found[0].starts_with("mantlet.toml:2:1: warning"));
    }
    // no hint names one
    let found = errors("[csp]\nprefetch-srcs = []");
    assert!(!found[0].contains("prefetch-src,"), "{found:?}");
}

#[test]
fn the_file_and_code_are_told_what_was_meant_in_the_same_words() {
    let file = errors("csp.scirpt-src = []");
    let code = Config::new()
        .csp("scirpt-src", ["'self'"])
        .build()
        .expect_err("refused");
    for told in [file[0].as_str(), &code.to_string()] {
        assert!(told.ends_with("(did you mean script-src?)"), "{told}");
    }
}

#[test]
fn an_unknown_key_beside_a_setting_is_named() {
    for text in [
        "headers.x-frame-options = { value = \"SAMEORIGIN\", mod = \"append\" }",
        "headers.x-frame-options = { mod = \"remove\" }",
        "headers.x-own = { mod = \"remove\" }",
        "headers.permissions-policy = { value = { camera = [] }, mod = \"append\" }",
        "headers.strict-transport-security = { mod = \"off\", value = \"max-age=1\" }",
    ] {
        let found = errors(text);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains(".mod: is not a key here"), "{found:?}");
        assert!(found[0].ends_with("(did you mean mode?)"), "{found:?}");
    }
}

#[test]
fn a_known_name_in_capitals_is_told_its_spelling_and_never_dropped() {
    for (text, hint) in [
        (
            "headers.Referrer-Policy = \"no-referrer\"",
            "(referrer-policy)",
        ),
        (
            "preset = \"none\"\nheaders.X-Frame-Options = \"ALLOW-FROM x\"",
            "(x-frame-options)",
        ),
        (
            "csp.Default-Src = [\"'self'\"]",
            "did you mean default-src?",
        ),
        (
            "[[route]]\npath = \"/a\"\nheaders.Referrer-Policy = \"no-referrer\"",
            "(referrer-policy)",
        ),
    ] {
        let found = errors(text).join("\n");
        assert!(
            found.contains("is written in lower case here"),
            "{text}: {found}"
        );
        assert!(found.contains(hint), "{text}: {found}");
    }
}

#[test]
fn a_field_of_the_wrong_shape_contradicts_nothing() {
    for value in ["7", "[\"DENY\"]", "\"DENNY\""] {
        let found = errors(&format!("headers.x-frame-options = {value}"));
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(!found[0].contains("contradicts"), "{found:?}");
    }
}

#[test]
fn a_fault_of_a_table_is_at_the_member_it_is_about() {
    for (text, place) in [
        (
            "headers.permissions-policy = { usb = [], camera = true }",
            "1:51",
        ),
        (
            "[headers.permissions-policy]\nusb = []\ncamera = [\"http//x\"]",
            "3:1",
        ),
        (
            "[headers]\nstrict-transport-security = { max-age = 1, preload = [] }",
            "2:54",
        ),
        (
            "headers.strict-transport-security = { max-age = 1, preload = true }",
            "1:52",
        ),
        (
            "headers.strict-transport-security = { includeSubDomains = true }",
            "1:39",
        ),
        ("headers.clear-site-data = [\"cookies\", 7]", "1:39"),
    ] {
        let found = errors(text);
        let place = format!("mantlet.toml:{place}: error: ");
        assert!(found[0].starts_with(&place), "{found:?}");
    }
}

#[test]
fn a_route_without_a_path_has_a_place() {
    for (text, place) in [
        ("\n[[route]]\n", "2:1"),
        ("\n[[route]]\noverlay = \"redoc\"", "2:1"),
        ("route = [{ path = \"/\" }, {}]", "1:26"),
    ] {
        let found = errors(text);
        let start = format!("mantlet.toml:{place}: error: route.path: is missing");
        assert!(found[0].starts_with(&start), "{found:?}");
    }
}

#[test]
fn a_cache_that_shares_nonces_is_warned_of() {
    let warned = |more: &str| {
        let text = format!("csp.script-src = [\"'nonce'\"]\n{more}");
        let config = Config::read(&Source::new("x", text)).expect("valid").0;
        let loaded = config.load(Some(Environment::Production)).expect("valid");
        loaded.warnings.to_string().contains("shared caches")
    };
    assert!(warned("headers.cache-control = \"max-age=60\""));
    assert!(warned("[cache]\ndefault = \"max-age=60\""));
    assert!(!warned("headers.cache-control = \"private, max-age=60\""));
    assert!(!warned("headers.cache-control = \"no-store\""));
    assert!(warned("cache.by_type = { \"text/*\" = \"max-age=60\" }"));
    assert!(!warned("cache.by_type = { \"text/css\" = \"max-age=60\" }"));
}

#[test]
fn an_emptied_file_does_not_replace_a_policy() {
    let folder = std::env::temp_dir().join(format!("mantlet-policy-{}", std::process::id()));
    std::fs::write(&folder, "# all commented out\n\n").expect("written");
    let live = mantlet_engine::Live::new(read("preset = \"strict\"").expect("valid"));
    let refused = mantlet_config::reload(&folder, None, &live, Ok).expect_err("refused");
    std::fs::write(&folder, "preset = \"none\"").expect("written");
    let taken = mantlet_config::reload(&folder, None, &live, Ok);
    std::fs::remove_file(&folder).expect("removed");
    assert!(refused.to_string().contains("is empty"), "{refused}");
    assert!(taken.is_ok());
}

#[test]
fn a_report_to_without_its_endpoint_is_warned_of() {
    let warned = |more: &str| {
        let text = format!("csp.report-to = [\"main\"]\n{more}");
        let config = Config::read(&Source::new("x", text)).expect("valid").0;
        let loaded = config.load(Some(Environment::Production)).expect("valid");
        loaded.warnings.to_string().contains("does not define")
    };
    assert!(warned(""));
    assert!(warned("headers.reporting-endpoints = { other = \"/r\" }"));
    assert!(!warned("headers.reporting-endpoints = { main = \"/r\" }"));
}

#[test]
fn the_old_xss_filter_needs_danger_and_is_warned_of() {
    let found = errors("headers.x-xss-protection = \"1; mode=block\"");
    let hint = "{ value = \"1; mode=block\", danger = true })";
    assert!(found[0].ends_with(hint), "{found:?}");
    let text = "headers.x-xss-protection = { value = \"1; mode=block\", danger = true }";
    let config = Config::read(&Source::new("x", text)).expect("valid").0;
    let loaded = config.load(Some(Environment::Production)).expect("valid");
    assert_eq!(loaded.warnings.diagnostics().len(), 1);
}
