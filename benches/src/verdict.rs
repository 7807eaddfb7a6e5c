//! What a verdict costs: `verdict SUBJECT REQUEST ROUNDS` judges the request of a file `ROUNDS` times; with none it prints the
//! status that the subject answers. `verdict.py` runs it, counts and subtracts.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::hint::black_box;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request, Response, StatusCode};
use mantlet_engine::policy::{CrossOrigin, Hosts, Policy, Rules, Scoped};
use mantlet_engine::{Engine, OsEntropy, RequestHead, Verdict};
use tower_http::csrf::CsrfLayer;
use tower_layer::Layer;
use tower_service::Service;

/// The application: as little as there can be.
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
        ready(Ok(Response::new(Bytes::from_static(b"hello"))))
    }
}

/// Cross-origin protection, and the name of the service if `hosts` lists it; no header is edited.
fn engine(hosts: Option<Hosts>) -> Engine {
    let mut policy = Policy::new(Scoped::any(Rules::default()));
    policy.cross_origin = Some(CrossOrigin::default());
    policy.hosts = hosts;
    Engine::new(policy, OsEntropy)
}

fn hosts() -> Option<Hosts> {
    let allowed = ["example.com", "*.example.com"].map(|name| name.parse().expect("a host"));
    Some(Hosts {
        allowed: allowed.into(),
        ..Hosts::default()
    })
}

/// Reads a head: a request line, then a field a line.
fn request(text: &str) -> Request<()> {
    let mut lines = text.lines();
    let mut words = lines.next().expect("a request line").split(' ');
    let (method, target) = (words.next(), words.next());
    let mut request = Request::builder()
        .method(method.expect("a method"))
        .uri(target.expect("a target"))
        .body(())
        .expect("a valid request line");
    for line in lines {
        let (name, value) = line.split_once(": ").expect("a field");
        let name = HeaderName::from_bytes(name.as_bytes()).expect("a name");
        let value = HeaderValue::from_str(value).expect("a value");
        request.headers_mut().append(name, value);
    }
    request
}

/// The verdict alone: the request is only looked at.
fn judge(engine: &Engine, request: &Request<()>, rounds: u32) {
    let path = request.uri().path().as_bytes();
    let head = RequestHead::new(request.method(), path, request.headers());
    if rounds == 0 {
        match engine.on_request(&head).without_store().0 {
            Verdict::Allow(_) => println!("{}", StatusCode::OK.as_u16()),
            Verdict::Deny(denial) => println!("{}", denial.status.as_u16()),
            _ => unreachable!("the engine allows or denies"),
        }
    }
    for _ in 0..rounds {
        black_box(engine.on_request(black_box(&head)).without_store());
    }
}

/// One response through a service.
fn once<S, B>(service: &mut S, request: Request<()>) -> Response<B>
where
    S: Service<Request<()>, Response = Response<B>, Error = Infallible>,
{
    let mut cx = Context::from_waker(Waker::noop());
    match pin!(service.call(request)).poll(&mut cx) {
        Poll::Ready(Ok(response)) => response,
        Poll::Pending => unreachable!("the application is always ready"),
    }
}

fn run<S, B>(mut service: S, request: &Request<()>, rounds: u32)
where
    S: Service<Request<()>, Response = Response<B>, Error = Infallible>,
{
    if rounds == 0 {
        let response = once(&mut service, request.clone());
        println!("{}", response.status().as_u16());
    }
    for _ in 0..rounds {
        black_box(once(&mut service, request.clone()));
    }
}

fn main() {
    let usage = "verdict look|drop|app|engine|mantlet|mantlet-origin|tower-http REQUEST ROUNDS";
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [subject, file, rounds] = args.as_slice() else {
        eprintln!("{usage}");
        std::process::exit(2);
    };
    let text = std::fs::read_to_string(file).expect("a file with a request");
    let (request, rounds) = (request(&text), rounds.parse().expect("a number of rounds"));
    match subject.as_str() {
        // what is subtracted of `engine`
        "look" => (0..rounds).for_each(|_| _ = black_box(&request)),
        // what is subtracted of a layer that denies: the application is not asked
        "drop" => (0..rounds).for_each(|_| drop(black_box(request.clone()))),
        // what is subtracted of a layer that lets the request through
        "app" => run(App, &request, rounds),
        "engine" => judge(&engine(hosts()), &request, rounds),
        "mantlet" => run(
            mantlet_tower::layer(engine(hosts())).layer(App),
            &request,
            rounds,
        ),
        "mantlet-origin" => run(
            mantlet_tower::layer(engine(None)).layer(App),
            &request,
            rounds,
        ),
        "tower-http" => run(CsrfLayer::new().layer(App), &request, rounds),
        _ => {
            eprintln!("{usage}");
            std::process::exit(2);
        }
    }
}
