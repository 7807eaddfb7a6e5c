//! The sliding window of a small quota, up to 64 requests: the time of each request is kept, so it is exact, and a client that
//! asks without a pause gets all of its quota.
//!
//! Times are counted in ticks of a billionth of the window, and of a nanosecond at the least: a request is entered at the tick
//! it comes in or the next, so it is never over too early, and at most two ticks late.

use crate::law::{Law, outcome};
use crate::outcome::{Admission, Outcome};
use crate::quota::Quota;
use crate::ratio::Ratio;

/// The most ticks of a window: a quarter of what an entry tells apart.
const TICKS: u64 = 1 << 30;

/// A log with room for `N` requests of one key.
#[derive(Debug)]
pub(crate) struct Log<const N: usize> {
    limit: u32,
    /// Nanoseconds.
    tick: u64,
    /// Ticks.
    window: u64,
}

/// When the last requests came; none, for a key that was never seen.
#[derive(Clone, Copy)]
pub(crate) struct Entries<const N: usize> {
    /// The tick of the last one.
    newest: u64,
    len: u32,
    /// The low half of each one's tick, the oldest first. All that are alive are within a window of the newest.
    ticks: [u32; N],
}

impl<const N: usize> Default for Entries<N> {
    fn default() -> Self {
        Self {
            newest: 0,
            len: 0,
            ticks: [0; N],
        }
    }
}

impl<const N: usize> Entries<N> {
    fn alive(&self) -> &[u32] {
        &self.ticks[..self.len as usize]
    }

    /// The whole tick of an entry.
    fn tick(&self, low: u32) -> u64 {
        self.newest
            .saturating_sub((self.newest as u32).wrapping_sub(low).into())
    }

    /// How many of the oldest are over at tick `now`.
    fn over(&self, window: u64, now: u64) -> usize {
        let alive = self.alive();
        alive.partition_point(|low| self.tick(*low) + window <= now)
    }

    fn drop_oldest(&mut self, count: usize) {
        self.ticks.copy_within(count..self.len as usize, 0);
        // `count` is not more than there are
        self.len -= count as u32;
    }
}

impl<const N: usize> Log<N> {
    /// For a quota of at most `N` requests.
    pub(crate) fn new(quota: &Quota) -> Self {
        // a window is at most 366 days, 2^55 nanoseconds
        let window = quota.window().as_nanos() as u64;
        let tick = window.div_ceil(TICKS);
        Self {
            limit: quota.requests().min(N as u32),
            tick,
            window: window.div_ceil(tick),
        }
    }

    /// Now, in ticks: rounded down, to ask what is over, and up, to enter a request. Neither before the newest entry, if the clock
    /// went back.
    fn ticks(&self, entries: &Entries<N>, now: u64) -> (u64, u64) {
        let down = (now / self.tick).max(entries.newest.saturating_sub(1));
        (down, now.div_ceil(self.tick).max(entries.newest))
    }

    /// Nanoseconds until only `count` entries of those alive are left.
    fn until_left(&self, entries: &Entries<N>, count: u32, now: u64) -> u64 {
        let Some(last) = entries.len.checked_sub(count + 1) else {
            return 0;
        };
        let over = entries.tick(entries.ticks[last as usize]) + self.window;
        over.saturating_mul(self.tick).saturating_sub(now)
    }

    fn tell(&self, admission: Admission, entries: &Entries<N>, cost: u32, now: u64) -> Outcome {
        let remaining = self.limit.saturating_sub(entries.len);
        let retry_after = match admission {
            Admission::Exceeded => self.until_left(entries, self.limit - cost, now),
            _ => 0,
        };
        let next = match entries.len {
            0 => 0,
            len => self.until_left(entries, len - 1, now),
        };
        let reset = self.until_left(entries, 0, now);
        outcome(admission, remaining, next, reset, retry_after)
    }
}

impl<const N: usize> Law for Log<N> {
    type Cell = Entries<N>;

    fn weight(&self, cell: &Entries<N>, now: u64) -> u64 {
        let (down, _) = self.ticks(cell, now);
        u64::from(cell.len) - cell.over(self.window, down) as u64
    }

    fn take(
        &self,
        cell: &Entries<N>,
        cost: u32,
        now: u64,
        _: Ratio,
    ) -> (Outcome, Option<Entries<N>>) {
        let mut entries = *cell;
        let (down, up) = self.ticks(cell, now);
        entries.drop_oldest(cell.over(self.window, down));
        if cost > self.limit {
            return (self.tell(Admission::Oversized, &entries, cost, now), None);
        }
        if entries.len + cost > self.limit {
            return (self.tell(Admission::Exceeded, &entries, cost, now), None);
        }
        if cost > 0 {
            let new = entries.len as usize..(entries.len + cost) as usize;
            // the low half is what an entry holds
            entries.ticks[new].fill(up as u32);
            entries.len += cost;
            entries.newest = up;
        }
        let outcome = self.tell(Admission::Admitted, &entries, cost, now);
        (outcome, (cost > 0).then_some(entries))
    }

    fn give_back(&self, cell: &Entries<N>, cost: u32, taken: u64, now: u64) -> Option<Entries<N>> {
        let mut entries = *cell;
        let (down, _) = self.ticks(cell, now);
        entries.drop_oldest(cell.over(self.window, down));
        let taken = taken.div_ceil(self.tick);
        let of_then = |low: &u32| entries.tick(*low) == taken;
        let first = entries.alive().iter().position(of_then)?;
        let same = entries.alive().iter().copied().filter(|low| of_then(low));
        let count = same.count().min(cost as usize);
        entries
            .ticks
            .copy_within(first + count..entries.len as usize, first);
        // as many as were found
        entries.len -= count as u32;
        (count > 0).then_some(entries)
    }
}
