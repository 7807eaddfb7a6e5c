//! The token bucket, counted as GCRA (generic cell rate algorithm, ITU-T I.371, virtual scheduling): one number a key, the
//! moment at which all of its bucket is there again, called its TAT (theoretical arrival time).
//!
//! A request of cost c moves it c intervals on, from now or from where it is, and passes if it is then at most a whole bucket
//! ahead of now. Integers only. An interval is `window / requests` in nanoseconds, rounded up: never more than the rate, and
//! never more than one cell a nanosecond.

use crate::law::{Law, outcome};
use crate::outcome::{Admission, Outcome};
use crate::quota::Quota;
use crate::ratio::Ratio;

#[derive(Debug)]
pub(crate) struct Gcra {
    /// Nanoseconds until a cell is back.
    interval: u64,
    burst: u32,
    /// Nanoseconds until a whole bucket is back, at most 2^62: a [`Quota`] is not made with more.
    tolerance: u64,
}

impl Gcra {
    pub(crate) fn new(quota: &Quota) -> Self {
        let interval = quota.interval();
        Self {
            interval,
            burst: quota.burst(),
            tolerance: interval.saturating_mul(u64::from(quota.burst())),
        }
    }

    /// What is said with the bucket full again at `tat`.
    #[inline]
    fn tell(&self, admission: Admission, tat: u64, now: u64, retry_after: u64) -> Outcome {
        let reset = tat.saturating_sub(now);
        // more than a bucket ahead only where the clock went back
        let free = self.tolerance.saturating_sub(reset);
        // not more than the burst, for `free` is not more than the tolerance; nothing in most denials, which need no division
        let remaining = match free < self.interval {
            true => 0,
            false => (free / self.interval) as u32,
        };
        let next = if remaining == self.burst {
            0
        } else {
            let wanted = self.interval.saturating_mul(u64::from(remaining) + 1);
            reset.saturating_sub(self.tolerance.saturating_sub(wanted))
        };
        outcome(admission, remaining, next, reset, retry_after)
    }
}

impl Law for Gcra {
    /// The TAT.
    type Cell = u64;

    fn weight(&self, tat: &u64, now: u64) -> u64 {
        tat.saturating_sub(now)
    }

    #[inline]
    fn take(&self, tat: &u64, cost: u32, now: u64, _: Ratio) -> (Outcome, Option<u64>) {
        if cost > self.burst {
            return (self.tell(Admission::Oversized, *tat, now, 0), None);
        }
        if cost == 0 {
            return (self.tell(Admission::Admitted, *tat, now, 0), None);
        }
        let new = (*tat)
            .max(now)
            .saturating_add(self.interval.saturating_mul(u64::from(cost)));
        let ahead = new - now;
        if ahead > self.tolerance {
            let retry_after = ahead - self.tolerance;
            return (self.tell(Admission::Exceeded, *tat, now, retry_after), None);
        }
        (self.tell(Admission::Admitted, new, now, 0), Some(new))
    }

    /// What has flowed back by itself since then is not given twice: an old take gives back less, at last nothing.
    fn give_back(&self, tat: &u64, cost: u32, taken: u64, now: u64) -> Option<u64> {
        let took = self
            .interval
            .saturating_mul(u64::from(cost.min(self.burst)));
        let left = took.saturating_sub(now.saturating_sub(taken));
        if left == 0 || *tat <= now {
            return None;
        }
        Some(tat.saturating_sub(left).max(now))
    }
}
