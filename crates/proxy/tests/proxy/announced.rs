//! Balancers that announce their clients by PROXY protocol.

use std::time::Duration;

use mantlet_engine::policy::{ClientAddress, Policy};

use crate::support::{App, Proxy, Seen, Wire, engine, policy};

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const LINE: &str = "PROXY TCP4 192.0.2.7 198.51.100.1 50000 443\r\n";
const V4: &[u8] = &[192, 0, 2, 7, 198, 51, 100, 1, 0xc3, 0x50, 1, 0xbb];
/// PP2_TYPE_SSL with PP2_CLIENT_SSL, and without.
const BY_TLS: &[u8] = &[0x20, 0, 5, 1, 0, 0, 0, 0];
const NOT_BY_TLS: &[u8] = &[0x20, 0, 5, 0, 0, 0, 0, 0];

/// A head of version 2.
fn v2(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
    let length = u16::try_from(rest.len()).unwrap().to_be_bytes();
    [
        b"\r\n\r\n\0\r\nQUIT\n",
        &[command, family][..],
        &length,
        rest,
    ]
    .concat()
}

/// Peers in `trusted` have to announce their clients.
fn announcing(trusted: &str) -> Policy {
    let mut policy = policy("first");
    policy.trusted_proxies = vec![trusted.parse().unwrap()];
    policy.client_address = ClientAddress::ProxyProtocol;
    policy.tell_reason = true;
    policy
}

fn strict(app: &App) -> Proxy {
    Proxy::with(app.address, |_| {}, engine(announcing("127.0.0.0/8")))
}

/// One request after `head`, as the application sees it.
fn seen_after(head: &[u8], app: &App, proxy: &Proxy) -> Seen {
    let answer = proxy.send([head, GET.as_bytes()].concat());
    assert_eq!(answer.status(), 200, "{head:?}");
    assert!(answer.is_marked(), "{head:?}");
    app.next()
}

#[test]
fn the_announced_client_is_the_peer() {
    let app = App::hello();
    let proxy = strict(&app);
    let v6 = [&[0x20, 1, 0x0d, 0xb8][..], &[0; 11], &[7], &[0; 20]].concat();
    let cases: &[(&[u8], &str, &str)] = &[
        (LINE.as_bytes(), "192.0.2.7", "http"),
        (
            b"PROXY TCP6 2001:db8::7 2001:db8::1 1 2\r\n",
            "2001:db8::7",
            "http",
        ),
        (
            b"PROXY TCP6 ::ffff:192.0.2.7 ::1 1 2\r\n",
            "192.0.2.7",
            "http",
        ),
        (b"PROXY UNKNOWN\r\n", "127.0.0.1", "http"),
        (b"PROXY UNKNOWN x y\r\n", "127.0.0.1", "http"),
        (&v2(0x21, 0x11, V4), "192.0.2.7", "http"),
        (&v2(0x21, 0x21, &v6), "2001:db8::7", "http"),
        (&v2(0x21, 0x31, &[b'/'; 216]), "127.0.0.1", "http"),
        (&v2(0x20, 0x00, b""), "127.0.0.1", "http"),
        (&v2(0x20, 0x11, &[V4, BY_TLS].concat()), "127.0.0.1", "http"),
        (
            &v2(0x21, 0x11, &[V4, BY_TLS].concat()),
            "192.0.2.7",
            "https",
        ),
        (
            &v2(0x21, 0x11, &[V4, NOT_BY_TLS].concat()),
            "192.0.2.7",
            "http",
        ),
        (
            &v2(0x21, 0x11, &[V4, b"\x01\0\x02h2", BY_TLS].concat()),
            "192.0.2.7",
            "https",
        ),
    ];
    for &(head, peer, scheme) in cases {
        let seen = seen_after(head, &app, &proxy);
        assert_eq!(seen.one("x-forwarded-for"), peer, "{head:?}");
        assert_eq!(seen.one("x-forwarded-proto"), scheme, "{head:?}");
    }
}

