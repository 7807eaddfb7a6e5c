//! Cells of a remote limit that one process has taken ahead, so that not every request is a trip to the store.
//!
//! A trip takes some cells more than its request costs: a quarter of this process's share of what remains, 64 at the most, and
//! one near the end of the quota. They are spent here within a second; what is left then is given back to the store on a
//! later trip.
//!
//! **Not exact**: cells are taken early and may be spent late, so any interval can see as many more as all processes hold
//! together, and as many can lie idle. That is why a limit has leases only where its policy says so.

use std::time::Duration;

use crate::key::{RemoteKey, Secret};
use crate::moment::Moment;
use crate::sync::{AtomicU64, Mutex, Ordering, lock};

/// How long cells may be spent.
const LIFE: Duration = Duration::from_secs(1);
const MOST: u32 = 64;
const WAYS: usize = 4;
/// Sets that are searched for one lease that is over.
const SEARCHED: usize = 8;

/// The cells that this process holds.
pub struct Leases {
    secret: Secret,
    sets: Box<[Mutex<[Lease; WAYS]>]>,
    next: AtomicU64,
}

#[derive(Clone, Copy)]
struct Lease {
    hash: u128,
    cells: Unspent,
}

/// Cells that were leased and not spent in time: they go back to the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unspent {
    /// Whose they are.
    pub key: RemoteKey,
    /// Of which limit.
    pub limit: u64,
    /// How many.
    pub cells: u32,
    /// When they were taken.
    pub taken: Moment,
}

impl Unspent {
    fn is_alive(&self, now: Moment) -> bool {
        self.cells > 0 && now.since(self.taken) < LIFE
    }
}

impl Leases {
    /// For `max_leases` at once, 1 at the least and 2^24 at the most; 68 bytes each.
    pub fn new(max_leases: usize, secret: Secret) -> Self {
        let sets = max_leases.clamp(1, 1 << 24).div_ceil(WAYS);
        let none = Lease {
            hash: 0,
            cells: Unspent {
                key: RemoteKey::new(&[]),
                limit: 0,
                cells: 0,
                taken: Moment::default(),
            },
        };
        Self {
            secret,
            sets: (0..sets).map(|_| Mutex::new([none; WAYS])).collect(),
            next: AtomicU64::new(0),
        }
    }

    /// How many cells to take beside those of the request, where `remaining` are left and `nodes` processes share them. Not
    /// more than all that remains.
    pub fn ask(remaining: u32, nodes: u32) -> u32 {
        let share = remaining / nodes.max(1).saturating_mul(4);
        share.clamp(1, MOST).min(remaining)
    }

    /// Spends `cost` of what is leased for `key` of `limit`, if that much is.
    pub fn spend(&self, key: &RemoteKey, limit: u64, cost: u32, now: Moment) -> bool {
        let (set, hash) = self.place(key, limit);
        let mut set = lock(set);
        let is_it = |it: &&mut Lease| it.hash == hash && it.cells.is_alive(now);
        match set.iter_mut().find(is_it) {
            Some(lease) if lease.cells.cells >= cost => {
                lease.cells.cells -= cost;
                true
            }
            _ => false,
        }
    }

    /// Leases `cells` that the store gave at `now`. What must go back in their stead, if anything: what was left of an older
    /// lease of the same key, or of the oldest where there is no room.
    #[must_use = "what is displaced goes back to the store"]
    pub fn put(&self, key: &RemoteKey, limit: u64, cells: u32, now: Moment) -> Option<Unspent> {
        let (set, hash) = self.place(key, limit);
        let lease = Lease {
            hash,
            cells: Unspent {
                key: *key,
                limit,
                cells,
                taken: now,
            },
        };
        let mut set = lock(set);
        // its own place, else one that is spent, else the oldest
        let rank = |it: &Lease| (it.hash != hash, it.cells.cells > 0, it.cells.taken);
        let [first, others @ ..] = &mut *set;
        let place =
            others.iter_mut().fold(
                first,
                |one, other| {
                    if rank(other) < rank(one) { other } else { one }
                },
            );
        let displaced = std::mem::replace(place, lease).cells;
        (displaced.cells > 0).then_some(displaced)
    }

    /// A lease that is over with cells left, taken out of here to be given back. Looks at a few places a call, others each
    /// time: the next trip asks again.
    pub fn unspent(&self, now: Moment) -> Option<Unspent> {
        for _ in 0..SEARCHED.min(self.sets.len()) {
            let next = self.next.fetch_add(1, Ordering::Relaxed);
            // less than the number of sets
            let at = (next % self.sets.len() as u64) as usize;
            let mut set = lock(&self.sets[at]);
            let is_over = |it: &&mut Lease| it.cells.cells > 0 && !it.cells.is_alive(now);
            if let Some(lease) = set.iter_mut().find(is_over) {
                let cells = lease.cells;
                lease.cells.cells = 0;
                return Some(cells);
            }
        }
        None
    }

    /// Bytes of memory.
    pub fn bytes(&self) -> usize {
        size_of_val(&*self.sets)
    }

    fn place(&self, key: &RemoteKey, limit: u64) -> (&Mutex<[Lease; WAYS]>, u128) {
        let hash = self.secret.key(&[key.as_bytes(), &limit.to_le_bytes()]).0;
        let at = ((hash >> 64) * self.sets.len() as u128) >> 64;
        (&self.sets[at as usize], hash)
    }
}

