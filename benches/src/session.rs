//! A session read and written in memory: mantlet beside tower-sessions with signed ids, in interleaved rounds.
//!
//! Each request brings its cookie; `read` looks at one member, `write` changes it. Of mantlet it is
//! the work between the cookie and Set-Cookie, of tower-sessions its layer around a service that does the same; what the
//! service costs without the layer is subtracted. Of the rounds the tenth percentile counts. `session ROUNDS` sets their number (201).

use std::convert::Infallible;
use std::future::Future;
use std::hint::black_box;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use http::{HeaderValue, Request, Response, header};
use mantlet_session::{
    Cookie, CookieSettings, Lifetimes, Local, Ring, Secret, Session, Sessions, Settled, Store,
};
use tower::ServiceBuilder;
use tower_service::Service;
use tower_sessions::cookie::Key;
use tower_sessions::{MemoryStore, SessionManagerLayer};

const NOW: u64 = 1_800_000_000;

#[derive(Clone, Copy)]
enum Work {
    Nothing,
    Read,
    Write,
}

/// Runs a future that has nothing to wait for.
fn run<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    match future
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()))
    {
        Poll::Ready(value) => value,
        Poll::Pending => unreachable!("memory does not wait"),
    }
}

struct Mantlet {
    sessions: Sessions,
    store: Local,
}

impl Mantlet {
    fn new() -> Self {
        let ring = Ring::new(vec![Secret::new(&[1; 32]).expect("long enough")]).expect("a ring");
        let (cookie, _) = Cookie::new(CookieSettings::default()).expect("a cookie");
        Self {
            sessions: Sessions::new(&ring, cookie, Lifetimes::default()).expect("fitting"),
            store: Local::new(256 << 20),
        }
    }

    fn request(&self, cookie: &[u8], work: impl FnOnce(&mut Session)) -> Option<String> {
        let mut random = |bytes: &mut [u8]| {
            bytes.fill(7);
            Ok(())
        };
        let found = self.sessions.read((!cookie.is_empty()).then_some(cookie));
        let reply = found
            .load()
            .map(|load| self.store.run(&[load], NOW).expect("memory").remove(0));
        let mut session = self.sessions.open(found, reply, NOW).session;
        work(&mut session);
        let closing = self
            .sessions
            .close(session, NOW, &mut random)
            .expect("closed");
        let replies = match closing.commands() {
            [] => Vec::new(),
            commands => self.store.run(commands, NOW).expect("memory"),
        };
        match self
            .sessions
            .settle(closing, &replies, NOW, &mut random)
            .expect("settled")
        {
            Settled::Done(outcome) => outcome.cookie,
            Settled::Again(_) => unreachable!("nobody else saves"),
        }
    }
}

/// The application in front of tower-sessions.
#[derive(Clone)]
struct App;

impl Service<Request<Work>> for App {
    type Response = Response<()>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<()>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Work>) -> Self::Future {
        let session = request
            .extensions()
            .get::<tower_sessions::Session>()
            .cloned();
        let work = *request.body();
        Box::pin(async move {
            if let Some(session) = session {
                match work {
                    Work::Nothing => {}
                    Work::Read => {
                        let n: Option<u64> = session.get("n").await.expect("memory");
                        assert!(black_box(n).is_some());
                    }
                    Work::Write => session.insert("n", black_box(7)).await.expect("memory"),
                }
            }
            Ok(Response::new(()))
        })
    }
}

fn call(
    service: &mut impl Service<Request<Work>, Response = Response<impl Sized>>,
    cookie: &HeaderValue,
    work: Work,
) -> Option<String> {
    let mut request = Request::new(work);
    if !cookie.is_empty() {
        request.headers_mut().insert(header::COOKIE, cookie.clone());
    }
    let Ok(response) = run(service.call(request)) else {
        unreachable!("it answers")
    };
    let set = response.headers().get(header::SET_COOKIE)?;
    Some(set.to_str().expect("ASCII").to_owned())
}

fn pair(set_cookie: Option<String>) -> String {
    let set_cookie = set_cookie.expect("a new session");
    set_cookie.split(';').next().expect("a pair").to_owned()
}

fn time(mut call: impl FnMut()) -> f64 {
    const CALLS: u32 = 500;
    let start = Instant::now();
    for _ in 0..CALLS {
        call();
    }
    start.elapsed().as_nanos() as f64 / f64::from(CALLS)
}

/// The tenth percentile: what a call costs while nobody else has the core.
fn undisturbed(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers[numbers.len() / 10]
}

fn main() {
    let rounds: usize = std::env::args().nth(1).map_or(201, |argument| {
        argument.parse().expect("a number of rounds")
    });
    let mantlet = Mantlet::new();
    let ours = pair(mantlet.request(b"", |session| {
        session.insert("n", 1);
        session.insert("theme", "dark");
        session.insert("cart", vec!["7", "12", "99"]);
    }));
    let layer = SessionManagerLayer::new(MemoryStore::default()).with_signed(Key::generate());
    let mut peer = ServiceBuilder::new().layer(layer).service(App);
    let none = HeaderValue::from_static("");
    let theirs = pair(call(&mut peer, &none, Work::Write));
    let theirs = HeaderValue::from_str(&theirs).expect("a field value");
    let mut floor = ServiceBuilder::new().service(App);

    println!(
        "{:<8}{:>12}{:>12}{:>8}",
        "", "mantlet ns", "peer ns", "ratio"
    );
    for (name, work) in [("read", Work::Read), ("write", Work::Write)] {
        let (mut own, mut with, mut without) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..rounds {
            own.push(time(|| {
                black_box(
                    mantlet.request(black_box(ours.as_bytes()), |session| match work {
                        Work::Nothing => {}
                        Work::Read => assert!(black_box(session.get("n")).is_some()),
                        Work::Write => session.insert("n", black_box(7)),
                    }),
                );
            }));
            with.push(time(|| {
                black_box(call(&mut peer, &theirs, work));
            }));
            without.push(time(|| {
                black_box(call(&mut floor, &theirs, Work::Nothing));
            }));
        }
        let ours = undisturbed(own);
        let theirs = undisturbed(with) - undisturbed(without);
        println!("{name:<8}{ours:>12.0}{theirs:>12.0}{:>8.3}", ours / theirs);
    }
}
