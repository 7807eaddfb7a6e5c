//! Requests that two HTTP implementations could read differently: refused, with the headers of the policy, and nothing of
//! them reaches the application.

use crate::support::{App, Proxy, engine, policy};

/// A request, its answer's status and reason.
const REFUSED: &[(&str, u16, &str)] = &[
    (
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        400,
        "wire.length-and-encoding",
    ),
    (
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
        400,
        "wire.length-and-encoding",
    ),
    (
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        400,
        "wire.encoding-repeated",
    ),
    (
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        400,
        "wire.encoding",
    ),
    (
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
        400,
        "wire.encoding",
    ),
    (
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: foo\r\n\r\n0\r\n\r\n",
        400,
        "wire.encoding",
    ),
    (
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
        400,
        "wire.syntax",
    ),
    (
        "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        400,
        "wire.encoding",
    ),
    (
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
        400,
        "wire.length-repeated",
    ),
    (
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        400,
        "wire.length-repeated",
    ),
    (
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 5\r\n\r\nhello",
        400,
        "wire.length",
    ),
    (
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\nhello",
        400,
        "wire.length",
    ),
    (
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\nhello",
        400,
        "wire.length",
    ),
    ("GET / HTTP/1.1\r\n\r\n", 400, "wire.host-missing"),
    (
        "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        400,
        "wire.host-repeated",
    ),
    ("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400, "wire.host"),
    (
        "GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n",
        400,
        "wire.authority",
    ),
    (
        "GET a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n",
        400,
        "wire.target",
    ),
    ("GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", 400, "wire.target"),
    (
        "GET /\u{fc} HTTP/1.1\r\nHost: a\r\n\r\n",
        400,
        "wire.target",
    ),
    (
        "CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n",
        405,
        "wire.connect",
    ),
    ("TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", 405, "wire.trace"),
    (
        "GET / HTTP/1.1\r\nHost: a\r\nX_Forwarded_For: 1\r\n\r\n",
        400,
        "wire.underscore",
    ),
    (
        "GET / HTTP/1.1\r\nHost: a\r\nMantlet_Nonce: 1\r\n\r\n",
        400,
        "wire.underscore",
    ),
    (
        "GET / HTTP/1.1\r\nHost: a\r\nX.Forwarded.For: 1\r\n\r\n",
        400,
        "wire.underscore",
    ),
    (
        "GET / HTTP/1.1\r\nHost: a\r\nClient_IP: 1\r\n\r\n",
        400,
        "wire.underscore",
    ),
    (
        "POST / HTTP/1.1\r\nHost: a\r\nContent_Length: 5\r\n\r\n",
        400,
        "wire.underscore",
    ),
    ("GET / HTTP/1.1\nHost: a\n\n", 400, "wire.bare-lf"),
    (
        "GET / HTTP/1.1\r\nHost: a\r\nx: 1\nContent-Length: 5\r\n\r\n",
        400,
        "wire.bare-lf",
    ),
    (
        "GET / HTTP/1.1\r\nHost: a\r\nx: 1\r\n 2\r\n\r\n",
        400,
        "wire.obs-fold",
    ),
    (
        "GET / HTTP/1.1\r\nHost: a\r\nx: 1\r2\r\n\r\n",
        400,
        "wire.syntax",
    ),
    (
        "GET / HTTP/1.1\r\nHost: a\r\nx: 1\x002\r\n\r\n",
        400,
        "wire.syntax",
    ),
    (
        "GET / HTTP/1.1\r\nHost: a\r\nx : 1\r\n\r\n",
        400,
        "wire.syntax",
    ),
    (
        "GET / HTTP/1.1\r\nHost: a\r\n: 1\r\n\r\n",
        400,
        "wire.syntax",
    ),
    ("GET / HTTP/3.0\r\nHost: a\r\n\r\n", 400, "wire.version"),
    ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, "wire.version"),
    ("GET /\r\n\r\n", 400, "wire.syntax"),
    ("\x16\x03\x01\x02\x00\x01\x00\x01", 400, "wire.syntax"),
    (
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\nContent-Length: 5\r\n\r\nhello",
        400,
        "wire.upgrade-body",
    ),
    (
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: Host\r\n\r\n",
        400,
        "wire.connection-names",
    ),
];

