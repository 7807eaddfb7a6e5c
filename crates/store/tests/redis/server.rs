//! Servers of the tests, and what is asked of them.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use mantlet_limit::{Algorithm, Mode, Quota, RemoteKey, Rule, Take};
use mantlet_store::redis::{Config, Redis};

/// Longer than anything here takes on a machine that is busy with other tests.
pub(crate) const LONG: Duration = Duration::from_secs(10);

pub(crate) struct Server {
    child: Child,
    pub(crate) port: u16,
    /// Where it may write.
    _folder: tempfile::TempDir,
}

impl Server {
    /// A server without persistence, with more `arguments`.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        Self::start_on(spare_port(), arguments)
    }

    pub(crate) fn start_on(port: u16, arguments: &[&str]) -> Self {
        let server = Self::launch(port, arguments);
        server.wait();
        server
    }

    /// One that is not waited for: it asks for a password, or speaks TLS.
    pub(crate) fn launch(port: u16, arguments: &[&str]) -> Self {
        let program = std::env::var("MANTLET_REDIS_SERVER");
        let program = program.unwrap_or_else(|_| "redis-server".to_owned());
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new(&program);
        // a sentinel's configuration comes first, and is a file that it may write
        let (file, arguments) = match arguments {
            [file, rest @ ..] if file.ends_with(".conf") => (Some(file), rest),
            all => (None, all),
        };
        if let Some(file) = file {
            command.arg(file);
        } else {
            command.args(["--save", "", "--appendonly", "no"]);
        }
        command
            .args(["--bind", "127.0.0.1", "--port", &port.to_string(), "--dir"])
            .arg(folder.path())
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        let child = command.spawn().unwrap_or_else(|error| {
            panic!(
                "{program}: {error}. The tests of the store need it: apt-get install redis-server"
            )
        });
        Self {
            child,
            port,
            _folder: folder,
        }
    }

    pub(crate) fn wait(&self) {
        let until = Instant::now() + LONG;
        while !self
            .tell(&["PING"])
            .is_some_and(|reply| reply.starts_with("+PONG"))
        {
            assert!(
                Instant::now() < until,
                "the server on port {} does not start",
                self.port
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// A command's reply as it comes over the wire, if there is one.
    pub(crate) fn tell(&self, words: &[&str]) -> Option<String> {
        tell(self.port, words)
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    pub(crate) fn signal(&self, signal: &str) {
        let pid = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args([signal, &pid])
                .status()
                .unwrap()
                .success()
        );
    }

    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// A line of INFO.
    pub(crate) fn info(&self, name: &str) -> Option<String> {
        let told = self.tell(&["INFO"])?;
        let line = told
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        line.map(|value| value.trim().to_owned())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn tell(port: u16, words: &[&str]) -> Option<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    let mut sent = format!("*{}\r\n", words.len());
    for word in words {
        sent.push_str(&format!("${}\r\n{word}\r\n", word.len()));
    }
    stream.write_all(sent.as_bytes()).ok()?;
    let mut reply = Vec::new();
    let mut piece = [0; 4096];
    while redis::parse_redis_value(&reply).is_err() {
        let length = stream.read(&mut piece).ok()?;
        if length == 0 {
            return None;
        }
        reply.extend_from_slice(&piece[..length]);
    }
    Some(String::from_utf8_lossy(&reply).into_owned())
}

pub(crate) fn spare_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0))
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

/// A configuration for a machine that is busy with other tests: no trip fails for the time it takes.
pub(crate) fn config(url: &str) -> Config {
    Config {
        timeout: LONG,
        connect_timeout: LONG,
        ..Config::from_url(url).unwrap()
    }
}

pub(crate) fn client(server: &Server) -> Redis {
    Redis::connect(config(&server.url())).unwrap()
}

pub(crate) fn bucket(requests: u32, seconds: u64) -> Rule {
    let quota = Quota::new(requests, Duration::from_secs(seconds)).unwrap();
    Rule::new(quota, Algorithm::TokenBucket).unwrap()
}

pub(crate) fn window(requests: u32, seconds: u64, mode: Mode) -> Rule {
    let quota = Quota::new(requests, Duration::from_secs(seconds)).unwrap();
    Rule::new(quota, Algorithm::SlidingWindow(mode)).unwrap()
}

pub(crate) fn take(limit: &str, rule: Rule, key: &str, cost: u32) -> Take {
    Take {
        limit: Arc::from(limit),
        rule,
        key: RemoteKey::new(&[key.as_bytes()]),
        cost,
    }
}

/// One of each way to count, 10 an hour, so that nothing comes back during a test; the second window is above the size of a log.
pub(crate) fn each_way() -> [Rule; 4] {
    [
        bucket(10, 3_600),
        window(10, 3_600, Mode::Strict),
        window(100, 3_600, Mode::Strict),
        window(10, 3_600, Mode::Interpolated),
    ]
}
