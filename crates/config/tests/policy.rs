//! What a policy file means, seen from outside: the header section it makes of an empty response.

#![allow(clippy::expect_used, clippy::panic)]

use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use mantlet_config::{Config, Environment, Mode, Preset, Report, Source};
use mantlet_engine::{Engine, Entropy, EntropyError, RequestHead, ResponseHead, Verdict};

fn read(text: &str) -> Result<Engine, Report> {
    Config::read(&Source::new("mantlet.toml", text))?.0.build()
}

/// One exchange; `before` are the application's fields.
fn exchange(engine: &Engine, path: &str, tls: bool, before: &[(&str, &str)]) -> Vec<String> {
    let none = HeaderMap::new();
    let mut head = RequestHead::new(&Method::GET, path.as_bytes(), &none);
    head.tls = tls;
    let (verdict, exchange) = engine.on_request(&head);
    assert!(matches!(verdict, Verdict::Allow(_)), "{verdict:?}");
    let mut headers = HeaderMap::new();
    for (name, value) in before {
        let name = http::HeaderName::from_bytes(name.as_bytes()).expect("a name");
        headers.append(name, HeaderValue::from_str(value).expect("a value"));
    }
    let edits = exchange.on_response(&ResponseHead::new(StatusCode::OK, &headers));
    edits.apply(&mut headers);
    let line = |(name, value): (&http::HeaderName, &HeaderValue)| {
        format!("{name}: {}", value.to_str().expect("ASCII"))
    };
    headers.iter().map(line).collect()
}

fn https(text: &str) -> Vec<String> {
    sent(text, "/", true)
}

fn sent(text: &str, path: &str, tls: bool) -> Vec<String> {
    let engine = read(text).unwrap_or_else(|report| panic!("{report}"));
    exchange(&engine, path, tls, &[])
}

fn errors(text: &str) -> Vec<String> {
    let report = read(text).expect_err("a refusal");
    report
        .diagnostics()
        .iter()
        .map(ToString::to_string)
        .collect()
}

#[test]
fn balanced_sends_what_its_document_says() {
    let expected = [
        "cross-origin-opener-policy: same-origin",
        "cross-origin-resource-policy: same-origin",
        "content-security-policy: default-src 'self'; base-uri 'self'; font-src 'self' https: data:; form-action 'self'; \
         frame-ancestors 'self'; img-src 'self' data:; object-src 'none'; script-src 'self'; script-src-attr 'none'; \
         style-src 'self' https: 'unsafe-inline'; upgrade-insecure-requests",
        "strict-transport-security: max-age=31536000; includeSubDomains",
        "permissions-policy: geolocation=(), microphone=(), camera=()",
        "referrer-policy: strict-origin-when-cross-origin",
        "x-content-type-options: nosniff",
        "x-frame-options: SAMEORIGIN",
    ];
    assert_eq!(https("preset = \"balanced\""), expected);
    assert_eq!(https(""), expected, "balanced is the default");
}

#[test]
fn basic_sends_what_its_document_says() {
    let mut sent = https("preset = \"basic\"");
    sent.sort();
    let mut expected = [
        "cross-origin-opener-policy: same-origin",
        "cross-origin-resource-policy: same-origin",
        "content-security-policy: default-src 'self'; base-uri 'self'; font-src 'self' https: data:; form-action 'self'; \
         frame-ancestors 'self'; img-src 'self' data:; object-src 'none'; script-src 'self'; script-src-attr 'none'; \
         style-src 'self' https: 'unsafe-inline'; upgrade-insecure-requests",
        "strict-transport-security: max-age=31536000; includeSubDomains",
        "referrer-policy: no-referrer",
        "x-content-type-options: nosniff",
        "x-frame-options: SAMEORIGIN",
        "x-permitted-cross-domain-policies: none",
        "x-dns-prefetch-control: off",
        "origin-agent-cluster: ?1",
        "x-download-options: noopen",
        "x-xss-protection: 0",
    ];
    expected.sort();
    assert_eq!(sent, expected);
}

