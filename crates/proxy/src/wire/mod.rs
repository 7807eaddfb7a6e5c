//! The gate: raw bytes of a client, judged before the HTTP library sees them (RFC 9112).
//!
//! What two HTTP implementations may read differently is how requests are smuggled past the first of them. The gate follows
//! the framing of a connection and judges each request head as soon as it is whole:
//!
//! 1. a head that is not whole is held back, up to 64 KiB;
//! 2. a head that passes goes on, byte for byte, and so does the body that it frames;
//! 3. a head that does not pass is replaced by a harmless request, which the proxy answers with the [`Fault`]; after it nothing
//!    goes on;
//! 4. a chunked body that is malformed goes on up to the fault, and then nothing does;
//! 5. after a head with `Upgrade` bytes are held back until the switch; if there is none, they never go on.
//!
//! It fails closed: bytes that it cannot place do not go on. The verdict depends on the bytes alone, not on how they
//! arrive.
//!
//! ```
//! use mantlet_proxy::wire::{Fault, Gate};
//!
//! let mut gate = Gate::new();
//! let good = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
//! assert_eq!(gate.feed(good), good.len());
//! assert_eq!(gate.feed(b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"), 0);
//! assert_eq!(gate.fault(), Some((1, Fault::HostRepeated)));
//! ```

mod announced;
mod chunks;
mod fault;
mod head;
mod io;

pub use announced::{Announced, Unannounced};
pub use fault::Fault;
pub(crate) use io::{Guarded, Patience, Signals};

use chunks::{Chunks, Walk};
use head::{MAX_HEAD, Next, Scan};

/// What the HTTP library gets in place of a head that does not pass.
pub const STAND_IN: &[u8] = b"GET / HTTP/1.1\r\nHost: invalid\r\nConnection: close\r\n\r\n";
/// Empty lines before a head: RFC 9112 section 2.2 asks for at least one to be ignored.
const MAX_BLANK: u8 = 4;

/// A pure state machine over the bytes of one client connection.
#[derive(Debug)]
pub struct Gate {
    state: State,
    /// Bytes that could not go on in place: the first `ready` of them may go on now.
    store: Vec<u8>,
    ready: usize,
    /// How far the end of a stored head has been looked for.
    scanned: usize,
    /// Empty lines before the head.
    blank: u8,
    /// Heads that went on.
    heads: u64,
    fault: Option<(u64, Fault)>,
}

#[derive(Debug)]
enum State {
    Head,
    Length(u64),
    Chunked(Chunks),
    /// Whether the protocol is switched is not known yet.
    Upgrade,
    /// Another protocol.
    Open,
    /// A head did not pass.
    Shut,
    /// A body did not pass.
    Broken,
}

impl Default for Gate {
    fn default() -> Self {
        Self::new()
    }
}

impl Gate {
    /// The gate of a fresh connection.
    pub fn new() -> Self {
        Self {
            state: State::Head,
            store: Vec::new(),
            ready: 0,
            scanned: 0,
            blank: 0,
            heads: 0,
            fault: None,
        }
    }

    /// Takes the next bytes of the client. The first `n` of them go on as they are, where `n` is returned; the others are kept
    /// or dropped. What is kept and may go on is [`ready`](Gate::ready), and comes after the `n`.
    pub fn feed(&mut self, bytes: &[u8]) -> usize {
        if !self.store.is_empty() {
            self.store.extend_from_slice(bytes);
            let store = std::mem::take(&mut self.store);
            self.ready += self.walk(&store[self.ready..]);
            self.store = store;
            self.settle();
            return 0;
        }
        let passed = self.walk(bytes);
        self.store.extend_from_slice(&bytes[passed..]);
        self.settle();
        passed
    }

    /// Kept bytes that may go on now.
    pub fn ready(&self) -> &[u8] {
        &self.store[..self.ready]
    }

    /// Forgets the first `n` bytes of [`ready`](Gate::ready), which have gone on.
    pub fn consume(&mut self, n: usize) {
        let n = n.min(self.ready);
        self.store.drain(..n);
        self.ready -= n;
    }

    /// The head that did not pass, by the number of heads that went on before it, and why.
    pub fn fault(&self) -> Option<(u64, Fault)> {
        self.fault
    }

    /// Whether a body was malformed: nothing goes on any more, and nobody knows where the next head would be.
    pub fn is_broken(&self) -> bool {
        matches!(self.state, State::Broken)
    }