#[test]
fn they_are_refused_with_the_headers_of_the_policy() {
    let app = App::hello();
    let proxy = Proxy::with(
        app.address,
        |config| config.tell_reason = true,
        engine(policy("first")),
    );
    for &(request, status, reason) in REFUSED {
        let mut wire = proxy.connect();
        // what follows on the connection is not read
        let next = "GET /next HTTP/1.1\r\nHost: a\r\n\r\n";
        let follow = if reason == "wire.connection-names" {
            ""
        } else {
            next
        };
        wire.send(format!("{request}{follow}").as_bytes()).unwrap();
        let answer = wire.answer("GET");
        assert_eq!(answer.status(), status, "{request:?}");
        assert_eq!(answer.one("mantlet-reason"), reason, "{request:?}");
        assert!(answer.is_marked(), "{request:?}");
        assert_eq!(answer.all("allow").len(), usize::from(status == 405));
        assert!(answer.text().starts_with("{\"detail\":\""), "{request:?}");
        if !follow.is_empty() {
            assert_eq!(answer.one("connection"), "close");
            assert!(wire.is_closed(), "{request:?}");
        }
    }
    assert!(app.is_quiet());
}

#[test]
fn too_large_a_head_is_431() {
    let app = App::hello();
    let proxy = Proxy::to(&app);
    let long = format!(
        "GET / HTTP/1.1\r\nHost: a\r\nx: {}\r\n\r\n",
        "y".repeat(70_000)
    );
    let many = format!(
        "GET / HTTP/1.1\r\nHost: a\r\n{}\r\n",
        "x: y\r\n".repeat(101)
    );
    for request in [long, many] {
        let answer = proxy.send(request);
        assert_eq!(answer.status(), 431);
        assert!(answer.is_marked());
    }
    let allowed = format!(
        "GET / HTTP/1.1\r\nHost: a\r\nx: {}\r\n\r\n",
        "y".repeat(60_000)
    );
    assert_eq!(proxy.send(allowed).status(), 200);
}

#[test]
fn a_slow_head_is_408() {
    let app = App::hello();
    let proxy = Proxy::with(
        app.address,
        |config| config.timeouts.head = std::time::Duration::from_millis(30),
        engine(policy("first")),
    );
    let answer = proxy.send("GET / HTTP/1.1\r\nHo");
    assert_eq!(answer.status(), 408);
    assert!(answer.is_marked());
}

#[test]
fn a_malformed_chunk_is_400_and_the_end() {
    for body in [
        "5\nhello",
        "zz\r\n",
        "5\r\nhelloX",
        "0x5\r\nhello\r\n",
        "ffffffffffffffffff\r\n",
    ] {
        // an application that waits for the whole body gets an end instead
        let app = App::start(|_, _| panic!("a whole request"));
        let proxy = Proxy::to(&app);
        let mut wire = proxy.connect();
        let head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
        wire.send(format!("{head}{body}GET /next HTTP/1.1\r\nHost: a\r\n\r\n").as_bytes())
            .unwrap();
        let answer = wire.answer("POST");
        assert_eq!(answer.status(), 400, "{body:?}");
        assert!(answer.is_marked(), "{body:?}");
        assert!(wire.is_closed());
        assert!(app.is_quiet());
    }
}

#[test]
fn a_head_in_pieces_is_the_same_head() {
    let app = App::hello();
    let proxy = Proxy::to(&app);
    let mut wire = proxy.connect();
    for byte in b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n" {
        wire.send(&[*byte]).unwrap();
    }
    assert_eq!(wire.answer("GET").status(), 200);
    assert_eq!(app.next().line(), "GET /slow HTTP/1.1");
}
