//! How many requests an upstream bears at once, found by its latency: the limit grows while answers take what they always
//! took, and shrinks while they take longer, for then they wait in a queue (the gradient form of Netflix's
//! concurrency-limits).
//!
//! A window is at least 100 milliseconds, and ten answers to requests that began in it. At its end, L being the limit:
//!
//! 1. `short` is the mean latency of the window, `long` that of the last 600. A window in which the limit was reached can
//!    lower `long` and not raise it: what waits in our own queue would pass for what always was, and L creep up for ever.
//! 2. Fewer than L/2 were ever under way: nothing was learned, L stays.
//! 3. `g = 1.5 * long / short`, between 0.5 and 1; L goes a fifth of the way to `L * g + sqrt(L)`.
//! 4. L has shrunk by three tenths, and `short` by less than one: it is no queue, the upstream has become that slow, and
//!    `long` is `short`.
//!
//! A request that got no answer in time takes a tenth off, and so does none that began before the last such cut. After a
//! slow spell, `long` comes down by a twentieth each window in which it is more than twice `short`.

use crate::moment::Moment;
use crate::sync::{AtomicU64, Mutex, Ordering, lock};

/// Nanoseconds of a window at the least.
const WINDOW: u64 = 100_000_000;
const SAMPLES: u32 = 10;
const TOLERANCE: f64 = 1.5;
const STEP: f64 = 0.2;
const LONG_WINDOWS: f64 = 600.0;
/// What the limit is at first, if that is between the least and the most.
const FIRST: u32 = 20;

/// A limit of requests under way at once, which finds its number.
pub struct Concurrency {
    min: f64,
    max: f64,
    in_flight: AtomicU64,
    /// The limit, whole.
    limit: AtomicU64,
    state: Mutex<State>,
}

struct State {
    limit: f64,
    /// When the window began; `None` before the first request is over.
    began: Option<Moment>,
    samples: u32,
    /// Of the latencies, in nanoseconds.
    sum: f64,
    most_in_flight: u64,
    /// The mean latency of the last windows in nanoseconds, and of how many.
    long: f64,
    windows: f64,
    /// The limit from where it shrinks, and the longest `short` since.
    mark: (f64, f64),
    cut: Option<Moment>,
}

/// A request under way. It counts until it is handed to [`Concurrency::leave`], and so for ever if it is dropped.
#[derive(Debug)]
#[must_use = "a request that never leaves counts for ever"]
pub struct Ticket {
    entered: Moment,
}

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Left {
    /// The upstream answered: the latency is its own.
    Answered,
    /// It did not answer in time, or refused for lack of room.
    Dropped,
    /// It says nothing of the upstream: the client went away, the answer is 4xx, or a stream or a WebSocket that goes on for
    /// other reasons.
    Ignored,
}

impl Concurrency {
    /// Between `min` and `max` at once; `min` is 1 at the least, and `max` as much as `min`.
    pub fn new(min: u32, max: u32) -> Self {
        let min = min.max(1);
        let max = max.max(min);
        let first = FIRST.clamp(min, max);
        Self {
            min: min.into(),
            max: max.into(),
            in_flight: AtomicU64::new(0),
            limit: AtomicU64::new(first.into()),
            state: Mutex::new(State {
                limit: first.into(),
                began: None,
                samples: 0,
                sum: 0.0,
                most_in_flight: 0,
                long: 0.0,
                windows: 0.0,
                mark: (0.0, 0.0),
                cut: None,
            }),
        }
    }

    /// Lets a request in, if there is room.
    pub fn enter(&self, now: Moment) -> Option<Ticket> {
        let limit = self.limit.load(Ordering::Relaxed);
        let more = |in_flight: u64| (in_flight < limit).then_some(in_flight + 1);
        self.in_flight
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, more)
            .ok()?;
        Some(Ticket { entered: now })
    }

    /// Ends a request.
    pub fn leave(&self, ticket: Ticket, now: Moment, how: Left) {
        // a ticket was counted, so this is at least 1
        let in_flight = self.in_flight.fetch_sub(1, Ordering::Relaxed);
        let mut state = lock(&self.state);
        let began = *state.began.get_or_insert(ticket.entered);
        state.most_in_flight = state.most_in_flight.max(in_flight);
        match how {
            Left::Ignored => return,
            Left::Dropped => {
                if state.cut.is_some_and(|cut| ticket.entered <= cut) {
                    return;
                }
                state.cut = Some(now);
                state.limit = (state.limit * 0.9).max(self.min);
            }
            Left::Answered => {
                if ticket.entered < began {
                    return;
                }
                state.samples += 1;
                state.sum += now.since(ticket.entered).as_nanos() as f64;
                let elapsed = now.since(began).as_nanos();
                if state.samples < SAMPLES || elapsed < WINDOW.into() {
                    return;
                }
                state.learn(self.min, self.max);
                state.began = Some(now);
                state.samples = 0;
                state.sum = 0.0;
                state.most_in_flight = 0;
            }
        }
        // between `min` and `max`, whole numbers of 32 bits
        self.limit.store(state.limit as u64, Ordering::Relaxed);
    }

    /// How many may be under way at once.
    pub fn limit(&self) -> u32 {
        u32::try_from(self.limit.load(Ordering::Relaxed)).unwrap_or(u32::MAX)
    }

    /// How many are.
    pub fn in_flight(&self) -> u32 {
        u32::try_from(self.in_flight.load(Ordering::Relaxed)).unwrap_or(u32::MAX)
    }
}

impl State {
    /// At the end of a window.
    fn learn(&mut self, min: f64, max: f64) {
        // a latency of nothing is one that the clock cannot tell
        let short = (self.sum / f64::from(self.samples)).max(1.0);
        let reached = self.most_in_flight as f64 >= self.limit.floor();
        if !reached || short < self.long || self.windows == 0.0 {
            self.windows = (self.windows + 1.0).min(LONG_WINDOWS);
            self.long += (short - self.long) / self.windows;
        }
        if self.long > 2.0 * short {
            self.long *= 0.95;
        }
        if (self.most_in_flight as f64) < self.limit / 2.0 {
            return;
        }
        let (limit, slowest) = self.mark;
        if self.limit >= limit {
            self.mark = (self.limit, short);
        } else if self.limit > 0.7 * limit {
            self.mark.1 = slowest.max(short);
        } else {
            if short > 0.9 * slowest {
                self.long = self.long.max(short);
            }
            self.mark = (self.limit, short);
        }
        let gradient = (TOLERANCE * self.long / short).clamp(0.5, 1.0);
        let target = self.limit * gradient + self.limit.sqrt();
        self.limit = (self.limit + STEP * (target - self.limit)).clamp(min, max);
    }
}

impl std::fmt::Debug for Concurrency {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Concurrency")
            .field("limit", &self.limit())
            .field("in_flight", &self.in_flight())
            .finish_non_exhaustive()
    }
}
