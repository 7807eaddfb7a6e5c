//! The checks of the engine in front of an application: what they deny never arrives.

use mantlet_engine::policy::{CrossOrigin, Disposition, Hosts, Https, Policy};

use crate::support::{App, Proxy, engine, policy};

fn protecting(disposition: Disposition) -> Policy {
    let mut policy = policy("first");
    policy.tell_reason = true;
    policy.cross_origin = Some(CrossOrigin {
        disposition,
        ..CrossOrigin::default()
    });
    policy
}

fn handshake(origin: &str) -> String {
    format!(
        "GET /socket HTTP/1.1\r\nHost: a\r\nOrigin: {origin}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
}

/// Accepts a WebSocket and greets.
fn greeter() -> App {
    App::raw(|number, wire, seen| {
        if let Some(request) = wire.request(number)? {
            let _ = seen.send(request);
            wire.send(
                b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                  Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\ngreet",
            )?;
        }
        Ok(())
    })
}

#[test]
fn a_websocket_of_another_site_never_arrives() {
    let app = greeter();
    let proxy = Proxy::with(
        app.address,
        |_| {},
        engine(protecting(Disposition::Enforce)),
    );
    for origin in ["https://evil.example", "null", "http://a.evil.example"] {
        let mut wire = proxy.connect();
        // what an impatient client sends behind its handshake is not read either
        wire.send(format!("{}GET /next HTTP/1.1\r\nHost: a\r\n\r\n", handshake(origin)).as_bytes())
            .unwrap();
        let answer = wire.answer("GET");
        assert_eq!(answer.status(), 403, "{origin}");
        assert!(answer.one("mantlet-reason").starts_with("origin."));
        assert!(answer.is_marked());
        assert!(wire.is_closed(), "{origin}");
        assert!(app.is_quiet(), "{origin}");
    }
    let mut own = proxy.connect();
    own.send(handshake("http://a").as_bytes()).unwrap();
    let head = own.head().unwrap().unwrap();
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    assert_eq!(own.exactly(5).unwrap(), b"greet");
}

#[test]
fn a_check_that_reports_lets_a_websocket_of_another_site_through() {
    let app = greeter();
    let report = Disposition::Report { enforce_percent: 0 };
    let proxy = Proxy::with(app.address, |_| {}, engine(protecting(report)));
    let mut wire = proxy.connect();
    wire.send(handshake("https://evil.example").as_bytes())
        .unwrap();
    let head = wire.head().unwrap().unwrap();
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    assert_eq!(wire.exactly(5).unwrap(), b"greet");
    assert!(app.next().line().starts_with("GET /socket "));
}

#[test]
fn a_form_of_another_site_never_arrives_and_the_connection_goes_on() {
    let app = App::hello();
    let proxy = Proxy::with(
        app.address,
        |_| {},
        engine(protecting(Disposition::Enforce)),
    );
    let mut wire = proxy.connect();
    wire.send(
        b"POST /pay HTTP/1.1\r\nHost: a\r\nSec-Fetch-Site: cross-site\r\nContent-Length: 7\r\n\r\namount=\
          GET /next HTTP/1.1\r\nHost: a\r\n\r\n",
    )
    .unwrap();
    let denied = wire.answer("POST");
    assert_eq!(denied.status(), 403);
    assert_eq!(denied.one("mantlet-reason"), "origin.cross-site");
    assert_eq!(denied.one("cache-control"), "no-store");
    assert!(denied.is_marked());
    assert_eq!(wire.answer("GET").text(), "hello");
    assert!(app.next().line().starts_with("GET /next "));
    assert!(app.is_quiet());
}

#[test]
fn what_is_refused_on_the_wire_meets_no_check() {
    let app = App::hello();
    let mut policy = protecting(Disposition::Enforce);
    policy.https = Https::Redirect;
    policy.hosts = Some(Hosts {
        allowed: vec!["example.com".parse().unwrap()],
        ..Hosts::default()
    });
    let proxy = Proxy::with(app.address, |_| {}, engine(policy));
    for (request, reason) in [
        (
            "POST / HTTP/1.1\r\nHost: evil.example\r\nOrigin: https://evil.example\r\nContent-Length: x\r\n\r\n",
            "wire.length",
        ),
        ("GET / HTTP/1.1\r\n\r\n", "wire.host-missing"),
        ("garbage\r\n\r\n", "wire.syntax"),
    ] {
        let answer = proxy.send(request);
        assert_eq!(answer.status(), 400, "{request:?}");
        assert_eq!(answer.one("mantlet-reason"), reason, "{request:?}");
        assert!(answer.is_marked(), "{request:?}");
    }
    // while one that could be read does
    let answer = proxy.send("GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n");
    assert_eq!(answer.one("mantlet-reason"), "host.unknown");
    assert!(app.is_quiet());
}

#[test]
fn the_reason_is_told_once_if_the_policy_and_the_program_ask_for_it() {
    let app = App::hello();
    for (by_policy, by_program, told) in [
        (false, false, 0),
        (true, false, 1),
        (false, true, 1),
        (true, true, 1),
    ] {
        let mut policy = protecting(Disposition::Enforce);
        policy.tell_reason = by_policy;
        let set = |config: &mut mantlet_proxy::Config| config.tell_reason = by_program;
        let proxy = Proxy::with(app.address, set, engine(policy));
        for request in [
            "POST / HTTP/1.1\r\nHost: a\r\nSec-Fetch-Site: cross-site\r\nContent-Length: 0\r\n\r\n",
            "GET / HTTP/1.1\r\n\r\n",
        ] {
            let answer = proxy.send(request);
            assert_eq!(answer.all("mantlet-reason").len(), told, "{request:?}");
        }
    }
}
