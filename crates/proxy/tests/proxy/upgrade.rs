//! WebSocket, and what is not.

use crate::support::{App, Proxy, Then, engine, policy};

const HANDSHAKE: &[u8] = b"GET /socket HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\
                           Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/// Accepts, greets, and echoes lines of five bytes.
fn echo() -> App {
    App::raw(|number, wire, seen| {
        let Some(request) = wire.request(number)? else {
            return Ok(());
        };
        let _ = seen.send(request);
        wire.send(
            b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
              Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\ngreet",
        )?;
        while let Ok(five) = wire.exactly(5) {
            wire.send(&five)?;
        }
        Ok(())
    })
}

#[test]
fn a_websocket_goes_through_both_ways() {
    let app = echo();
    let proxy = Proxy::to(&app);
    let mut wire = proxy.connect();
    // what comes with the handshake belongs to the new protocol; what looks like HTTP in it is not read
    wire.send(&[HANDSHAKE, b"early"].concat()).unwrap();
    let head = wire.head().unwrap().unwrap();
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    for line in [
        "connection: upgrade",
        "upgrade: websocket",
        "sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
        "x-policy: first",
    ] {
        assert!(head.contains(line), "{line} in {head}");
    }
    assert_eq!(wire.exactly(10).unwrap(), b"greetearly");
    for five in [b"GET /", b"\n\n\n\n\n", b"\0\0\0\0\0"] {
        wire.send(five).unwrap();
        assert_eq!(wire.exactly(5).unwrap(), five);
    }
    let seen = app.next();
    assert_eq!(seen.one("connection"), "upgrade");
    assert_eq!(seen.one("upgrade"), "websocket");
    assert_eq!(seen.one("sec-websocket-key"), "dGhlIHNhbXBsZSBub25jZQ==");
    wire.stream.shutdown(std::net::Shutdown::Write).unwrap();
    assert!(wire.is_closed());
}

#[test]
fn after_a_refused_upgrade_the_connection_is_closed() {
    let app = App::hello();
    let proxy = Proxy::to(&app);
    let mut wire = proxy.connect();
    let smuggled = b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n";
    wire.send(&[HANDSHAKE, smuggled].concat()).unwrap();
    let answer = wire.answer("GET");
    assert_eq!((answer.status(), answer.text().as_str()), (200, "hello"));
    assert_eq!(answer.one("connection"), "close");
    assert!(answer.is_marked());
    assert!(wire.is_closed());
    assert!(app.next().line().starts_with("GET /socket "));
    assert!(app.is_quiet());
}

#[test]
fn a_large_refusal_arrives_whole() {
    let app = App::start(|_, wire| {
        wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 4000000\r\n\r\n")?;
        wire.send(&vec![b'x'; 4_000_000])?;
        Ok(Then::Keep)
    });
    let proxy = Proxy::to(&app);
    let mut wire = proxy.connect();
    wire.send(HANDSHAKE).unwrap();
    assert_eq!(wire.answer("GET").body.len(), 4_000_000);
    assert!(wire.is_closed());
}

#[test]
fn other_protocols_are_not_offered_to_the_application() {
    let app = App::hello();
    let proxy = Proxy::to(&app);
    for upgrade in ["h2c", "websocket, h2c", "TLS/1.0"] {
        let mut wire = proxy.connect();
        wire.send(
            format!(
                "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\n\
                 Upgrade: {upgrade}\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n\r\n"
            )
            .as_bytes(),
        )
        .unwrap();
        assert_eq!(wire.answer("GET").status(), 200);
        assert!(wire.is_closed());
        let seen = app.next();
        for gone in ["upgrade", "connection", "http2-settings"] {
            assert!(seen.all(gone).is_empty(), "{gone} in {}", seen.head);
        }
    }
}

#[test]
fn what_is_no_websocket_101_is_502() {
    const ACCEPT: &str = "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";
    for fields in [
        "Connection: Upgrade\r\nUpgrade: h2c",
        "Connection: Upgrade\r\nUpgrade: websocket, h2c",
        "Connection: Upgrade\r\nUpgrade: websocket\r\nUpgrade: h2c",
        "Connection: Upgrade\r\nUpgrade: websocket\r\nUpgrade: websocket",
        "Connection: Upgrade",
        "Connection: keep-alive\r\nUpgrade: websocket",
        "Upgrade: websocket",
        "Connection: Upgrade\r\nUpgrade: websocket\r\nTransfer-Encoding: chunked",
        "Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 5",
        "Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 0",
        "Connection: Upgrade\r\nUpgrade: h2c\r\nTransfer-Encoding: chunked",
    ] {
        let app = App::start(move |_, wire| {
            let head = "HTTP/1.1 101 Switching Protocols";
            wire.send(format!("{head}\r\n{fields}\r\n{ACCEPT}\r\n\r\nhello").as_bytes())?;
            Ok(Then::Close)
        });
        let proxy = Proxy::with(
            app.address,
            |config| config.tell_reason = true,
            engine(policy("first")),
        );
        let mut wire = proxy.connect();
        wire.send(HANDSHAKE).unwrap();
        let answer = wire.answer("GET");
        assert_eq!(answer.status(), 502, "{fields:?}");
        assert_eq!(answer.one("mantlet-reason"), "upstream.upgrade");
        assert!(answer.is_marked(), "{fields:?}");
        assert!(wire.is_closed(), "{fields:?}");
    }
}

#[test]
fn an_application_that_ends_a_websocket_ends_it_for_the_client() {
    let app = App::raw(|number, wire, _| {
        wire.request(number)?;
        wire.send(
            b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
              Sec-WebSocket-Accept: x\r\n\r\nbye",
        )
    });
    let proxy = Proxy::to(&app);
    let mut wire = proxy.connect();
    wire.send(HANDSHAKE).unwrap();
    wire.head().unwrap().unwrap();
    assert_eq!(wire.rest().unwrap(), b"bye");
}

#[test]
fn a_stopping_proxy_does_not_wait_for_a_websocket() {
    let app = echo();
    let mut proxy = Proxy::to(&app);
    let mut wire = proxy.connect();
    wire.send(HANDSHAKE).unwrap();
    wire.head().unwrap().unwrap();
    assert_eq!(wire.exactly(5).unwrap(), b"greet");
    let running = proxy.running.take().unwrap();
    running.stop(std::time::Duration::from_secs(3600));
    running.join().unwrap();
    assert!(wire.is_closed());
}
