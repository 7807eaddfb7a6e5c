//! The sliding window, counted in parts: a tenth of the window each, of which the last eleven are kept.
//!
//! The window that ends now covers ten of them, of which the newest is not over yet, and some of the eleventh. Strict counts
//! all of the eleventh, and so never lets more through than the quota in any window; a client that asks without a pause gets
//! ten elevenths of it. Interpolated counts as much of the eleventh as the window covers, as if its requests had been spread
//! evenly: right on average, and a client that sends all of its quota at the end of a part gets nearly as much again before
//! a window is over.
//!
//! What a client that knows the algorithm gets through at most in any window, of a quota of 100:
//!
//! | counted by | admitted in the worst window |
//! |---|---|
//! | fixed window (not here: others count so) | 200 |
//! | interpolated | 199 |
//! | strict | 100 |

use crate::law::{Law, outcome};
use crate::outcome::{Admission, Outcome};
use crate::quota::Quota;
use crate::ratio::Ratio;
use crate::rule::Mode;

/// Parts of a window.
const PARTS: u64 = 10;
/// Parts that are kept: those of a window, and the one that it has not quite left.
const KEPT: usize = 11;

#[derive(Debug)]
pub(crate) struct Window {
    /// Nanoseconds of a part, rounded up: ten of them are a window at the least.
    part: u64,
    limit: u32,
    mode: Mode,
}

/// How much was used in each of the last parts; all of it 0 for a key that was never seen.
#[derive(Clone, Copy, Default)]
pub(crate) struct Counts {
    /// The number of the newest part since the start of time.
    newest: u64,
    /// Used in part n: at n modulo [`KEPT`].
    used: [u32; KEPT],
}

impl Counts {
    /// As they are in part number `at`, or in the newest, if the clock went back.
    fn moved_to(mut self, at: u64) -> Self {
        let new = at.saturating_sub(self.newest);
        if new >= KEPT as u64 {
            self.used = [0; KEPT];
        } else {
            for part in self.newest..at {
                self.used[slot(part + 1)] = 0;
            }
        }
        self.newest = self.newest.max(at);
        self
    }

    pub(crate) fn total(&self) -> u64 {
        self.used.iter().map(|used| u64::from(*used)).sum()
    }

    /// Adds to the newest part.
    pub(crate) fn add(&mut self, cost: u32) {
        let newest = &mut self.used[slot(self.newest)];
        *newest = newest.saturating_add(cost);
    }

    /// Takes from part number `at` what it has, up to `cost`; `None` if nothing.
    fn without(mut self, at: u64, cost: u32) -> Option<Self> {
        // more than eleven parts ago, or after the newest: not kept
        if at > self.newest || at + PARTS < self.newest {
            return None;
        }
        let used = &mut self.used[slot(at)];
        if cost == 0 || *used == 0 {
            return None;
        }
        *used = used.saturating_sub(cost);
        Some(self)
    }
}

fn slot(part: u64) -> usize {
    (part % KEPT as u64) as usize
}

impl Window {
    pub(crate) fn new(quota: &Quota, mode: Mode) -> Self {
        // a window is at most 366 days, 2^55 nanoseconds
        let window = quota.window().as_nanos() as u64;
        Self {
            part: window.div_ceil(PARTS),
            limit: quota.requests(),
            mode,
        }
    }

    pub(crate) const fn limit(&self) -> u32 {
        self.limit
    }

    /// `counts` as they are now.
    pub(crate) fn at(&self, counts: &Counts, now: u64) -> Counts {
        counts.moved_to(now / self.part)
    }

    /// `counts` without `cost` of the part of `taken`, if the window has not left it.
    pub(crate) fn without(
        &self,
        counts: &Counts,
        cost: u32,
        taken: u64,
        now: u64,
    ) -> Option<Counts> {
        self.at(counts, now).without(taken / self.part, cost)
    }

