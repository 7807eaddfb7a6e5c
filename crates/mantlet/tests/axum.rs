//! The layer and the nonce in an axum application.

#![allow(clippy::expect_used)]

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::body::{Body, to_bytes};
use axum::extract::ConnectInfo;
use axum::response::Response;
use axum::routing::get;
use axum::{Extension, Router};
use http::{Request, StatusCode};
use mantlet::{Config, Nonce};
use tower::ServiceExt;

async fn ask(app: Router, request: Request<Body>) -> Response {
    let answer: Result<_, Infallible> = app.oneshot(request).await;
    answer.expect("infallible")
}

async fn text(response: Response) -> String {
    let body = to_bytes(response.into_body(), 4096).await.expect("a body");
    String::from_utf8(body.to_vec()).expect("text")
}

fn root() -> Request<Body> {
    Request::get("/").body(Body::empty()).expect("a request")
}

fn with_nonce() -> Config {
    Config::new().csp("script-src", ["'nonce'"])
}

fn app(config: &Config) -> Router {
    let said = async |nonce: Nonce| nonce.as_str().to_owned();
    let may = async |nonce: Option<Nonce>| nonce.map_or("none".to_owned(), |it| it.to_string());
    Router::new()
        .route("/", get(said))
        .route("/may", get(may))
        .layer(mantlet::layer(config.build().expect("right")))
}

#[tokio::test]
async fn a_handler_prints_the_nonce_of_the_header() {
    let response = ask(app(&with_nonce()), root()).await;
    let csp = response.headers()["content-security-policy"].clone();
    let nonce = text(response).await;
    assert_eq!(nonce.len(), 22);
    let written = format!("'nonce-{nonce}'");
    assert!(csp.to_str().expect("text").contains(&written), "{csp:?}");
}

#[tokio::test]
async fn an_optional_nonce_is_none_under_a_policy_without() {
    let may = || Request::get("/may").body(Body::empty()).expect("a request");
    assert_eq!(text(ask(app(&Config::new()), may()).await).await, "none");
    assert_eq!(text(ask(app(&with_nonce()), may()).await).await.len(), 22);
}

#[tokio::test]
async fn a_missing_nonce_is_a_500_that_tells_the_log_and_not_the_client() {
    let log: Arc<Mutex<Vec<u8>>> = Arc::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_writer(move || Log(writer.clone()))
        .finish();
    let guard = tracing::subscriber::set_default(subscriber);
    let response = ask(app(&Config::new()), root()).await;
    drop(guard);
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert!(response.headers().contains_key("x-content-type-options"));
    assert_eq!(text(response).await, "");
    let log = String::from_utf8(log.lock().expect("whole").clone()).expect("text");
    assert!(log.contains("ERROR") && log.contains("no nonce"), "{log}");
}

struct Log(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("whole").write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn only_a_trusted_peer_of_axum_may_say_https() {
    let config = Config::new().trusted_proxies(["10.0.0.0/8".parse().expect("a network")]);
    for (peer, trusted) in [("10.1.2.3:4", true), ("192.0.2.1:4", false)] {
        let peer: SocketAddr = peer.parse().expect("an address");
        let request = Request::get("/")
            .header("host", "app.example")
            .header("x-forwarded-proto", "https")
            .body(Body::empty())
            .expect("a request");
        let app = Router::new()
            .route("/", get(async || "hello"))
            .layer(mantlet::layer(config.build().expect("right")))
            // the first layer to see the request: as axum's own server does
            .layer(Extension(ConnectInfo(peer)));
        let response = ask(app, request).await;
        let hsts = response.headers().contains_key("strict-transport-security");
        assert_eq!(hsts, trusted, "{peer}");
    }
}
