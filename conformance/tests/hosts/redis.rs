//! A Redis of the tests' own, on a socket in a folder of its own.

use std::error::Error;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use mantlet_engine::Store;
use mantlet_store::redis::{Config, Redis};

/// How long it may take to start, or to answer.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Server {
    process: Child,
    socket: PathBuf,
    _folder: tempfile::TempDir,
}

impl Server {
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let socket = folder.path().join("redis.sock");
        let process = Command::new("redis-server")
            .args(["--port", "0", "--save", "", "--appendonly", "no"])
            .arg("--unixsocket")
            .arg(&socket)
            .current_dir(folder.path())
            .stdout(Stdio::null())
            .spawn()
            .expect("redis-server, from the package of that name");
        let server = Self {
            process,
            socket,
            _folder: folder,
        };
        let start = Instant::now();
        while server.forget().is_err() {
            assert!(start.elapsed() < PATIENCE, "redis-server does not answer");
            std::thread::sleep(Duration::from_millis(5));
        }
        server
    }

    /// Another client.
    pub(crate) fn store(&self) -> Arc<dyn Store> {
        let mut config =
            Config::from_url(&format!("unix://{}", self.socket.display())).expect("an address");
        config.timeout = Duration::from_secs(10);
        Arc::new(Redis::connect(config).expect("a client"))
    }

    /// Forgets what was counted.
    pub(crate) fn forget(&self) -> Result<(), Box<dyn Error + Send + Sync>> {
        let mut stream = UnixStream::connect(&self.socket)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.write_all(b"FLUSHALL\r\n")?;
        let mut answer = [0; 5];
        stream.read_exact(&mut answer)?;
        match &answer {
            b"+OK\r\n" => Ok(()),
            _ => Err("no OK".into()),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
