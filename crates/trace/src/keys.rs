//! What is known of each key of a limit, in bounded memory.
//!
//! Up to [`ROOM`] keys, everything is exact. Beyond, kept are the keys that were limited the most, and a sample of all, chosen by
//! their hash: whatever key is in it was in it from its first request on, so that what is said of most keys is said of a fair
//! sample. Of a key that was forgotten and came again, less is counted than there was.

use std::collections::HashMap;
use std::time::Duration;

/// Keys that are kept of a limit.
const ROOM: usize = 1 << 17;

/// Parts of a window.
const PARTS: u64 = 10;
/// Those of a window, and the one that it has not quite left.
const KEPT: usize = 11;

/// The keys of one limit.
#[derive(Debug)]
pub(crate) struct Keys {
    known: HashMap<u64, Known>,
    room: usize,
    /// Hashes up to this one are the sample.
    sample: u64,
    /// How often any key was limited before it was forgotten, at the most.
    off_by: u64,
    /// Nanoseconds of a part of the window.
    part: u64,
}

/// What is known of a key.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    /// In words.
    pub(crate) who: Box<str>,
    /// Its requests.
    pub(crate) requests: u64,
    /// Those that the limit stopped, or reported.
    pub(crate) limited: u64,
    /// When that happened first, since 1970-01-01.
    pub(crate) first: Duration,
    /// How many of them came one after the other, the last of them being the last that was seen.
    run: u64,
    /// At the most.
    pub(crate) longest_run: u64,
    demand: Demand,
}

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Passed,
    /// By this limit, which denied it or reported it.
    Limited,
    /// By something else: this limit was not asked, or gave back what was taken.
    Elsewhere,
}

/// How much a key asks for in any window: counted as strict sliding windows count, so that with a quota of [`Demand::most`] no
/// algorithm limits it. A token bucket lets `burst + t * requests / window` through in any time t, and what asks for no more
/// than `requests` in each window asks for no more than that.
#[derive(Clone, Debug, Default)]
struct Demand {
    newest: u64,
    used: [u32; KEPT],
    most: u64,
}

impl Demand {
    fn add(&mut self, part: u64, cost: u32) {
        let new = part.saturating_sub(self.newest);
        if new >= KEPT as u64 {
            self.used = [0; KEPT];
        } else {
            for part in self.newest..part {
                self.used[slot(part + 1)] = 0;
            }
        }
        self.newest = self.newest.max(part);
        let used = &mut self.used[slot(self.newest)];
        *used = used.saturating_add(cost);
        let total = self.used.iter().map(|used| u64::from(*used)).sum();
        self.most = self.most.max(total);
    }
}

const fn slot(part: u64) -> usize {
    // below KEPT
    (part % KEPT as u64) as usize
}

impl Keys {
    pub(crate) fn new(window: Duration) -> Self {
        Self::with_room(window, ROOM)
    }

    fn with_room(window: Duration, room: usize) -> Self {
        let nanos = u64::try_from(window.as_nanos()).unwrap_or(u64::MAX);
        Self {
            known: HashMap::new(),
            room,
            sample: u64::MAX,
            off_by: 0,
            part: nanos.div_ceil(PARTS).max(1),
        }
    }

    /// Counts a request of the key with this hash, at `moment` nanoseconds since the start and `unix` since 1970-01-01.
    pub(crate) fn count(
        &mut self,
        hash: u64,
        cost: u32,
        (moment, unix): (u64, Duration),
        fate: Fate,
        who: impl FnOnce() -> Box<str>,
    ) {
        if self.known.len() >= self.room && !self.known.contains_key(&hash) {
            self.forget();
        }
        let known = self.known.entry(hash).or_insert_with(|| Known {
            who: who(),
            requests: 0,
            limited: 0,
            first: Duration::ZERO,
            run: 0,
            longest_run: 0,
            demand: Demand::default(),
        });
        known.requests += 1;
        known.demand.add(moment / self.part, cost);
        match fate {
            Fate::Passed => known.run = 0,
            Fate::Elsewhere => {}
            Fate::Limited => {
                if known.limited == 0 {
                    known.first = unix;
                }
                known.limited += 1;
                known.run += 1;
                known.longest_run = known.longest_run.max(known.run);
            }
        }
    }

    /// Makes room for a quarter of the keys, at the least.
    fn forget(&mut self) {
        while self.sampled().count() > self.room / 4 {
            self.sample /= 2;
        }
        let mut often = 1;
        loop {
            let sample = self.sample;
            self.known
                .retain(|hash, known| *hash <= sample || known.limited >= often);
            if self.known.len() <= self.room / 4 * 3 {
                break;
            }
            often *= 2;
        }
        self.off_by += often - 1;
    }

    fn sampled(&self) -> impl Iterator<Item = &Known> {
        let own = self.known.iter().filter(|(hash, _)| **hash <= self.sample);
        own.map(|(_, known)| known)
    }

    /// Whether no key was forgotten.
    pub(crate) fn is_exact(&self) -> bool {
        self.sample == u64::MAX
    }

    /// How many limited requests of a key may be missing, at the most.
    pub(crate) fn off_by(&self) -> u64 {
        self.off_by
    }

