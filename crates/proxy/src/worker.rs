//! A worker: one thread, one runtime, one listener, one pool of upstream connections.
//!
//! A panic while a connection is served ends that connection and nothing else.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::convert::Infallible;
use std::future::poll_fn;
use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use mantlet_engine::{Live, Store};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio::sync::{Notify, watch};
use tokio::task::LocalSet;

use crate::admin;
use crate::config::{Config, Stores};
use crate::forward::Client;
use crate::log;
use crate::upstream::Pool;
use crate::wire::{Announced, Guarded, Patience, Signals, Unannounced};

/// What a worker starts with.
pub(crate) struct Start {
    pub(crate) config: Arc<Config>,
    pub(crate) live: Live,
    pub(crate) listener: TcpListener,
    pub(crate) admin: Option<TcpListener>,
    /// When to stop, and until when requests in flight may finish.
    pub(crate) stopping: watch::Receiver<Option<Instant>>,
}

/// What the connections of a worker share.
pub(crate) struct Worker {
    pub(crate) config: Arc<Config>,
    pub(crate) live: Live,
    pub(crate) pool: Rc<Pool>,
    pub(crate) store: Option<Arc<dyn Store>>,
    http: http1::Builder,
    stopping: Cell<bool>,
    open: RefCell<Open>,
    closed: Notify,
}

#[derive(Default)]
struct Open {
    next: u64,
    tickets: HashMap<u64, Option<Waker>>,
}

/// Stands for a connection that a stopping worker waits for.
struct Ticket {
    id: u64,
    worker: Rc<Worker>,
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut open = self.worker.open.borrow_mut();
        open.tickets.remove(&self.id);
        if open.tickets.is_empty() {
            self.worker.closed.notify_one();
        }
    }
}

impl Worker {
    fn new(config: Arc<Config>, live: Live) -> Rc<Self> {
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new())
            .header_read_timeout(config.timeouts.idle);
        Rc::new(Self {
            pool: Pool::new(config.clone()),
            store: config.stores.as_ref().map(Stores::make),
            config,
            live,
            http,
            stopping: Cell::new(false),
            open: RefCell::default(),
            closed: Notify::new(),
        })
    }

    /// A ticket, to hold as long as there is something to wait for.
    fn ticket(self: &Rc<Self>) -> Ticket {
        let mut open = self.open.borrow_mut();
        let id = open.next;
        open.next += 1;
        open.tickets.insert(id, None);
        Ticket {
            id,
            worker: self.clone(),
        }
    }

    async fn all_closed(&self) {
        while !self.open.borrow().tickets.is_empty() {
            self.closed.notified().await;
        }
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.get()
    }

    /// Lets every connection finish what it is at.
    fn stop(&self) {
        self.stopping.set(true);
        self.pool.clear();
        for waker in self.open.borrow().tickets.values().flatten() {
            waker.wake_by_ref();
        }
    }
}

impl Ticket {
    /// Has `waker` woken when the worker stops.
    fn wake_at_stop(&self, waker: &Waker) {
        let mut open = self.worker.open.borrow_mut();
        open.tickets.insert(self.id, Some(waker.clone()));
    }

    /// Waits for the worker to stop.
    async fn stopping(&self) {
        poll_fn(|cx| {
            self.wake_at_stop(cx.waker());
            match self.worker.is_stopping() {
                true => Poll::Ready(()),
                false => Poll::Pending,
            }
        })
        .await;
    }
}

/// Serves until told to stop and until the connections have ended or the grace is over.
pub(crate) fn run(runtime: &Runtime, start: Start) -> io::Result<()> {
    let local = LocalSet::new();
    local.block_on(runtime, serve(start))
}

