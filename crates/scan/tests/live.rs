//! Against servers of the test, on loopback: certificates, redirects, probes, and everything that a bad server does.

#![allow(clippy::expect_used)]

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use mantlet_audit::{Http, Tls};
use mantlet_scan::{Failure, ORIGIN, Options, Probes, Proxy, Retriever, Seen, each};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

type Heads = Arc<Mutex<Vec<String>>>;

/// A server: what it answers to a head, and the heads that it got. It ends with the runtime of the test.
struct Server {
    address: SocketAddr,
    heads: Heads,
}

async fn head_of(stream: &mut (impl AsyncRead + Unpin)) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    Some(String::from_utf8_lossy(&head).into_owned())
}

async fn serve_one(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    heads: &Heads,
    answer: fn(&str) -> Vec<u8>,
) {
    if let Some(head) = head_of(stream).await {
        let bytes = answer(&head);
        heads.lock().expect("a lock").push(head);
        // a client that has seen enough may be gone
        let _ = stream.write_all(&bytes).await;
        let _ = stream.shutdown().await;
    }
}

async fn server(tls: Option<TlsAcceptor>, answer: fn(&str) -> Vec<u8>) -> Server {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let heads = Heads::default();
    let own = Arc::clone(&heads);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let (tls, heads) = (tls.clone(), Arc::clone(&own));
            tokio::spawn(async move {
                match tls {
                    None => serve_one(&mut stream, &heads, answer).await,
                    Some(tls) => {
                        if let Ok(mut stream) = tls.accept(stream).await {
                            serve_one(&mut stream, &heads, answer).await;
                        }
                    }
                }
            });
        }
    });
    Server { address, heads }
}

/// A certificate for localhost that signs itself, and its PEM.
fn certificate() -> (TlsAcceptor, String) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).expect("a key");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .expect("a configuration");
    (TlsAcceptor::from(Arc::new(config)), made.cert.pem())
}

fn response(status: &str, fields: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\nContent-Type: text/html\r\nContent-Length: {length}\r\n{fields}\r\n{body}").into_bytes()
}

fn hello(_: &str) -> Vec<u8> {
    response("200 OK", "", "<p>hello")
}

async fn observe(options: Options, url: &str) -> Result<Seen, Failure> {
    let url = mantlet_scan::site(url).expect("a URL");
    Retriever::new(options)
        .expect("options")
        .observe(&url)
        .await
}

async fn fails(answer: fn(&str) -> Vec<u8>) -> Failure {
    let server = server(None, answer).await;
    let url = format!("http://{}/", server.address);
    observe(Options::default(), &url)
        .await
        .expect_err("a failure")
}

#[tokio::test]
async fn a_certificate_of_nobody_is_noted_and_one_of_the_file_is_good() {
    let (tls, pem) = certificate();
    let server = server(Some(tls), hello).await;
    let url = format!("https://localhost:{}/", server.address.port());
    let secret = http::HeaderValue::from_static("Bearer x");
    let options = Options {
        resolve: [("localhost".to_owned(), server.address.ip())].into(),
        headers: vec![(http::header::AUTHORIZATION, secret)],
        ..Options::default()
    };
    let seen = observe(options.clone(), &url).await.expect("a page");
    assert_eq!(seen.observation.tls, Tls::Unverified);
    assert_eq!(seen.observation.response.body, "<p>hello");
    let secrets = || {
        let heads = std::mem::take(&mut *server.heads.lock().expect("a lock"));
        heads
            .iter()
            .filter(|head| head.contains("Bearer x"))
            .count()
    };
    assert_eq!(secrets(), 0, "whoever answered got the secret");
    let careless = Options {
        danger_unverified_secrets: true,
        ..options.clone()
    };
    observe(careless, &url).await.expect("a page");
    assert!(secrets() > 0);
    let trusting = Options {
        authorities: Some(pem.into_bytes()),
        ..options
    };
    let seen = observe(trusting, &url).await.expect("a page");
    assert_eq!(seen.observation.tls, Tls::Verified);
}

#[tokio::test]
async fn what_speaks_no_tls_is_said() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let url = format!("https://{}/", listener.local_addr().expect("an address"));
    let answer = async {
        let (mut stream, _) = listener.accept().await.expect("a client");
        stream.write_all(&hello("")).await.expect("sent");
        stream
    };
    let (failed, _stream) = tokio::join!(observe(Options::default(), &url), answer);
    let failure = failed.expect_err("a failure");
    assert!(matches!(failure, Failure::Tls(_)), "{failure}");
}

