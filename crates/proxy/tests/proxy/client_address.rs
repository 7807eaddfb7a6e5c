//! What the application is told of the client: of what is verified, and nothing else.

use http::HeaderName;
use mantlet_engine::policy::{ClientAddress, Policy};

use crate::support::{App, Proxy, Seen, engine, policy};

fn trusting(address: ClientAddress) -> Policy {
    let mut policy = policy("first");
    policy.trusted_proxies = ["127.0.0.0/8", "10.0.0.0/8"]
        .map(|net| net.parse().unwrap())
        .to_vec();
    policy.client_address = address;
    policy.tell_reason = true;
    policy
}

fn wary(address: ClientAddress) -> Policy {
    let mut policy = trusting(address);
    policy.trusted_proxies.remove(0);
    policy
}

/// A request with these lines, as the application sees it.
fn seen(policy: Policy, lines: &str) -> Seen {
    let app = App::hello();
    let proxy = Proxy::with(app.address, |_| {}, engine(policy));
    let answer = proxy.send(format!("GET / HTTP/1.1\r\nHost: a\r\n{lines}\r\n\r\n"));
    assert_eq!(answer.status(), 200, "{lines}: {}", answer.head);
    app.next()
}

/// The answer to a request with these lines, and whether the application saw it.
fn refused(policy: Policy, lines: &str) -> (u16, String) {
    let app = App::hello();
    let proxy = Proxy::with(app.address, |_| {}, engine(policy));
    let answer = proxy.send(format!("GET / HTTP/1.1\r\nHost: a\r\n{lines}\r\n\r\n"));
    assert!(app.is_quiet());
    (answer.status(), answer.one("mantlet-reason").to_owned())
}

#[test]
fn of_x_forwarded_for_goes_on_what_trusted_hops_vouch_for() {
    for (lines, told) in [
        ("x: y", "127.0.0.1"),
        ("X-Forwarded-For: 203.0.113.9", "203.0.113.9, 127.0.0.1"),
        (
            "X-Forwarded-For: 203.0.113.9, 10.0.0.2",
            "203.0.113.9, 10.0.0.2, 127.0.0.1",
        ),
        // what the client has written itself
        (
            "X-Forwarded-For: 198.51.100.1, 203.0.113.9",
            "203.0.113.9, 127.0.0.1",
        ),
        (
            "X-Forwarded-For: 198.51.100.1\r\nX-Forwarded-For: 203.0.113.9, 10.0.0.2",
            "203.0.113.9, 10.0.0.2, 127.0.0.1",
        ),
        // junk ends it
        (
            "X-Forwarded-For: 203.0.113.9, junk, 10.0.0.2",
            "10.0.0.2, 127.0.0.1",
        ),
        ("X-Forwarded-For: unknown", "127.0.0.1"),
        ("X-Forwarded-For: ", "127.0.0.1"),
        ("X-Forwarded-For: \"<script>\"", "127.0.0.1"),
        // and so do the other sources
        (
            "Forwarded: for=203.0.113.9\r\nX-Client: 203.0.113.9",
            "127.0.0.1",
        ),
        (
            "X-Forwarded-For: 2001:db8::9, ::ffff:10.0.0.2",
            "2001:db8::9, 10.0.0.2, 127.0.0.1",
        ),
    ] {
        let seen = seen(trusting(ClientAddress::XForwardedFor), lines);
        assert_eq!(seen.one("x-forwarded-for"), told, "{lines}");
    }
}

#[test]
fn of_forwarded_goes_on_what_trusted_hops_vouch_for_as_x_forwarded() {
    const LIES: &str = "\r\nX-Forwarded-For: 198.51.100.1\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: evil.example";
    for (forwarded, told, scheme) in [
        ("for=203.0.113.9", "203.0.113.9, 127.0.0.1", "http"),
        (
            "for=198.51.100.1, for=203.0.113.9;proto=https, for=10.0.0.2",
            "203.0.113.9, 10.0.0.2, 127.0.0.1",
            "https",
        ),
        (
            "for=\"[2001:db8::9]:4711\"",
            "2001:db8::9, 127.0.0.1",
            "http",
        ),
        ("for=_hidden", "127.0.0.1", "http"),
    ] {
        let lines = format!("Forwarded: {forwarded}{LIES}");
        let seen = seen(trusting(ClientAddress::Forwarded), &lines);
        assert_eq!(seen.one("x-forwarded-for"), told, "{lines}");
        assert_eq!(seen.one("x-forwarded-proto"), scheme, "{lines}");
        assert_eq!(seen.one("x-forwarded-host"), "a", "{lines}");
        assert!(seen.all("forwarded").is_empty());
    }
    // without Forwarded it is no different
    let seen = seen(trusting(ClientAddress::Forwarded), &LIES[2..]);
    assert_eq!(seen.one("x-forwarded-for"), "127.0.0.1");
    assert_eq!(seen.one("x-forwarded-proto"), "http");
    assert_eq!(seen.one("x-forwarded-host"), "a");
}