#[test]
fn strict_sends_what_its_document_says() {
    let expected = [
        "cache-control: no-store, max-age=0",
        "cross-origin-embedder-policy: require-corp",
        "cross-origin-opener-policy: same-origin",
        "content-security-policy: default-src 'self'; script-src 'self'; style-src 'self'; object-src 'none'; \
         base-uri 'none'; frame-ancestors 'none'",
        "strict-transport-security: max-age=63072000; includeSubDomains",
        "permissions-policy: geolocation=(), microphone=(), camera=()",
        "referrer-policy: no-referrer",
        "x-content-type-options: nosniff",
        "x-frame-options: DENY",
    ];
    assert_eq!(https("preset = \"strict\""), expected);
}

#[test]
fn api_is_data_only_and_in_no_cache_unless_the_application_says_so() {
    let engine = read("preset = \"api\"").expect("valid");
    let plain = exchange(&engine, "/", true, &[]);
    assert!(plain.contains(
        &"content-security-policy: default-src 'none'; frame-ancestors 'none'".to_owned()
    ));
    assert!(plain.contains(&"cache-control: no-store".to_owned()));
    let chosen = exchange(&engine, "/", true, &[("cache-control", "max-age=60")]);
    assert!(chosen.contains(&"cache-control: max-age=60".to_owned()));
}

#[test]
fn server_and_x_powered_by_go() {
    let engine = read("headers.x-powered-by = { mode = \"remove\" }").expect("valid");
    let sent = exchange(
        &engine,
        "/",
        true,
        &[("server", "app/1"), ("x-powered-by", "PHP/5")],
    );
    assert!(
        !sent
            .iter()
            .any(|line| line.starts_with("server:") || line.starts_with("x-powered-by:")),
        "{sent:?}"
    );
}

#[test]
fn every_preset_and_overlay_compiles_without_a_warning() {
    for preset in Preset::ALL {
        let loaded = Config::preset(*preset)
            .load(Some(Environment::Production))
            .expect("valid");
        assert!(
            loaded.warnings.diagnostics().is_empty(),
            "{preset}: {}",
            loaded.warnings
        );
    }
    for overlay in mantlet_config::Overlay::ALL {
        let text = format!(
            "[[route]]\npath = \"/x\"\noverlay = \"{}\"",
            overlay.as_str()
        );
        let lines = sent(&text, "/x", true);
        assert_ne!(lines, sent(&text, "/", true));
        // what the overlay does not name stays
        let all = lines.join("\n");
        assert!(all.contains("frame-ancestors 'self'"), "{all}");
        assert!(all.contains("upgrade-insecure-requests"), "{all}");
        assert!(all.contains("x-frame-options: SAMEORIGIN"), "{all}");
    }
}

#[test]
fn hsts_and_upgrades_need_https_and_production() {
    let plain = sent("", "/", false).join("\n");
    assert!(
        !plain.contains("strict-transport-security")
            && !plain.contains("upgrade-insecure-requests"),
        "{plain}"
    );
    let development = sent("environment = \"development\"", "/", true).join("\n");
    assert!(
        !development.contains("strict-transport-security"),
        "{development}"
    );
    assert!(
        !development.contains("upgrade-insecure-requests"),
        "{development}"
    );
    assert!(
        development.contains("content-security-policy"),
        "{development}"
    );
}

#[test]
fn a_key_replaces_add_extends_and_false_drops() {
    let csp = |text: &str| {
        let lines = https(text);
        lines
            .iter()
            .find_map(|line| {
                line.strip_prefix("content-security-policy: ")
                    .map(str::to_owned)
            })
            .expect("a CSP")
    };
    assert!(csp("[csp]\nimg-src = [\"'none'\"]").contains("img-src 'none';"));
    let added = csp("[csp]\nimg-src = { add = [\"https://cdn.example.com\"] }");
    assert!(
        added.contains("img-src 'self' data: https://cdn.example.com;"),
        "{added}"
    );
    assert!(!csp("[csp]\nimg-src = false").contains("img-src"));
    let fallen_back = csp("[csp]\nconnect-src = { add = [\"https://api.example.com\"] }");
    assert!(
        fallen_back.contains("connect-src 'self' https://api.example.com"),
        "{fallen_back}"
    );
    let own = csp(
        "[csp]\nimg-src = false\nconnect-src = { add = [\"https://a.example\"] }\ndefault-src = [\"https://b.example\"]",
    );
    assert!(
        own.contains("connect-src https://b.example https://a.example"),
        "{own}"
    );
    let opened = csp("[csp]\nobject-src = { add = [\"'self'\"] }");
    assert!(opened.contains("object-src 'self';"), "{opened}");
    assert!(csp("[csp]\nscript-src = []").contains("script-src 'none';"));
}

