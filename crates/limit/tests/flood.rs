//! A flood of keys that each come once: the memory stays what it was, and a client that has used its quota stays limited.
#![allow(clippy::unwrap_used)]

use std::time::Duration;

use mantlet_limit::{Algorithm, Local, Mode, Moment, Quota, Rule, Secret};

/// Bytes of this process that are in memory.
fn resident() -> Option<usize> {
    // a test, which may read what the crate may not
    #[allow(clippy::disallowed_methods)]
    let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
    Some(statm.split(' ').nth(1)?.parse::<usize>().ok()? * 4096)
}

fn flood(algorithm: Algorithm, requests: u32, keys: u64) {
    let quota = Quota::new(requests, Duration::from_secs(60)).unwrap();
    let secret = Secret::new([9; 16]);
    let before = resident();
    let local = Local::new(Rule::new(quota, algorithm).unwrap(), 10_000, secret);
    let cap = local.bytes();
    assert!(cap < 10_000 * 600);
    let heavy = secret.key(&[b"heavy"]);
    let start = Moment::from_nanos(1 << 40);
    while local.take(heavy, 1, start).is_admitted() {}
    for number in 0..keys {
        // a second in all
        let now = start.after(Duration::from_nanos(number * 1_000_000_000 / keys));
        let one = secret.key(&[b"flood", &number.to_le_bytes()]);
        assert!(local.take(one, 1, now).is_admitted());
        if number % 1024 == 0 {
            let heavy = local.take(heavy, requests / 4, now);
            assert!(!heavy.is_admitted(), "after {number} keys");
        }
    }
    assert!(local.evicted() >= keys - local.capacity() as u64);
    assert_eq!(local.bytes(), cap);
    if let (Some(before), Some(after)) = (before, resident()) {
        let grown = after.saturating_sub(before);
        assert!(
            grown < cap + (4 << 20),
            "{grown} bytes more, the table is {cap}"
        );
    }
}

fn floods(keys: u64) {
    flood(Algorithm::TokenBucket, 100, keys);
    flood(Algorithm::SlidingWindow(Mode::Strict), 20, keys);
    flood(Algorithm::SlidingWindow(Mode::Strict), 100, keys);
    flood(Algorithm::Adaptive { min_requests: 1 }, 100, keys);
}

#[test]
fn a_million_keys_wash_no_heavy_client_away() {
    floods(250_000);
}

#[test]
#[ignore = "ten million keys for each algorithm: make stress"]
fn ten_million_keys_wash_no_heavy_client_away() {
    floods(10_000_000);
}
