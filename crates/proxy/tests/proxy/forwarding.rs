//! What goes through, and how it arrives.

use http::HeaderName;
use mantlet_engine::Op;
use mantlet_engine::policy::{Policy, Rule, Rules, Scoped, Template, Value, When};

use crate::support::{App, Proxy, Then, engine, policy};

#[test]
fn a_get_goes_through_and_comes_back() {
    let app = App::hello();
    let proxy = Proxy::to(&app);
    let answer = proxy.send("GET /a/../b?c=%2e HTTP/1.1\r\nHost: example.com\r\n\r\n");
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.text(), "hello");
    assert!(answer.is_marked());
    let seen = app.next();
    assert_eq!(seen.line(), "GET /a/../b?c=%2e HTTP/1.1");
    assert_eq!(seen.one("host"), "example.com");
    assert_eq!(seen.one("x-forwarded-for"), "127.0.0.1");
    assert_eq!(seen.one("x-forwarded-host"), "example.com");
    assert_eq!(seen.one("x-forwarded-proto"), "http");
}

#[test]
fn absolute_form_becomes_origin_form() {
    let app = App::hello();
    let proxy = Proxy::to(&app);
    for (target, line) in [
        ("http://a/x?y", "GET /x?y HTTP/1.1"),
        ("http://a", "GET / HTTP/1.1"),
        ("http://a?q", "GET /?q HTTP/1.1"),
    ] {
        proxy.send(format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n"));
        assert_eq!(app.next().line(), line);
    }
}

#[test]
fn options_asks_about_the_server_only_by_an_asterisk() {
    let app = App::hello();
    let proxy = Proxy::to(&app);
    for (target, line) in [
        ("*", "OPTIONS * HTTP/1.1"),
        // RFC 9112 section 3.2.4 asks for *; docs/proxy.md says why it is not
        ("http://a", "OPTIONS / HTTP/1.1"),
        ("http://a/", "OPTIONS / HTTP/1.1"),
        ("http://a?q", "OPTIONS /?q HTTP/1.1"),
        ("http://a/x", "OPTIONS /x HTTP/1.1"),
        ("/", "OPTIONS / HTTP/1.1"),
    ] {
        proxy.send(format!("OPTIONS {target} HTTP/1.1\r\nHost: a\r\n\r\n"));
        assert_eq!(app.next().line(), line, "{target}");
    }
}

#[test]
fn an_old_client_gets_a_host_for_the_application() {
    let app = App::hello();
    let proxy = Proxy::to(&app);
    let mut wire = proxy.connect();
    wire.send(b"GET / HTTP/1.0\r\n\r\n").unwrap();
    assert_eq!(wire.answer("GET").text(), "hello");
    assert!(wire.is_closed());
    let seen = app.next();
    assert_eq!(seen.line(), "GET / HTTP/1.1");
    assert_eq!(seen.one("host"), app.address.to_string());
    // which the client has not said, and nobody outside is to learn
    assert!(seen.all("x-forwarded-host").is_empty(), "{}", seen.head);

    proxy.send("GET http://b/ HTTP/1.0\r\n\r\n");
    let seen = app.next();
    assert_eq!(seen.one("host"), "b");
    assert_eq!(seen.one("x-forwarded-host"), "b");

    proxy.send("GET / HTTP/1.0\r\nX-Forwarded-Host: c\r\n\r\n");
    assert!(app.next().all("x-forwarded-host").is_empty());
}

#[test]
fn hop_by_hop_fields_end_here_in_both_directions() {
    let app = App::start(|_, wire| {
        wire.send(
            b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: x-hop, keep-alive\r\n\
              X-Hop: 1\r\nX-End: 2\r\nKeep-Alive: timeout=9\r\nProxy-Authenticate: Basic\r\n\r\n",
        )?;
        Ok(Then::Keep)
    });
    let proxy = Proxy::to(&app);
    let answer = proxy.send(
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: x-mine, X-Forwarded-For\r\nX-Mine: 1\r\n\
         TE: trailers\r\nKeep-Alive: 5\r\nProxy: http://b\r\nX-End: 3\r\n\r\n",
    );
    for gone in ["x-hop", "keep-alive", "proxy-authenticate", "connection"] {
        assert!(answer.all(gone).is_empty(), "{gone} in {}", answer.head);
    }
    assert_eq!(answer.one("x-end"), "2");
    let seen = app.next();
    for gone in ["connection", "x-mine", "te", "keep-alive", "proxy"] {
        assert!(seen.all(gone).is_empty(), "{gone} in {}", seen.head);
    }
    assert_eq!(seen.one("x-end"), "3");
    assert_eq!(seen.one("x-forwarded-for"), "127.0.0.1");
}

const LIES: &str = "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 203.0.113.1\r\n\
                    X-Forwarded-For: 203.0.113.2\r\nX-Forwarded-Proto: https\r\nForwarded: for=x\r\n\
                    X-Forwarded-Host: b\r\nX-Real-IP: 203.0.113.3\r\nX-Forwarded-Port: 1\r\n\r\n";

#[test]
fn a_strangers_word_on_its_origin_is_not_passed_on() {
    let app = App::hello();
    let proxy = Proxy::to(&app);
    proxy.send(LIES);
    let seen = app.next();
    assert_eq!(seen.one("x-forwarded-for"), "127.0.0.1");
    assert_eq!(seen.one("x-forwarded-proto"), "http");
    assert_eq!(seen.one("x-forwarded-host"), "a");
    for gone in ["forwarded", "x-real-ip", "x-forwarded-port"] {
        assert!(seen.all(gone).is_empty(), "{gone} in {}", seen.head);
    }
}

#[test]
fn a_trusted_peers_word_is_passed_on() {
    let app = App::hello();
    let mut trusting = policy("first");
    trusting.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    let proxy = Proxy::with(app.address, |_| {}, engine(trusting));
    proxy.send(LIES);
    let seen = app.next();
    assert_eq!(
        seen.one("x-forwarded-for"),
        "203.0.113.2, 127.0.0.1",
        "nobody trusted vouches for the first"
    );
    assert_eq!(seen.one("x-forwarded-proto"), "https");
    assert_eq!(seen.one("x-forwarded-host"), "b");
    assert!(seen.all("forwarded").is_empty());
}

fn nonce_policy() -> Policy {
    let template = Template::new(
        vec!["script-src 'nonce-".into(), "'".into()],
        http::HeaderValue::from_static("script-src 'none'"),
    )
    .unwrap();
    Policy::new(Scoped::any(Rules {
        headers: vec![Rule {
            op: Op::Append,
            name: HeaderName::from_static("content-security-policy"),
            value: Value::Nonce(template),
            when: When::Always,
        }],
        ..Rules::default()
    }))
}

#[test]
fn the_application_learns_the_nonce_and_never_a_clients_guess() {
    let app = App::hello();
    let request =
        "GET / HTTP/1.1\r\nHost: a\r\nMantlet-Nonce: guess\r\nmantlet-nonce: again\r\n\r\n";

    let told = Proxy::with(
        app.address,
        |config| config.nonce_upstream = true,
        engine(nonce_policy()),
    );
    let answer = told.send(request);
    let nonce = app.next().one("mantlet-nonce").to_owned();
    assert_eq!(
        answer.one("content-security-policy"),
        format!("script-src 'nonce-{nonce}'")
    );
    assert!(answer.all("mantlet-nonce").is_empty());

    let untold = Proxy::with(app.address, |_| {}, engine(nonce_policy()));
    untold.send(request);
    assert!(app.next().all("mantlet-nonce").is_empty());
}

#[test]
fn requests_share_a_connection_to_the_application() {
    let app = App::hello();
    let proxy = Proxy::to(&app);
    for _ in 0..3 {
        assert_eq!(
            proxy.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").status(),
            200
        );
        assert_eq!(app.next().connection, 0);
    }
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let app = App::start(|seen, wire| {
        let path = seen.line().split(' ').nth(1).unwrap_or_default();
        let text = format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{path}",
            path.len()
        );
        wire.send(text.as_bytes())?;
        Ok(Then::Keep)
    });
    let proxy = Proxy::to(&app);
    let mut wire = proxy.connect();
    wire.send(
        b"GET /1 HTTP/1.1\r\nHost: a\r\n\r\n\
          POST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc\
          POST /3 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n\
          GET /4 HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n\
          GET /5 HTTP/1.1\r\nHost: a\r\n\r\n",
    )
    .unwrap();
    for path in ["/1", "/2", "/3"] {
        assert_eq!(wire.answer("GET").text(), path);
    }
    let last = wire.answer("GET");
    assert_eq!(last.status(), 400);
    assert!(last.is_marked());
    assert!(wire.is_closed());
    for path in ["/1", "/2", "/3"] {
        assert!(app.next().line().contains(path));
    }
    assert!(app.is_quiet());
}

