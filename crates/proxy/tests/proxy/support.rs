//! A raw client, a recording application, and a proxy between them. Nothing sleeps; every wait is bounded.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::{HeaderName, HeaderValue};
use mantlet_engine::policy::{Policy, Rule, Rules, Scoped};
use mantlet_engine::{Engine, Live, OsEntropy};
use mantlet_proxy::{Config, Running, Server};

/// The bound of every wait.
pub(crate) const SOON: Duration = Duration::from_secs(10);

/// A request as the application got it.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// Which of the application's connections it came over, from 0.
    pub(crate) connection: usize,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Seen {
    pub(crate) fn line(&self) -> &str {
        self.head.lines().next().unwrap_or_default()
    }

    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        fields(&self.head, name)
    }

    pub(crate) fn one(&self, name: &str) -> &str {
        let values = self.all(name);
        assert_eq!(values.len(), 1, "{name} in {}", self.head);
        values[0]
    }
}

fn fields<'a>(head: &'a str, name: &str) -> Vec<&'a str> {
    head.lines()
        .skip(1)
        .filter_map(|line| line.split_once(':'))
        .filter(|(found, _)| found.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.trim())
        .collect()
}

/// What the application does with a connection after an answer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Then {
    Keep,
    Close,
}

/// A recording application.
pub(crate) struct App {
    pub(crate) address: SocketAddr,
    seen: Mutex<Receiver<Seen>>,
}

impl App {
    /// Answers each request, read whole, by `answer`.
    pub(crate) fn start(
        answer: impl Fn(&Seen, &mut Wire) -> io::Result<Then> + Send + Sync + 'static,
    ) -> Self {
        Self::raw(move |number, wire, seen| {
            loop {
                let Some(request) = wire.request(number)? else {
                    return Ok(());
                };
                let _ = seen.send(request.clone());
                if answer(&request, wire)? == Then::Close {
                    return Ok(());
                }
            }
        })
    }

    /// 200 with the body `hello`.
    pub(crate) fn hello() -> Self {
        Self::start(|_, wire| {
            wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")?;
            Ok(Then::Keep)
        })
    }

    /// Gives each connection to `serve`, in a thread of its own.
    pub(crate) fn raw(
        serve: impl Fn(usize, &mut Wire, &Sender<Seen>) -> io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, seen) = channel();
        let serve = Arc::new(serve);
        std::thread::spawn(move || {
            let count = AtomicUsize::new(0);
            for stream in listener.incoming().map_while(Result::ok) {
                let number = count.fetch_add(1, Ordering::Relaxed);
                let (serve, sender) = (serve.clone(), sender.clone());
                std::thread::spawn(move || {
                    let _ = serve(number, &mut Wire::new(stream), &sender);
                });
            }
        });
        Self {
            address,
            seen: Mutex::new(seen),
        }
    }

    /// The next request that has arrived.
    pub(crate) fn next(&self) -> Seen {
        let seen = self.seen.lock().unwrap();
        seen.recv_timeout(SOON)
            .expect("the application got no request")
    }

    /// Whether nothing has arrived that was not asked for.
    pub(crate) fn is_quiet(&self) -> bool {
        self.seen.lock().unwrap().try_recv().is_err()
    }
}

/// A proxy at work; stops when dropped.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    pub(crate) admin: Option<SocketAddr>,
    pub(crate) live: Live,
    pub(crate) running: Option<Running>,
}

impl Proxy {
    pub(crate) fn to(app: &App) -> Self {
        Self::with(app.address, |_| {}, engine(policy("first")))
    }

    pub(crate) fn with(to: SocketAddr, set: impl FnOnce(&mut Config), engine: Engine) -> Self {
        let mut config = Config::new(([127, 0, 0, 1], 0).into(), to.to_string().parse().unwrap());
        config.workers = NonZeroUsize::new(1);
        set(&mut config);
        let live = Live::new(engine);
        let server = Server::bind(config, live.clone()).unwrap();
        Self {
            address: server.local_addr(),
            admin: server.admin_addr(),
            live,
            running: Some(server.spawn().unwrap()),
        }
    }

    pub(crate) fn connect(&self) -> Wire {
        Wire::new(TcpStream::connect(self.address).unwrap())
    }

    /// One request on a connection of its own; the whole response.
    pub(crate) fn send(&self, request: impl AsRef<[u8]>) -> Answer {
        let mut wire = self.connect();
        wire.send(request.as_ref()).unwrap();
        wire.answer("GET")
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            running.stop(Duration::ZERO);
            running.join().unwrap();
        }
    }
}