    /// How far the window has left the oldest part, in nanoseconds; strict pretends that it has not.
    fn left(&self, counts: &Counts, now: u64) -> u64 {
        match self.mode {
            Mode::Strict => 0,
            // a clock that went back is at the start of the newest part
            Mode::Interpolated => now.saturating_sub(counts.newest * self.part),
        }
    }

    /// How much may still come, of `limit`. `counts` are those of now.
    pub(crate) fn remaining(&self, counts: &Counts, limit: u32, now: u64) -> u32 {
        let oldest = counts.used[slot(counts.newest + 1)];
        let others = counts.total() - u64::from(oldest);
        let Some(room) = u64::from(limit).checked_sub(others) else {
            return 0;
        };
        let covered = self.part - self.left(counts, now);
        let of_oldest = if covered == self.part {
            oldest
        } else {
            // not more than `oldest`
            (u128::from(oldest) * u128::from(covered)).div_ceil(u128::from(self.part)) as u32
        };
        // not more than `limit`
        room.saturating_sub(u64::from(of_oldest)) as u32
    }

    /// Nanoseconds until `wanted` of `limit` may come, or until all that was used is over.
    pub(crate) fn until(&self, counts: &Counts, limit: u32, wanted: u32, now: u64) -> u64 {
        let mut others = counts.total();
        for ahead in 0..KEPT as u64 {
            // the part that the window is about to leave, `ahead` parts from now
            let oldest = counts.used[slot(counts.newest + 1 + ahead)];
            others -= u64::from(oldest);
            let taken = others + u64::from(wanted);
            let Some(room) = u64::from(limit).checked_sub(taken) else {
                continue;
            };
            let start = (counts.newest + ahead) * self.part;
            if u64::from(oldest) <= room {
                return start.saturating_sub(now);
            }
            if self.mode == Mode::Interpolated {
                // less than a part, since the room is less than `oldest`
                let covered =
                    (u128::from(room) * u128::from(self.part) / u128::from(oldest)) as u64;
                if covered > 0 {
                    return (start + self.part - covered).saturating_sub(now);
                }
            }
        }
        ((counts.newest + KEPT as u64) * self.part).saturating_sub(now)
    }

    /// What is said of `limit` with `counts` of now; `cost` is what was denied.
    pub(crate) fn tell(
        &self,
        admission: Admission,
        counts: &Counts,
        limit: u32,
        cost: u32,
        now: u64,
    ) -> Outcome {
        let remaining = self.remaining(counts, limit, now);
        let next = if remaining >= limit {
            0
        } else {
            self.until(counts, limit, remaining + 1, now)
        };
        let retry_after = match admission {
            Admission::Exceeded | Admission::Shed => self.until(counts, limit, cost, now),
            Admission::Admitted | Admission::Oversized => 0,
        };
        let reset = if counts.total() == 0 {
            0
        } else {
            self.until(counts, limit, limit, now)
        };
        outcome(admission, remaining, next, reset, retry_after)
    }
}

impl Law for Window {
    type Cell = Counts;

    fn weight(&self, cell: &Counts, now: u64) -> u64 {
        self.at(cell, now).total()
    }

    fn take(&self, cell: &Counts, cost: u32, now: u64, _: Ratio) -> (Outcome, Option<Counts>) {
        let mut counts = self.at(cell, now);
        let admission = if cost > self.limit {
            Admission::Oversized
        } else if cost <= self.remaining(&counts, self.limit, now) {
            Admission::Admitted
        } else {
            Admission::Exceeded
        };
        let taken = cost > 0 && admission == Admission::Admitted;
        if taken {
            counts.add(cost);
        }
        let outcome = self.tell(admission, &counts, self.limit, cost, now);
        (outcome, taken.then_some(counts))
    }

    fn give_back(&self, cell: &Counts, cost: u32, taken: u64, now: u64) -> Option<Counts> {
        self.without(cell, cost, taken, now)
    }
}
