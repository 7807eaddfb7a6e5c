//! Instruction counts of applying nine headers to a response with six: `headers SUBJECT ROUNDS`, run under callgrind by
//! `headers.py` twice with different ROUNDS, so that everything but the rounds cancels out.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::hint::black_box;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request, Response, header};
use mantlet_config::{Config, Source};
use mantlet_engine::Engine;
use tower_http::set_header::response::SetMultipleResponseHeadersLayer;
use tower_http::set_header::{HeaderMetadata, SetResponseHeaderLayer};
use tower_layer::Layer;
use tower_service::Service;

const CSP: &str = "default-src 'self'; base-uri 'self'; font-src 'self' https: data:; form-action 'self'; \
                   frame-ancestors 'self'; img-src 'self' data:; object-src 'none'; script-src 'self'; \
                   script-src-attr 'none'; style-src 'self' https: 'unsafe-inline'; upgrade-insecure-requests";

const NINE: [(&str, &str); 9] = [
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("content-security-policy", CSP),
    (
        "strict-transport-security",
        "max-age=31536000; includeSubDomains",
    ),
    (
        "permissions-policy",
        "geolocation=(), microphone=(), camera=()",
    ),
    ("referrer-policy", "strict-origin-when-cross-origin"),
    ("x-permitted-cross-domain-policies", "none"),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "SAMEORIGIN"),
];

/// The application: six headers of its own.
#[derive(Clone)]
struct App;

impl Service<Request<()>> for App {
    type Response = Response<Bytes>;
    type Error = Infallible;
    type Future = Ready<Result<Response<Bytes>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<()>) -> Self::Future {
        let mut response = Response::new(Bytes::from_static(b"hello"));
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("text/html; charset=utf-8"),
        );
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from_static("5"));
        headers.insert(
            header::DATE,
            HeaderValue::from_static("Sun, 22 Nov 2026 08:00:00 GMT"),
        );
        headers.insert(header::ETAG, HeaderValue::from_static("\"abc\""));
        headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
        headers.insert(
            header::SET_COOKIE,
            HeaderValue::from_static("id=1; Path=/; HttpOnly; Secure; SameSite=Lax"),
        );
        ready(Ok(response))
    }
}

fn pairs() -> impl Iterator<Item = (HeaderName, HeaderValue)> {
    NINE.iter().map(|(name, value)| {
        (
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        )
    })
}

/// The same nine by a policy file, as a user writes it: eight of them are those of the preset.
const POLICY: &str = r#"
    preset = "balanced"
    https = "assume"
    headers.server = false
    headers.x-permitted-cross-domain-policies = "none"
"#;

/// Header fields and nothing else, as the peers do it; what the checks of requests cost is `verdict.py`'s to tell.
const HEADERS_ALONE: &str = "cross_origin.danger_off = true";

fn engine(more: &str) -> Engine {
    let source = Source::new("bench", format!("{POLICY}\n{more}"));
    let config = Config::read(&source).expect("a valid policy").0;
    config.build().expect("a valid policy")
}

/// The floor: one layer, a static table, reserve and insert, and no engine.
#[derive(Clone)]
struct Bare<S>(S, &'static [(HeaderName, HeaderValue)]);

impl<S> Service<Request<()>> for Bare<S>
where
    S: Service<Request<()>, Response = Response<Bytes>, Error = Infallible>,
    S::Future: Unpin,
{
    type Response = Response<Bytes>;
    type Error = Infallible;
    type Future = BareFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: Request<()>) -> Self::Future {
        BareFuture(self.0.call(request), self.1)
    }
}

struct BareFuture<F>(F, &'static [(HeaderName, HeaderValue)]);

impl<F: Future<Output = Result<Response<Bytes>, Infallible>> + Unpin> Future for BareFuture<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut response = match Pin::new(&mut self.0).poll(cx) {
            Poll::Ready(Ok(response)) => response,
            Poll::Pending => return Poll::Pending,
        };
        let headers = response.headers_mut();
        headers.reserve(self.1.len());
        for (name, value) in self.1 {
            headers.insert(name, value.clone());
        }
        Poll::Ready(Ok(response))
    }
}

fn request() -> Request<()> {
    Request::builder()
        .uri("/articles/42")
        .header(header::HOST, "example.com")
        .body(())
        .expect("a valid request")
}

/// One response through a service.
fn once<S, B>(service: &mut S) -> Response<B>
where
    S: Service<Request<()>, Response = Response<B>, Error = Infallible>,
{
    let mut cx = Context::from_waker(Waker::noop());
    match pin!(service.call(request())).poll(&mut cx) {
        Poll::Ready(Ok(response)) => response,
        Poll::Pending => unreachable!("the application is always ready"),
    }
}

/// Runs `rounds` responses, or with none prints the header section, sorted.
fn run<S, B>(mut service: S, rounds: u32)
where
    S: Service<Request<()>, Response = Response<B>, Error = Infallible>,
{
    if rounds == 0 {
        let mut lines: Vec<String> = once(&mut service)
            .headers()
            .iter()
            .map(|(name, value)| format!("{name}: {}", value.to_str().expect("ASCII")))
            .collect();
        lines.sort();
        println!("{}", lines.join("\n"));
    }
    for _ in 0..rounds {
        black_box(once(&mut service));
    }
}

fn layered(rounds: u32) {
    let mut values = NINE.iter().map(|(name, value)| {
        SetResponseHeaderLayer::overriding(
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        )
    });
    let mut next = || values.next().expect("nine headers");
    let service = next().layer(next().layer(next().layer(App)));
    let service = next().layer(next().layer(next().layer(service)));
    run(next().layer(next().layer(next().layer(service))), rounds);
}

fn multiple(rounds: u32) {
    let headers: Vec<HeaderMetadata<Response<Bytes>>> = pairs().map(Into::into).collect();
    run(
        SetMultipleResponseHeadersLayer::overriding(headers).layer(App),
        rounds,
    );
}

fn helmet(rounds: u32) {
    let helmet = NINE
        .iter()
        .fold(axum_helmet::Helmet::new(), |helmet, (name, value)| {
            helmet.add((*name, (*value).to_owned()))
        });
    run(
        tower_layer::Layer::layer(&helmet.into_layer().expect("valid headers"), App),
        rounds,
    );
}

fn main() {
    let usage = "headers base|bare|mantlet|tower-http|tower-http-multi|axum-helmet ROUNDS";
    let mut args = std::env::args().skip(1);
    let (Some(subject), Some(rounds)) = (args.next(), args.next().and_then(|n| n.parse().ok()))
    else {
        eprintln!("{usage}");
        std::process::exit(2);
    };
    match subject.as_str() {
        "base" => run(App, rounds),
        "bare" => run(Bare(App, Vec::leak(pairs().collect())), rounds),
        "mantlet" => run(mantlet_tower::layer(engine(HEADERS_ALONE)).layer(App), rounds),
        "mantlet-checks" => run(mantlet_tower::layer(engine("")).layer(App), rounds),
        "tower-http" => layered(rounds),
        "tower-http-multi" => multiple(rounds),
        "axum-helmet" => helmet(rounds),
        _ => {
            eprintln!("{usage}");
            std::process::exit(2);
        }
    }
}
