//! Many keys in fixed memory: sets of eight ways, each set behind a small lock of its own.
//!
//! A key belongs to one set, told by half of its hash, and is known there by the other half, 64 bits. A key that was never
//! seen takes the way whose loss forgives least: one that is as good as never seen, if there is one, else the one that has
//! used least. So a flood of keys washes away other keys of the flood before it touches a client that has used more.
//!
//! **Fails open**: where eight keys of a set are alive, a ninth makes the table forget one of them, which may then ask again
//! as if for the first time. [`Table::evicted`] counts that. Two keys in 2^64 are taken for one, and share a quota.
//!
//! Nothing is swept: a key whose time is over is as good as an empty way.
//!
//! This is the table of cells of several words; token buckets have [one of their own](crate::buckets), of the same order.

use crate::key::{Key, Secret};
use crate::law::{LAST, Law};
use crate::moment::Moment;
use crate::outcome::Outcome;
use crate::ratio::Ratio;
use crate::sync::{AtomicU64, Mutex, Ordering, lock};

/// Ways of a set.
pub(crate) const WAYS: usize = 8;

/// Keys that a set is made for: half of its ways, so that fewer than one key in a hundred meets a full set where as many keys
/// are alive as were asked for.
const KEYS: usize = 4;

/// The most keys a table is made for.
const MOST: usize = 1 << 28;

#[derive(Clone, Copy)]
struct Set<C> {
    tags: [u64; WAYS],
    cells: [C; WAYS],
}

/// The cells of all keys of one limit.
pub(crate) struct Table<L: Law> {
    law: L,
    secret: [u64; 2],
    sets: Box<[Mutex<Set<L::Cell>>]>,
    evicted: AtomicU64,
}

impl<L: Law> Table<L> {
    /// For `max_keys` keys, at least 1 and at most 2^28.
    pub(crate) fn new(law: L, max_keys: usize, secret: Secret) -> Self {
        let sets = sets_for(max_keys);
        let empty = || {
            Mutex::new(Set {
                tags: [0; WAYS],
                cells: [L::Cell::default(); WAYS],
            })
        };
        Self {
            law,
            secret: secret.words(),
            sets: (0..sets).map(|_| empty()).collect(),
            evicted: AtomicU64::new(0),
        }
    }

    fn set(&self, key: Key) -> (&Mutex<Set<L::Cell>>, u64) {
        let (at, tag) = place(self.secret, key, self.sets.len());
        (&self.sets[at], tag)
    }
}

/// What a limit asks of its table, whatever the algorithm.
pub(crate) trait Count: Send + Sync {
    fn take(&self, key: Key, cost: u32, now: Moment, ratio: Ratio) -> Outcome;
    /// What `take` would say, of the whole quota.
    fn ask(&self, key: Key, cost: u32, now: Moment) -> Outcome;
    fn give_back(&self, key: Key, cost: u32, taken: Moment, now: Moment);
    /// Keys that were forgotten while they were alive.
    fn evicted(&self) -> u64;
    /// Ways.
    fn capacity(&self) -> usize;
    /// Bytes of all ways and their locks.
    fn bytes(&self) -> usize;
}

impl<L: Law> Count for Table<L> {
    fn take(&self, key: Key, cost: u32, now: Moment, ratio: Ratio) -> Outcome {
        let now = now.as_nanos().min(LAST);
        let (set, tag) = self.set(key);
        let mut set = lock(set);
        if let Some(way) = set.tags.iter().position(|it| *it == tag) {
            let (outcome, cell) = self.law.take(&set.cells[way], cost, now, ratio);
            if let Some(cell) = cell {
                set.cells[way] = cell;
            }
            return outcome;
        }
        let (outcome, cell) = self.law.take(&L::Cell::default(), cost, now, ratio);
        if let Some(cell) = cell {
            let weights = set.cells.map(|cell| self.law.weight(&cell, now));
            let way = lightest(&weights, 0..WAYS);
            if weights[way] > 0 {
                self.evicted.fetch_add(1, Ordering::Relaxed);
            }
            set.tags[way] = tag;
            set.cells[way] = cell;
        }
        outcome
    }

    fn ask(&self, key: Key, cost: u32, now: Moment) -> Outcome {
        let (set, tag) = self.set(key);
        let set = lock(set);
        let known = set.tags.iter().position(|it| *it == tag);
        let cell = known.map_or(L::Cell::default(), |way| set.cells[way]);
        drop(set);
        let now = now.as_nanos().min(LAST);
        self.law.take(&cell, cost, now, Ratio::FULL).0
    }

    fn give_back(&self, key: Key, cost: u32, taken: Moment, now: Moment) {
        let now = now.as_nanos().min(LAST);
        let taken = taken.as_nanos().min(now);
        let (set, tag) = self.set(key);
        let mut set = lock(set);
        if let Some(way) = set.tags.iter().position(|it| *it == tag)
            && let Some(cell) = self.law.give_back(&set.cells[way], cost, taken, now)
        {
            set.cells[way] = cell;
        }
    }

    fn evicted(&self) -> u64 {
        self.evicted.load(Ordering::Relaxed)
    }

    fn capacity(&self) -> usize {
        self.sets.len() * WAYS
    }

