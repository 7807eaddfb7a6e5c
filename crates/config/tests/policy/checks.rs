//! Who may ask: what is refused at load, and that every key acts.

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use mantlet_config::{Config, Preset};
use mantlet_engine::policy::Disposition;
use mantlet_engine::{Engine, Form, RequestHead, Verdict};

use super::{errors, exchange, read};

/// A request under a policy: `allow`, or the reason of the denial.
fn verdict(engine: &Engine, method: &str, path: &str, fields: &[(&str, &str)]) -> &'static str {
    let method = Method::from_bytes(method.as_bytes()).expect("a method");
    let mut headers = HeaderMap::new();
    headers.insert("host", HeaderValue::from_static("example.com"));
    for (name, value) in fields {
        let name = HeaderName::from_bytes(name.as_bytes()).expect("a name");
        let value = HeaderValue::from_str(value).expect("a value");
        if name == "host" {
            headers.insert(name, value);
        } else {
            headers.append(name, value);
        }
    }
    let mut head = RequestHead::new(&method, path.as_bytes(), &headers);
    head.peer = Some([10, 0, 0, 1].into());
    match engine.on_request(&head).without_store().0 {
        Verdict::Allow(permit) if permit.reported().next().is_some() => "reported",
        Verdict::Allow(_) => "allow",
        Verdict::Deny(denial) => denial.reason,
        other => panic!("{other:?}"),
    }
}

fn judged(text: &str, method: &str, path: &str, fields: &[(&str, &str)]) -> &'static str {
    let engine = read(text).unwrap_or_else(|report| panic!("{report}"));
    verdict(&engine, method, path, fields)
}

const CROSS: &[(&str, &str)] = &[
    ("sec-fetch-site", "cross-site"),
    ("origin", "https://partner.example"),
];

#[test]
fn every_preset_but_none_protects() {
    for preset in Preset::ALL {
        let engine = Config::preset(*preset).build().expect("valid");
        let expected = match preset {
            Preset::None => "allow",
            _ => "origin.cross-site",
        };
        assert_eq!(verdict(&engine, "POST", "/", CROSS), expected, "{preset}");
        assert_eq!(verdict(&engine, "GET", "/", CROSS), "allow", "{preset}");
    }
}

#[test]
fn every_key_of_cross_origin_acts() {
    let post = |policy: &str, path: &str, fields: &[(&str, &str)]| {
        judged(&format!("[cross_origin]\n{policy}"), "POST", path, fields)
    };
    assert_eq!(post("", "/", CROSS), "origin.cross-site");
    assert_eq!(post("danger_off = true", "/", CROSS), "allow");
    assert_eq!(post("disposition = 'report'", "/", CROSS), "reported");
    let all = "disposition = 'report'\nenforce_percent = 100";
    assert_eq!(post(all, "/", CROSS), "origin.cross-site");
    let partner = "allowed_origins = ['https://Partner.example']";
    assert_eq!(post(partner, "/", CROSS), "allow");
    let exempt = "danger_exempt_paths = ['/hooks']";
    assert_eq!(post(exempt, "/hooks/x", CROSS), "allow");
    assert_eq!(post(exempt, "/hooks/../x", CROSS), "origin.cross-site");
    assert_eq!(post("", "/", &[]), "allow");
    let closed = "allow_unverifiable_requests = false";
    assert_eq!(post(closed, "/", &[]), "origin.unverifiable");
    let own = "self_origins = ['https://app.example']";
    let from = |origin| [("origin", origin)];
    assert_eq!(post(own, "/", &from("https://app.example")), "allow");
    assert_eq!(post(own, "/", &from("http://app.example")), "origin.scheme");
    assert_eq!(
        post(own, "/", &from("https://example.com")),
        "origin.foreign"
    );

    let get = |policy: &str, more: (&str, &str)| {
        let fields = [CROSS, &[more]].concat();
        judged(&format!("[cross_origin]\n{policy}"), "GET", "/", &fields)
    };
    let upgrade = ("upgrade", "websocket");
    assert_eq!(get("", upgrade), "origin.cross-site");
    assert_eq!(get("protect_websockets = false", upgrade), "allow");
    let delete = ("x-http-method-override", "DELETE");
    assert_eq!(get("", delete), "allow");
    let listed = "method_override = ['X-HTTP-Method-Override']";
    assert_eq!(get(listed, delete), "origin.cross-site");
}

