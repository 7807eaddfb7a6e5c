//! The table under every interleaving of two threads: `RUSTFLAGS="--cfg loom" cargo test --release --package mantlet-limit
//! --test loom`, run by `make stress`.
#![cfg(loom)]
#![allow(clippy::unwrap_used)]

use std::sync::Arc;
use std::time::Duration;

use loom::thread;
use mantlet_limit::{Algorithm, Local, Moment, Quota, Rule, Secret};

const SECRET: Secret = Secret::new([1; 16]);
const NOW: Moment = Moment::from_nanos(1 << 40);

/// One set of eight ways.
fn local(requests: u32, algorithm: Algorithm) -> Local {
    let quota = Quota::new(requests, Duration::from_secs(60)).unwrap();
    Local::new(Rule::new(quota, algorithm).unwrap(), 1, SECRET)
}

#[test]
fn the_last_cell_is_taken_once() {
    for algorithm in [
        Algorithm::TokenBucket,
        Algorithm::Adaptive { min_requests: 1 },
    ] {
        loom::model(move || {
            let local = Arc::new(local(1, algorithm));
            let other = Arc::clone(&local);
            let key = SECRET.key(&[b"one"]);
            let taker = thread::spawn(move || other.take(key, 1, NOW).is_admitted());
            let mine = local.take(key, 1, NOW).is_admitted();
            assert!(mine != taker.join().unwrap());
        });
    }
}

#[test]
fn what_is_given_back_is_taken_once() {
    loom::model(|| {
        let local = Arc::new(local(1, Algorithm::TokenBucket));
        let other = Arc::clone(&local);
        let key = SECRET.key(&[b"one"]);
        assert!(local.take(key, 1, NOW).is_admitted());
        let giver = thread::spawn(move || {
            other.give_back(key, 1, NOW, NOW);
            other.take(key, 1, NOW).is_admitted()
        });
        let mine = local.take(key, 1, NOW).is_admitted();
        assert!(mine != giver.join().unwrap());
    });
}

/// Two new keys meet a full set: both are stored, each has the place of another that has used less than the heavy one.
#[test]
fn newcomers_share_a_full_set() {
    loom::model(|| {
        let local = Arc::new(local(4, Algorithm::TokenBucket));
        let heavy = SECRET.key(&[b"heavy"]);
        assert!(local.take(heavy, 4, NOW).is_admitted());
        for light in 0..7_u8 {
            assert!(local.take(SECRET.key(&[&[light]]), 1, NOW).is_admitted());
        }
        let other = Arc::clone(&local);
        let [one, two] = [b"one", b"two"].map(|key| SECRET.key(&[key]));
        let first = thread::spawn(move || other.take(one, 2, NOW).is_admitted());
        assert!(local.take(two, 2, NOW).is_admitted());
        assert!(first.join().unwrap());
        assert_eq!(local.evicted(), 2);
        for key in [one, two] {
            assert_eq!(local.take(key, 0, NOW).remaining, 2);
        }
        assert!(!local.take(heavy, 1, NOW).is_admitted());
    });
}

/// A newcomer takes the place of a key that is counted in that moment: neither gets more than its burst, and the one that
/// has used most stays where it is.
#[test]
fn a_key_that_is_counted_while_it_is_forgotten() {
    loom::model(|| {
        let local = Arc::new(local(4, Algorithm::TokenBucket));
        let [heavy, light, newcomer] = [b"h", b"l", b"n"].map(|key| SECRET.key(&[key]));
        assert!(local.take(heavy, 4, NOW).is_admitted());
        assert!(local.take(light, 1, NOW).is_admitted());
        for other in 0..6_u8 {
            assert!(local.take(SECRET.key(&[&[other]]), 2, NOW).is_admitted());
        }
        let other = Arc::clone(&local);
        let counted = thread::spawn(move || other.take(light, 1, NOW).is_admitted());
        let first = local.take(newcomer, 3, NOW).is_admitted();
        let second = local.take(newcomer, 2, NOW).is_admitted();
        assert!(counted.join().unwrap());
        assert!(first);
        assert!(!second);
        assert!(local.take(newcomer, 0, NOW).remaining <= 1);
        assert!(!local.take(heavy, 1, NOW).is_admitted());
    });
}
