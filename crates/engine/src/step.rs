//! Where call one may wait: for one trip to a store, and for nothing else.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use mantlet_limit::{Outcome, Take};

use crate::exchange::Exchange;
use crate::limit::Asked;
use crate::permit::Permit;
use crate::verdict::Verdict;

/// What call one has come to.
#[derive(Debug)]
pub enum Step {
    /// Every check was answered from memory.
    Decided(Verdict, Exchange),
    /// A store has to be asked: run the batch, then [`Waiting::resume`].
    Waiting(Box<Waiting>),
}

impl Step {
    /// The verdict where no store can be asked: each limit of a store does what its `on_error` says.
    pub fn without_store(self) -> (Verdict, Exchange) {
        match self {
            Self::Decided(verdict, exchange) => (verdict, exchange),
            Self::Waiting(waiting) => waiting.resume(Err(StoreDown::ABSENT)),
        }
    }
}

/// A request that waits for a store. Dropped without an answer, it has taken what the limits of this process gave it; its place
/// among the requests under way is free again.
pub struct Waiting {
    pub(crate) exchange: Exchange,
    pub(crate) permit: Permit,
    pub(crate) asked: Asked,
    pub(crate) batch: Batch,
}

impl Waiting {
    /// What the store is asked.
    pub fn batch(&self) -> &Batch {
        &self.batch
    }

    /// The verdict, with the store's answer, or without one.
    pub fn resume(self, replies: Result<Replies, StoreDown>) -> (Verdict, Exchange) {
        let Self {
            exchange,
            permit,
            asked,
            batch,
        } = self;
        // an answer to another question is none
        let asked_for = batch.takes.len() + batch.shadows.len();
        let replies = replies
            .ok()
            .filter(|replies| replies.takes.len() == asked_for);
        exchange.resumed(permit, asked, replies)
    }
}

impl fmt::Debug for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Waiting")
            .field("batch", &self.batch)
            .finish_non_exhaustive()
    }
}

/// What one request asks of a store: one trip.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Batch {
    /// Its limits: all are taken, or none.
    pub takes: Vec<Take>,
    /// Limits that only report: each is taken on its own, whatever the others say.
    pub shadows: Vec<Take>,
}

/// What the store answers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Replies {
    /// For each of [`Batch::takes`], then for each of [`Batch::shadows`], in their order.
    pub takes: Vec<Outcome>,
}

impl Replies {
    /// The outcomes of the limits: those of the takes, then those of the shadows.
    pub fn new(takes: Vec<Outcome>) -> Self {
        Self { takes }
    }
}

/// The store did not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoreDown {
    /// Why, in a word that does not change: for logs and metrics.
    pub why: &'static str,
}

impl StoreDown {
    /// The host has no store.
    pub const ABSENT: Self = Self { why: "absent" };
}

impl fmt::Display for StoreDown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the store did not answer: {}", self.why)
    }
}

impl std::error::Error for StoreDown {}

/// A trip to a store, under way.
pub type Trip = Pin<Box<dyn Future<Output = Result<Replies, StoreDown>> + Send>>;

/// Runs batches; a host that can wait has one, where the policy needs it.
pub trait Store: Send + Sync + 'static {
    /// Runs a batch. Answers within the store's own time limit, in any case.
    fn run(&self, batch: &Batch) -> Trip;

    /// What it has done, for metrics.
    fn state(&self) -> StoreState;
}

/// A store as metrics show it: counters since it was made, and what it is now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoreState {
    /// Trips that were made.
    pub trips: u64,
    /// Trips that failed or were not made, by a word for why.
    pub failures: Vec<(&'static str, u64)>,
    /// Whether it is asked at the moment: not while it has just failed several times.
    pub asked: bool,
    /// How often that began.
    pub given_up: u64,
    /// Trips by their time: those that took so many microseconds at the most and more than the bound before; the last has no
    /// bound.
    pub latency: Vec<(Option<u64>, u64)>,
    /// The time of all trips, in microseconds.
    pub latency_sum: u64,
}