#[test]
fn an_origin_that_can_never_match_is_refused_where_it_stands() {
    for (origin, words) in [
        ("partner.example", "a scheme and a host"),
        ("https://", "empty"),
        ("https://partner.example/", "no path"),
        ("https://partner.example/x", "no path"),
        ("https://partner.example?x", "no path"),
        ("https://partner.example#x", "no path"),
        ("https://u@partner.example", "user information"),
        ("https://partner.example:443", "leave out the port"),
        ("http://partner.example:80", "leave out the port"),
        ("https://partner.example:bogus", "port"),
        ("https://partner.example:99999", "port"),
        ("https://*.partner.example", "letters, digits"),
        ("https://p\u{e4}rtner.example", "xn--"),
        ("ftp://partner.example", "http or https"),
        ("http://[::1", "bracket"),
        ("*", "not origins"),
        ("null", "not origins"),
    ] {
        for key in ["allowed_origins", "self_origins"] {
            let found = errors(&format!("[cross_origin]\n{key} = [\"{origin}\"]\n")).join("\n");
            assert!(found.starts_with("mantlet.toml:2:"), "{origin}: {found}");
            assert!(found.contains(words), "{origin}: {found}");
        }
    }
}

#[test]
fn what_can_never_act_is_refused() {
    for (text, words) in [
        (
            "cross_origin.danger_exempt_paths = ['hooks']",
            "starts with /",
        ),
        ("cross_origin.danger_exempt_paths = ['']", "starts with /"),
        (
            "cross_origin.danger_exempt_paths = ['/a/../b']",
            "normal form",
        ),
        ("cross_origin.danger_exempt_paths = ['/a?b']", "no query"),
        ("cross_origin.danger_exempt_paths = ['/a/*']", "no wildcard"),
        (
            "cross_origin.method_override = ['x override']",
            "field name",
        ),
        (
            "cross_origin.enforce_percent = 10",
            "disposition = \"report\"",
        ),
        (
            "cross_origin.disposition = 'report'\ncross_origin.enforce_percent = 101",
            "0 to 100",
        ),
        ("cross_origin = false", "a table"),
        ("cross_origin.exempt_paths = ['/x']", "danger_exempt_paths"),
        ("hosts.allowed = []", "names no host"),
        ("[hosts]", "is missing"),
        ("hosts.allowed = ['https://example.com']", "no scheme"),
        ("hosts.allowed = ['*.*.example.com']", "whole labels"),
        ("hosts.allowed = ['example.com/x']", "hosts.allowed"),
        ("client_address = 'forwarded'", "trusted_proxies"),
        (
            "client_address = 'host'\ntrusted_proxies = ['10.0.0.1']",
            "no field that tells",
        ),
        (
            "client_address = 'a b'\ntrusted_proxies = ['10.0.0.1']",
            "field name",
        ),
        (
            "client_address = 'proxy_protocol'\ntrusted_proxies = ['10.0.0.1']",
            "no field that tells",
        ),
        (
            "client_address = 'sec-fetch-site'\ntrusted_proxies = ['10.0.0.1']",
            "no field that tells",
        ),
        ("trusted_proxies = ['0.0.0.0/0']", "is everybody"),
        ("trusted_proxies = ['::/0']", "is everybody"),
        (
            "cross_origin.allowed_origins = ['https://[0:0::1]']",
            "[::1]",
        ),
        ("max_field_size.cookie = 10", "256 to 65535"),
        ("max_field_size.other = 'a'", "a whole number"),
        ("cross_origin.denial = { status = 200 }", "400 to 599"),
        (
            "cross_origin.denial = { content_type = 'text/html' }",
            "there is no body",
        ),
        (
            "cross_origin.denial = { body = 'x', content_type = \"a\\nb\" }",
            "content_type",
        ),
        ("resource_isolation = 1", "true or false"),
        (
            "cross_origin_isolation.embedder = 'unsafe-none'",
            "is not one of",
        ),
        (
            "cross_origin_isolation = true\nheaders.cross-origin-opener-policy = 'same-origin'",
            "one place",
        ),
        (
            "cache.by_type = { image = 'no-store' }",
            "a kind and a name",
        ),
        ("cache.by_type = { 'image/*' = 'no-stor' }", "cache.by_type"),
        (
            "preset = 'strict'\ncache.by_type = { 'image/*' = 'no-store' }",
            "default = \"no-store\"",
        ),
        (
            "cache.by_type = { 'image/*' = 'no-store' }\nheaders.cache-control = 'private'",
            "one place",
        ),
        (
            "[[route]]\npath = '/a'\ncontent_type = 'html'\ndanger_any_host = true",
            "without content_type",
        ),
        (
            "[[route]]\npath = '/a'\ncontent_type = 'html'\nresource_isolation = true",
            "without content_type",
        ),
        (
            "[[route]]\npath = '/a'\ncross_origin.disposition = 'report'",
            "stands at the root",
        ),
        (
            "[[route]]\npath = '/a'\nhosts.allowed = ['a']",
            "stands at the root",
        ),
    ] {
        let found = errors(text).join("\n");
        assert!(found.contains(words), "{text}: {found}");
        assert!(found.starts_with("mantlet.toml:"), "{text}: {found}");
    }
}

