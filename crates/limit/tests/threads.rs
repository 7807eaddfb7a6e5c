//! Many threads on few keys: never more than the bound, and a full bucket to the last cell. The long one is for
//! `make stress`.
#![allow(clippy::unwrap_used)]

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use mantlet_limit::{Algorithm, Key, Local, Mode, Moment, Quota, Rule, Secret};

const THREADS: u64 = 4;

/// `checks` of all threads together on 16 keys, while time goes on by `pace` nanoseconds a check. What each key was let
/// through, and the time at the end.
fn run(local: &Local, keys: &[Key], checks: u64, pace: u64) -> (Vec<u64>, u64) {
    let clock = AtomicU64::new(0);
    let admitted: Vec<_> = keys.iter().map(|_| AtomicU64::new(0)).collect();
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let (clock, admitted) = (&clock, &admitted);
            scope.spawn(move || {
                for check in 0..checks / THREADS {
                    let now = clock.fetch_add(pace, Ordering::Relaxed);
                    let which = (check * 7 + thread * 3) as usize % keys.len();
                    let cost = 1 + (check % 3) as u32;
                    let taken = Moment::from_nanos(now);
                    if !local.take(keys[which], cost, taken).is_admitted() {
                        continue;
                    }
                    if check % 16 == 0 {
                        local.give_back(keys[which], cost, taken, taken);
                        continue;
                    }
                    admitted[which].fetch_add(u64::from(cost), Ordering::Relaxed);
                }
            });
        }
    });
    let admitted = admitted.into_iter().map(AtomicU64::into_inner).collect();
    (admitted, clock.into_inner())
}

fn never_above_the_bound(checks: u64) {
    let secret = Secret::new([5; 16]);
    let keys: Vec<_> = (0..16_u8).map(|key| secret.key(&[&[key]])).collect();
    let window = Duration::from_secs(3600);
    let algorithms = [
        Algorithm::TokenBucket,
        Algorithm::SlidingWindow(Mode::Strict),
        Algorithm::SlidingWindow(Mode::Interpolated),
        Algorithm::Adaptive { min_requests: 1 },
    ];
    for (algorithm, requests) in algorithms.iter().flat_map(|it| [(it, 50), (it, 1000)]) {
        let rule = Rule::new(Quota::new(requests, window).unwrap(), *algorithm).unwrap();
        // time stands still: all of the quota, not one more
        let still = Local::new(rule, 1000, secret);
        let (admitted, _) = run(&still, &keys, checks, 0);
        for admitted in &admitted {
            assert!(*admitted <= u64::from(requests), "{admitted} of {rule:?}");
        }
        for key in &keys {
            // small costs fill what larger ones left
            while still.take(*key, 1, Moment::from_nanos(0)).is_admitted() {}
            assert_eq!(still.take(*key, 0, Moment::from_nanos(0)).remaining, 0);
        }
        // time goes on, for nine tenths of a window in all
        let pace = 3_240_000_000_000 / checks;
        let moving = Local::new(rule, 1000, secret);
        let (admitted, end) = run(&moving, &keys, checks, pace);
        let bound = match algorithm {
            Algorithm::TokenBucket => requests + requests * 9 / 10,
            Algorithm::SlidingWindow(Mode::Interpolated) => 2 * requests,
            _ => requests,
        };
        assert!(end <= 3_240_000_000_000);
        for admitted in admitted {
            assert!(admitted <= u64::from(bound), "{admitted} of {rule:?}");
            assert!(
                admitted >= u64::from(requests) / 2,
                "{admitted} of {rule:?}"
            );
        }
    }
}

#[test]
fn many_threads_never_get_more_than_the_bound() {
    never_above_the_bound(12_000);
}

#[test]
#[ignore = "ten million checks: make stress"]
fn ten_million_checks_never_get_more_than_the_bound() {
    // eight rules, twice
    never_above_the_bound(10_000_000 / 16);
}
