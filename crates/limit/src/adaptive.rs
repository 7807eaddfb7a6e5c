//! A strict sliding window whose number falls with the pressure on this host: `ratio` of the quota, and `min_requests` at the
//! least.
//!
//! What a key asked for is counted beside what it got, up to the quota: a client that asks for more than its quota hears that
//! (429) while the host is under pressure too, and one that does not hears of the host (503). So shedding is the one answer
//! that leaves something behind, in that second count and not in what is left to the key.

use crate::law::Law;
use crate::outcome::{Admission, Outcome};
use crate::quota::Quota;
use crate::ratio::Ratio;
use crate::rule::Mode;
use crate::window::{Counts, Window};

#[derive(Debug)]
pub(crate) struct Adaptive {
    window: Window,
    min_requests: u32,
}

/// What a key got, and what it asked for.
#[derive(Clone, Copy, Default)]
pub(crate) struct Asked {
    admitted: Counts,
    asked: Counts,
}

impl Adaptive {
    pub(crate) fn new(quota: &Quota, min_requests: u32) -> Self {
        Self {
            window: Window::new(quota, Mode::Strict),
            min_requests,
        }
    }
}

impl Law for Adaptive {
    type Cell = Asked;

    fn weight(&self, cell: &Asked, now: u64) -> u64 {
        self.window.at(&cell.asked, now).total()
    }

    fn take(&self, cell: &Asked, cost: u32, now: u64, ratio: Ratio) -> (Outcome, Option<Asked>) {
        let base = self.window.limit();
        let limit = ratio.of(base).max(self.min_requests);
        let mut new = Asked {
            admitted: self.window.at(&cell.admitted, now),
            asked: self.window.at(&cell.asked, now),
        };
        let admission = if cost > base {
            Admission::Oversized
        } else if cost <= self.window.remaining(&new.admitted, limit, now) {
            new.admitted.add(cost);
            new.asked.add(cost);
            Admission::Admitted
        } else if cost > self.window.remaining(&new.asked, base, now) {
            Admission::Exceeded
        } else {
            new.asked.add(cost);
            Admission::Shed
        };
        let outcome = self.window.tell(admission, &new.admitted, limit, cost, now);
        let stored = cost > 0 && matches!(admission, Admission::Admitted | Admission::Shed);
        (outcome, stored.then_some(new))
    }

    fn give_back(&self, cell: &Asked, cost: u32, taken: u64, now: u64) -> Option<Asked> {
        let admitted = self.window.without(&cell.admitted, cost, taken, now)?;
        let asked = self.window.without(&cell.asked, cost, taken, now);
        Some(Asked {
            admitted,
            asked: asked.unwrap_or(cell.asked),
        })
    }
}
