//! Connections to the application: a pool of each worker's own, last in first out.
//!
//! A connection comes back when its response body has ended, unless the response announced a body that it cannot have (to
//! HEAD, or with a 304): a wrong application may send it yet. A request is sent again, on a fresh connection, only if the
//! first one certainly was not served: the pooled connection was closed before a byte of the request was written, or (for an
//! idempotent request without body, RFC 9110 section 9.2.2) it was closed without a byte of an answer.

use std::cell::RefCell;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::{Method, Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::Sleep;

use crate::body::RequestBody;
use crate::config::Config;
use crate::upload::{Phase, Upload};

type Sender = SendRequest<RequestBody>;

/// Unused connections a worker keeps.
const MAX_IDLE: usize = 128;
/// A connection unused for longer may be one that the application is just closing: then a copy of the request head is
/// kept for a second try. Under load connections are reused sooner, and nothing is copied.
const FRESH: Duration = Duration::from_millis(500);

/// The unused connections of one worker.
pub(crate) struct Pool {
    config: Arc<Config>,
    /// How long after its last use a connection is not suspected of being closed.
    fresh: Duration,
    idle: RefCell<Vec<Idle>>,
}

struct Idle {
    sender: Sender,
    since: Instant,
}

/// A connection in use.
pub(crate) struct Lease {
    sender: Sender,
    pool: Rc<Pool>,
}

impl Lease {
    /// Ends the use; the next request may have the connection.
    pub(crate) fn give_back(self) {
        let Self { sender, pool } = self;
        if sender.is_closed() {
            return;
        }
        let mut idle = pool.idle.borrow_mut();
        if idle.len() < MAX_IDLE {
            idle.push(Idle {
                sender,
                since: Instant::now(),
            });
        }
    }
}

/// Why there is no response of the application.
#[derive(Debug)]
pub(crate) enum Failure {
    /// No connection: refused, unreachable, name without address.
    Connect(io::Error),
    /// No connection in time.
    ConnectTimeout,
    /// No response head in time.
    ResponseTimeout,
    /// The client stopped sending its body, or sends it too slowly.
    UploadTimeout,
    /// The client's body ended early or is malformed.
    Upload,
    /// The connection broke, or what came is no HTTP response.
    Broken(hyper::Error),
}

/// A timer that is reused from request to request: setting it later costs no lock.
#[derive(Default)]
pub(crate) struct Timer(Option<Pin<Box<Sleep>>>);

impl Timer {
    fn set(&mut self, deadline: tokio::time::Instant) -> Pin<&mut Sleep> {
        let sleep = self
            .0
            .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(deadline)));
        sleep.as_mut().reset(deadline);
        sleep.as_mut()
    }
}

impl Pool {
    pub(crate) fn new(config: Arc<Config>) -> Rc<Self> {
        Self::suspecting(config, FRESH)
    }

    fn suspecting(config: Arc<Config>, fresh: Duration) -> Rc<Self> {
        Rc::new(Self {
            config,
            fresh,
            idle: RefCell::new(Vec::new()),
        })
    }

    /// Closes what has been unused for too long.
    pub(crate) fn prune(&self) {
        let age = self.config.timeouts.upstream_idle;
        self.idle
            .borrow_mut()
            .retain(|idle| !idle.sender.is_closed() && idle.since.elapsed() < age);
    }

    /// Closes every unused connection.
    pub(crate) fn clear(&self) {
        self.idle.borrow_mut().clear();
    }

    /// Sends a request and waits for the head of the response.
    pub(crate) async fn send(
        self: &Rc<Self>,
        mut request: Request<RequestBody>,
        upload: Option<&Upload>,
        timer: &mut Timer,
    ) -> Result<(Response<Incoming>, Lease), Failure> {
        while let Some((sender, unused)) = self.checkout() {
            let spare = (unused > self.fresh).then(|| copy(&request)).flatten();
            match self.exchange(sender, request, upload, timer).await {
                Ok(answer) => return Ok(answer),
                Err((Failure::Broken(_), Some(unsent))) => request = *unsent,
                Err((Failure::Broken(error), None)) => match spare {
                    Some(spare) if !error.is_parse() => {
                        request = spare;
                        break;
                    }
                    _ => return Err(Failure::Broken(error)),
                },
                Err((failure, _)) => return Err(failure),
            }
        }
        let sender = self.connect(timer).await?;
        self.exchange(sender, request, upload, timer)
            .await
            .map_err(|(failure, _)| failure)
    }

    /// The connection that was used last, if one can be used.
    fn checkout(&self) -> Option<(Sender, Duration)> {
        let age = self.config.timeouts.upstream_idle;
        let mut pool = self.idle.borrow_mut();
        let mut busy = Vec::new();
        let mut found = None;
        while let Some(idle) = pool.pop() {
            let unused = idle.since.elapsed();
            if idle.sender.is_closed() || unused >= age {
                continue;
            }
            if idle.sender.is_ready() {
                found = Some((idle.sender, unused));
                break;
            }
            // the response has ended before the upload did; it may be of use later
            busy.push(idle);
        }
        pool.append(&mut busy);
        found
    }

