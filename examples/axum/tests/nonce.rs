//! The running service, seen from a socket.

#![allow(clippy::expect_used, clippy::panic)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(10);

struct Service {
    process: Child,
    address: SocketAddr,
}

impl Service {
    fn start() -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_example-axum"))
            .arg("127.0.0.1:0")
            .stdout(Stdio::piped())
            .spawn()
            .expect("the service");
        let output = process.stdout.take().expect("its output");
        let (tell, told) = mpsc::channel();
        std::thread::spawn(move || {
            let mut line = String::new();
            let _ = BufReader::new(output).read_line(&mut line);
            let _ = tell.send(line);
        });
        let line = told.recv_timeout(PATIENCE).unwrap_or_default();
        let address = line.trim().strip_prefix("http://").map(str::parse);
        let Some(Ok(address)) = address else {
            let _ = process.kill();
            panic!("no address: {line:?}");
        };
        Self { process, address }
    }

    /// Head and body of the response, the head in lower case but for its values.
    fn get(&self, path: &str) -> (String, String) {
        self.ask(&format!("GET {path}"), "")
    }

    fn ask(&self, line: &str, fields: &str) -> (String, String) {
        let mut stream = TcpStream::connect_timeout(&self.address, PATIENCE).expect("a connection");
        stream
            .set_read_timeout(Some(PATIENCE))
            .expect("a bound wait");
        let request =
            format!("{line} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{fields}\r\n");
        stream.write_all(request.as_bytes()).expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
        (head.to_owned(), body.to_owned())
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn between<'t>(text: &'t str, before: &str, after: char) -> &'t str {
    let (_, rest) = text
        .split_once(before)
        .unwrap_or_else(|| panic!("no {before} in {text}"));
    rest.split(after).next().unwrap_or_default()
}

#[test]
fn the_nonce_of_the_page_is_that_of_the_field_and_no_other_has_it() {
    let service = Service::start();
    let nonces = [0, 1].map(|_| {
        let (head, body) = service.get("/");
        assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
        let policy = between(&head, "content-security-policy: ", '\r');
        assert!(policy.contains("'strict-dynamic'"), "{policy}");
        let nonce = between(policy, "script-src 'nonce-", '\'');
        assert_eq!(nonce.len(), 22, "{policy}");
        assert_eq!(between(policy, "style-src 'nonce-", '\''), nonce);
        assert_eq!(between(&body, "<script nonce=\"", '"'), nonce);
        assert_eq!(between(&body, "<style nonce=\"", '"'), nonce);
        assert!(head.contains("\r\ncache-control: private"), "{head}");
        nonce.to_owned()
    });
    assert_ne!(nonces[0], nonces[1]);
}

#[test]
fn what_is_not_found_has_the_fields_too() {
    let service = Service::start();
    let (head, _) = service.get("/nothing");
    assert!(head.starts_with("HTTP/1.1 404 "), "{head}");
    for line in [
        "content-security-policy: default-src 'self';",
        "x-content-type-options: nosniff",
        "x-frame-options: SAMEORIGIN",
        "referrer-policy: strict-origin-when-cross-origin",
    ] {
        assert!(head.contains(&format!("\r\n{line}")), "{line} in {head}");
    }
    // plain http, and nobody said otherwise
    assert!(!head.contains("strict-transport-security"), "{head}");
}

#[test]
fn a_form_of_another_site_does_not_reach_the_service() {
    let service = Service::start();
    let post = |origin| service.ask("POST /", &format!("origin: {origin}\r\n"));
    let (head, body) = post("https://evil.example");
    assert!(head.starts_with("HTTP/1.1 403 "), "{head}");
    assert!(head.contains("\r\nx-frame-options: SAMEORIGIN"), "{head}");
    assert_eq!(body, r#"{"detail":"Cross-origin request rejected."}"#);
    // its own page reaches the router, which has no such method
    let (head, _) = post("http://localhost");
    assert!(head.starts_with("HTTP/1.1 405 "), "{head}");
}