    fn bytes(&self) -> usize {
        size_of_val(&*self.sets)
    }
}

/// How many sets `max_keys` keys need.
pub(crate) fn sets_for(max_keys: usize) -> usize {
    max_keys.clamp(1, MOST).div_ceil(KEYS)
}

/// Which of `sets` is that of `key`, and its tag there. Mixed with the secret once more, whatever the key was made with.
pub(crate) fn place(secret: [u64; 2], key: Key, sets: usize) -> (usize, u64) {
    let (tag, rest) = (key.0 as u64, (key.0 >> 64) as u64);
    let mixed = u128::from(tag ^ secret[0]) * u128::from(rest ^ secret[1]);
    let spread = (mixed as u64) ^ (mixed >> 64) as u64 ^ rest;
    // less than `sets`
    let at = (u128::from(spread) * sets as u128) >> 64;
    (at as usize, tag)
}

/// Where the least of `weights` is, the first of several in this order.
pub(crate) fn lightest(weights: &[u64; WAYS], order: impl Iterator<Item = usize>) -> usize {
    order
        .min_by_key(|way| weights[*way])
        // a set has ways
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Count, KEYS, Table, WAYS};
    use crate::buckets::Buckets;
    use crate::gcra::Gcra;
    use crate::key::{Key, Secret};
    use crate::moment::Moment;
    use crate::quota::Quota;
    use crate::ratio::Ratio;

    const SECRET: Secret = Secret::new([4; 16]);
    const NOW: Moment = Moment::from_nanos(1 << 40);

    /// Both tables, with the same algorithm.
    fn tables(max_keys: usize) -> [Box<dyn Count>; 2] {
        let quota = Quota::new(10, Duration::from_secs(10)).unwrap();
        [
            Box::new(Table::new(Gcra::new(&quota), max_keys, SECRET)),
            Box::new(Buckets::new(Gcra::new(&quota), max_keys, SECRET)),
        ]
    }

    fn key(number: u64) -> Key {
        SECRET.key(&[&number.to_le_bytes()])
    }

    fn remaining(table: &dyn Count, key: Key, cost: u32, now: Moment) -> u32 {
        table.take(key, cost, now, Ratio::FULL).remaining
    }

    #[test]
    fn a_full_set_forgets_the_key_that_used_least() {
        for table in tables(KEYS) {
            assert_eq!(table.capacity(), WAYS);
            for number in 0..8 {
                let cost = if number == 5 { 1 } else { 3 };
                remaining(&*table, key(number), cost, NOW);
            }
            assert_eq!(table.evicted(), 0);
            assert_eq!(remaining(&*table, key(8), 2, NOW), 8);
            assert_eq!(table.evicted(), 1);
            assert_eq!(remaining(&*table, key(5), 0, NOW), 10);
            for number in (0..8).filter(|number| *number != 5) {
                assert_eq!(remaining(&*table, key(number), 0, NOW), 7, "{number}");
            }
            assert_eq!(remaining(&*table, key(8), 0, NOW), 8);
        }
    }

    #[test]
    fn a_key_whose_time_is_over_gives_its_place_and_is_not_counted_as_forgotten() {
        for table in tables(KEYS) {
            for number in 0..8 {
                remaining(&*table, key(number), 3, NOW);
            }
            let later = NOW.after(Duration::from_secs(3));
            remaining(&*table, key(8), 1, later);
            assert_eq!(table.evicted(), 0);
        }
    }

    #[test]
    fn a_denial_and_a_question_take_no_place() {
        for table in tables(KEYS) {
            for number in 0..8 {
                remaining(&*table, key(number), 10, NOW);
            }
            remaining(&*table, key(8), 0, NOW);
            remaining(&*table, key(8), 11, NOW);
            table.give_back(key(8), 1, NOW, NOW);
            assert_eq!(table.evicted(), 0);
            for number in 0..8 {
                assert_eq!(remaining(&*table, key(number), 1, NOW), 0);
            }
        }
    }

    #[test]
    fn fewer_than_one_in_a_hundred_are_forgotten_at_the_number_asked_for() {
        for table in tables(20_000) {
            for number in 0..20_000 {
                remaining(&*table, key(number), 1, NOW);
            }
            assert!(table.evicted() < 200, "{}", table.evicted());
        }
    }

    #[test]
    fn who_asks_hears_what_a_take_would_and_takes_nothing() {
        for table in tables(KEYS) {
            remaining(&*table, key(1), 7, NOW);
            for (number, cost) in [(1, 3), (1, 4), (1, 11), (2, 10)] {
                let asked = table.ask(key(number), cost, NOW);
                assert_eq!(asked, table.ask(key(number), cost, NOW));
                let other = tables(KEYS);
                remaining(&*other[0], key(1), 7, NOW);
                assert_eq!(asked, other[0].take(key(number), cost, NOW, Ratio::FULL));
            }
        }
    }

    #[test]
    fn any_number_of_keys_makes_a_table() {
        for (max_keys, sets) in [(0, 1), (1, 1), (4, 1), (9, 3)] {
            let capacities = tables(max_keys).map(|it| it.capacity());
            assert_eq!(capacities, [sets * WAYS; 2]);
        }
    }
}
