//! The admin listener: is the proxy alive, is the application reachable.
//!
//! `GET /healthz`: 200 as long as the proxy serves. `GET /readyz`: 200 if a TCP connection to the application succeeded
//! within the last second, else 503; 503 from the moment the proxy is told to stop. `GET /metrics`: what limits and their
//! store have counted. Anything else: 404. It tells nothing of any request.

use std::cell::Cell;
use std::convert::Infallible;
use std::net::TcpListener;
use std::rc::Rc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};

use crate::metrics;
use crate::worker::Worker;

/// How long an answer of the application's port is believed.
const MEMORY: Duration = Duration::from_secs(1);
/// How long the application's port may take to accept.
const PATIENCE: Duration = Duration::from_secs(1);
/// For a request head, and between two of them.
const IDLE: Duration = Duration::from_secs(10);

/// Serves until dropped.
pub(crate) async fn serve(worker: Rc<Worker>, listener: TcpListener) -> std::io::Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let last: Rc<Cell<Option<(Instant, bool)>>> = Rc::default();
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(IDLE);
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "accept failed (admin)");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let (worker, last) = (worker.clone(), last.clone());
        let service = service_fn(move |request: Request<Incoming>| {
            let (worker, last) = (worker.clone(), last.clone());
            async move { Ok::<_, Infallible>(answer(&worker, &last, &request).await) }
        });
        tokio::task::spawn_local(http.serve_connection(TokioIo::new(stream), service));
    }
}

async fn answer(
    worker: &Worker,
    last: &Cell<Option<(Instant, bool)>>,
    request: &Request<Incoming>,
) -> Response<Full<Bytes>> {
    if let (&Method::GET | &Method::HEAD, "/metrics") = (request.method(), request.uri().path()) {
        let text = metrics::text(&worker.live.load(), worker.store.as_ref());
        return told(StatusCode::OK, metrics::CONTENT_TYPE, text);
    }
    let (status, body) = match (request.method(), request.uri().path()) {
        (&Method::GET | &Method::HEAD, "/healthz") => (StatusCode::OK, r#"{"status":"alive"}"#),
        (&Method::GET | &Method::HEAD, "/readyz") => {
            if worker.is_stopping() {
                (StatusCode::SERVICE_UNAVAILABLE, r#"{"status":"stopping"}"#)
            } else if reachable(worker, last).await {
                (StatusCode::OK, r#"{"status":"ready"}"#)
            } else {
                let body = r#"{"status":"upstream unreachable"}"#;
                (StatusCode::SERVICE_UNAVAILABLE, body)
            }
        }
        _ => (StatusCode::NOT_FOUND, r#"{"detail":"not found"}"#),
    };
    told(status, "application/json", body)
}

fn told(
    status: StatusCode,
    content_type: &'static str,
    body: impl Into<Bytes>,
) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

async fn reachable(worker: &Worker, last: &Cell<Option<(Instant, bool)>>) -> bool {
    if let Some((when, found)) = last.get()
        && when.elapsed() < MEMORY
    {
        return found;
    }
    let connecting = worker.pool.open();
    let found = matches!(
        tokio::time::timeout(PATIENCE, connecting).await,
        Ok(Ok(_stream))
    );
    last.set(Some((Instant::now(), found)));
    found
}
