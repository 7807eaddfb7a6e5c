//! What a remote store has denied, remembered: a flood of one client reaches the store once a second at the most.
//!
//! A denial is final until its `retry_after`: while others take too, there is never more room than it said, so the same cost or
//! a higher one would be denied again. That is exact, with two ends: where a limit gives back or is reset by an operator there
//! may be room earlier, so no denial is repeated for longer than a second, and a limit that gives back as a rule has no memo.
//!
//! Bounded: a denial has one of four places, told by its hash, and takes the one that is over first. What is lost from here
//! costs a trip to the store, and no answer.

use std::time::Duration;

use crate::key::{RemoteKey, Secret};
use crate::moment::Moment;
use crate::outcome::{Admission, Outcome};
use crate::sync::{Mutex, lock};

/// How long a denial is repeated at the most.
const LONGEST: Duration = Duration::from_secs(1);
const WAYS: usize = 4;

/// The denials of the last second, of limits that are counted in a remote store.
pub struct DenyMemo {
    secret: Secret,
    sets: Box<[Mutex<[Denial; WAYS]>]>,
}

#[derive(Clone, Copy)]
struct Denial {
    hash: u128,
    cost: u32,
    until: Moment,
    noted: Moment,
    outcome: Outcome,
}

impl DenyMemo {
    /// For `max_denials` at once, 1 at the least and 2^24 at the most; 100 bytes each.
    pub fn new(max_denials: usize, secret: Secret) -> Self {
        let sets = max_denials.clamp(1, 1 << 24).div_ceil(WAYS);
        let none = Denial {
            hash: 0,
            cost: 0,
            until: Moment::default(),
            noted: Moment::default(),
            outcome: Outcome {
                admission: Admission::Admitted,
                remaining: 0,
                next: Duration::ZERO,
                reset: Duration::ZERO,
                retry_after: Duration::ZERO,
            },
        };
        Self {
            secret,
            sets: (0..sets).map(|_| Mutex::new([none; WAYS])).collect(),
        }
    }

    /// Remembers what the store said to `key` of `limit`, a number or a hash that no other limit of this memo has, when it asked for `cost`. Anything but
    /// [`Admission::Exceeded`] is forgotten at once: it is not final.
    pub fn note(&self, key: &RemoteKey, limit: u64, cost: u32, outcome: &Outcome, now: Moment) {
        if outcome.admission != Admission::Exceeded {
            return;
        }
        let (set, hash) = self.place(key, limit);
        let denial = Denial {
            hash,
            cost,
            until: now.after(outcome.retry_after.min(LONGEST)),
            noted: now,
            outcome: *outcome,
        };
        let mut set = lock(set);
        let is_same = |it: &Denial| it.hash == hash && now < it.until;
        if let Some(same) = set.iter_mut().find(|it| is_same(it)) {
            // the lower cost denies more, unless it ends earlier
            if cost <= same.cost || denial.until > same.until {
                *same = denial;
            }
            return;
        }
        let [first, others @ ..] = &mut *set;
        let over_first =
            others.iter_mut().fold(
                first,
                |one, other| {
                    if other.until < one.until { other } else { one }
                },
            );
        *over_first = denial;
    }

    /// What the store would say now, if that is known: the denial of the same cost or a lower one, with its times as they are
    /// by now. What remains is what remained then.
    pub fn denied(&self, key: &RemoteKey, limit: u64, cost: u32, now: Moment) -> Option<Outcome> {
        let (set, hash) = self.place(key, limit);
        let denial = {
            let set = lock(set);
            *set.iter()
                .find(|it| it.hash == hash && now < it.until && it.cost <= cost)?
        };
        let passed = now.since(denial.noted);
        Some(Outcome {
            next: denial.outcome.next.saturating_sub(passed),
            reset: denial.outcome.reset.saturating_sub(passed),
            // more cost waits longer: this much at the least
            retry_after: denial.outcome.retry_after.saturating_sub(passed),
            ..denial.outcome
        })
    }

    /// Bytes of memory.
    pub fn bytes(&self) -> usize {
        size_of_val(&*self.sets)
    }

    fn place(&self, key: &RemoteKey, limit: u64) -> (&Mutex<[Denial; WAYS]>, u128) {
        let hash = self.secret.key(&[key.as_bytes(), &limit.to_le_bytes()]).0;
        let at = ((hash >> 64) * self.sets.len() as u128) >> 64;
        (&self.sets[at as usize], hash)
    }
}

