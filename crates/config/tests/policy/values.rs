//! Values in their TOML forms, cookies, nonces and transport.

use http::{HeaderMap, HeaderValue, Method, header};
use mantlet_config::{Config, Environment, Preset, Source};
use mantlet_engine::{Entropy, EntropyError, RequestHead, Verdict};

use super::{exchange, https, read};

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
        let (Verdict::Deny(denial), _) = engine.on_request(&head).without_store() else {
            panic!("{method} went through")
        };
        assert_eq!(
            (denial.reason, denial.status.as_u16()),
            ("https.required", status)
        );
        assert_eq!(denial.location.expect("a way"), "https://example.com/a?b=c");
    }
    fields.append(header::HOST, HeaderValue::from_static("evil.example"));
    let (Verdict::Deny(denial), _) = engine
        .on_request(&RequestHead::new(&Method::GET, b"/", &fields))
        .without_store()
    else {
        panic!("two hosts went through")
    };
    assert_eq!(
        (denial.reason, denial.status.as_u16()),
        ("host.repeated", 400)
    );
}

#[test]
fn only_a_trusted_peer_may_say_https() {
    let engine = read("trusted_proxies = [\"10.0.0.0/8\", \"::1\"]").expect("valid");
    let mut fields = HeaderMap::new();
    fields.insert("x-forwarded-proto", HeaderValue::from_static("http, https"));
    let secure = |peer: &str, fields: &HeaderMap| {
        let mut head = RequestHead::new(&Method::GET, b"/", fields);
        head.peer = Some(peer.parse().expect("an address"));
        engine.on_request(&head).without_store().1.is_secure()
    };
    assert!(secure("10.1.2.3", &fields));
    assert!(secure("::ffff:10.1.2.3", &fields));
    assert!(secure("::1", &fields));
    assert!(!secure("192.0.2.1", &fields));
    fields.insert("x-forwarded-proto", HeaderValue::from_static("https, http"));
    assert!(!secure("10.1.2.3", &fields));
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