    /// How many keys there were; where some were forgotten, by the sample.
    pub(crate) fn seen(&self) -> u64 {
        let part = self.sample as f64 / u64::MAX as f64;
        (self.sampled().count() as f64 / part).round() as u64
    }

    /// How many keys were limited, of those that are known.
    pub(crate) fn limited(&self) -> u64 {
        self.known
            .values()
            .filter(|known| known.limited > 0)
            .count() as u64
    }

    /// The keys that were limited the most, at most so many.
    pub(crate) fn top(&self, many: usize) -> Vec<&Known> {
        let mut limited: Vec<_> = self
            .known
            .values()
            .filter(|known| known.limited > 0)
            .collect();
        limited.sort_unstable_by(|a, b| {
            let by_count = b.limited.cmp(&a.limited);
            by_count.then_with(|| a.who.cmp(&b.who))
        });
        limited.truncate(many);
        limited
    }

    /// The quota with which 99.9 % of the keys would never have been limited; none if there is no key.
    pub(crate) fn enough(&self) -> Option<u64> {
        let mut most: Vec<u64> = self.sampled().map(|known| known.demand.most).collect();
        let at = (most.len() as u64 * 999).div_ceil(1000).checked_sub(1)?;
        let (_, enough, _) = most.select_nth_unstable(usize::try_from(at).ok()?);
        Some(*enough)
    }
}

#[cfg(test)]
mod tests {
    use std::hash::Hasher;

    use siphasher::sip::SipHasher13;

    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn hash(number: u64) -> u64 {
        let mut hasher = SipHasher13::new();
        hasher.write_u64(number);
        hasher.finish()
    }

    fn count(keys: &mut Keys, number: u64, second: u64, fate: Fate) {
        let at = (second * SECOND, Duration::from_secs(second));
        keys.count(hash(number), 1, at, fate, || number.to_string().into());
    }

    #[test]
    fn a_run_ends_where_a_request_passes_and_nowhere_else() {
        let mut keys = Keys::new(Duration::from_secs(60));
        use Fate::{Elsewhere, Limited, Passed};
        for (second, fate) in [
            Passed, Limited, Limited, Elsewhere, Limited, Passed, Limited,
        ]
        .into_iter()
        .enumerate()
        {
            count(&mut keys, 1, second as u64, fate);
        }
        let top = keys.top(10);
        assert_eq!((top.len(), top[0].requests, top[0].limited), (1, 7, 4));
        assert_eq!(
            (top[0].longest_run, top[0].first),
            (3, Duration::from_secs(1))
        );
    }

    #[test]
    fn the_demand_is_the_most_of_any_window() {
        let mut keys = Keys::new(Duration::from_secs(10));
        // 5 at once, 3 a second for ten seconds, and a pause
        for _ in 0..5 {
            count(&mut keys, 1, 0, Fate::Passed);
        }
        for second in 100..110 {
            for _ in 0..3 {
                count(&mut keys, 1, second, Fate::Passed);
            }
        }
        count(&mut keys, 1, 1000, Fate::Passed);
        assert_eq!(keys.enough(), Some(30));
    }

    #[test]
    fn one_key_of_a_thousand_may_ask_for_more() {
        let mut keys = Keys::new(Duration::from_secs(10));
        for number in 0..2000 {
            count(&mut keys, number, 0, Fate::Passed);
        }
        for _ in 0..50 {
            count(&mut keys, 0, 0, Fate::Passed);
            count(&mut keys, 1, 0, Fate::Passed);
        }
        assert_eq!(keys.enough(), Some(1));
        count(&mut keys, 2, 0, Fate::Passed);
        assert_eq!(keys.enough(), Some(2));
        assert_eq!(Keys::new(Duration::from_secs(1)).enough(), None);
    }

    #[test]
    fn a_flood_of_keys_hides_neither_the_most_limited_nor_what_most_ask_for() {
        let mut keys = Keys::with_room(Duration::from_secs(10), 1024);
        for number in 0..100_000u64 {
            count(&mut keys, number, number / 1000, Fate::Passed);
            if number % 2 == 0 {
                count(&mut keys, 1_000_000, number / 1000, Fate::Limited);
            }
        }
        assert!(keys.known.len() <= 1024);
        assert!(!keys.is_exact());
        let top = keys.top(3);
        assert_eq!((top[0].limited, top[0].requests), (50_000, 50_000));
        assert_eq!((keys.limited(), keys.off_by()), (1, 0));
        let seen = keys.seen();
        assert!((80_000..120_000).contains(&seen), "{seen}");
        assert!(keys.enough().is_some_and(|enough| enough < 3));
    }

    #[test]
    fn where_too_many_keys_are_limited_the_error_is_told() {
        let mut keys = Keys::with_room(Duration::from_secs(10), 64);
        for number in 0..10_000u64 {
            count(&mut keys, number, 0, Fate::Limited);
            count(&mut keys, 1_000_000, 0, Fate::Limited);
        }
        let top = keys.top(1);
        assert_eq!(top[0].who.as_ref(), "1000000");
        assert!(top[0].limited + keys.off_by() >= 10_000);
        assert!(keys.off_by() > 0 && keys.known.len() <= 64);
    }
}
