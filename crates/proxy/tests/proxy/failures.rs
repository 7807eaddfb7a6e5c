//! An application that is down, slow, wrong or just gone.

use std::net::TcpListener;
use std::sync::Mutex;
use std::sync::mpsc::channel;
use std::time::Duration;

use mantlet_engine::policy::{Counting, Limit};

use crate::support::{App, Proxy, SOON, Then, engine, policy};

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

#[test]
fn an_application_that_is_down_is_502() {
    let gone = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap()
    };
    let proxy = Proxy::with(gone, |c| c.tell_reason = true, engine(policy("first")));
    let answer = proxy.send(GET);
    assert_eq!(answer.status(), 502);
    assert_eq!(answer.one("mantlet-reason"), "upstream.down");
    assert!(answer.is_marked());
    assert!(answer.text().contains("cannot be reached"));
    // and the client's connection goes on
    let mut wire = proxy.connect();
    for _ in 0..2 {
        wire.send(GET.as_bytes()).unwrap();
        assert_eq!(wire.answer("GET").status(), 502);
    }
}

#[test]
fn a_refused_upload_still_gets_its_502() {
    let gone = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap()
    };
    let proxy = Proxy::with(gone, |_| {}, engine(policy("first")));
    let mut wire = proxy.connect();
    wire.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 30000000\r\n\r\n")
        .unwrap();
    // the proxy has answered long before the end; a client that sends all the same is not cut off
    for _ in 0..300 {
        wire.send(&[b'x'; 100_000]).unwrap();
    }
    let answer = wire.answer("POST");
    assert_eq!(answer.status(), 502);
    assert!(answer.is_marked());
    assert!(wire.is_closed());
}

#[test]
fn an_application_that_is_slow_is_504() {
    let app = App::start(|_, wire| wire.rest().map(|_| Then::Close));
    let proxy = Proxy::with(
        app.address,
        |config| {
            config.timeouts.response = Duration::from_millis(50);
            config.tell_reason = true;
        },
        engine(policy("first")),
    );
    let answer = proxy.send(GET);
    assert_eq!(answer.status(), 504);
    assert_eq!(answer.one("mantlet-reason"), "upstream.timeout");
    assert!(answer.is_marked());
}

#[test]
fn a_client_that_is_slow_with_its_body_is_408() {
    let app = App::start(|_, wire| wire.rest().map(|_| Then::Close));
    let proxy = Proxy::with(
        app.address,
        |config| config.timeouts.response = Duration::from_millis(50),
        engine(policy("first")),
    );
    let answer = proxy.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nsome");
    assert_eq!(answer.status(), 408);
    assert!(answer.is_marked());
}

