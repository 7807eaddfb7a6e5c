//! Call one asks the heap for nothing: neither the checks nor the exchange, whose policy is shared.

#![allow(clippy::expect_used)]

use std::sync::Arc;
use std::time::Duration;

use allocation_counter::measure;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use mantlet_engine::policy::{
    Answer, Checks, ClientAddress, Counting, CrossOrigin, Disposition, Hosts, Https, Limit, Policy,
    ResourceIsolation, Rules, Scoped,
};
use mantlet_engine::route::RoutePath;
use mantlet_engine::{Engine, OsEntropy, RequestHead, Verdict};
use mantlet_limit::{Algorithm, Quota, Rule};

/// Every check, routes and an exemption, behind a proxy.
fn policy() -> Policy {
    let mut policy = Policy::new(Scoped::any(Rules::default()));
    let answer = Arc::new(Answer {
        status: None,
        body: Some((HeaderValue::from_static("text/plain"), "no".to_owned())),
    });
    policy.trusted_proxies = vec!["10.0.0.0/8".parse().expect("a network")];
    let allowed = ["example.com", "*.example.com", "[::1]"];
    policy.hosts = Some(Hosts {
        allowed: allowed.map(|host| host.parse().expect("a host")).into(),
        www_redirect: false,
        answer: Some(Arc::clone(&answer)),
    });
    policy.cross_origin = Some(CrossOrigin {
        allowed_origins: vec!["https://partner.example".parse().expect("an origin")],
        exempt_paths: vec![RoutePath::new("/hooks").expect("a path")],
        method_override: vec![HeaderName::from_static("x-http-method-override")],
        answer: Some(answer),
        ..CrossOrigin::default()
    });
    policy.root.checks.resource_isolation = Some(ResourceIsolation::default());
    for path in ["/docs", "/docs/api", "/healthz"] {
        let mut scoped = Scoped::any(Rules::default());
        scoped.checks = Checks {
            any_host: true,
            resource_isolation: Some(ResourceIsolation::default()),
        };
        let path = RoutePath::new(path).expect("a path");
        policy.routes.push((path, scoped));
    }
    policy
}

