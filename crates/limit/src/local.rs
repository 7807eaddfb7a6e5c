//! The counting of one limit in one process.
//!
//! ```
//! use std::time::Duration;
//! use mantlet_limit::{Algorithm, Local, Moment, Quota, Rule, Secret};
//!
//! let quota = Quota::new(2, Duration::from_secs(60))?;
//! let secret = Secret::new([7; 16]); // random, in a program
//! let limit = Local::new(Rule::new(quota, Algorithm::TokenBucket)?, 10_000, secret);
//!
//! let client = secret.key(&[b"client", &[192, 0, 2, 1]]);
//! let now = Moment::from_nanos(0);
//! assert_eq!(limit.take(client, 1, now).remaining, 1);
//! assert!(limit.take(client, 1, now).is_admitted());
//! let third = limit.take(client, 1, now);
//! assert!(!third.is_admitted());
//! assert_eq!(third.retry_after, Duration::from_secs(30));
//! # Ok::<(), mantlet_limit::QuotaError>(())
//! ```

use crate::adaptive::Adaptive;
use crate::buckets::Buckets;
use crate::gcra::Gcra;
use crate::key::{Key, Secret};
use crate::law::Law;
use crate::log::Log;
use crate::moment::Moment;
use crate::outcome::Outcome;
use crate::ratio::Ratio;
use crate::rule::{Algorithm, Mode, Rule};
use crate::table::{Count, Table};
use crate::window::Window;

/// The table of one limit in this process: who has used how much. Memory is taken once, by [`Local::new`].
///
/// Bytes a key, of the `max_keys` that were asked for (a table has room for twice as many, so that hardly one meets a full
/// set):
///
/// | algorithm | bytes |
/// |---|---|
/// | token bucket | 32, and 2 KiB in all |
/// | sliding window, strict, up to 8 requests (exact) | 114 |
/// | up to 16 | 178 |
/// | up to 32 | 306 |
/// | up to 64 | 562 |
/// | more than 64, or interpolated | 130 |
/// | adaptive | 242 |
///
/// # Forks
/// A child of `fork` counts on its own from where its parent was. Where another thread held a lock at that moment, the
/// child would wait for it for ever: fork before the first request, as servers that fork do.
pub struct Local {
    rule: Rule,
    table: Counter,
}

enum Counter {
    /// Known to the compiler, for this is what most limits are.
    Buckets(Buckets),
    Other(Box<dyn Count>),
}

impl Local {
    /// A table for `max_keys` keys, from 1 to 2^28. Keys are those of `secret`.
    pub fn new(rule: Rule, max_keys: usize, secret: Secret) -> Self {
        let quota = rule.quota();
        let table = match (rule.algorithm(), quota.requests()) {
            (Algorithm::TokenBucket, _) => {
                let buckets = Buckets::new(Gcra::new(quota), max_keys, secret);
                return Self {
                    rule,
                    table: Counter::Buckets(buckets),
                };
            }
            (Algorithm::SlidingWindow(Mode::Strict), ..=8) => {
                table(Log::<8>::new(quota), max_keys, secret)
            }
            (Algorithm::SlidingWindow(Mode::Strict), ..=16) => {
                table(Log::<16>::new(quota), max_keys, secret)
            }
            (Algorithm::SlidingWindow(Mode::Strict), ..=32) => {
                table(Log::<32>::new(quota), max_keys, secret)
            }
            (Algorithm::SlidingWindow(Mode::Strict), ..=64) => {
                table(Log::<64>::new(quota), max_keys, secret)
            }
            (Algorithm::SlidingWindow(mode), _) => {
                table(Window::new(quota, mode), max_keys, secret)
            }
            (Algorithm::Adaptive { min_requests }, _) => {
                table(Adaptive::new(quota, min_requests), max_keys, secret)
            }
        };
        Self {
            rule,
            table: Counter::Other(table),
        }
    }

    fn count(&self) -> &dyn Count {
        match &self.table {
            Counter::Buckets(buckets) => buckets,
            Counter::Other(table) => &**table,
        }
    }

    /// What it counts by.
    pub const fn rule(&self) -> &Rule {
        &self.rule
    }

    /// Takes `cost` from what `key` has, if that much is there; else it takes nothing. A cost of 0 asks what is left.
    #[inline]
    pub fn take(&self, key: Key, cost: u32, now: Moment) -> Outcome {
        self.take_within(key, cost, now, Ratio::FULL)
    }