async fn serve(start: Start) -> io::Result<()> {
    let Start {
        config,
        live,
        listener,
        admin,
        mut stopping,
    } = start;
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let worker = Worker::new(config, live);
    if let Some(admin) = admin {
        // it answers until the last request in flight is done
        let serving = admin::serve(worker.clone(), admin);
        tokio::task::spawn_local(async move {
            if let Err(error) = serving.await {
                tracing::error!(%error, "the admin listener ended");
            }
        });
    }
    let mut tick = tokio::time::interval(Duration::from_secs(1));
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            accepted = listener.accept() => take(&worker, accepted).await,
            _ = stopping.wait_for(Option::is_some) => break,
            _ = tick.tick() => worker.pool.prune(),
        }
    }
    // those in the queue have connected: they are served, not reset
    while let Poll::Ready(accepted) = poll_fn(|cx| Poll::Ready(listener.poll_accept(cx))).await {
        if accepted.is_err() {
            break;
        }
        take(&worker, accepted).await;
    }
    drop(listener);
    worker.stop();
    loop {
        // a sender that is gone has asked for an end at once, and a second word may shorten the first
        let deadline = (*stopping.borrow_and_update()).unwrap_or_else(Instant::now);
        tokio::select! {
            () = worker.all_closed() => break,
            () = tokio::time::sleep_until(deadline.into()) => {
                let cut = worker.open.borrow().tickets.len();
                tracing::warn!(cut, "connections cut at the end of the grace period");
                break;
            }
            told = stopping.changed() => if told.is_err() { break },
        }
    }
    Ok(())
}

/// Starts to serve a connection. An accept error is of the connection, or of the system being out of descriptors: then a
/// pause gives others time to close theirs.
async fn take(worker: &Rc<Worker>, accepted: io::Result<(TcpStream, SocketAddr)>) {
    match accepted {
        Ok((stream, peer)) => {
            let ticket = worker.ticket();
            tokio::task::spawn_local(connection(worker.clone(), ticket, stream, peer));
        }
        Err(error) => {
            tracing::warn!(%error, "accept failed");
            if !matches!(
                error.kind(),
                io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset
            ) {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

/// Who is at the other end, and the bytes that have been read to learn it. Where the policy has balancers announce their
/// clients, a connection of one that does not ends without an answer: nobody knows whom it would go to.
async fn opened(
    worker: &Worker,
    ticket: &Ticket,
    stream: &mut TcpStream,
    peer: IpAddr,
) -> Result<(Announced, Vec<u8>), Unannounced> {
    if !worker.live.load().expects_proxy_protocol(peer) {
        return Ok((Announced::default(), Vec::new()));
    }
    tokio::select! {
        biased;
        read = Announced::read(stream) => read,
        () = ticket.stopping() => Err(Unannounced::Stopping),
        () = tokio::time::sleep(worker.config.timeouts.head) => Err(Unannounced::Late),
    }
}

async fn connection(
    worker: Rc<Worker>,
    ticket: Ticket,
    mut stream: TcpStream,
    address: SocketAddr,
) {
    // answers are written whole; waiting for more only delays them
    let _ = stream.set_nodelay(true);
    let neighbour = address.ip().to_canonical();
    let (announced, early) = match opened(&worker, &ticket, &mut stream, neighbour).await {
        Ok(opened) => opened,
        Err(why) => {
            log::unannounced(why, neighbour);
            return;
        }
    };
    let peer = announced.source.unwrap_or(neighbour);
    let signals = Arc::<Signals>::default();
    let patience = Patience {
        head: worker.config.timeouts.head,
        write: worker.config.timeouts.write,
    };
    let guarded = Guarded::new(stream, early, signals.clone(), patience);
    let client = Rc::new(Client::new(worker.clone(), neighbour, announced, signals));
    let service = service_fn(move |request| {
        let client = client.clone();
        async move { Ok::<_, Infallible>(client.answer(request).await) }
    });
    let mut connection = worker
        .http
        .serve_connection(TokioIo::new(guarded), service)
        .with_upgrades();
    let mut watching = false;
    let mut asked = false;
    let outcome = poll_fn(|cx| {
        if !watching {
            watching = true;
            ticket.wake_at_stop(cx.waker());
        }
        if worker.is_stopping() && !asked {
            asked = true;
            Pin::new(&mut connection).graceful_shutdown();
        }
        match catch_unwind(AssertUnwindSafe(|| Pin::new(&mut connection).poll(cx))) {
            Ok(poll) => poll.map(Ok),
            Err(panic) => Poll::Ready(Err(panic)),
        }
    })
    .await;
    match outcome {
        Ok(Ok(())) => {
            if let Some(parts) = connection.into_parts() {
                parts.io.into_inner().linger().await;
            }
        }
        Ok(Err(error)) => tracing::debug!(%error, %peer, "connection ended"),
        Err(_panic) => tracing::error!(%peer, "panic; the connection is closed"),
    }
}