#[test]
fn several_policies_are_one_field_and_replace_the_preset() {
    let text = "[[csp]]\ndefault-src = [\"'self'\"]\n[[csp]]\nscript-src = [\"https:\"]";
    let lines = https(text);
    assert!(
        lines
            .contains(&"content-security-policy: default-src 'self', script-src https:".to_owned()),
        "{lines:?}"
    );
}

#[test]
fn the_header_by_its_own_name_takes_the_place_of_the_table() {
    let lines = https("headers.content-security-policy = \"default-src 'none'\"");
    assert!(
        lines.contains(&"content-security-policy: default-src 'none'".to_owned()),
        "{lines:?}"
    );
    let both =
        errors("csp.img-src = [\"*\"]\nheaders.content-security-policy = \"default-src 'none'\"");
    assert!(both[0].contains("one header has one place"), "{both:?}");
}

#[test]
fn the_application_keeps_its_own_policy_beside_ours() {
    let engine = read("").expect("valid");
    let lines = exchange(
        &engine,
        "/",
        true,
        &[("content-security-policy", "img-src *")],
    );
    assert_eq!(
        lines
            .iter()
            .filter(|line| line.starts_with("content-security-policy:"))
            .count(),
        2
    );
}

#[test]
fn modes_say_how_a_field_meets_the_applications() {
    let with = |mode: &str| {
        let engine = read(&format!(
            "headers.referrer-policy = {{ mode = \"{mode}\" }}"
        ))
        .expect("valid");
        let lines = exchange(&engine, "/", true, &[("referrer-policy", "origin")]);
        lines
            .into_iter()
            .filter(|line| line.starts_with("referrer-policy"))
            .collect::<Vec<_>>()
            .join(" | ")
    };
    assert_eq!(
        with("override"),
        "referrer-policy: strict-origin-when-cross-origin"
    );
    assert_eq!(with("if_missing"), "referrer-policy: origin");
    assert_eq!(with("remove"), "");
    assert_eq!(with("off"), "referrer-policy: origin");
}

#[test]
fn false_leaves_a_header_alone() {
    let engine = read("headers.referrer-policy = false").expect("valid");
    let lines = exchange(&engine, "/", true, &[("referrer-policy", "origin")]);
    assert!(
        lines.contains(&"referrer-policy: origin".to_owned()),
        "{lines:?}"
    );
}

#[test]
fn x_frame_options_follows_frame_ancestors_unless_set() {
    let frame = |text: &str| {
        https(text)
            .into_iter()
            .find(|line| line.starts_with("x-frame-options"))
    };
    assert_eq!(
        frame("csp.frame-ancestors = [\"'none'\"]").as_deref(),
        Some("x-frame-options: DENY")
    );
    assert_eq!(frame("csp.frame-ancestors = [\"https://a.example\"]"), None);
    assert_eq!(
        frame("preset = \"none\"\ncsp.frame-ancestors = [\"'self'\"]").as_deref(),
        Some("x-frame-options: SAMEORIGIN")
    );
    // what says nothing of frames leaves the field to the preset
    for text in [
        "csp = false",
        "[[csp]]\ndefault-src = [\"'self'\"]",
        "headers.content-security-policy = \"default-src 'self'\"",
        "csp_report_only.frame-ancestors = [\"'none'\"]\ncsp_report_only.report-uri = [\"/r\"]",
    ] {
        assert_eq!(
            frame(text).as_deref(),
            Some("x-frame-options: SAMEORIGIN"),
            "{text}"
        );
    }
    for text in [
        "[[csp]]\ndefault-src = [\"'self'\"]\n[[csp]]\nframe-ancestors = [\"'none'\"]",
        "headers.content-security-policy = \"frame-ancestors 'none'\"",
    ] {
        assert_eq!(
            frame(text).as_deref(),
            Some("x-frame-options: DENY"),
            "{text}"
        );
    }
    let conflict = errors("headers.x-frame-options = \"DENY\"");
    assert!(
        conflict[0]
            .starts_with("mantlet.toml:1:9: error: headers.x-frame-options: DENY contradicts"),
        "{conflict:?}"
    );
}