/// A policy that marks every response with `x-policy`.
pub(crate) fn policy(mark: &'static str) -> Policy {
    let set = |name: &'static str, value: &'static str| {
        Rule::set(
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        )
    };
    Policy::new(Scoped::any(Rules {
        headers: vec![
            set("x-policy", mark),
            set("x-content-type-options", "nosniff"),
        ],
        ..Rules::default()
    }))
}

pub(crate) fn engine(policy: Policy) -> Engine {
    Engine::new(policy, OsEntropy)
}

/// A response as the client got it.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn status(&self) -> u16 {
        let status = self.head.split(' ').nth(1).unwrap_or_default();
        status.parse().unwrap_or_else(|_| panic!("{}", self.head))
    }

    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        fields(&self.head, name)
    }

    pub(crate) fn one(&self, name: &str) -> &str {
        let values = self.all(name);
        assert_eq!(values.len(), 1, "{name} in {}", self.head);
        values[0]
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Every response has passed call two.
    pub(crate) fn is_marked(&self) -> bool {
        self.all("x-policy").len() == 1 && self.all("x-content-type-options") == ["nosniff"]
    }
}

/// One end of a connection, with what was read too much.
pub(crate) struct Wire {
    pub(crate) stream: TcpStream,
    buffer: Vec<u8>,
}

impl Wire {
    pub(crate) fn new(stream: TcpStream) -> Self {
        stream.set_read_timeout(Some(SOON)).unwrap();
        stream.set_write_timeout(Some(SOON)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self {
            stream,
            buffer: Vec::new(),
        }
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)
    }

    fn fill(&mut self) -> io::Result<usize> {
        let mut chunk = [0; 16384];
        let n = self.stream.read(&mut chunk)?;
        self.buffer.extend_from_slice(&chunk[..n]);
        Ok(n)
    }

    /// Through the next empty line; `None` at the end of the stream.
    pub(crate) fn head(&mut self) -> io::Result<Option<String>> {
        loop {
            if let Some(end) = self.buffer.windows(4).position(|four| four == b"\r\n\r\n") {
                let head: Vec<u8> = self.buffer.drain(..end + 4).collect();
                return Ok(Some(String::from_utf8_lossy(&head).into_owned()));
            }
            if self.fill()? == 0 {
                return Ok(None);
            }
        }
    }

    pub(crate) fn exactly(&mut self, n: usize) -> io::Result<Vec<u8>> {
        while self.buffer.len() < n {
            if self.fill()? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(self.buffer.drain(..n).collect())
    }

    fn line(&mut self) -> io::Result<String> {
        loop {
            if let Some(end) = self.buffer.windows(2).position(|two| two == b"\r\n") {
                let line: Vec<u8> = self.buffer.drain(..end + 2).collect();
                return Ok(String::from_utf8_lossy(&line[..end]).into_owned());
            }
            if self.fill()? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }

    /// To the end of the stream.
    pub(crate) fn rest(&mut self) -> io::Result<Vec<u8>> {
        while self.fill()? > 0 {}
        Ok(std::mem::take(&mut self.buffer))
    }

    /// Whether the peer has closed, with nothing more sent.
    pub(crate) fn is_closed(&mut self) -> bool {
        match self.rest() {
            Ok(rest) => rest.is_empty(),
            Err(error) => error.kind() == io::ErrorKind::ConnectionReset,
        }
    }

    fn chunks(&mut self) -> io::Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let size = usize::from_str_radix(self.line()?.trim(), 16)
                .map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?;
            body.extend(self.exactly(size)?);
            if size == 0 {
                while !self.line()?.is_empty() {}
                return Ok(body);
            }
            assert_eq!(self.line()?, "");
        }
    }

    /// The next request, read whole.
    pub(crate) fn request(&mut self, connection: usize) -> io::Result<Option<Seen>> {
        let Some(head) = self.head()? else {
            return Ok(None);
        };
        let body = if !fields(&head, "transfer-encoding").is_empty() {
            self.chunks()?
        } else {
            let length = fields(&head, "content-length");
            self.exactly(length.first().map_or(0, |n| n.parse().unwrap()))?
        };
        Ok(Some(Seen {
            connection,
            head,
            body,
        }))
    }

    /// The next response, read whole; `method` is the request's.
    pub(crate) fn answer(&mut self, method: &str) -> Answer {
        let head = self.head().unwrap().expect("no response");
        let status: u16 = head[9..12].parse().unwrap();
        let length = fields(&head, "content-length");
        let body = if method == "HEAD" || status < 200 || status == 204 || status == 304 {
            Vec::new()
        } else if !fields(&head, "transfer-encoding").is_empty() {
            self.chunks().unwrap()
        } else if let Some(length) = length.first() {
            self.exactly(length.parse().unwrap()).unwrap()
        } else {
            self.rest().unwrap()
        };
        Answer { head, body }
    }
}
