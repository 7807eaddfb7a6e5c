//! The table of token buckets. One word a key is all there is to know, so a key that is there is counted without a lock: it is
//! read, and written if nobody wrote meanwhile. A key that is new takes its place under a lock.
//!
//! A set is two cache lines of four ways each. Half of the keys look into the second line first, so most are found in the
//! line they look into, and need no other.
//!
//! A newcomer empties the way of another, then puts its tag there, then its TAT, each of them seen by all after the one
//! before. Who meets that half way is the one whose place it was, and finds itself forgiven, or finds the tag gone and looks
//! again; at the worst, what it took in that moment counts for the newcomer.

use crate::gcra::Gcra;
use crate::key::{Key, Secret};
use crate::law::{LAST, Law};
use crate::moment::Moment;
use crate::outcome::Outcome;
use crate::ratio::Ratio;
use crate::sync::{AtomicU64, Mutex, Ordering, lock};
use crate::table::{Count, WAYS, lightest, place, sets_for};

/// Locks of newcomers, shared by the sets.
const LOCKS: usize = 256;

struct Way {
    tag: AtomicU64,
    /// 0 in a way that nobody has.
    tat: AtomicU64,
}

#[repr(align(128))]
struct Set([Way; WAYS]);

impl Set {
    /// The way of `tag`, looked for in the order of its ways.
    fn find(&self, tag: u64) -> Option<usize> {
        order(tag).find(|way| self.0[*way].tag.load(Ordering::Relaxed) == tag)
    }

    /// What is known of `tag`, and the way it has.
    fn read(&self, tag: u64) -> Option<(usize, u64)> {
        loop {
            let way = self.find(tag)?;
            let tat = self.0[way].tat.load(Ordering::Acquire);
            // a newcomer writes its tag before its TAT: if that is not the newcomer's, the TAT is not either
            if self.0[way].tag.load(Ordering::Relaxed) == tag {
                return Some((way, tat));
            }
        }
    }

    fn write(&self, way: usize, old: u64, new: u64) -> bool {
        self.0[way]
            .tat
            .compare_exchange(old, new, Ordering::AcqRel, Ordering::Relaxed)
            .is_ok()
    }
}

/// The token buckets of all keys of one limit.
pub(crate) struct Buckets {
    law: Gcra,
    secret: [u64; 2],
    sets: Box<[Set]>,
    locks: Box<[Mutex<()>]>,
    evicted: AtomicU64,
}

impl Buckets {
    /// For `max_keys` keys, at least 1 and at most 2^28.
    pub(crate) fn new(law: Gcra, max_keys: usize, secret: Secret) -> Self {
        let sets = sets_for(max_keys);
        let empty = |_| Way {
            tag: AtomicU64::new(0),
            tat: AtomicU64::new(0),
        };
        let set = |_| Set(std::array::from_fn(empty));
        Self {
            law,
            secret: secret.words(),
            sets: (0..sets).map(set).collect(),
            locks: (0..sets.min(LOCKS)).map(|_| Mutex::new(())).collect(),
            evicted: AtomicU64::new(0),
        }
    }

    /// Gives a way to `tag`, which has none, and `tat` to it. Whether it has: if not, another thread has just given it one,
    /// or counted something there.
    fn enter(&self, at: usize, tag: u64, tat: u64, now: u64) -> bool {
        let set = &self.sets[at];
        // tags are written under this lock only
        let _alone = lock(&self.locks[at % self.locks.len()]);
        if set.find(tag).is_some() {
            return false;
        }
        loop {
            // the least TAT: an empty way, else the one that is over for longest, else the one that has used least
            let tats = std::array::from_fn(|way| set.0[way].tat.load(Ordering::Relaxed));
            let way = lightest(&tats, order(tag));
            // somebody counted there: it may be another's turn
            if !set.write(way, tats[way], 0) {
                continue;
            }
            if self.law.weight(&tats[way], now) > 0 {
                self.evicted.fetch_add(1, Ordering::Relaxed);
            }
            set.0[way].tag.store(tag, Ordering::Release);
            return set.write(way, 0, tat);
        }
    }
}

/// In which order a key looks at the ways of its set: the line first that a bit of its tag tells.
fn order(tag: u64) -> impl Iterator<Item = usize> {
    let first = (tag >> 61) as usize & 4;
    (0..WAYS).map(move |way| way ^ first)
}

impl Count for Buckets {
    #[inline]
    fn take(&self, key: Key, cost: u32, now: Moment, ratio: Ratio) -> Outcome {
        let now = now.as_nanos().min(LAST);
        let (at, tag) = place(self.secret, key, self.sets.len());
        let set = &self.sets[at];
        loop {
            let known = set.read(tag);
            let old = known.map_or(0, |(_, tat)| tat);
            let (outcome, new) = self.law.take(&old, cost, now, ratio);
            let Some(new) = new else {
                return outcome;
            };
            let counted = match known {
                Some((way, _)) => set.write(way, old, new),
                None => self.enter(at, tag, new, now),
            };
            if counted {
                return outcome;
            }
        }
    }

    fn ask(&self, key: Key, cost: u32, now: Moment) -> Outcome {
        let (at, tag) = place(self.secret, key, self.sets.len());
        let tat = self.sets[at].read(tag).map_or(0, |(_, tat)| tat);
        let now = now.as_nanos().min(LAST);
        self.law.take(&tat, cost, now, Ratio::FULL).0
    }

    fn give_back(&self, key: Key, cost: u32, taken: Moment, now: Moment) {
        let now = now.as_nanos().min(LAST);
        let taken = taken.as_nanos().min(now);
        let (at, tag) = place(self.secret, key, self.sets.len());
        let set = &self.sets[at];
        while let Some((way, old)) = set.read(tag) {
            let new = self.law.give_back(&old, cost, taken, now);
            if new.is_none_or(|new| set.write(way, old, new)) {
                return;
            }
        }
    }

    fn evicted(&self) -> u64 {
        self.evicted.load(Ordering::Relaxed)
    }

    fn capacity(&self) -> usize {
        self.sets.len() * WAYS
    }

    fn bytes(&self) -> usize {
        size_of_val(&*self.sets) + size_of_val(&*self.locks)
    }
}
