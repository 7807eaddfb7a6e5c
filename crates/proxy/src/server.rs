//! The server: sockets bound, threads started, threads stopped.
//!
//! Each worker is an OS thread with a single-threaded runtime, a listener and upstream connections of its own; nothing on
//! the way of a request is shared between workers but the policy, which is read without a lock.

use std::future::Future;
use std::io;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use mantlet_engine::Live;
use tokio::sync::{Notify, watch};

use crate::config::{Config, Upstream};
use crate::listen;
use crate::worker;

/// A proxy with all its sockets bound, not yet serving.
#[derive(Debug)]
pub struct Server {
    config: Arc<Config>,
    live: Live,
    listeners: Vec<TcpListener>,
    admin: Option<TcpListener>,
    local: SocketAddr,
    admin_local: Option<SocketAddr>,
}

/// Why a proxy cannot start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BindError {
    /// The address for clients cannot be bound.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// The admin address cannot be bound.
    #[error("cannot listen on {address} (admin): {source}")]
    Admin {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// The admin address is not a loopback address.
    #[error("the admin listener takes a loopback address, and {0} is none")]
    AdminAnywhere(SocketAddr),
    /// The upstream's name has no address.
    #[error("cannot resolve the upstream {upstream}: {source}")]
    Resolve {
        /// The upstream.
        upstream: Upstream,
        /// What the system says.
        source: io::Error,
    },
    /// The upstream is the proxy itself.
    #[error("the upstream {0} is the proxy itself")]
    Loop(Upstream),
}

/// Why a running proxy ended otherwise than by being asked to.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// A thread or its runtime could not start.
    #[error("cannot start a worker: {0}")]
    Start(#[source] io::Error),
    /// A worker ended by itself.
    #[error("a worker ended unexpectedly")]
    Worker,
}

impl Server {
    /// Binds every socket: after this, connections queue up, and are served once the server runs.
    ///
    /// # Errors
    /// [`BindError`]: an address is taken or not allowed, or the upstream's name has no address.
    pub fn bind(config: Config, live: Live) -> Result<Self, BindError> {
        if let Some(admin) = config.admin
            && !admin.ip().to_canonical().is_loopback()
            && !config.danger_admin_anywhere
        {
            return Err(BindError::AdminAnywhere(admin));
        }
        let workers = config
            .workers
            .or_else(|| std::thread::available_parallelism().ok())
            .map_or(1, NonZeroUsize::get);
        let listen = |address, source| BindError::Listen { address, source };
        let listeners = listen::listeners(config.listen, workers)
            .map_err(|source| listen(config.listen, source))?;
        let local = local_addr(&listeners).map_err(|source| listen(config.listen, source))?;
        let (admin, admin_local) = match config.admin {
            None => (None, None),
            Some(address) => {
                let bound = listen::listeners(address, 1)
                    .and_then(|listeners| Ok((local_addr(&listeners)?, listeners)))
                    .map_err(|source| BindError::Admin { address, source })?;
                (bound.1.into_iter().next(), Some(bound.0))
            }
        };
        check_upstream(&config.upstream, local)?;
        Ok(Self {
            config: Arc::new(config),
            live,
            listeners,
            admin,
            local,
            admin_local,
        })
    }

    /// Where clients connect; with the port the system chose, if it was asked to.
    pub fn local_addr(&self) -> SocketAddr {
        self.local
    }

    /// Where the admin listener is, if there is one.
    pub fn admin_addr(&self) -> Option<SocketAddr> {
        self.admin_local
    }

    /// Serves on the calling thread's time until `shutdown` completes, then stops with the configured grace. The future is
    /// polled inside a tokio runtime with IO and time: it may wait for signals.
    ///
    /// # Errors
    /// [`RunError`] if a worker could not start or ended by itself.
    pub fn run(self, shutdown: impl Future<Output = ()>) -> Result<(), RunError> {
        let grace = self.config.timeouts.grace;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(RunError::Start)?;
        let running = self.spawn()?;
        runtime.block_on(async {
            tokio::select! {
                () = shutdown => {}
                () = running.ended.notified() => {}
            }
        });
        running.stop(grace);
        running.join()
    }

    /// Starts the workers and returns.
    ///
    /// # Errors
    /// [`RunError::Start`] if a thread or its runtime could not start.
    pub fn spawn(self) -> Result<Running, RunError> {
        let (stop, stopping) = watch::channel(None);
        let ended = Arc::new(Notify::new());
        let mut running = Running {
            stop,
            ended: ended.clone(),
            threads: Vec::with_capacity(self.listeners.len()),
        };
        let mut admin = self.admin;
        for (index, listener) in self.listeners.into_iter().enumerate() {
            // the runtime is made here, so that its failure is ours to report
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .map_err(RunError::Start)?;
            let start = worker::Start {
                config: self.config.clone(),
                live: self.live.clone(),
                listener,
                admin: admin.take(),
                stopping: stopping.clone(),
            };
            let ended = Ended(ended.clone());
            let thread = std::thread::Builder::new()
                .name(format!("mantlet-{index}"))
                .spawn(move || {
                    let _ended = ended;
                    worker::run(&runtime, start)
                })
                .map_err(RunError::Start)?;
            running.threads.push(thread);
        }
        Ok(running)
    }
}

/// Tells `run` that a worker is gone, also by panic.
struct Ended(Arc<Notify>);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

/// A proxy at work. Dropping it stops the workers at once.
#[derive(Debug)]
#[must_use = "dropping it stops the proxy"]
pub struct Running {
    stop: watch::Sender<Option<Instant>>,
    ended: Arc<Notify>,
    threads: Vec<JoinHandle<io::Result<()>>>,
}

impl Running {
    /// Asks the workers to stop: no new connections, requests in flight get `grace` to finish. Returns at once. Said again,
    /// it changes the grace.
    pub fn stop(&self, grace: Duration) {
        self.stop.send_replace(Some(Instant::now() + grace));
    }

    /// Waits for the workers to end; call [`stop`](Running::stop) first.
    ///
    /// # Errors
    /// [`RunError::Worker`] if one ended by itself.
    pub fn join(mut self) -> Result<(), RunError> {
        let mut outcome = Ok(());
        for thread in std::mem::take(&mut self.threads) {
            match thread.join() {
                Ok(Ok(())) => {}
                Ok(Err(error)) => outcome = Err(RunError::Start(error)),
                Err(_panic) => outcome = Err(RunError::Worker),
            }
        }
        outcome
    }
}

fn local_addr(listeners: &[TcpListener]) -> io::Result<SocketAddr> {
    listeners
        .first()
        .ok_or_else(|| io::Error::from(io::ErrorKind::AddrNotAvailable))?
        .local_addr()
}

/// Resolves the upstream once, so that a wrong name shows at start and not with the first request.
fn check_upstream(upstream: &Upstream, local: SocketAddr) -> Result<(), BindError> {
    let mut addresses = (upstream.host(), upstream.port())
        .to_socket_addrs()
        .map_err(|source| BindError::Resolve {
            upstream: upstream.clone(),
            source,
        })?;
    let is_self = |address: SocketAddr| {
        address.port() == local.port()
            && (address.ip() == local.ip()
                || (local.ip().is_unspecified() && address.ip().is_loopback()))
    };
    if addresses.any(is_self) {
        return Err(BindError::Loop(upstream.clone()));
    }
    Ok(())
}
