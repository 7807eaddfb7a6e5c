//! What a policy file means, seen from outside: the header section it makes of an empty response.

#![allow(clippy::expect_used, clippy::panic)]

mod checks;
mod errors;
mod limits;
mod merging;
mod presets;
mod values;

use http::{HeaderMap, HeaderValue, Method, StatusCode};
use mantlet_config::{Config, Environment, Report, Source};
use mantlet_engine::{Engine, RequestHead, ResponseHead, Verdict};

fn read(text: &str) -> Result<Engine, Report> {
    Config::read(&Source::new("mantlet.toml", text))?.0.build()
}

/// One exchange; `before` are the application's fields.
fn exchange(engine: &Engine, path: &str, tls: bool, before: &[(&str, &str)]) -> Vec<String> {
    let none = HeaderMap::new();
    let mut head = RequestHead::new(&Method::GET, path.as_bytes(), &none);
    head.tls = tls;
    let (verdict, exchange) = engine.on_request(&head).without_store();
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