#[test]
fn every_key_of_hosts_acts_and_development_takes_any() {
    let text = "[hosts]\nallowed = ['www.example.com']\n";
    let host = |policy: &str, host| judged(policy, "GET", "/", &[("host", host)]);
    assert_eq!(host(text, "www.example.com:8080"), "allow");
    assert_eq!(host(text, "example.com"), "host.unknown");
    let redirect = format!("{text}www_redirect = true\n");
    assert_eq!(host(&redirect, "example.com"), "host.redirect");
    let probe = format!("{text}[[route]]\npath = '/'\ndanger_any_host = true\n");
    assert_eq!(host(&probe, "10.0.0.7"), "allow");
    let development = format!("environment = 'development'\n{text}");
    assert_eq!(host(&development, "evil.example"), "allow");
    assert_eq!(host(&development, "evil..example"), "host.malformed");
}

#[test]
fn every_key_of_resource_isolation_acts_and_a_route_can_drop_it() {
    let fetched = |site, mode, dest| {
        [
            ("sec-fetch-site", site),
            ("sec-fetch-mode", mode),
            ("sec-fetch-dest", dest),
        ]
    };
    let get = |policy: &str, fields: &[(&str, &str)]| judged(policy, "GET", "/a", fields);
    let image = fetched("cross-site", "no-cors", "image");
    let near = fetched("same-site", "no-cors", "image");
    let cors = fetched("cross-site", "cors", "empty");
    let frame = fetched("cross-site", "navigate", "iframe");
    let on = "[resource_isolation]\n";
    assert_eq!(get("", &image), "allow");
    assert_eq!(
        get("resource_isolation = true", &image),
        "isolation.embedded"
    );
    assert_eq!(
        get(&format!("{on}disposition = 'report'"), &image),
        "reported"
    );
    assert_eq!(get(on, &near), "allow");
    let strict = format!("{on}allow_same_site = false");
    assert_eq!(get(&strict, &near), "isolation.same-site");
    assert_eq!(get(on, &cors), "isolation.cors");
    assert_eq!(get(&format!("{on}allow_cors = true"), &cors), "allow");
    assert_eq!(get(on, &frame), "allow");
    let unframed = format!("{on}allow_framing = false");
    assert_eq!(get(&unframed, &frame), "isolation.framed");
    let route = "[[route]]\npath = '/a'\nresource_isolation = ";
    assert_eq!(get(&format!("{on}{route}false"), &image), "allow");
    assert_eq!(get(&format!("{route}true"), &image), "isolation.embedded");
    let merged = format!("{strict}\n{route}{{ allow_cors = true }}");
    assert_eq!(get(&merged, &cors), "allow");
    assert_eq!(get(&merged, &near), "isolation.same-site");
}

#[test]
fn a_denial_of_ones_own_is_sent_and_the_sizes_are_settable() {
    let text = "tell_reason = true\n[max_field_size]\ntoken = 256\ncookie = 300\nother = 400\n\
                [cross_origin]\ndenial = { status = 404, body = 'Nothing here.' }\n";
    let engine = read(text).expect("valid");
    let long = |n| "a".repeat(n);
    for (name, allowed) in [("authorization", 256), ("cookie", 300)] {
        let sent = |n: usize| verdict(&engine, "GET", "/", &[(name, &long(n))]);
        assert_eq!(
            (sent(allowed), sent(allowed + 1)),
            ("allow", "field.too-large")
        );
    }
    let origin = |n: usize| verdict(&engine, "POST", "/", &[("origin", &long(n))]);
    assert_eq!(origin(400), "origin.malformed");
    assert_eq!(origin(401), "field.too-large");

    let mut headers = HeaderMap::new();
    headers.insert("sec-fetch-site", HeaderValue::from_static("cross-site"));
    let (verdict, exchange) = engine
        .on_request(&RequestHead::new(&Method::POST, b"/", &headers))
        .without_store();
    let Verdict::Deny(denial) = verdict else {
        panic!("{verdict:?}")
    };
    let reply = exchange.reply(&denial, &Method::POST, Form::Html);
    assert_eq!(
        (reply.status.as_u16(), &*reply.body),
        (404, "Nothing here.")
    );
    assert_eq!(reply.headers["content-type"], "text/plain; charset=utf-8");
    assert_eq!(reply.headers["mantlet-reason"], "origin.cross-site");
    assert_eq!(reply.headers["cache-control"], "no-store");
}