    /// [`Self::take`] on a host under pressure: an adaptive limit gives out `ratio` of its quota, and `min_requests` at the
    /// least. What is above that and within the quota is [`Shed`](crate::Admission::Shed), what is above the quota, shed
    /// requests counted, [`Exceeded`](crate::Admission::Exceeded). Another algorithm takes no notice of `ratio`.
    #[inline]
    pub fn take_within(&self, key: Key, cost: u32, now: Moment, ratio: Ratio) -> Outcome {
        match &self.table {
            Counter::Buckets(buckets) => buckets.take(key, cost, now, ratio),
            Counter::Other(table) => table.take(key, cost, now, ratio),
        }
    }

    /// What [`Self::take`] would say; takes nothing.
    pub fn ask(&self, key: Key, cost: u32, now: Moment) -> Outcome {
        self.count().ask(key, cost, now)
    }

    /// Undoes a take of `cost` at `taken`: what has not come back by itself since then is there again. Never more than the
    /// whole quota, and nothing of a window that is over.
    pub fn give_back(&self, key: Key, cost: u32, taken: Moment, now: Moment) {
        self.count().give_back(key, cost, taken, now);
    }

    /// How many keys were forgotten while they were counted, since there was no room.
    pub fn evicted(&self) -> u64 {
        self.count().evicted()
    }

    /// How many keys there is room for.
    pub fn capacity(&self) -> usize {
        self.count().capacity()
    }

    /// Bytes of memory.
    pub fn bytes(&self) -> usize {
        self.count().bytes()
    }
}

fn table<L: Law + 'static>(law: L, max_keys: usize, secret: Secret) -> Box<dyn Count> {
    Box::new(Table::new(law, max_keys, secret))
}

impl std::fmt::Debug for Local {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Local")
            .field("rule", &self.rule)
            .field("capacity", &self.capacity())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Local;
    use crate::{Algorithm, Mode, Moment, Quota, Ratio, Rule, Secret};

    fn local(requests: u32, algorithm: Algorithm, max_keys: usize) -> Local {
        let quota = Quota::new(requests, Duration::from_secs(60)).unwrap();
        Local::new(
            Rule::new(quota, algorithm).unwrap(),
            max_keys,
            Secret::new([8; 16]),
        )
    }

    #[test]
    fn a_key_costs_the_bytes_that_are_documented() {
        let strict = Algorithm::SlidingWindow(Mode::Strict);
        let cases = [
            (100, Algorithm::TokenBucket, 32),
            (8, strict, 114),
            (16, strict, 178),
            (32, strict, 306),
            (64, strict, 562),
            (65, strict, 130),
            (8, Algorithm::SlidingWindow(Mode::Interpolated), 130),
            (8, Algorithm::Adaptive { min_requests: 1 }, 242),
        ];
        for (requests, algorithm, bytes) in cases {
            let local = local(requests, algorithm, 4000);
            let of_all = if algorithm == Algorithm::TokenBucket {
                2048
            } else {
                0
            };
            assert_eq!(
                local.bytes(),
                bytes * 4000 + of_all,
                "{algorithm:?} of {requests}"
            );
        }
    }

    #[test]
    fn time_that_is_over_denies() {
        for algorithm in [
            Algorithm::TokenBucket,
            Algorithm::SlidingWindow(Mode::Strict),
            Algorithm::SlidingWindow(Mode::Interpolated),
            Algorithm::Adaptive { min_requests: 1 },
        ] {
            for requests in [5, 500] {
                let local = local(requests, algorithm, 10);
                let key = Secret::new([8; 16]).key(&[b"client"]);
                let end = Moment::from_nanos(u64::MAX);
                let admitted = (0..1000).filter(|_| local.take(key, 1, end).is_admitted());
                assert_eq!(admitted.count(), requests as usize, "{algorithm:?}");
                local.give_back(key, 1, Moment::from_nanos(0), end);
                assert!(!local.take(key, 1, end).is_admitted());
                local.give_back(key, 1, end, end);
                assert!(local.take(key, 1, end).is_admitted());
            }
        }
    }

    #[test]
    fn only_an_adaptive_limit_heeds_the_ratio() {
        let half = Ratio::new(0.5).unwrap();
        let key = Secret::new([8; 16]).key(&[b"client"]);
        let within = |algorithm| {
            let local = local(10, algorithm, 10);
            local.take_within(key, 0, Moment::default(), half).remaining
        };
        assert_eq!(within(Algorithm::TokenBucket), 10);
        assert_eq!(within(Algorithm::SlidingWindow(Mode::Strict)), 10);
        assert_eq!(within(Algorithm::Adaptive { min_requests: 1 }), 5);
        assert_eq!(within(Algorithm::Adaptive { min_requests: 7 }), 7);
    }
}