    /// Whether a part of a head is kept.
    pub fn is_waiting(&self) -> bool {
        matches!(self.state, State::Head) && self.store.len() > self.ready
    }

    /// Whether the connection is in the middle of a message, or nothing goes on any more.
    pub(crate) fn is_unfinished(&self) -> bool {
        !matches!(self.state, State::Head | State::Open)
    }

    /// Whether more bytes can be of use now.
    pub(crate) fn wants_bytes(&self) -> bool {
        match self.state {
            State::Shut | State::Broken => false,
            State::Upgrade => self.store.len() < MAX_HEAD,
            _ => true,
        }
    }

    /// The client was too slow with a head.
    pub fn time_out(&mut self) {
        if self.is_waiting() {
            self.shut(Fault::Timeout);
            self.settle();
        }
    }

    /// The protocol is switched: all bytes go on from now.
    pub fn open(&mut self) {
        if matches!(self.state, State::Upgrade) {
            self.state = State::Open;
            self.ready = self.store.len();
        }
    }

    fn shut(&mut self, fault: Fault) {
        self.fault = Some((self.heads, fault));
        self.state = State::Shut;
    }

    /// What becomes of bytes that do not go on.
    fn settle(&mut self) {
        match self.state {
            State::Shut => {
                self.store.truncate(self.ready);
                if self.fault.is_some_and(|(at, _)| at == self.heads) {
                    self.heads += 1;
                    self.store.extend_from_slice(STAND_IN);
                    self.ready = self.store.len();
                }
            }
            State::Broken => self.store.truncate(self.ready),
            _ => {}
        }
    }

    /// Follows the framing through `bytes`: how many may go on.
    fn walk(&mut self, bytes: &[u8]) -> usize {
        let mut pos = 0;
        while pos < bytes.len() {
            let rest = &bytes[pos..];
            match &mut self.state {
                State::Length(left) => {
                    let here = rest.len() as u64;
                    if here < *left {
                        *left -= here;
                        return bytes.len();
                    }
                    // left <= here, which is a length in memory
                    pos += *left as usize;
                    self.state = State::Head;
                }
                State::Chunked(chunks) => match chunks.walk(rest) {
                    Walk::Inside => return bytes.len(),
                    Walk::Ended(n) => {
                        pos += n;
                        self.state = State::Head;
                    }
                    Walk::Malformed(n) => {
                        self.state = State::Broken;
                        return pos + n;
                    }
                },
                State::Open => return bytes.len(),
                State::Upgrade | State::Shut | State::Broken => return pos,
                State::Head => match self.head(rest) {
                    Some(n) => pos += n,
                    None => return pos,
                },
            }
        }
        pos
    }

    /// The bytes of an empty line or of a head that passes; `None` if there is no such thing, or not yet.
    fn head(&mut self, bytes: &[u8]) -> Option<usize> {
        if bytes[0] == b'\r' || bytes[0] == b'\n' {
            return self.blank(bytes);
        }
        // without a line's end there is no head, and a client that drips one does not get it read again for each byte
        if self.scanned == 0
            && memchr::memchr(b'\n', bytes).is_some()
            && let Some((len, judged)) = head::whole(bytes)
        {
            return self.judged(len, judged);
        }
        match head::scan(bytes, &mut self.scanned) {
            Scan::More => None,
            Scan::Bad(fault) => {
                self.shut(fault);
                None
            }
            Scan::Whole(len) => self.judged(len, head::parse(&bytes[..len])),
        }
    }

    fn judged(&mut self, len: usize, judged: Result<Next, Fault>) -> Option<usize> {
        self.scanned = 0;
        self.blank = 0;
        self.state = match judged {
            Ok(Next::Length(0)) => State::Head,
            Ok(Next::Length(length)) => State::Length(length),
            Ok(Next::Chunked) => State::Chunked(Chunks::new()),
            Ok(Next::Upgrade) => State::Upgrade,
            Err(fault) => {
                self.shut(fault);
                return None;
            }
        };
        self.heads += 1;
        Some(len)
    }

    fn blank(&mut self, bytes: &[u8]) -> Option<usize> {
        match bytes {
            [b'\r'] => None,
            [b'\r', b'\n', ..] if self.blank < MAX_BLANK => {
                self.blank += 1;
                Some(2)
            }
            [b'\n', ..] => {
                self.shut(Fault::BareLf);
                None
            }
            _ => {
                self.shut(Fault::Syntax);
                None
            }
        }
    }
}

#[cfg(test)]
mod tests;