fn x_client() -> ClientAddress {
    ClientAddress::Field(HeaderName::from_static("x-client"))
}

#[test]
fn of_a_named_field_goes_on_its_address() {
    for (lines, told) in [
        ("X-Client: 203.0.113.9", "203.0.113.9, 127.0.0.1"),
        (
            "X-Client: 203.0.113.9\r\nX-Forwarded-For: 198.51.100.1",
            "203.0.113.9, 127.0.0.1",
        ),
        ("X-Forwarded-For: 198.51.100.1", "127.0.0.1"),
        ("X-Client: 203.0.113.9, 198.51.100.1", "127.0.0.1"),
        (
            "X-Client: 203.0.113.9\r\nX-Client: 198.51.100.1",
            "127.0.0.1",
        ),
    ] {
        let seen = seen(trusting(x_client()), lines);
        assert_eq!(seen.one("x-forwarded-for"), told, "{lines}");
    }
    let seen = seen(trusting(x_client()), "X-Client: 203.0.113.9");
    assert_eq!(seen.one("x-client"), "203.0.113.9");
}

#[test]
fn the_named_field_of_a_stranger_does_not_go_on_nor_does_an_alias_of_anybody() {
    let lines =
        "X-Client: 203.0.113.9\r\nX_Client: 203.0.113.9\r\nX.Client: 203.0.113.9\r\nX-Client-2: 1";
    let stranger = seen(wary(x_client()), lines);
    assert_eq!(stranger.one("x-forwarded-for"), "127.0.0.1");
    let proxy = seen(trusting(x_client()), lines);
    assert_eq!(proxy.one("x-client"), "203.0.113.9");
    assert!(stranger.all("x-client").is_empty(), "{}", stranger.head);
    for seen in [stranger, proxy] {
        assert!(seen.all("x_client").is_empty(), "{}", seen.head);
        assert!(seen.all("x.client").is_empty(), "{}", seen.head);
        assert_eq!(seen.one("x-client-2"), "1");
    }
}

#[test]
fn the_host_is_the_nearest_that_a_trusted_peer_tells_of() {
    for address in [ClientAddress::XForwardedFor, x_client()] {
        for (lines, host) in [
            ("x: y", "a"),
            ("X-Forwarded-Host: b", "b"),
            ("X-Forwarded-Host: evil.example, b:8080", "b:8080"),
            ("X-Forwarded-Host: evil.example\r\nX-Forwarded-Host: b", "b"),
            ("Forwarded: host=evil.example", "a"),
        ] {
            let seen = seen(trusting(address.clone()), lines);
            assert_eq!(seen.one("x-forwarded-host"), host, "{lines}");
            assert_eq!(seen.one("host"), "a");
        }
        for lines in [
            "X-Forwarded-Host: b, a b",
            "X-Forwarded-Host: a@b",
            "X-Forwarded-Host:",
        ] {
            let (status, reason) = refused(trusting(address.clone()), lines);
            assert_eq!((status, &*reason), (400, "host.forwarded"), "{lines}");
        }
    }
    let stranger = seen(
        wary(ClientAddress::XForwardedFor),
        "X-Forwarded-Host: a b, evil.example",
    );
    assert_eq!(stranger.one("x-forwarded-host"), "a");
}

/// Fields in which a proxy speaks to an application, a kind a line.
const PROXY_SPEECH: &str = "X-Original-URL: /admin\r\nX-Rewrite-URL: /admin\r\nX-Forwarded-Uri: /admin\r\nX-Host: evil.example\r\n\
     X-Original-Host: evil.example\r\nX-HTTP-Host-Override: evil.example\r\nX-Scheme: https\r\nSCRIPT_NAME: /a\r\n\
     X-Remote-User: root\r\nRemote-User: root\r\nX-Forwarded-User: root\r\nX-Authenticated-Userid: root\r\n\
     X-WebAuth-User: root\r\nX-Auth-Request-Email: root@a\r\nClient-Cert: :AA==:\r\nSSL-Client-Verify: SUCCESS\r\n\
     X-Sendfile-Type: X-Accel-Redirect\r\nX-Envoy-Internal: true";

#[test]
fn a_stranger_cannot_speak_for_a_proxy() {
    let stranger = seen(wary(ClientAddress::XForwardedFor), PROXY_SPEECH);
    let proxy = seen(trusting(ClientAddress::XForwardedFor), PROXY_SPEECH);
    for line in PROXY_SPEECH.split("\r\n") {
        let (name, value) = line.split_once(": ").unwrap();
        assert!(stranger.all(name).is_empty(), "{name} in {}", stranger.head);
        assert_eq!(proxy.one(name), value);
    }
    for alias in ["REMOTE_USER: root", "X_Original_URL: /admin"] {
        let (status, reason) = refused(wary(ClientAddress::XForwardedFor), alias);
        assert_eq!((status, &*reason), (400, "wire.underscore"), "{alias}");
    }
}
