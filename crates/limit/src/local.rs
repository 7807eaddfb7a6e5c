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

use crate::gcra::Gcra;
use crate::key::{Key, Secret};
use crate::moment::Moment;
use crate::outcome::Outcome;
use crate::ratio::Ratio;
use crate::rule::{Algorithm, Rule};
use crate::table::{Count, Table};

/// The table of one limit in this process: who has used how much. Memory is taken once, by [`Local::new`].
///
/// Bytes a key, of the `max_keys` that were asked for (a table has room for twice as many, so that hardly one meets a full
/// set):
///
/// | algorithm | bytes |
/// |---|---|
/// | token bucket | 34 |
///
/// # Forks
/// A child of `fork` counts on its own from where its parent was. Where another thread was inside at that moment, the
/// child would wait for it for ever: fork before the first request, as servers that fork do.
pub struct Local {
    rule: Rule,
    table: Box<dyn Count>,
}

impl Local {
    /// A table for `max_keys` keys, from 1 to 2^28. Keys are those of `secret`.
    pub fn new(rule: Rule, max_keys: usize, secret: Secret) -> Self {
        let quota = rule.quota();
        let table: Box<dyn Count> = match rule.algorithm() {
            Algorithm::TokenBucket | Algorithm::SlidingWindow(_) | Algorithm::Adaptive { .. } => {
                Box::new(Table::new(Gcra::new(quota), max_keys, secret))
            }
        };
        Self { rule, table }
    }

    /// What it counts by.
    pub const fn rule(&self) -> &Rule {
        &self.rule
    }

    /// Takes `cost` from what `key` has, if that much is there; else it takes nothing. A cost of 0 asks what is left.
    pub fn take(&self, key: Key, cost: u32, now: Moment) -> Outcome {
        self.table.take(key, cost, now, Ratio::FULL)
    }

    /// [`Self::take`] on a host under pressure: an adaptive limit gives out `ratio` of its quota, and `min_requests` at the
    /// least. Another algorithm takes no notice of `ratio`.
    pub fn take_within(&self, key: Key, cost: u32, now: Moment, ratio: Ratio) -> Outcome {
        self.table.take(key, cost, now, ratio)
    }

    /// Undoes a take of `cost` at `taken`: what has not come back by itself since then is there again. Never more than the
    /// whole quota, and nothing of a window that is over.
    pub fn give_back(&self, key: Key, cost: u32, taken: Moment, now: Moment) {
        self.table.give_back(key, cost, taken, now);
    }

    /// How many keys were forgotten while they were counted, since there was no room.
    pub fn evicted(&self) -> u64 {
        self.table.evicted()
    }

    /// How many keys there is room for.
    pub fn capacity(&self) -> usize {
        self.table.capacity()
    }

    /// Bytes of memory.
    pub fn bytes(&self) -> usize {
        self.table.bytes()
    }
}

impl std::fmt::Debug for Local {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Local")
            .field("rule", &self.rule)
            .field("capacity", &self.capacity())
            .finish_non_exhaustive()
    }
}