#[test]
fn routes_claim_whole_segments_and_html_comes_over_any() {
    let text = r#"
        [[route]]
        path = "/app"
        headers.referrer-policy = "no-referrer"
        [[route]]
        path = "/app"
        content_type = "html"
        headers.x-robots-tag = "noindex"
    "#;
    let engine = read(text).expect("valid");
    let lines = |path: &str, content: &str| {
        exchange(&engine, path, true, &[("content-type", content)]).join("\n")
    };
    assert!(lines("/app/x", "text/html; charset=utf-8").contains("x-robots-tag: noindex"));
    assert!(lines("/app/x", "text/html").contains("referrer-policy: no-referrer"));
    assert!(!lines("/app/x", "image/png").contains("x-robots-tag"));
    assert!(lines("/app/x", "image/png").contains("referrer-policy: no-referrer"));
    assert!(!lines("/apple", "text/html").contains("x-robots-tag"));
    assert!(!lines("/app/../x", "text/html").contains("x-robots-tag"));
}

#[test]
fn a_nonce_page_is_kept_by_no_shared_cache() {
    let text = "csp.script-src = [\"'nonce'\"]";
    let lines = https(text).join("\n");
    assert!(lines.contains("script-src 'nonce-"), "{lines}");
    assert!(lines.contains("cache-control: private"), "{lines}");
    let warned = Config::read(&Source::new(
        "x",
        format!("{text}\nheaders.cache-control = \"public\""),
    ));
    let loaded = warned
        .expect("valid")
        .0
        .load(Some(Environment::Production))
        .expect("valid");
    assert!(
        loaded.warnings.to_string().contains("shared caches"),
        "{}",
        loaded.warnings
    );
}

#[test]
fn a_source_of_randomness_can_be_given() {
    struct Pinned;
    impl Entropy for Pinned {
        fn fill(&self, bytes: &mut [u8]) -> Result<(), EntropyError> {
            bytes.fill(0);
            Ok(())
        }
    }
    let engine = Config::preset(Preset::None)
        .csp("script-src", ["'nonce'"])
        .build_with(Pinned)
        .expect("valid");
    let lines = exchange(&engine, "/", true, &[]);
    let expected = "content-security-policy: script-src 'nonce-AAAAAAAAAAAAAAAAAAAAAA'".to_owned();
    assert!(lines.contains(&expected), "{lines:?}");
}

#[test]
fn dictionaries_are_written_as_structured_fields() {
    let text = r#"
        [headers]
        permissions-policy = { camera = [], geolocation = ["self", "https://maps.example"], fullscreen = ["*"] }
        reporting-endpoints = { csp = "/reports" }
        clear-site-data = ["cookies", "storage"]
        referrer-policy = ["no-referrer", "strict-origin-when-cross-origin"]
        cache-control = { no-store = true, max-age = 0 }
        integrity-policy = { blocked-destinations = ["script"], endpoints = ["csp"] }
        origin-agent-cluster = true
        nel = { report_to = "csp", max_age = 86400 }
    "#;
    let lines = https(text).join("\n");
    for line in [
        "permissions-policy: camera=(), geolocation=(self \"https://maps.example\"), fullscreen=*",
        "reporting-endpoints: csp=\"/reports\"",
        "clear-site-data: \"cookies\", \"storage\"",
        "referrer-policy: no-referrer, strict-origin-when-cross-origin",
        "cache-control: no-store, max-age=0",
        "integrity-policy: blocked-destinations=(script), endpoints=(csp)",
        "origin-agent-cluster: ?1",
    ] {
        assert!(lines.contains(line), "{line} in\n{lines}");
    }
}

