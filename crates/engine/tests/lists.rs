//! A host may keep the edits of a number: the same number means the same edits.

#![allow(clippy::expect_used)]

use std::collections::BTreeMap;

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use mantlet_engine::policy::{MediaRange, Op, Policy, Rule, Rules, Scoped, Template, Value, When};
use mantlet_engine::route::RoutePath;
use mantlet_engine::{Edit, Engine, OsEntropy, RequestHead, ResponseHead};
use mantlet_headers::cookie::{Attributes, Hardening};

fn rule(name: &'static str, value: &'static str, when: When) -> Rule {
    Rule {
        op: Op::Override,
        name: HeaderName::from_static(name),
        value: Value::Fixed(HeaderValue::from_static(value)),
        when,
    }
}

fn with_nonce(name: &'static str) -> Rule {
    let segments = vec!["script-src 'nonce-".to_owned(), "'".to_owned()];
    let template = Template::new(segments, HeaderValue::from_static("script-src"));
    Rule {
        value: Value::Nonce(template.expect("visible")),
        ..rule(name, "", When::Always)
    }
}

fn rules(headers: Vec<Rule>) -> Rules {
    Rules {
        headers,
        ..Rules::default()
    }
}

/// The number and the edits of a response.
fn answer(
    engine: &Engine,
    path: &str,
    tls: bool,
    status: StatusCode,
    fields: &[(HeaderName, &'static str)],
) -> (Option<usize>, Vec<Edit>) {
    let none = HeaderMap::new();
    let mut request = RequestHead::new(&Method::GET, path.as_bytes(), &none);
    request.tls = tls;
    let (_, exchange) = engine.on_request(&request).without_store();
    let mut response = HeaderMap::new();
    for (name, value) in fields {
        response.append(name, HeaderValue::from_static(value));
    }
    let edits = exchange.on_response(&ResponseHead::new(status, &response));
    if let Some(every) = exchange.list() {
        assert_eq!(Some(every), edits.list(), "of every response");
    }
    (edits.list(), edits.iter().collect())
}

#[test]
fn a_number_stands_for_one_list_of_edits() {
    let mut policy = Policy::new(Scoped {
        html: Some(rules(vec![rule("x-a", "html", When::Always)])),
        ..Scoped::any(rules(vec![
            rule("x-a", "any", When::Always),
            rule("x-b", "secure", When::Secure),
        ]))
    });
    let docs = Scoped::any(rules(vec![rule("x-a", "docs", When::Always)]));
    policy.routes = vec![(RoutePath::new("/docs").expect("a path"), docs)];
    let engine = Engine::new(policy, OsEntropy);

    let mut known: BTreeMap<usize, Vec<Edit>> = BTreeMap::new();
    let mut seen = 0;
    for path in ["/", "/docs", "//"] {
        for tls in [false, true] {
            for status in [StatusCode::OK, StatusCode::NOT_MODIFIED] {
                for kind in ["text/html", "text/plain"] {
                    let fields = [(header::CONTENT_TYPE, kind)];
                    let (number, edits) = answer(&engine, path, tls, status, &fields);
                    let number = number.expect("every rule is fixed");
                    assert!(number < engine.lists());
                    assert_eq!(known.entry(number).or_insert_with(|| edits.clone()), &edits);
                    seen += 1;
                }
            }
        }
    }
    assert_eq!(seen, 24);
    assert!(known.len() > 4, "{known:?}");
}

#[test]
fn an_exchange_knows_the_number_of_fixed_edits() {
    let fixed = rules(vec![rule("x-a", "1", When::Always)]);
    let list = |scoped: Scoped| {
        let engine = Engine::new(Policy::new(scoped), OsEntropy);
        let none = HeaderMap::new();
        let request = RequestHead::new(&Method::GET, b"/", &none);
        engine.on_request(&request).without_store().1.list()
    };
    assert!(list(Scoped::any(fixed.clone())).is_some());
    let nonce = rules(vec![with_nonce("content-security-policy")]);
    assert_eq!(list(Scoped::any(nonce)), None);
    let html = Scoped {
        html: Some(rules(vec![rule("x-a", "html", When::Always)])),
        ..Scoped::any(fixed.clone())
    };
    assert_eq!(list(html), None);
    let caching = Rules {
        headers: vec![Rule {
            op: Op::IfMissing,
            ..rule("cache-control", "no-store", When::Always)
        }],
        ..Rules::default()
    };
    assert_eq!(list(Scoped::any(caching)), None);
    let cookies = Rules {
        cookies: Some(Hardening::new(Attributes::default())),
        ..fixed
    };
    assert_eq!(list(Scoped::any(cookies)), None);
}

#[test]
fn values_with_a_nonce_are_told_by_their_index() {
    let nonce = with_nonce("content-security-policy");
    let rules = rules(vec![
        rule("x-a", "1", When::Always),
        nonce,
        rule("x-b", "2", When::Always),
    ]);
    let engine = Engine::new(Policy::new(Scoped::any(rules)), OsEntropy);
    let none = HeaderMap::new();
    let (_, exchange) = engine
        .on_request(&RequestHead::new(&Method::GET, b"/", &none))
        .without_store();
    let edits = exchange.on_response(&ResponseHead::new(StatusCode::OK, &none));
    let all: Vec<Edit> = edits.iter().collect();
    let fresh: Vec<_> = edits.fresh().collect();
    assert_eq!(fresh, [(1, all[1].value.clone())]);

    // none was drawn: the list is another
    let exchange = engine.on_unreadable();
    let edits = exchange.on_response(&ResponseHead::new(StatusCode::OK, &none));
    assert_eq!(edits.list(), None);
}

#[test]
fn what_is_a_responses_own_has_no_number() {
    let ok = StatusCode::OK;

    let nonce = Engine::new(
        Policy::new(Scoped::any(rules(vec![with_nonce(
            "content-security-policy",
        )]))),
        OsEntropy,
    );
    let (number, edits) = answer(&nonce, "/", true, ok, &[]);
    let (again, others) = answer(&nonce, "/", true, ok, &[]);
    assert!(number.is_some());
    assert_eq!(number, again);
    assert_eq!(edits[1..], others[1..], "Cache-Control");
    assert_ne!(edits[0], others[0], "the policy with its nonce");
    // a 304 carries no nonce
    let kept = answer(&nonce, "/", true, StatusCode::NOT_MODIFIED, &[]);
    assert_ne!(kept.0, number);

    let cookies = Rules {
        cookies: Some(Hardening::new(Attributes {
            http_only: true,
            ..Attributes::default()
        })),
        ..rules(vec![rule("x-a", "1", When::Always)])
    };
    let cookies = Engine::new(Policy::new(Scoped::any(cookies)), OsEntropy);
    assert!(answer(&cookies, "/", true, ok, &[]).0.is_some());
    let set = |value| [(header::SET_COOKIE, value)];
    assert_eq!(answer(&cookies, "/", true, ok, &set("a=1")).0, None);

    let image = MediaRange::new("image/*").expect("a range");
    let caching = Rules {
        cache: vec![(image, HeaderValue::from_static("max-age=60"))],
        headers: vec![Rule {
            op: Op::IfMissing,
            ..rule("cache-control", "no-store", When::Always)
        }],
        ..Rules::default()
    };
    let caching = Engine::new(Policy::new(Scoped::any(caching)), OsEntropy);
    let number = |fields: &[_]| answer(&caching, "/", true, ok, fields).0;
    assert!(number(&[(header::CONTENT_TYPE, "text/plain")]).is_some());
    assert_eq!(number(&[(header::CONTENT_TYPE, "image/png")]), None);
    assert_eq!(number(&[(header::EXPIRES, "0")]), None);
}