/// What a browser sends, and what a proxy in front adds.
fn browser(own: &[(&'static str, &'static str)]) -> HeaderMap {
    let common = [
        ("host", "app.example.com"),
        ("user-agent", "Mozilla/5.0 (X11; Linux x86_64)"),
        ("accept", "text/html,*/*;q=0.8"),
        ("accept-language", "en-GB,en;q=0.9"),
        ("accept-encoding", "gzip, deflate, br, zstd"),
        (
            "cookie",
            "session=6f1ed002ab5595859014ebf0951522d9; theme=dark",
        ),
        ("sec-fetch-mode", "navigate"),
        ("sec-fetch-dest", "document"),
        ("x-forwarded-for", "203.0.113.7, 10.0.0.2"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", "app.example.com"),
    ];
    let fields = common.iter().chain(own);
    fields
        .map(|&(name, value)| {
            let name = HeaderName::from_static(name);
            (name, HeaderValue::from_static(value))
        })
        .collect()
}

/// How often a verdict and its exchange ask the heap, and the reason if it is a denial.
fn asked(engine: &Engine, method: &Method, path: &str, fields: &HeaderMap) -> (u64, &'static str) {
    let mut head = RequestHead::new(method, path.as_bytes(), fields);
    head.peer = Some([10, 0, 0, 1].into());
    let mut answer = None;
    let info = measure(|| answer = Some(engine.on_request(&head).without_store()));
    match answer {
        Some((Verdict::Deny(denial), _)) => (info.count_total, denial.reason),
        _ => (info.count_total, ""),
    }
}

#[test]
fn the_counter_counts() {
    assert_eq!(measure(|| drop(vec![1u8; 8])).count_total, 1);
}

#[test]
fn a_get_asks_the_heap_for_nothing() {
    let engine = Engine::new(policy(), OsEntropy);
    for site in ["same-origin", "same-site", "cross-site", "none"] {
        let fields = browser(&[("sec-fetch-site", site)]);
        for path in [
            "/",
            "/docs/api/pets",
            "/healthz",
            "/hooks/stripe",
            "/a/../b",
        ] {
            let found = asked(&engine, &Method::GET, path, &fields);
            assert_eq!(found, (0, ""), "{site} {path}");
        }
    }
}

#[test]
fn a_post_asks_the_heap_for_nothing() {
    let engine = Engine::new(policy(), OsEntropy);
    for own in [
        &[("sec-fetch-site", "same-origin")][..],
        &[
            ("sec-fetch-site", "same-origin"),
            ("origin", "https://app.example.com"),
        ],
        &[("origin", "https://app.example.com")],
        &[
            ("sec-fetch-site", "cross-site"),
            ("origin", "https://partner.example"),
        ],
        &[],
    ] {
        for path in ["/", "/docs/api/pets", "/hooks/stripe"] {
            let found = asked(&engine, &Method::POST, path, &browser(own));
            assert_eq!(found, (0, ""), "{own:?} {path}");
        }
    }
}

#[test]
fn a_denial_asks_the_heap_for_nothing() {
    let engine = Engine::new(policy(), OsEntropy);
    for (own, reason) in [
        (&[("sec-fetch-site", "cross-site")][..], "origin.cross-site"),
        (&[("sec-fetch-site", "same-site")], "origin.same-site"),
        (&[("origin", "https://evil.example")], "origin.foreign"),
        (&[("origin", "null")], "origin.null"),
        (&[("x-forwarded-host", "evil.example")], "host.unknown"),
    ] {
        let found = asked(&engine, &Method::POST, "/", &browser(own));
        assert_eq!(found, (0, reason), "{own:?}");
    }
}

#[test]
fn a_report_asks_the_heap_for_nothing() {
    let mut policy = policy();
    let report = Disposition::Report { enforce_percent: 0 };
    policy.cross_origin.as_mut().expect("it is on").disposition = report;
    policy.root.checks.resource_isolation = None;
    let engine = Engine::new(policy, OsEntropy);
    let fields = browser(&[("sec-fetch-site", "cross-site")]);
    assert_eq!(asked(&engine, &Method::POST, "/", &fields), (0, ""));
}

/// Forwarded is not among them: its element, with quoted strings and escapes, is read into one of our own.
#[test]
fn a_client_told_by_a_proxy_asks_the_heap_for_nothing() {
    let fields = browser(&[
        ("sec-fetch-site", "same-origin"),
        ("cf-connecting-ip", "203.0.113.7"),
    ]);
    for source in [
        ClientAddress::XForwardedFor,
        ClientAddress::ProxyProtocol,
        ClientAddress::Field(HeaderName::from_static("cf-connecting-ip")),
    ] {
        let mut policy = policy();
        policy.client_address = source.clone();
        policy.https = match source {
            ClientAddress::ProxyProtocol => Https::Assume,
            _ => Https::Redirect,
        };
        let engine = Engine::new(policy, OsEntropy);
        let found = asked(&engine, &Method::GET, "/docs", &fields);
        assert_eq!(found, (0, ""), "{source:?}");
    }
}

/// The list of what the limits said, and what the permit and the exchange share of it: however many limits there are, up to four.
#[test]
fn a_request_within_limits_of_this_process_asks_the_heap_twice() {
    for number in [1, 4] {
        let mut policy = policy();
        policy.limits = (0..number)
            .map(|name| {
                let quota = Quota::new(1_000, Duration::from_secs(60)).expect("a quota");
                let rule = Rule::new(quota, Algorithm::TokenBucket).expect("a rule");
                Limit::new(format!("limit-{name}"), Counting::Requests(rule))
            })
            .collect();
        let engine = Engine::new(policy, OsEntropy);
        let fields = browser(&[("sec-fetch-site", "same-origin")]);
        // the first request takes the tables' memory
        asked(&engine, &Method::GET, "/", &fields);
        for path in ["/", "/docs/api/pets"] {
            assert_eq!(asked(&engine, &Method::GET, path, &fields), (2, ""));
        }
    }
}

/// What is not as browsers write it costs a copy: a name in upper case, a path with an escape.
#[test]
fn a_value_that_has_to_be_rewritten_is_copied_once() {
    let engine = Engine::new(policy(), OsEntropy);
    let fields = browser(&[("sec-fetch-site", "same-origin")]);
    assert_eq!(asked(&engine, &Method::GET, "/d%6Fcs", &fields), (1, ""));
    let mut fields = browser(&[("origin", "https://app.example.com")]);
    fields.remove("x-forwarded-host");
    fields.insert("host", HeaderValue::from_static("APP.example.com"));
    assert_eq!(asked(&engine, &Method::POST, "/", &fields), (1, ""));
}
