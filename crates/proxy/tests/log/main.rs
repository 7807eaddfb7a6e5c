//! What the log says of requests: read from the process's own subscriber, so these tests are a program of their own.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../proxy/support.rs"]
#[allow(dead_code)]
mod support;

use std::io;
use std::sync::{Arc, Mutex, OnceLock};

use mantlet_engine::policy::{ClientAddress, CrossOrigin, Disposition, Policy};
use support::{App, Proxy, engine, policy};

/// The lines of the log so far.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Lines {
    /// Those that name `mark`.
    fn with(&self, mark: &str) -> Vec<String> {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        let lines = text.lines().filter(|line| line.contains(mark));
        lines.map(str::to_owned).collect()
    }

    fn one(&self, mark: &str) -> String {
        let lines = self.with(mark);
        assert_eq!(lines.len(), 1, "{lines:?}");
        lines[0].clone()
    }
}

/// The log of this process, from its first use on.
fn log() -> &'static Lines {
    static LINES: OnceLock<Lines> = OnceLock::new();
    LINES.get_or_init(|| {
        let lines = Lines::default();
        let writer = lines.clone();
        tracing_subscriber::fmt()
            .with_max_level(tracing_subscriber::filter::LevelFilter::DEBUG)
            .with_ansi(false)
            .with_writer(move || writer.clone())
            .init();
        lines
    })
}

fn protecting(disposition: Disposition) -> Policy {
    let mut policy = policy("first");
    policy.cross_origin = Some(CrossOrigin {
        disposition,
        ..CrossOrigin::default()
    });
    policy
}

#[test]
fn a_denial_says_who_asked_for_what_and_what_to_do() {
    let log = log();
    let app = App::hello();
    let mut policy = protecting(Disposition::Enforce);
    policy.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    let proxy = Proxy::with(app.address, |_| {}, engine(policy));
    let answer = proxy.send(
        "POST /denied?secret HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 203.0.113.9\r\nSec-Fetch-Site: cross-site\r\n\
         Content-Length: 0\r\n\r\n",
    );
    assert_eq!(answer.status(), 403);
    let line = log.one("/denied");
    for part in [
        "INFO",
        "answered by the proxy",
        "reason=\"origin.cross-site\"",
        "status=403",
        "peer=127.0.0.1",
        "client=203.0.113.9",
        "method=POST",
        "path=\"/denied\"",
        "fix=\"if the other site is a partner",
    ] {
        assert!(line.contains(part), "{part} in {line}");
    }
    assert!(!line.contains("secret"), "{line}");
}

#[test]
fn a_check_that_reports_says_what_it_would_have_denied() {
    let log = log();
    let app = App::hello();
    let report = Disposition::Report { enforce_percent: 0 };
    let proxy = Proxy::with(app.address, |_| {}, engine(protecting(report)));
    let post = |path: &str, site: &str| {
        let answer = proxy.send(format!(
            "POST {path} HTTP/1.1\r\nHost: a\r\nSec-Fetch-Site: {site}\r\nContent-Length: 0\r\n\r\n"
        ));
        assert_eq!(answer.status(), 200);
    };
    post("/reported", "cross-site");
    post("/fine", "same-origin");
    let line = log.one("/reported");
    for part in [
        "INFO",
        "would be denied",
        "reason=\"origin.cross-site\"",
        "peer=127.0.0.1",
        "client=127.0.0.1",
        "method=POST",
        "fix=\"if the other site is a partner",
    ] {
        assert!(line.contains(part), "{part} in {line}");
    }
    assert!(log.with("/fine").is_empty());
}

#[test]
fn an_answer_of_the_proxy_itself_has_nothing_to_fix() {
    let log = log();
    let gone = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap()
    };
    let proxy = Proxy::with(gone, |_| {}, engine(policy("first")));
    let answer = proxy.send("GET /down HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(answer.status(), 502);
    let line = log.one("/down");
    assert!(line.contains("reason=\"upstream.down\""), "{line}");
    assert!(!line.contains("fix="), "{line}");
}

#[test]
fn a_forgotten_proxy_is_warned_of_once() {
    let log = log();
    let app = App::hello();
    let proxy = Proxy::to(&app);
    for _ in 0..3 {
        let answer =
            proxy.send("GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 203.0.113.9\r\n\r\n");
        assert_eq!(answer.status(), 200);
    }
    let line = log.one("trusted_proxies");
    assert!(line.contains("WARN"), "{line}");
    let add = "trusted_proxies = [\"127.0.0.1\"]";
    assert!(line.contains(add), "{line}");
}

#[test]
fn a_connection_that_announces_nobody_says_why_it_was_closed() {
    let log = log();
    let app = App::hello();
    let mut policy = policy("first");
    policy.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    policy.client_address = ClientAddress::ProxyProtocol;
    let proxy = Proxy::with(app.address, |_| {}, engine(policy));
    for (bytes, reason, level) in [
        (&b"GET / HTTP/1.1\r\n"[..], "proxy-protocol.missing", "INFO"),
        (b"PROXY TCP4 ?\r\n", "proxy-protocol.malformed", "INFO"),
        (b"", "proxy-protocol.ended", "DEBUG"),
    ] {
        let mut wire = proxy.connect();
        wire.send(bytes).unwrap();
        wire.stream.shutdown(std::net::Shutdown::Write).unwrap();
        assert!(wire.is_closed());
        let line = log.one(reason);
        assert!(line.contains(level), "{line}");
        assert!(line.contains("peer=127.0.0.1"), "{line}");
    }
}