#[test]
fn isolation_headers_give_way_to_the_application() {
    let text =
        "preset = 'none'\ncross_origin_isolation = { embedder = 'credentialless', opener = false }";
    let engine = read(text).expect("valid");
    assert_eq!(
        exchange(&engine, "/", true, &[]),
        [
            "cross-origin-embedder-policy: credentialless",
            "cross-origin-resource-policy: same-site"
        ]
    );
    let own = [("cross-origin-embedder-policy", "unsafe-none")];
    assert_eq!(
        exchange(&engine, "/", true, &own),
        [
            "cross-origin-embedder-policy: unsafe-none",
            "cross-origin-resource-policy: same-site"
        ]
    );
    let text =
        "cross_origin_isolation = true\n[[route]]\npath = '/open'\ncross_origin_isolation = false";
    let engine = read(text).expect("valid");
    let isolated = |path| exchange(&engine, path, true, &[]).join("\n");
    assert!(isolated("/").contains("cross-origin-resource-policy: same-site"));
    assert!(
        !isolated("/open").contains("cross-origin-"),
        "{}",
        isolated("/open")
    );
}

#[test]
fn a_type_of_response_has_its_own_default_of_cache_control() {
    let text = "preset = 'none'\n[cache]\ndefault = 'no-store'\n\
                by_type = { 'image/*' = 'max-age=60', 'image/svg+xml' = 'max-age=5' }";
    let engine = read(text).expect("valid");
    let kept = |fields: &[(&str, &str)]| {
        let lines = exchange(&engine, "/", true, fields);
        let own = lines
            .into_iter()
            .find_map(|line| Some(line.strip_prefix("cache-control: ")?.to_owned()));
        own.unwrap_or_default()
    };
    let of = |media| kept(&[("content-type", media)]);
    assert_eq!(of("image/png"), "max-age=60");
    assert_eq!(of("IMAGE/SVG+XML; charset=utf-8"), "max-age=5");
    assert_eq!(of("text/html"), "no-store");
    assert_eq!(kept(&[("expires", "0")]), "");
    let expires = ("expires", "Thu, 01 Jan 2032 00:00:00 GMT");
    assert_eq!(
        kept(&[("content-type", "image/png"), ("cache-control", "private")]),
        "private"
    );
    assert_eq!(kept(&[("content-type", "image/png"), expires]), "");
}

#[test]
fn a_network_of_ipv4_in_ipv6_clothes_is_the_ipv4_network_and_a_default_size_is_a_size() {
    let text = "trusted_proxies = ['::ffff:10.0.0.0/104']\nhosts.allowed = ['example.com']\n";
    let told = [("x-forwarded-host", "evil.example")];
    assert_eq!(judged(text, "GET", "/", &told), "host.unknown");
    let text = "preset = 'none'\nmax_field_size.cookie = 16384\n";
    let cookie = "a".repeat(16385);
    assert_eq!(
        judged(text, "GET", "/", &[("cookie", &cookie)]),
        "field.too-large"
    );
}

#[test]
fn code_says_it_as_a_file_does() {
    let config = Config::new()
        .hosts(["example.com"])
        .trusted_proxies(["10.0.0.0/8".parse().expect("a network")])
        .client_address("forwarded")
        .allowed_origins(["https://partner.example"])
        .danger_exempt_paths(["/hooks"])
        .tell_reason(true);
    let engine = config.build().expect("valid");
    assert_eq!(verdict(&engine, "POST", "/", CROSS), "allow");
    assert_eq!(
        verdict(&engine, "GET", "/", &[("host", "a.example")]),
        "host.unknown"
    );
    let told = [("forwarded", "for=192.0.2.1;host=evil.example")];
    assert_eq!(verdict(&engine, "GET", "/", &told), "host.unknown");
    let report = Disposition::Report { enforce_percent: 0 };
    let engine = Config::preset(Preset::None)
        .cross_origin(report)
        .build()
        .expect("valid");
    assert_eq!(verdict(&engine, "POST", "/", CROSS), "reported");
    let off = Config::new()
        .danger_cross_origin_off()
        .build()
        .expect("valid");
    assert_eq!(verdict(&off, "POST", "/", CROSS), "allow");
    let own = Config::new()
        .self_origins(["https://example.com"])
        .build()
        .expect("valid");
    assert_eq!(
        verdict(&own, "POST", "/", &[("origin", "http://example.com")]),
        "origin.scheme"
    );
    let bad = Config::new().hosts(["a/b"]).build().expect_err("wrong");
    assert!(bad.to_string().contains("hosts.allowed"), "{bad}");
}
