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
    let (_, exchange) = engine.on_request(&request);
    let mut response = HeaderMap::new();
    for (name, value) in fields {
        response.append(name, HeaderValue::from_static(value));
    }
    let edits = exchange.on_response(&ResponseHead::new(status, &response));
    (edits.fixed(), edits.iter().collect())
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
                    assert!(number < engine.fixed_lists());
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
fn what_is_a_responses_own_has_no_number() {
    let segments = vec!["script-src 'nonce-".to_owned(), "'".to_owned()];
    let template = Template::new(segments, HeaderValue::from_static("script-src"));
    let nonce = Rule {
        value: Value::Nonce(template.expect("visible")),
        ..rule("content-security-policy", "", When::Always)
    };
    let ok = StatusCode::OK;

    let with_nonce = Engine::new(Policy::new(Scoped::any(rules(vec![nonce]))), OsEntropy);
    assert_eq!(answer(&with_nonce, "/", true, ok, &[]).0, None);
    // a 304 carries no nonce
    assert!(
        answer(&with_nonce, "/", true, StatusCode::NOT_MODIFIED, &[])
            .0
            .is_some()
    );

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