impl std::fmt::Debug for Leases {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Leases")
            .field("places", &(self.sets.len() * WAYS))
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Leases, Unspent};
    use crate::{Moment, RemoteKey, Secret};

    fn leases(max: usize) -> Leases {
        Leases::new(max, Secret::new([6; 16]))
    }

    fn at(millis: u64) -> Moment {
        Moment::from_nanos(millis * 1_000_000)
    }

    fn key(number: u8) -> RemoteKey {
        RemoteKey::new(&[&[number]])
    }

    #[test]
    fn a_lease_shrinks_to_nothing_near_the_end() {
        let cases = [
            (1_000_000, 2, 64),
            (100, 2, 12),
            (100, 100, 1),
            (7, 1, 1),
            (1, 1, 1),
            (0, 1, 0),
            (1000, 0, 64),
            (1000, u32::MAX, 1),
        ];
        for (remaining, nodes, cells) in cases {
            assert_eq!(Leases::ask(remaining, nodes), cells, "{remaining} {nodes}");
        }
    }

    #[test]
    fn cells_are_spent_once_and_within_a_second() {
        let leases = leases(100);
        assert!(!leases.spend(&key(1), 1, 1, at(1000)));
        assert_eq!(leases.put(&key(1), 1, 5, at(1000)), None);
        assert!(leases.spend(&key(1), 1, 3, at(1500)));
        assert!(!leases.spend(&key(1), 1, 3, at(1500)));
        assert!(!leases.spend(&key(1), 2, 1, at(1500)));
        assert!(!leases.spend(&key(2), 1, 1, at(1500)));
        assert!(leases.spend(&key(1), 1, 1, at(1999)));
        assert!(!leases.spend(&key(1), 1, 1, at(2000)));
    }

    #[test]
    fn what_is_not_spent_is_given_back_once() {
        let leases = leases(100);
        assert_eq!(leases.put(&key(1), 7, 5, at(1000)), None);
        assert!(leases.spend(&key(1), 7, 2, at(1001)));
        let all = |now| -> Vec<Unspent> { (0..100).filter_map(|_| leases.unspent(now)).collect() };
        assert_eq!(all(at(1999)), []);
        let unspent = Unspent {
            key: key(1),
            limit: 7,
            cells: 3,
            taken: at(1000),
        };
        assert_eq!(all(at(2000)), [unspent]);
        assert_eq!(all(at(2001)), []);
    }

    #[test]
    fn what_is_displaced_is_given_back() {
        let leases = leases(1);
        assert_eq!(leases.bytes(), 4 * 68);
        for number in 0..4 {
            let displaced = leases.put(&key(number), 1, 10, at(1000 + u64::from(number)));
            assert_eq!(displaced, None);
        }
        let again = leases.put(&key(2), 1, 10, at(1100)).unwrap();
        assert_eq!((again.key, again.cells), (key(2), 10));
        let oldest = leases.put(&key(9), 1, 10, at(1100)).unwrap();
        assert_eq!((oldest.key, oldest.taken), (key(0), at(1000)));
        // one that is spent goes first
        assert!(leases.spend(&key(3), 1, 10, at(1200)));
        assert_eq!(leases.put(&key(8), 1, 10, at(1200)), None);
    }

    /// Some processes on one store: never more in a window than the quota and what all of them can hold.
    #[test]
    fn any_window_sees_at_most_what_is_held_more() {
        use crate::{Algorithm, Local, Mode, Quota, Rule};
        let quota = Quota::new(500, Duration::from_secs(2)).unwrap();
        let rule = Rule::new(quota, Algorithm::SlidingWindow(Mode::Strict)).unwrap();
        let secret = Secret::new([6; 16]);
        let store = Local::new(rule, 10, secret);
        let (nodes, theirs) = (3_u32, secret.key(&[b"k"]));
        let all: Vec<_> = (0..nodes).map(|_| leases(10)).collect();
        let (mut admitted, mut trips) = (Vec::new(), 0);
        for step in 0..20_000_u64 {
            let now = at(1000 + step);
            let leases = &all[(step % u64::from(nodes)) as usize];
            if leases.spend(&key(1), 1, 1, now) {
                admitted.push(now);
                continue;
            }
            trips += 1;
            if let Some(unspent) = leases.unspent(now) {
                store.give_back(theirs, unspent.cells, unspent.taken, now);
            }
            let outcome = store.take(theirs, 1, now);
            if outcome.is_admitted() {
                admitted.push(now);
                let more = Leases::ask(outcome.remaining, nodes);
                if more > 0 && store.take(theirs, more, now).is_admitted() {
                    let displaced = leases.put(&key(1), 1, more, now);
                    assert_eq!(displaced, None);
                }
            }
        }
        for (first, from) in admitted.iter().enumerate() {
            let window = |at: &&Moment| at.since(*from) < Duration::from_secs(2);
            let within = admitted[first..].iter().take_while(window).count();
            assert!(within <= 500 + 3 * 64, "{within}");
        }
        assert!(admitted.len() > 20_000 / 2000 * 400);
        assert!(trips < 17_000, "{trips}");
    }
}
