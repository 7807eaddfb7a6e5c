//! A client and an application that speak HTTP/1.1 in bytes.

use std::error::Error;
use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use http::{HeaderName, HeaderValue, Method, StatusCode};
use mantlet_conformance::{Observed, Request, Response, Told};
use socket2::{Domain, Socket, Type};

/// No step of an exchange on loopback takes longer.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

/// What the application behind a server answers next, and what it was told when it was asked.
#[derive(Clone, Default)]
pub(crate) struct Stage(Arc<Mutex<(Response, Option<Told>)>>);

impl Stage {
    /// Sets the answer.
    pub(crate) fn set(&self, response: &Response) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = (response.clone(), None);
    }

    /// Takes part in the exchange: the answer, and a note of what it was told.
    pub(crate) fn play(&self, told: Told) -> Response {
        let mut stage = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        stage.1 = Some(told);
        stage.0.clone()
    }

    /// What it was told; `None`: it was not asked.
    pub(crate) fn told(&self) -> Option<Told> {
        let mut stage = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        stage.1.take()
    }
}

/// Sends a request from an address of our choice and reads the response to the end of the connection. Before the request
/// goes what a balancer says of the connection, if there is one.
pub(crate) fn exchange(
    server: SocketAddr,
    from: Ipv4Addr,
    announcement: &[u8],
    request: &Request,
    more: &[(HeaderName, HeaderValue)],
) -> Result<Observed, Box<dyn Error + Send + Sync>> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.bind(&SocketAddr::from((from, 0)).into())?;
    socket.connect_timeout(&server.into(), PATIENCE)?;
    let mut stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let (method, target, version) = (request.method(), request.target(), request.version());
    let mut bytes = announcement.to_vec();
    bytes.extend_from_slice(format!("{method} {target} {version:?}\r\n").as_bytes());
    for (name, value) in request.lines().iter().chain(more) {
        write_line(&mut bytes, name, value);
    }
    bytes.extend_from_slice(b"connection: close\r\n\r\n");
    stream.write_all(&bytes)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    parsed(&answer)
}

fn parsed(answer: &[u8]) -> Result<Observed, Box<dyn Error + Send + Sync>> {
    let mut lines = [httparse::EMPTY_HEADER; 64];
    let mut head = httparse::Response::new(&mut lines);
    let httparse::Status::Complete(end) = head.parse(answer)? else {
        return Err(format!("half a head: {:?}", String::from_utf8_lossy(answer)).into());
    };
    let fields = head
        .headers
        .iter()
        .map(|line| {
            let name = HeaderName::from_bytes(line.name.as_bytes())?;
            Ok((name, line.value.to_vec()))
        })
        .collect::<Result<Vec<_>, http::header::InvalidHeaderName>>()?;
    if fields.iter().any(|(name, _)| name == "transfer-encoding") {
        return Err("a body of known length came in chunks".into());
    }
    Ok(Observed {
        told: None,
        reason: None,
        status: StatusCode::from_u16(head.code.unwrap_or_default())?,
        fields,
        body: answer[end..].to_vec(),
    })
}

fn write_line(bytes: &mut Vec<u8>, name: &HeaderName, value: &HeaderValue) {
    bytes.extend_from_slice(name.as_str().as_bytes());
    bytes.extend_from_slice(b": ");
    bytes.extend_from_slice(value.as_bytes());
    bytes.extend_from_slice(b"\r\n");
}

/// An application on a socket of its own, one connection and one request at a time.
pub(crate) struct Application {
    address: SocketAddr,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Application {
    pub(crate) fn start(stage: Stage) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let over = Arc::new(AtomicBool::new(false));
        let told = over.clone();
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if told.load(Ordering::Acquire) {
                    break;
                }
                // what goes wrong here, the client sees as a wrong answer
                if let Ok(stream) = stream {
                    let _ = serve(stream, &stage);
                }
            }
        });
        Ok(Self {
            address,
            over,
            thread: Some(thread),
        })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Application {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Release);
        // wakes the thread, which then sees that it is over
        let _ = TcpStream::connect_timeout(&self.address, PATIENCE);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn serve(mut stream: TcpStream, stage: &Stage) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut bytes = Vec::new();
    let mut more = [0; 4096];
    let (method, nonce, told) = loop {
        let count = stream.read(&mut more)?;
        if count == 0 {
            return Ok(());
        }
        bytes.extend_from_slice(&more[..count]);
        let mut lines = [httparse::EMPTY_HEADER; 64];
        let mut head = httparse::Request::new(&mut lines);
        let parsed = head.parse(&bytes).map_err(io::Error::other)?;
        if parsed.is_complete() {
            let text = |name: &str| {
                let mut lines = head.headers.iter();
                let line = lines.find(|line| line.name.eq_ignore_ascii_case(name))?;
                Some(String::from_utf8_lossy(line.value).into_owned())
            };
            let told = Told {
                client: text("x-forwarded-for").and_then(|list| first(&list)),
                reported: None,
            };
            let method = head.method.unwrap_or_default().to_owned();
            break (method, text("mantlet-nonce"), told);
        }
    };
    let answer = stage.play(told);
    let status = answer.status();
    let body = answer.body(nonce.as_deref());
    let mut bytes = format!("HTTP/1.1 {} -\r\n", status.as_u16()).into_bytes();
    for (name, value) in answer.lines() {
        write_line(&mut bytes, name, value);
    }
    bytes.extend_from_slice(b"connection: close\r\n");
    if status != StatusCode::NOT_MODIFIED {
        bytes.extend_from_slice(format!("content-length: {}\r\n", body.len()).as_bytes());
    }
    bytes.extend_from_slice(b"\r\n");
    if method != Method::HEAD.as_str() && status != StatusCode::NOT_MODIFIED {
        bytes.extend_from_slice(body.as_bytes());
    }
    stream.write_all(&bytes)
}

/// The leftmost address of X-Forwarded-For: what most applications take for the client.
fn first(list: &str) -> Option<IpAddr> {
    list.split(',').next()?.trim().parse().ok()
}