    /// Opens a TCP connection; a name is resolved each time, so that the application may move.
    pub(crate) async fn open(&self) -> io::Result<TcpStream> {
        let upstream = &self.config.upstream;
        let stream = match upstream.address() {
            Some(address) => TcpStream::connect(address).await?,
            None => TcpStream::connect((upstream.host(), upstream.port())).await?,
        };
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    async fn connect(&self, timer: &mut Timer) -> Result<Sender, Failure> {
        let deadline = tokio::time::Instant::now() + self.config.timeouts.connect;
        let stream = tokio::select! {
            biased;
            stream = self.open() => stream.map_err(Failure::Connect)?,
            () = timer.set(deadline) => return Err(Failure::ConnectTimeout),
        };
        let (sender, connection) = http1::Builder::new()
            .handshake(TokioIo::new(stream))
            .await
            .map_err(Failure::Broken)?;
        tokio::task::spawn_local(async move {
            if let Err(error) = connection.with_upgrades().await {
                tracing::debug!(%error, "upstream connection ended");
            }
        });
        Ok(sender)
    }

    /// One try. An error comes with the request if nothing of it was written.
    async fn exchange(
        self: &Rc<Self>,
        mut sender: Sender,
        request: Request<RequestBody>,
        upload: Option<&Upload>,
        timer: &mut Timer,
    ) -> Result<(Response<Incoming>, Lease), (Failure, Option<Box<Request<RequestBody>>>)> {
        let patience = self.config.timeouts.response;
        let mut deadline = tokio::time::Instant::now() + patience;
        let mut sent = std::pin::pin!(sender.try_send_request(request));
        let outcome = loop {
            tokio::select! {
                biased;
                outcome = &mut sent => break outcome,
                () = timer.set(deadline) => {
                    match upload {
                        Some(upload) if upload.deadline() > deadline => {
                            deadline = upload.deadline();
                        }
                        Some(upload) if upload.phase() == Phase::Client => {
                            return Err((Failure::UploadTimeout, None));
                        }
                        _ => return Err((Failure::ResponseTimeout, None)),
                    }
                }
            }
        };
        match outcome {
            Ok(response) => {
                let pool = self.clone();
                Ok((response, Lease { sender, pool }))
            }
            Err(mut error) => {
                let unsent = error.take_message().map(Box::new);
                let failure = match upload {
                    Some(upload) if upload.phase() == Phase::Broken => Failure::Upload,
                    _ => Failure::Broken(error.into_error()),
                };
                Err((failure, unsent))
            }
        }
    }
}

/// A second copy of a request that may be sent twice.
fn copy(request: &Request<RequestBody>) -> Option<Request<RequestBody>> {
    let idempotent = matches!(
        *request.method(),
        Method::GET | Method::HEAD | Method::OPTIONS | Method::PUT | Method::DELETE
    );
    let bare = http_body::Body::is_end_stream(request.body());
    (idempotent && bare).then(|| {
        let mut copy = Request::new(RequestBody::empty());
        *copy.method_mut() = request.method().clone();
        *copy.uri_mut() = request.uri().clone();
        *copy.headers_mut() = request.headers().clone();
        copy
    })
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;

    use super::*;

    /// Answers one request, leaves the second without an answer, and answers on any further connection.
    fn moody() -> std::net::SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            for (number, stream) in listener.incoming().enumerate() {
                let mut stream = stream.unwrap();
                let mut head = [0; 1024];
                let answers = if number == 0 { 1 } else { usize::MAX };
                for _ in 0..answers {
                    if stream.read(&mut head).unwrap() == 0 {
                        break;
                    }
                    stream
                        .write_all(b"HTTP/1.1 204 No Content\r\n\r\n")
                        .unwrap();
                }
                let _ = stream.read(&mut head);
            }
        });
        address
    }

    fn second_try(method: &Method, fresh: Duration) -> Result<(), Failure> {
        let any = ([127, 0, 0, 1], 0).into();
        let config = Config::new(any, moody().to_string().parse().unwrap());
        let pool = Pool::suspecting(Arc::new(config), fresh);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        tokio::task::LocalSet::new().block_on(&runtime, async {
            let mut timer = Timer::default();
            for round in 0..2 {
                let mut request = Request::new(RequestBody::empty());
                *request.method_mut() = method.clone();
                request
                    .headers_mut()
                    .insert(http::header::HOST, http::HeaderValue::from_static("a"));
                let (response, lease) = pool.send(request, None, &mut timer).await?;
                assert_eq!(response.status(), 204, "round {round}");
                lease.give_back();
            }
            Ok(())
        })
    }

    #[test]
    fn an_unanswered_request_is_sent_again_if_that_is_safe_and_the_connection_was_old() {
        let old = Duration::ZERO;
        assert!(second_try(&Method::GET, old).is_ok());
        assert!(second_try(&Method::DELETE, old).is_ok());
        let broken = |outcome| matches!(outcome, Err(Failure::Broken(_)));
        assert!(broken(second_try(&Method::POST, old)));
        assert!(broken(second_try(&Method::PATCH, old)));
        assert!(broken(second_try(&Method::GET, Duration::MAX)));
    }
}