#[test]
fn a_client_that_does_not_read_is_given_up() {
    let (tell, told) = channel();
    let tell = Mutex::new(tell);
    let app = App::start(move |_, wire| {
        wire.send(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")?;
        let piece = vec![b'x'; 1 << 20];
        // without an end of its own: only the proxy can end it
        while wire.send(&piece).is_ok() {}
        tell.lock().unwrap().send(()).unwrap();
        Ok(Then::Close)
    });
    let proxy = Proxy::with(
        app.address,
        |config| config.timeouts.write = Duration::from_millis(50),
        engine(policy("first")),
    );
    let mut wire = proxy.connect();
    wire.send(GET.as_bytes()).unwrap();
    told.recv_timeout(SOON).unwrap();
}

#[test]
fn what_is_no_valid_response_is_502() {
    let answers: &[&str] = &[
        "",
        "garbage\r\n\r\n",
        "HTTP/1.1 200 OK\r\nbad header\r\n\r\n",
        "HTTP/1.1 200 OK\r\nx: 1\r\n folded\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nok",
        "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
    ];
    for &text in answers {
        let app = App::start(move |_, wire| {
            wire.send(text.as_bytes())?;
            Ok(Then::Close)
        });
        let answer = Proxy::to(&app).send(GET);
        assert_eq!(answer.status(), 502, "{text:?}");
        assert!(answer.is_marked(), "{text:?}");
    }
}

#[test]
fn a_body_cut_short_is_cut_short_for_the_client_too() {
    for framing in ["Content-Length: 100", "Transfer-Encoding: chunked"] {
        let app = App::start(move |_, wire| {
            wire.send(format!("HTTP/1.1 200 OK\r\n{framing}\r\n\r\n5\r\nhello\r\n").as_bytes())?;
            Ok(Then::Close)
        });
        let proxy = Proxy::to(&app);
        let mut wire = proxy.connect();
        wire.send(GET.as_bytes()).unwrap();
        wire.head().unwrap().unwrap();
        // closed, without the end that the framing promises
        let rest = wire.rest().unwrap();
        assert!(!rest.ends_with(b"0\r\n\r\n"), "{framing}");
    }
}

#[test]
fn a_pooled_connection_that_the_application_closed_is_replaced() {
    let (tell, told) = channel();
    let tell = Mutex::new(tell);
    let app = App::start(move |_, wire| {
        // nothing of it says that the connection will be closed
        wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")?;
        wire.stream.shutdown(std::net::Shutdown::Both)?;
        tell.lock().unwrap().send(()).unwrap();
        Ok(Then::Close)
    });
    let proxy = Proxy::to(&app);
    let mut wire = proxy.connect();
    for i in 0..100 {
        wire.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody")
            .unwrap();
        assert_eq!(wire.answer("POST").text(), "ok");
        let seen = app.next();
        assert_eq!((seen.connection, seen.body.as_slice()), (i, &b"body"[..]));
        told.recv_timeout(SOON).unwrap();
    }
}

#[test]
fn a_body_where_none_can_be_is_not_the_next_response() {
    // the application sends the body that it announced, late: when the next request comes
    for (method, head) in [
        ("HEAD", "200 OK\r\nContent-Length: 45"),
        ("HEAD", "200 OK\r\nTransfer-Encoding: chunked"),
        ("GET", "304 Not Modified\r\nContent-Length: 45"),
        ("GET", "204 No Content\r\nTransfer-Encoding: chunked"),
    ] {
        let app = App::start(move |seen, wire| {
            if seen.line().contains("/first") {
                wire.send(format!("HTTP/1.1 {head}\r\n\r\n").as_bytes())?;
            } else if seen.connection == 0 {
                wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\npoison!")?;
            } else {
                wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")?;
            }
            Ok(Then::Keep)
        });
        let proxy = Proxy::to(&app);
        let mut wire = proxy.connect();
        wire.send(format!("{method} /first HTTP/1.1\r\nHost: a\r\n\r\n").as_bytes())
            .unwrap();
        wire.answer("HEAD");
        wire.send(GET.as_bytes()).unwrap();
        assert_eq!(wire.answer("GET").text(), "hello", "{method}: {head}");
    }
}

#[test]
fn a_response_that_says_it_has_no_body_leaves_its_connection_to_the_next() {
    let app = App::start(|seen, wire| {
        let head = match seen.line() {
            line if line.starts_with("HEAD") => "200 OK\r\nContent-Length: 0",
            _ => "304 Not Modified",
        };
        wire.send(format!("HTTP/1.1 {head}\r\n\r\n").as_bytes())?;
        Ok(Then::Keep)
    });
    let proxy = Proxy::to(&app);
    let mut wire = proxy.connect();
    for method in ["HEAD", "GET", "HEAD"] {
        wire.send(format!("{method} / HTTP/1.1\r\nHost: a\r\n\r\n").as_bytes())
            .unwrap();
        wire.answer(method);
        assert_eq!(app.next().connection, 0);
    }
}

#[test]
fn a_panic_costs_one_connection() {
    use mantlet_engine::policy::{Policy, Rule, Rules, Scoped, Template, Value, When};
    use mantlet_engine::{Engine, Entropy, EntropyError, Op};

    struct Panics;
    impl Entropy for Panics {
        fn fill(&self, _: &mut [u8]) -> Result<(), EntropyError> {
            panic!("for the test");
        }
    }
    let app = App::hello();
    let template = Template::new(
        vec!["a ".into(), String::new()],
        http::HeaderValue::from_static("a"),
    )
    .unwrap();
    let rule = Rule {
        op: Op::Override,
        name: http::header::CONTENT_SECURITY_POLICY,
        value: Value::Nonce(template),
        when: When::Always,
    };
    let bomb = Policy::new(Scoped::any(Rules {
        headers: vec![rule],
        ..Rules::default()
    }));
    let proxy = Proxy::to(&app);
    let mut survivor = proxy.connect();
    survivor.send(GET.as_bytes()).unwrap();
    assert_eq!(survivor.answer("GET").status(), 200);

    proxy.live.replace(Engine::new(bomb, Panics));
    let mut victim = proxy.connect();
    victim.send(GET.as_bytes()).unwrap();
    assert!(victim.is_closed());

    proxy.live.replace(engine(policy("second")));
    survivor.send(GET.as_bytes()).unwrap();
    assert_eq!(survivor.answer("GET").one("x-policy"), "second");
}

#[test]
fn what_a_client_gets_wrong_leaves_the_others_their_places_under_way() {
    let app = App::start(|_, wire| wire.rest().map(|_| Then::Close));
    let mut policy = policy("first");
    let counting = Counting::Concurrency {
        min: 1,
        max: 20,
        health: Vec::new(),
    };
    policy.limits = vec![Limit::new("upstream", counting)];
    let short = |config: &mut mantlet_proxy::Config| {
        config.timeouts.response = Duration::from_millis(50);
    };
    let proxy = Proxy::with(app.address, short, engine(policy));
    let under_way = || {
        let engine = proxy.live.load();
        let mut states = engine.limit_states(mantlet_source::now());
        states.find_map(|state| state.under_way)
    };
    // fields that contradict each other, and a body that never comes
    for (request, status) in [
        ("GET / HTTP/1.1\r\nHost: a\r\nConnection: host\r\n\r\n", 400),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nx",
            408,
        ),
    ] {
        assert_eq!(proxy.send(request).status(), status, "{request}");
        assert_eq!(under_way(), Some((0, 20)), "{request}");
    }
    // the application is slow
    assert_eq!(proxy.send(GET).status(), 504);
    assert_eq!(under_way(), Some((0, 18)));
}
