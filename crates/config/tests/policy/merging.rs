//! One layer over another.

use mantlet_config::{Config, Mode, Preset, Source};

use super::{errors, exchange, https, read};

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
fn add_extends_a_dictionary() {
    let lines = https("headers.permissions-policy = { add = { usb = [], camera = [\"self\"] } }")
        .join("\n");
    assert!(
        lines.contains("permissions-policy: geolocation=(), microphone=(), camera=(self), usb=()"),
        "{lines}"
    );
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
fn what_is_no_table_cannot_be_extended() {
    let text = r#"
        headers.permissions-policy = "camera=()"
        [[route]]
        path = "/x"
        headers.permissions-policy = { add = { usb = [] } }
    "#;
    let found = errors(text);
    assert!(
        found[0].contains("only tables can be extended"),
        "{found:?}"
    );
}
