//! What the operator sees of a limit.

use std::sync::atomic::{AtomicU64, Ordering};

use mantlet_limit::Level;

/// The counters of one limit since it was made.
#[derive(Debug, Default)]
pub(crate) struct Stats {
    pub(crate) admitted: Counter,
    pub(crate) exceeded: Counter,
    pub(crate) shed: Counter,
    pub(crate) reported: Counter,
    pub(crate) remembered: Counter,
    pub(crate) fallback: Counter,
    pub(crate) unavailable: Counter,
}

/// A number that only grows.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A limit as metrics show it: counters since it was made, and what it is now.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct LimitState {
    /// Its name.
    pub name: String,
    /// Requests that passed it.
    pub admitted: u64,
    /// Requests above it (429), and those that can never pass.
    pub exceeded: u64,
    /// Requests within it that pressure shed (503).
    pub shed: u64,
    /// Requests that would have been denied, and were not, for the limit only reports.
    pub reported: u64,
    /// Denials that were known without asking the store.
    pub remembered: u64,
    /// Requests counted here because the store did not answer.
    pub fallback: u64,
    /// Requests that passed or were denied uncounted, because the store did not answer.
    pub unavailable: u64,
    /// Keys that were forgotten before their time.
    pub evicted: u64,
    /// Keys there is room for.
    pub capacity: usize,
    /// The part of the quota that pressure leaves, 0 to 1; of a limit that is not adaptive `None`.
    pub ratio: Option<f64>,
    /// What the signals of pressure said last; of a limit that is not adaptive `None`.
    pub level: Option<Level>,
    /// Requests under way, and how many may be; of a limit of something else `None`.
    pub under_way: Option<(u32, u32)>,
}