impl std::fmt::Debug for DenyMemo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DenyMemo")
            .field("places", &(self.sets.len() * WAYS))
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::DenyMemo;
    use crate::{Admission, Moment, Outcome, RemoteKey, Secret};

    fn memo() -> DenyMemo {
        DenyMemo::new(100, Secret::new([6; 16]))
    }

    fn at(millis: u64) -> Moment {
        Moment::from_nanos(millis * 1_000_000)
    }

    fn exceeded(millis: u64) -> Outcome {
        Outcome {
            admission: Admission::Exceeded,
            remaining: 1,
            next: Duration::from_millis(50),
            reset: Duration::from_millis(5000),
            retry_after: Duration::from_millis(millis),
        }
    }

    #[test]
    fn a_denial_is_repeated_until_it_is_over() {
        let (memo, key) = (memo(), RemoteKey::new(&[b"client"]));
        memo.note(&key, 1, 2, &exceeded(300), at(1000));
        let told = memo.denied(&key, 1, 2, at(1100)).unwrap();
        assert_eq!(told.retry_after, Duration::from_millis(200));
        assert_eq!(told.reset, Duration::from_millis(4900));
        assert_eq!(told.next, Duration::ZERO);
        assert_eq!(told.admission, Admission::Exceeded);
        assert!(memo.denied(&key, 1, 2, at(1299)).is_some());
        assert_eq!(memo.denied(&key, 1, 2, at(1300)), None);
    }

    #[test]
    fn no_denial_is_repeated_for_longer_than_a_second() {
        let (memo, key) = (memo(), RemoteKey::new(&[b"client"]));
        memo.note(&key, 1, 1, &exceeded(60_000), at(1000));
        assert!(memo.denied(&key, 1, 1, at(1999)).is_some());
        assert_eq!(memo.denied(&key, 1, 1, at(2000)), None);
    }

    #[test]
    fn a_lower_cost_another_limit_and_another_key_are_asked_again() {
        let (memo, key) = (memo(), RemoteKey::new(&[b"client"]));
        memo.note(&key, 1, 5, &exceeded(900), at(1000));
        assert!(memo.denied(&key, 1, 9, at(1001)).is_some());
        assert_eq!(memo.denied(&key, 1, 4, at(1001)), None);
        assert_eq!(memo.denied(&key, 1, 0, at(1001)), None);
        assert_eq!(memo.denied(&key, 2, 5, at(1001)), None);
        let other = RemoteKey::new(&[b"other"]);
        assert_eq!(memo.denied(&other, 1, 5, at(1001)), None);
        // the lower cost denies both
        memo.note(&key, 1, 4, &exceeded(500), at(1002));
        assert!(memo.denied(&key, 1, 4, at(1003)).is_some());
        assert!(memo.denied(&key, 1, 5, at(1003)).is_some());
    }

    #[test]
    fn only_a_denial_that_time_ends_is_final() {
        let (memo, key) = (memo(), RemoteKey::new(&[b"client"]));
        for admission in [Admission::Admitted, Admission::Shed, Admission::Oversized] {
            let outcome = Outcome {
                admission,
                ..exceeded(900)
            };
            memo.note(&key, 1, 1, &outcome, at(1000));
            assert_eq!(memo.denied(&key, 1, 1, at(1000)), None);
        }
    }

    #[test]
    fn it_is_bounded_and_forgets_what_is_over_first() {
        let memo = DenyMemo::new(1, Secret::new([6; 16]));
        assert_eq!(memo.bytes(), 4 * 100);
        let keys = [0, 1, 2, 3, 4_u8].map(|key| RemoteKey::new(&[&[key]]));
        for (key, millis) in keys.iter().zip([900, 200, 800, 700, 600]) {
            memo.note(key, 1, 1, &exceeded(millis), at(1000));
        }
        let denied = keys.map(|key| memo.denied(&key, 1, 1, at(1100)).is_some());
        assert_eq!(denied, [true, false, true, true, true]);
    }

    /// The memo beside the limit itself: while it denies, the limit would.
    #[test]
    fn what_is_repeated_is_what_the_limit_says() {
        use crate::{Algorithm, Local, Mode, Quota, Rule};
        let quota = Quota::new(70, Duration::from_millis(700)).unwrap();
        for algorithm in [
            Algorithm::TokenBucket,
            Algorithm::SlidingWindow(Mode::Strict),
            Algorithm::SlidingWindow(Mode::Interpolated),
        ] {
            let secret = Secret::new([6; 16]);
            let local = Local::new(Rule::new(quota, algorithm).unwrap(), 10, secret);
            let (memo, key, mine) = (memo(), RemoteKey::new(&[b"x"]), secret.key(&[b"x"]));
            let (mut repeated, mut told) = (0, 0);
            for step in 0..20_000_u64 {
                let (now, cost) = (
                    at(1000).after(Duration::from_micros(step * 400)),
                    1 + (step * step % 7) as u32,
                );
                let memory = memo.denied(&key, 1, cost, now);
                let outcome = local.take(mine, cost, now);
                told += 1;
                match memory {
                    Some(memory) => {
                        repeated += 1;
                        assert_eq!(outcome.admission, Admission::Exceeded);
                        assert!(memory.retry_after <= outcome.retry_after);
                    }
                    None => memo.note(&key, 1, cost, &outcome, now),
                }
            }
            assert!(repeated > told / 3, "{repeated} of {told}");
        }
    }
}