#[test]
fn a_new_policy_is_in_force_for_the_next_request_of_an_open_connection() {
    let app = App::hello();
    let proxy = Proxy::to(&app);
    let mut wire = proxy.connect();
    for mark in ["first", "second", "third"] {
        if mark != "first" {
            proxy.live.replace(engine(policy(mark)));
        }
        wire.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
        assert_eq!(wire.answer("GET").one("x-policy"), mark);
    }
}

#[test]
fn a_denied_request_stays_here() {
    use mantlet_engine::policy::Https;

    let app = App::hello();
    let mut strict = policy("first");
    strict.https = Https::Redirect;
    let proxy = Proxy::with(app.address, |_| {}, engine(strict));
    let answer = proxy.send("GET /x?y HTTP/1.1\r\nHost: example.com\r\n\r\n");
    assert_eq!(answer.status(), 301);
    assert_eq!(answer.one("location"), "https://example.com/x?y");
    assert!(answer.is_marked());
    assert!(app.is_quiet());
}

#[test]
fn a_response_without_a_body_has_none() {
    let app = App::start(|seen, wire| {
        let head = match seen.line() {
            line if line.starts_with("HEAD") => "200 OK\r\nContent-Length: 1000",
            line if line.contains("204") => "204 No Content",
            _ => "304 Not Modified\r\nETag: \"x\"",
        };
        wire.send(format!("HTTP/1.1 {head}\r\n\r\n").as_bytes())?;
        Ok(Then::Keep)
    });
    let proxy = Proxy::to(&app);
    let mut wire = proxy.connect();
    for (method, path, status) in [
        ("HEAD", "/", 200),
        ("GET", "/204", 204),
        ("GET", "/304", 304),
    ] {
        wire.send(format!("{method} {path} HTTP/1.1\r\nHost: a\r\n\r\n").as_bytes())
            .unwrap();
        let answer = wire.answer(method);
        assert_eq!(answer.status(), status);
        assert!(answer.is_marked());
        if method == "HEAD" {
            assert_eq!(answer.one("content-length"), "1000");
        }
    }
}

#[test]
fn fields_of_the_policy_cannot_be_removed_by_connection() {
    let app = App::start(|_, wire| {
        wire.send(
            b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: X-Content-Type-Options\r\n\r\n",
        )?;
        Ok(Then::Keep)
    });
    let answer = Proxy::to(&app).send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert!(answer.is_marked());
}
