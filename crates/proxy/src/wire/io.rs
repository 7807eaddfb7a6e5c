//! The gate on a socket: reads pass through it, writes do not. Here too a client runs out of patience: with a head that
//! does not end (408), and by not reading (the connection is closed).

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep};

use super::{Fault, Gate};

/// How long a closing connection is read on, so that the last answer is not lost to a reset.
const LINGER: Duration = Duration::from_secs(2);

/// What the gate and the service of one connection tell each other. Both run on one thread; the atomics are for the HTTP
/// library, which wants an upgraded connection to be `Send`.
#[derive(Debug, Default)]
pub(crate) struct Signals {
    /// 0, or the number of the request that is a stand-in, plus one, and the fault's place in [`Fault::ALL`] below 8 bits.
    fault: AtomicU64,
    switched: AtomicBool,
}

impl Signals {
    /// Why request `number` (from 0) is a stand-in, if it is one.
    pub(crate) fn fault_of(&self, number: u64) -> Option<Fault> {
        let told = self.fault.load(Ordering::Relaxed);
        if told == 0 || told >> 8 != number + 1 {
            return None;
        }
        Fault::ALL.get((told & 0xff) as usize).copied()
    }

    /// The 101 is on its way: what the client sends from now is another protocol.
    pub(crate) fn switch(&self) {
        self.switched.store(true, Ordering::Relaxed);
    }

    fn tell(&self, number: u64, fault: Fault) {
        let place = Fault::ALL.iter().position(|&known| known == fault);
        let place = place.unwrap_or_default() as u64;
        self.fault
            .store((number + 1) << 8 | place, Ordering::Relaxed);
    }
}

/// A client's socket behind the gate.
#[derive(Debug)]
pub(crate) struct Guarded {
    stream: TcpStream,
    /// What has been read of the stream already, and not yet seen by the gate.
    early: Vec<u8>,
    gate: Gate,
    signals: Arc<Signals>,
    patience: Patience,
    /// Runs while a part of a head is kept.
    timer: Option<Pin<Box<Sleep>>>,
    stall: Stall,
}

/// How long a client may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    /// For a request head, from its first byte.
    pub(crate) head: Duration,
    /// To take any byte of what is sent to it.
    pub(crate) write: Duration,
}

/// Runs while the client takes nothing. The timer is made once and then set again.
#[derive(Debug, Default)]
struct Stall {
    timer: Option<Pin<Box<Sleep>>>,
    running: bool,
}

impl Stall {
    /// Lets a write through that made progress, and ends one that has waited for too long.
    fn watch<T>(
        &mut self,
        cx: &mut Context<'_>,
        patience: Duration,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.running = false;
            return written;
        }
        let timer = self
            .timer
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(patience)));
        if !self.running {
            self.running = true;
            timer.as_mut().reset(Instant::now() + patience);
        }
        ready!(timer.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl Guarded {
    /// `early` goes before the bytes of `stream`.
    pub(crate) fn new(
        stream: TcpStream,
        early: Vec<u8>,
        signals: Arc<Signals>,
        patience: Patience,
    ) -> Self {
        Self {
            stream,
            early,
            gate: Gate::new(),
            signals,
            patience,
            timer: None,
            stall: Stall::default(),
        }
    }

    /// Closes in a way that lets the client read the last answer: a socket closed with unread bytes is reset.
    pub(crate) async fn linger(mut self) {
        if !self.gate.is_unfinished() {
            return;
        }
        let drained = async {
            let mut waste = [0; 8192];
            while tokio::io::AsyncReadExt::read(&mut self.stream, &mut waste)
                .await
                .is_ok_and(|n| n > 0)
            {}
        };
        let _ = tokio::time::timeout(LINGER, drained).await;
    }

    /// After each change of the gate: the service learns of a fault, the timer runs or not.
    fn settle(&mut self) {
        if let Some((number, fault)) = self.gate.fault() {
            self.signals.tell(number, fault);
        }
        match (&self.timer, self.gate.is_waiting()) {
            (None, true) => self.timer = Some(Box::pin(tokio::time::sleep(self.patience.head))),
            (Some(_), false) => self.timer = None,
            _ => {}
        }
    }

    /// Moves kept bytes that may go on into `buf`.
    fn deliver(&mut self, buf: &mut ReadBuf<'_>) -> bool {
        let ready = self.gate.ready();
        let n = ready.len().min(buf.remaining());
        buf.put_slice(&ready[..n]);
        self.gate.consume(n);
        n > 0
    }
}

impl AsyncRead for Guarded {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        loop {
            if this.signals.switched.load(Ordering::Relaxed) {
                this.gate.open();
            }
            if buf.remaining() == 0 || this.deliver(buf) {
                return Poll::Ready(Ok(()));
            }
            if this.gate.is_broken() {
                return Poll::Ready(Err(io::ErrorKind::InvalidData.into()));
            }
            if !this.gate.wants_bytes() {
                // the service wakes the connection when it answers
                return Poll::Pending;
            }
            if let Some(timer) = &mut this.timer
                && timer.as_mut().poll(cx).is_ready()
            {
                this.gate.time_out();
                this.settle();
                continue;
            }
            let before = buf.filled().len();
            if this.early.is_empty() {
                ready!(Pin::new(&mut this.stream).poll_read(cx, buf))?;
            } else {
                let n = this.early.len().min(buf.remaining());
                buf.put_slice(&this.early[..n]);
                this.early.drain(..n);
            }
            let fresh = &buf.filled()[before..];
            if fresh.is_empty() {
                return Poll::Ready(Ok(()));
            }
            let passed = this.gate.feed(fresh);
            buf.set_filled(before + passed);
            this.settle();
            if passed > 0 {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

impl AsyncWrite for Guarded {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write(cx, buf);
        this.stall.watch(cx, this.patience.write, written)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write_vectored(cx, bufs);
        this.stall.watch(cx, this.patience.write, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}
