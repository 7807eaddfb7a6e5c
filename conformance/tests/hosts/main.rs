//! Every case, through every host.

#![allow(clippy::expect_used, clippy::panic)]

mod app;
mod engine;
mod hyper;
mod proxy;
mod redis;
mod tower;
mod wire;

use std::collections::BTreeSet;
use std::path::Path;

use mantlet_conformance::{Case, HOSTS, Host, cases, read, replay};
use mantlet_headers::registry;

fn every_case() -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    cases(folder).unwrap_or_else(|error| panic!("{error}"))
}

fn all_pass(host: &mut dyn Host) {
    let cases = every_case();
    let failures = replay(&cases, host);
    let listed: String = failures
        .iter()
        .map(|failure| format!("\n{failure}"))
        .collect();
    assert!(
        failures.is_empty(),
        "{} of {} cases failed:{listed}",
        failures.len(),
        cases.len()
    );
}

/// The cases that count, their limits in a store: they come out the same.
fn all_pass_in_a_store(host: &mut dyn Host, server: &redis::Server) {
    let cases: Vec<_> = every_case()
        .iter()
        .filter_map(|case| case.in_a_store().expect("TOML"))
        .collect();
    assert!(cases.len() > 10, "{}", cases.len());
    let mut failures = Vec::new();
    for case in cases {
        server.forget().expect("an empty store");
        failures.extend(replay(&[case], host));
    }
    let listed: String = failures
        .iter()
        .map(|failure| format!("\n{failure}"))
        .collect();
    assert!(failures.is_empty(), "{} failed:{listed}", failures.len());
}

#[test]
fn engine() {
    all_pass(&mut engine::Alone::default());
}

#[test]
fn engine_in_a_store() {
    let server = redis::Server::start();
    all_pass_in_a_store(&mut engine::Alone::with_store(server.store()), &server);
}

#[test]
fn tower_in_a_store() {
    let server = redis::Server::start();
    all_pass_in_a_store(&mut tower::Layered::with_store(server.store()), &server);
}

#[test]
fn hyper_in_a_store() {
    let server = redis::Server::start();
    all_pass_in_a_store(&mut hyper::Served::with_store(server.store()), &server);
}

#[test]
fn proxy_in_a_store() {
    let server = redis::Server::start();
    all_pass_in_a_store(&mut proxy::Proxied::with_store(server.store()), &server);
}

#[test]
fn tower() {
    all_pass(&mut tower::Layered::new());
}

#[test]
fn hyper() {
    all_pass(&mut hyper::Served::start());
}

#[test]
fn proxy() {
    all_pass(&mut proxy::Proxied::start());
}

/// One wrong expectation of each kind, seen by every host: what passes above can also fail.
#[test]
fn wrong_expectations_are_reported_by_every_host() {
    let text = r#"
        policy = ""
        [[case]]
        name = "right"
        response = { body = "hello" }
        expect = { verdict = "allow", body = "hello", fields = { x-content-type-options = "nosniff" } }
        [[case]]
        name = "wrong verdict"
        expect = { verdict = "deny", reason = "https.required", status = 200 }
        [[case]]
        name = "wrong status"
        response = { status = 404 }
        expect = { verdict = "allow", status = 200 }
        [[case]]
        name = "wrong value"
        expect = { verdict = "allow", fields = { x-content-type-options = "sniff" } }
        [[case]]
        name = "not absent"
        expect = { verdict = "allow", fields = { x-content-type-options = false } }
        [[case]]
        name = "wrong count"
        expect = { verdict = "allow", fields = { x-content-type-options = 2 } }
        [[case]]
        name = "wrong body"
        response = { body = "hello" }
        expect = { verdict = "allow", body = "hallo" }
        [[case]]
        name = "wrong client"
        needs = ["peer"]
        request = { peer = "127.0.0.9" }
        expect = { verdict = "allow", client = "127.0.0.10" }
        [[case]]
        name = "more than named"
        expect = { verdict = "allow", only = true }
        [[case]]
        name = "broken policy"
        policy = "preset = 'x'"
        expect = { verdict = "allow" }
    "#;
    let cases = read("wrong.toml", text).unwrap_or_else(|error| panic!("{error}"));
    let hosts: [&mut dyn Host; 4] = [
        &mut engine::Alone::default(),
        &mut tower::Layered::new(),
        &mut hyper::Served::start(),
        &mut proxy::Proxied::start(),
    ];
    let names: Vec<_> = hosts.iter().map(|host| host.name()).collect();
    assert_eq!(names, HOSTS);
    for host in hosts {
        let failed: Vec<String> = replay(&cases, host)
            .into_iter()
            .map(|failure| failure.case)
            .collect();
        let expected: Vec<String> = cases
            .iter()
            .skip(1)
            .map(|case| format!("wrong.toml: {} [{}]", case.name, host.name()))
            .collect();
        assert_eq!(failed, expected);
    }
}

#[test]
fn a_fact_that_a_host_does_not_see_is_not_passed_over() {
    let text = r#"
        [[case]]
        name = "x"
        policy = ""
        needs = ["tls"]
        request = { tls = true }
        expect = { verdict = "allow" }
    "#;
    let cases = read("x.toml", text).unwrap_or_else(|error| panic!("{error}"));
    let failures = replay(&cases, &mut proxy::Proxied::start());
    assert!(
        failures[0].to_string().contains("write [case.at.proxy]"),
        "{failures:?}"
    );
}

/// Where a host tells no report, a case that expects one is not compared: all but the proxy tell.
#[test]
fn a_report_that_did_not_come_is_missed_by_every_host_but_the_proxy() {
    let text = r#"
        [[case]]
        name = "x"
        policy = "cross_origin.disposition = 'report'"
        request = { method = "POST" }
        expect = { verdict = "allow", reported = ["origin.cross-site"] }
        [[case]]
        name = "y"
        policy = "cross_origin.disposition = 'report'"
        request = { method = "POST", fields = ["sec-fetch-site: cross-site"] }
        expect = { verdict = "allow" }
    "#;
    let cases = read("x.toml", text).unwrap_or_else(|error| panic!("{error}"));
    let hosts: [(&mut dyn Host, usize); 4] = [
        (&mut engine::Alone::default(), 2),
        (&mut tower::Layered::new(), 2),
        (&mut hyper::Served::start(), 2),
        (&mut proxy::Proxied::start(), 0),
    ];
    for (host, missed) in hosts {
        let failures = replay(&cases, host);
        assert_eq!(failures.len(), missed, "{}: {failures:?}", host.name());
        for failure in failures {
            assert!(failure.to_string().contains("reported: expected"));
        }
    }
}

/// A new field type is not done before a case shows its value.
#[test]
fn every_known_field_has_a_case() {
    let shown: BTreeSet<String> = every_case()
        .into_iter()
        .filter(|case| case.file == "fields.toml")
        .flat_map(|case| case.expect.fields.into_keys())
        .collect();
    for entry in registry::FIELDS {
        assert!(
            shown.contains(&entry.name.to_ascii_lowercase()),
            "no case in fields.toml expects {}",
            entry.name
        );
    }
}