#[test]
fn no_field_of_an_announced_client_is_believed() {
    let app = App::hello();
    let proxy = strict(&app);
    // the second is in trusted_proxies itself, the third the balancer's own word for itself
    for (head, peer) in [
        (LINE, "192.0.2.7"),
        ("PROXY TCP4 127.0.0.9 127.0.0.1 1 2\r\n", "127.0.0.9"),
        ("PROXY UNKNOWN\r\n", "127.0.0.1"),
    ] {
        let answer = proxy.send(format!(
            "{head}GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 203.0.113.1\r\nX-Forwarded-Proto: https\r\n\
             X-Forwarded-Host: b\r\nX-Real-IP: 203.0.113.1\r\nForwarded: for=203.0.113.1;host=b\r\n\r\n"
        ));
        assert_eq!(answer.status(), 200);
        let seen = app.next();
        assert_eq!(seen.one("x-forwarded-for"), peer);
        assert_eq!(seen.one("x-forwarded-proto"), "http");
        assert_eq!(seen.one("x-forwarded-host"), "a");
        for gone in ["x-real-ip", "forwarded"] {
            assert!(seen.all(gone).is_empty(), "{gone} in {}", seen.head);
        }
    }
}

#[test]
fn tls_at_the_balancer_is_https_for_the_policy() {
    use mantlet_engine::policy::Https;

    let app = App::hello();
    let mut policy = announcing("127.0.0.0/8");
    policy.https = Https::Redirect;
    let proxy = Proxy::with(app.address, |_| {}, engine(policy));
    let plain = proxy.send([&v2(0x21, 0x11, V4), GET.as_bytes()].concat());
    assert_eq!(plain.status(), 301);
    assert_eq!(plain.one("location"), "https://a/");
    assert!(app.is_quiet());
    seen_after(&v2(0x21, 0x11, &[V4, BY_TLS].concat()), &app, &proxy);
}

#[test]
fn a_head_may_come_byte_by_byte() {
    let app = App::hello();
    let proxy = strict(&app);
    for head in [
        LINE.as_bytes().to_vec(),
        v2(0x21, 0x11, &[V4, BY_TLS].concat()),
    ] {
        let mut wire = proxy.connect();
        for byte in [&head, GET.as_bytes()].concat() {
            wire.send(&[byte]).unwrap();
        }
        assert_eq!(wire.answer("GET").status(), 200);
        assert_eq!(app.next().one("x-forwarded-for"), "192.0.2.7");
    }
}

#[test]
fn what_follows_a_head_is_the_first_request_and_those_behind_it() {
    let app = App::hello();
    let proxy = strict(&app);
    let body = "x".repeat(30_000);
    let mut wire = proxy.connect();
    let together = format!(
        "{LINE}POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{body}\
         GET /2 HTTP/1.1\r\nHost: a\r\n\r\nGET /3 HTTP/1.1\r\nHost: a\r\n\r\n",
        body.len()
    );
    wire.send(together.as_bytes()).unwrap();
    for path in ["/1", "/2", "/3"] {
        assert_eq!(wire.answer("GET").status(), 200);
        let seen = app.next();
        assert!(seen.line().contains(path), "{}", seen.head);
        assert_eq!(seen.one("x-forwarded-for"), "192.0.2.7");
        assert_eq!(seen.body.len(), if path == "/1" { body.len() } else { 0 });
    }
    // and those that come later
    for _ in 0..3 {
        wire.send(GET.as_bytes()).unwrap();
        assert_eq!(wire.answer("GET").status(), 200);
        assert_eq!(app.next().one("x-forwarded-for"), "192.0.2.7");
    }
    // one head a connection
    wire.send([LINE, GET].concat().as_bytes()).unwrap();
    let answer = wire.answer("GET");
    assert_eq!(answer.status(), 400);
    assert!(answer.one("mantlet-reason").starts_with("wire."));
    assert!(wire.is_closed());
    assert!(app.is_quiet());
}

#[test]
fn a_request_behind_a_head_meets_the_gate() {
    let app = App::hello();
    let proxy = strict(&app);
    let answer = proxy.send(format!(
        "{LINE}GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"
    ));
    assert_eq!(answer.status(), 400);
    assert_eq!(answer.one("mantlet-reason"), "wire.host-repeated");
    assert!(answer.is_marked());
    assert!(app.is_quiet());
}

