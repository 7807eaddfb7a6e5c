//! What a store has done: numbers for the metrics of the host.

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use mantlet_engine::StoreState;

use crate::breaker::{Breaker, State};
use crate::error::StoreError;

/// Upper bounds of the latency buckets, in microseconds; one more bucket holds what took longer.
pub const LATENCY_BOUNDS: [u64; 10] = [
    100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 100_000, 1_000_000,
];

/// Failures by [`StoreError::WORDS`].
pub type Failures = [u64; StoreError::WORDS.len()];

/// Counts that only grow, and the state of the breaker. Shared by the client and whoever reports it.
#[derive(Debug, Default)]
pub struct Stats {
    trips: AtomicU64,
    failures: [AtomicU64; StoreError::WORDS.len()],
    scripts_sent: AtomicU64,
    connections: AtomicU64,
    breaker: AtomicU8,
    opened: AtomicU64,
    latency: [AtomicU64; LATENCY_BOUNDS.len() + 1],
    latency_sum: AtomicU64,
}

/// The counts of one moment. Those of different fields may be of slightly different moments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// Trips that were made: answered ones and failed ones, without those that the breaker stopped.
    pub trips: u64,
    /// Failures by kind; those of `breaker_open` made no trip.
    pub failures: Failures,
    /// How often a script was sent whole, since the server did not have it.
    pub scripts_sent: u64,
    /// Connections that were made.
    pub connections: u64,
    /// Where the breaker stands.
    pub breaker: State,
    /// How often it has opened.
    pub opened: u64,
    /// Trips by the time they took ([`LATENCY_BOUNDS`]), failed ones too; each in one bucket.
    pub latency: [u64; LATENCY_BOUNDS.len() + 1],
    /// The time of all trips, in microseconds.
    pub latency_sum: u64,
}

impl Snapshot {
    /// As the metrics of a host show it.
    pub fn state(&self) -> StoreState {
        let mut state = StoreState::default();
        state.trips = self.trips;
        state.failures = StoreError::WORDS.into_iter().zip(self.failures).collect();
        state.asked = self.breaker != State::Open;
        state.given_up = self.opened;
        let bounds = LATENCY_BOUNDS.into_iter().map(Some).chain([None]);
        state.latency = bounds.zip(self.latency).collect();
        state.latency_sum = self.latency_sum;
        state
    }

    /// How many trips failed with `word`, one of [`StoreError::WORDS`]; 0 for any other.
    pub fn failed(&self, word: &str) -> u64 {
        let place = StoreError::WORDS.iter().position(|known| *known == word);
        place.map_or(0, |place| self.failures[place])
    }
}

impl Stats {
    /// What has been counted.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            trips: self.trips.load(Relaxed),
            failures: std::array::from_fn(|n| self.failures[n].load(Relaxed)),
            scripts_sent: self.scripts_sent.load(Relaxed),
            connections: self.connections.load(Relaxed),
            breaker: match self.breaker.load(Relaxed) {
                0 => State::Closed,
                1 => State::Open,
                _ => State::HalfOpen,
            },
            opened: self.opened.load(Relaxed),
            latency: std::array::from_fn(|n| self.latency[n].load(Relaxed)),
            latency_sum: self.latency_sum.load(Relaxed),
        }
    }

    /// A trip ended after `took`.
    pub fn trip(&self, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let bucket = LATENCY_BOUNDS.partition_point(|bound| *bound < micros);
        self.trips.fetch_add(1, Relaxed);
        self.latency[bucket].fetch_add(1, Relaxed);
        self.latency_sum.fetch_add(micros, Relaxed);
    }

    /// A trip failed, or was not made.
    pub fn failure(&self, error: &StoreError) {
        self.failures[error.index()].fetch_add(1, Relaxed);
    }

    /// A script was sent whole.
    pub fn script_sent(&self) {
        self.scripts_sent.fetch_add(1, Relaxed);
    }

    /// A connection was made.
    pub fn connected(&self) {
        self.connections.fetch_add(1, Relaxed);
    }

    /// The breaker stands where `breaker` does.
    pub fn breaker(&self, breaker: &Breaker) {
        let state = match breaker.state() {
            State::Closed => 0,
            State::Open => 1,
            State::HalfOpen => 2,
        };
        self.breaker.store(state, Relaxed);
        self.opened.store(breaker.opened(), Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trip_is_in_the_bucket_of_its_bound() {
        let stats = Stats::default();
        for micros in [0, 100, 101, 1_000_000, 1_000_001] {
            stats.trip(Duration::from_micros(micros));
        }
        let snapshot = stats.snapshot();
        assert_eq!(snapshot.latency, [2, 1, 0, 0, 0, 0, 0, 0, 0, 1, 1]);
        assert_eq!(snapshot.latency_sum, 2_000_202);
        assert_eq!(snapshot.trips, 5);
    }

    #[test]
    fn failures_are_counted_by_word() {
        let stats = Stats::default();
        stats.failure(&StoreError::Timeout);
        stats.failure(&StoreError::OutOfMemory);
        stats.failure(&StoreError::OutOfMemory);
        let snapshot = stats.snapshot();
        assert_eq!(snapshot.failed("timeout"), 1);
        assert_eq!(snapshot.failed("out_of_memory"), 2);
        assert_eq!(snapshot.failed("loading"), 0);
    }
}
