//! An algorithm as a pure function: what is known of one key, and what the next request makes of it.

use std::time::Duration;

use crate::outcome::{Admission, Outcome};
use crate::ratio::Ratio;

/// How one rule counts one key. All times are nanoseconds, at most [`LAST`].
pub(crate) trait Law: Send + Sync {
    /// What is known of a key. The default is a key that was never seen.
    type Cell: Copy + Default + Send;

    /// What forgetting `cell` would forgive: 0 if nothing, for it is as good as never seen.
    fn weight(&self, cell: &Self::Cell, now: u64) -> u64;

    /// What the key is told, and what is known of it then; `None` if that stays as it is.
    fn take(
        &self,
        cell: &Self::Cell,
        cost: u32,
        now: u64,
        ratio: Ratio,
    ) -> (Outcome, Option<Self::Cell>);

    /// What is known of the key without `cost` that it took at `taken`; `None` if that stays as it is.
    fn give_back(&self, cell: &Self::Cell, cost: u32, taken: u64, now: u64) -> Option<Self::Cell>;
}

/// The last moment that is told from the next, 292 years after the start: whatever is added to it stays below 2^64. Time
/// stands still then, which denies.
pub(crate) const LAST: u64 = (1 << 63) - 1;

/// An answer whose times are nanoseconds.
pub(crate) fn outcome(
    admission: Admission,
    remaining: u32,
    next: u64,
    reset: u64,
    retry_after: u64,
) -> Outcome {
    Outcome {
        admission,
        remaining,
        next: Duration::from_nanos(next),
        reset: Duration::from_nanos(reset),
        retry_after: Duration::from_nanos(retry_after),
    }
}