#[test]
fn without_a_head_the_connection_is_closed_without_an_answer() {
    let app = App::hello();
    let proxy = strict(&app);
    let large = [&v2(0x21, 0x11, V4)[..14], b"\x7f\xff"].concat();
    for start in [
        GET.as_bytes(),
        b"G",
        b"\x16\x03\x01\x02\x00",
        b"proxy TCP4 192.0.2.7 198.51.100.1 50000 443\r\n",
        b"PROXY TCP4 192.0.2.7 198.51.100.1 50000 443\n",
        b"PROXY TCP4 192.0.2.700 198.51.100.1 50000 443\r\n",
        b"PROXY TCP9 192.0.2.7 198.51.100.1 50000 443\r\n",
        &[&b"PROXY UNKNOWN "[..], &[b'x'; 200]].concat(),
        &v2(0x31, 0x11, V4),
        &v2(0x21, 0x11, &V4[..4]),
        &v2(0x21, 0x11, &[V4, &BY_TLS[..3]].concat()),
        &large,
    ] {
        let mut wire = proxy.connect();
        // the proxy may have closed while the rest is sent
        let _ = wire.send(start).and_then(|()| wire.send(GET.as_bytes()));
        assert!(wire.is_closed(), "{start:?}");
    }
    assert!(app.is_quiet());
}

#[test]
fn a_head_that_ends_early_or_comes_late_closes_the_connection() {
    let app = App::hello();
    let early = strict(&app);
    for part in [&b""[..], b"PROXY TCP4 192.0.2.7", &v2(0x21, 0x11, V4)[..20]] {
        let mut wire = early.connect();
        wire.send(part).unwrap();
        wire.stream.shutdown(std::net::Shutdown::Write).unwrap();
        assert!(wire.is_closed(), "{part:?}");
    }
    let late = Proxy::with(
        app.address,
        |config| config.timeouts.head = Duration::from_millis(30),
        engine(announcing("127.0.0.0/8")),
    );
    for part in [&b""[..], b"PROXY TCP4 192.0.2.7", &v2(0x21, 0x11, V4)[..20]] {
        let mut wire = late.connect();
        wire.send(part).unwrap();
        assert!(wire.is_closed(), "{part:?}");
    }
    assert!(app.is_quiet());
}

#[test]
fn of_a_peer_that_is_not_trusted_no_head_is_read() {
    let app = App::hello();
    let proxy = Proxy::with(app.address, |_| {}, engine(announcing("10.0.0.0/8")));
    for head in [LINE.as_bytes(), b"PROXY UNKNOWN\r\n", &v2(0x21, 0x11, V4)] {
        let answer = proxy.send([head, GET.as_bytes()].concat());
        assert_eq!(answer.status(), 400, "{head:?}");
        assert!(answer.one("mantlet-reason").starts_with("wire."));
        assert!(answer.is_marked(), "{head:?}");
    }
    assert!(app.is_quiet());
    let seen = seen_after(b"", &app, &proxy);
    assert_eq!(seen.one("x-forwarded-for"), "127.0.0.1");
}

#[test]
fn a_connection_stays_what_it_was_accepted_as() {
    let app = App::hello();
    let proxy = strict(&app);
    let ask = |wire: &mut Wire, peer: &str| {
        wire.send(GET.as_bytes()).unwrap();
        assert_eq!(wire.answer("GET").status(), 200);
        assert_eq!(app.next().one("x-forwarded-for"), peer);
    };
    let mut announced = proxy.connect();
    announced.send(LINE.as_bytes()).unwrap();
    ask(&mut announced, "192.0.2.7");

    proxy.live.replace(engine(policy("second")));
    ask(&mut announced, "192.0.2.7");
    let mut plain = proxy.connect();
    ask(&mut plain, "127.0.0.1");

    proxy.live.replace(engine(announcing("127.0.0.0/8")));
    ask(&mut plain, "127.0.0.1");
    let mut silent = proxy.connect();
    let _ = silent.send(GET.as_bytes());
    assert!(silent.is_closed());
}

#[test]
fn a_stopping_proxy_does_not_wait_for_a_head() {
    let app = App::hello();
    let hour = Duration::from_secs(3600);
    let patient = |config: &mut mantlet_proxy::Config| config.timeouts.head = hour;
    let mut proxy = Proxy::with(app.address, patient, engine(announcing("127.0.0.0/8")));
    let mut wire = proxy.connect();
    wire.send(b"PROXY TCP4").unwrap();
    let running = proxy.running.take().unwrap();
    running.stop(hour);
    assert!(wire.is_closed());
    running.join().unwrap();
}