#[test]
fn add_extends_a_dictionary() {
    let lines = https("headers.permissions-policy = { add = { usb = [], camera = [\"self\"] } }")
        .join("\n");
    assert!(
        lines.contains("permissions-policy: geolocation=(), microphone=(), camera=(self), usb=()"),
        "{lines}"
    );
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
        (3, "no network"),
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
fn code_means_what_the_file_means() {
    let code = Config::preset(Preset::Strict)
        .csp_add("img-src", ["https://cdn.example.com"])
        .csp_drop("base-uri")
        .header(mantlet_headers::Hsts::new(600))
        .header_mode("referrer-policy", Mode::IfMissing)
        .build()
        .expect("valid");
    let file = r#"
        preset = "strict"
        [csp]
        img-src = { add = ["https://cdn.example.com"] }
        base-uri = false
        [headers]
        strict-transport-security = "max-age=600"
        referrer-policy = { mode = "if_missing" }
    "#;
    let file = read(file).expect("valid");
    assert_eq!(
        exchange(&code, "/", true, &[]),
        exchange(&file, "/", true, &[])
    );
}

#[test]
fn cookies_are_hardened_where_the_application_chose_nothing() {
    let text = r#"
        [cookies]
        secure = true
        httponly = true
        samesite = "Lax"
        [cookies.exceptions.csrftoken]
        httponly = false
    "#;
    let engine = read(text).expect("valid");
    let before = [
        ("set-cookie", "id=1; Path=/"),
        ("set-cookie", "csrftoken=2; SameSite=Strict"),
    ];
    let cookies = |tls| {
        let lines = exchange(&engine, "/", tls, &before);
        lines
            .into_iter()
            .filter_map(|line| line.strip_prefix("set-cookie: ").map(str::to_owned))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        cookies(true),
        [
            "id=1; Path=/; Secure; HttpOnly; SameSite=Lax",
            "csrftoken=2; SameSite=Strict; Secure"
        ]
    );
    assert_eq!(
        cookies(false),
        [
            "id=1; Path=/; HttpOnly; SameSite=Lax",
            "csrftoken=2; SameSite=Strict"
        ]
    );
}

#[test]
fn https_redirect_keeps_path_query_and_method() {
    let engine = read("https = \"redirect\"").expect("valid");
    let mut fields = HeaderMap::new();
    fields.insert(header::HOST, HeaderValue::from_static("Example.com:8080"));
    for (method, status) in [
        (Method::GET, 301),
        (Method::HEAD, 301),
        (Method::POST, 308),
        (Method::PUT, 308),
    ] {
        let mut head = RequestHead::new(&method, b"/a", &fields);
        head.query = Some(b"b=c");
        let (Verdict::Deny(denial), _) = engine.on_request(&head) else {
            panic!("{method} went through")
        };
        assert_eq!(
            (denial.reason, denial.status.as_u16()),
            ("https.required", status)
        );
        assert_eq!(denial.location.expect("a way"), "https://example.com/a?b=c");
    }
    fields.append(header::HOST, HeaderValue::from_static("evil.example"));
    let (Verdict::Deny(denial), _) =
        engine.on_request(&RequestHead::new(&Method::GET, b"/", &fields))
    else {
        panic!("two hosts went through")
    };
    assert_eq!((denial.reason, denial.status.as_u16()), ("https.host", 400));
}

#[test]
fn only_a_trusted_peer_may_say_https() {
    let engine = read("trusted_proxies = [\"10.0.0.0/8\", \"::1\"]").expect("valid");
    let mut fields = HeaderMap::new();
    fields.insert("x-forwarded-proto", HeaderValue::from_static("http, https"));
    let secure = |peer: &str, fields: &HeaderMap| {
        let mut head = RequestHead::new(&Method::GET, b"/", fields);
        head.peer = Some(peer.parse().expect("an address"));
        engine.on_request(&head).1.is_secure()
    };
    assert!(secure("10.1.2.3", &fields));
    assert!(secure("::ffff:10.1.2.3", &fields));
    assert!(secure("::1", &fields));
    assert!(!secure("192.0.2.1", &fields));
    fields.insert("x-forwarded-proto", HeaderValue::from_static("https, http"));
    assert!(!secure("10.1.2.3", &fields));
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
fn a_table_is_not_merged_over_a_policy_written_as_text() {
    let text = r#"
        headers.content-security-policy = "default-src 'self'; frame-ancestors 'none'"
        [[route]]
        path = "/x"
        csp.img-src = { add = ["https://cdn.example"] }
    "#;
    assert!(errors(text)[0].contains("a text cannot be merged"));
}

#[test]
fn several_policies_are_one_field_of_one_mode() {
    let text = "[[csp]]\nmode = \"remove\"\nimg-src = []\n[[csp]]\nscript-src = []";
    assert!(errors(text)[0].contains("different modes"));
    for (text, line) in [
        (text, 2),
        ("[[csp]]\nimg-src = []\n[[csp]]\nmode = \"remove\"", 4),
        ("[[csp]]\nmode = \"remove\"\n[[csp]]\nmode = \"off\"", 4),
    ] {
        let found = errors(text);
        let place = format!("mantlet.toml:{line}:8: error: csp.mode");
        assert!(found[0].starts_with(&place), "{found:?}");
    }
}

/// The warnings of a text that is right.
fn warnings(text: &str) -> Vec<String> {
    let (config, read) = Config::read(&Source::new("mantlet.toml", text)).expect("valid");
    let loaded = config.load(Some(Environment::Production)).expect("valid");
    let all = read
        .diagnostics()
        .iter()
        .chain(loaded.warnings.diagnostics());
    all.map(ToString::to_string).collect()
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
        assert!(found[0].contains(".mod: is no key"), "{found:?}");
        assert!(found[0].ends_with("(did you mean mode?)"), "{found:?}");
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

/// The schema of a header's key.
fn header_schema(name: &str) -> serde_json::Value {
    let schema = mantlet_config::json_schema();
    schema["properties"]["headers"]["properties"][name].clone()
}

#[test]
fn the_schema_knows_the_form_of_each_header() {
    let types = |name: &str| {
        let schema = header_schema(name);
        let mut forms = vec![];
        let mut open = vec![&schema];
        while let Some(one) = open.pop() {
            forms.extend(one["type"].as_str().map(str::to_owned));
            forms.extend(one.get("const").map(ToString::to_string));
            open.extend(one["anyOf"].as_array().into_iter().flatten());
        }
        forms.sort();
        forms.join(" ")
    };
    // each has the table of settings
    assert_eq!(types("x-frame-options"), "false object string");
    assert_eq!(types("referrer-policy"), "array false object string");
    assert_eq!(types("origin-agent-cluster"), "false object string true");
    assert_eq!(types("permissions-policy"), "false object object string");
    let settings = &header_schema("x-frame-options")["anyOf"][0];
    assert_eq!(settings["additionalProperties"], false);
    assert_eq!(settings["properties"]["value"]["type"], "string");
    let table = &header_schema("permissions-policy")["anyOf"][1]["anyOf"][1];
    let settings = serde_json::json!(["value", "mode", "add", "danger"]);
    assert_eq!(table["propertyNames"]["not"]["enum"], settings);
}

#[test]
fn value_and_add_exclude_each_other() {
    let text = "headers.permissions-policy = { value = { camera = [] }, add = { usb = [] } }";
    assert!(errors(text)[0].contains("stands beside value"));
}

#[test]
fn code_over_several_policies_speaks_of_each() {
    let text = "[[csp]]\nimg-src = [\"'self'\"]\n[[csp]]\nimg-src = [\"https:\"]";
    let config = Config::read(&Source::new("x", text)).expect("valid").0;
    let engine = config
        .csp_add("img-src", ["https://cdn.example"])
        .build()
        .expect("valid");
    let lines = exchange(&engine, "/", true, &[]).join("\n");
    let both = "img-src 'self' https://cdn.example, img-src https: https://cdn.example";
    assert!(lines.contains(both), "{lines}");
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