/// A proxy that plays a site by name: redirects plain http, and refuses tunnels.
fn site_behind_proxy(head: &str) -> Vec<u8> {
    match head.split(' ').take(2).collect::<Vec<_>>().as_slice() {
        ["CONNECT", _] => response("403 Forbidden", "", ""),
        ["GET", "http://site.test/"] => {
            response("302 Found", "Location: /home\r\nSet-Cookie: id=1\r\n", "")
        }
        ["GET", "http://site.test/home"] => response("200 OK", "", "<p>home"),
        ["OPTIONS", _] => response("405 Method Not Allowed", "", ""),
        _ => response("404 Not Found", "X-Missing: 1\r\n", ""),
    }
}

#[tokio::test]
async fn both_schemes_are_asked_through_a_proxy_and_cookies_are_kept() {
    let server = server(None, site_behind_proxy).await;
    let options = Options {
        proxy: Some(Proxy::parse(&format!("http://u:p@{}", server.address)).expect("a proxy")),
        ..Options::default()
    };
    let seen = observe(options, "http://site.test/").await.expect("a page");
    assert!(
        seen.remarks[0].contains("the proxy answered 403"),
        "{:?}",
        seen.remarks
    );
    let observation = &seen.observation;
    assert_eq!((observation.tls, observation.hops.len()), (Tls::None, 1));
    assert!(matches!(&observation.http, Http::Answered(session) if session.hops.len() == 2));
    assert_eq!(
        observation.not_found.as_ref().map(|answer| answer.status),
        Some(404)
    );
    assert_eq!(
        observation
            .again
            .as_ref()
            .map(|answer| answer.body.as_str()),
        Some("<p>home")
    );
    assert_eq!(observation.cors, None);
    let heads = server.heads.lock().expect("a lock");
    let home = heads
        .iter()
        .find(|head| head.starts_with("GET http://site.test/home"))
        .expect("asked");
    assert!(
        home.contains("cookie: id=1") && home.contains("proxy-authorization: Basic"),
        "{home}"
    );
    assert!(
        heads
            .iter()
            .any(|head| head.starts_with("CONNECT site.test:443 "))
    );
}

fn reflecting(head: &str) -> Vec<u8> {
    let origin = head.lines().find_map(|line| line.strip_prefix("origin: "));
    let allow = origin.map(|origin| {
        format!(
            "Access-Control-Allow-Origin: {origin}\r\nAccess-Control-Allow-Credentials: true\r\n"
        )
    });
    match head.split(' ').next() {
        Some("OPTIONS") => response("405 Method Not Allowed", "", ""),
        Some("POST") => response("303 See Other", "Location: /\r\n", ""),
        _ => response("200 OK", &allow.unwrap_or_default(), "<p>"),
    }
}

#[tokio::test]
async fn a_reflected_origin_is_seen_without_preflight_and_a_forged_post_is_sent_on_demand() {
    let server = server(None, reflecting).await;
    let url = format!("http://{}/", server.address);
    let options = Options {
        cross_site_post: Some("/transfer".to_owned()),
        ..Options::default()
    };
    let seen = observe(options, &url).await.expect("a page");
    let cors = seen.observation.cors.as_ref().expect("an answer");
    assert_eq!(
        cors.headers.first("access-control-allow-origin"),
        Some(ORIGIN)
    );
    assert_eq!(seen.observation.cross_site_post, Some(303));
    let found = mantlet_audit::audit(&seen.observation).findings;
    for rule in ["cors.open", "csrf.accepted"] {
        assert!(
            found.iter().any(|finding| finding.rule.name == rule),
            "{rule}"
        );
    }
    observe(Options::default(), &url).await.expect("a page");
    let heads = server.heads.lock().expect("a lock");
    assert_eq!(
        heads
            .iter()
            .filter(|head| head.starts_with("POST "))
            .count(),
        1
    );
}

#[tokio::test]
async fn secrets_stay_with_the_host_that_was_given() {
    let other = server(None, hello).await;
    let given = server(None, |head| {
        let port = head.split("port=").nth(1).unwrap_or_default();
        let port: String = port.chars().take_while(char::is_ascii_digit).collect();
        response(
            "302 Found",
            &format!("Location: http://127.0.0.1:{port}/\r\n"),
            "",
        )
    })
    .await;
    let mut options = Options {
        probes: Probes::Page,
        ..Options::default()
    };
    options.headers.push((
        http::header::AUTHORIZATION,
        http::HeaderValue::from_static("Bearer x"),
    ));
    let url = format!("http://{}/?port={}", given.address, other.address.port());
    observe(options, &url).await.expect("a page");
    assert!(given.heads.lock().expect("a lock")[0].contains("authorization: Bearer x"));
    assert!(!other.heads.lock().expect("a lock")[0].contains("Bearer"));
}

#[tokio::test]
async fn a_redirect_loop_ends() {
    let failure = fails(|_| response("302 Found", "Location: /\r\n", "")).await;
    assert!(matches!(failure, Failure::Redirects(10)), "{failure}");
}

#[tokio::test]
async fn junk_is_no_response() {
    let failure = fails(|_| b"\x00\xff\x16\x03 what\r\n\r\n".to_vec()).await;
    assert!(matches!(failure, Failure::Junk(_)), "{failure}");
}

#[tokio::test]
async fn a_truncated_head_or_body_is_said() {
    for answer in [
        (|_: &str| b"HTTP/1.1 200 OK\r\nContent-".to_vec()) as fn(&str) -> Vec<u8>,
        |_| {
            b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 100\r\n\r\n<p>".to_vec()
        },
        |_| {
            b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n<p>".to_vec()
        },
    ] {
        let failure = fails(answer).await;
        assert!(matches!(failure, Failure::Truncated), "{failure}");
    }
}

#[tokio::test]
async fn headers_without_end_are_refused_early() {
    let failure = fails(|_| {
        let mut head = b"HTTP/1.1 200 OK\r\n".to_vec();
        head.extend(
            "X-Long: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n"
                .repeat(100_000)
                .bytes(),
        );
        head
    })
    .await;
    assert!(matches!(failure, Failure::HeadTooLarge(65536)), "{failure}");
}

#[tokio::test]
async fn a_long_body_is_cut_and_said() {
    let server = server(None, |_| response("200 OK", "", &"<p>".repeat(1 << 20))).await;
    let options = Options {
        probes: Probes::Page,
        ..Options::default()
    };
    let seen = observe(options, &format!("http://{}/", server.address))
        .await
        .expect("a page");
    assert_eq!(seen.observation.response.body.len(), 2 << 20);
    assert!(
        seen.remarks[0].contains("cut at 2097152 bytes"),
        "{:?}",
        seen.remarks
    );
}

#[tokio::test]
async fn a_server_that_never_answers_costs_the_time_it_has() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let url = format!("http://{}/", listener.local_addr().expect("an address"));
    let options = Options {
        total: Duration::from_millis(50),
        ..Options::default()
    };
    let failure = observe(options, &url).await.expect_err("a failure");
    assert!(matches!(failure, Failure::Timeout(_)), "{failure}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_bad_site_leaves_the_others() {
    let good = server(None, hello).await;
    let bad = server(None, |_| b"junk\r\n\r\n".to_vec()).await;
    let options = Options {
        probes: Probes::Page,
        ..Options::default()
    };
    let retriever = Arc::new(Retriever::new(options).expect("options"));
    let sites = (0..40).map(|i| match i % 4 {
        0 => format!("http://{}/{i}", bad.address),
        1 => "no site at all".to_owned(),
        2 => format!("http://{}/panic", good.address),
        _ => format!("http://{}/{i}", good.address),
    });
    let mut told = Vec::new();
    let judge = |name: &str, seen: Result<Seen, Failure>| {
        assert!(seen.is_err() || !name.ends_with("panic"), "on purpose");
        (
            name.to_owned(),
            seen.map(|seen| seen.observation.response.status),
        )
    };
    let run = each(retriever, sites, 8, judge, |one| {
        told.push(one);
        Ok::<(), ()>(())
    });
    run.await.expect("nothing stops it");
    assert_eq!(told.len(), 40);
    assert_eq!(
        told.iter()
            .filter(|(_, seen)| matches!(seen, Ok(200)))
            .count(),
        10
    );
    assert_eq!(
        told.iter()
            .filter(|(_, seen)| matches!(seen, Err(Failure::Internal)))
            .count(),
        10
    );
    assert_eq!(
        told.iter()
            .filter(|(_, seen)| matches!(seen, Err(Failure::Junk(_))))
            .count(),
        10
    );
    assert_eq!(
        told.iter()
            .filter(|(_, seen)| matches!(seen, Err(Failure::Url(_))))
            .count(),
        10
    );
}
