//! How long answers took, lately: the p90 of up to 1024 samples of the last 10 seconds, of which no key has more than a tenth.
//!
//! So one client's requests, slow as they may be, are at most the slowest tenth, and the p90 is another's. It follows that
//! fewer than ten keys say nothing at all.
//!
//! Where more answers come than the memory holds, each tenth of a second keeps its first ten, and a key that has a tenth of
//! all places gets no more: whoever floods does not wash the others' samples away.

use std::time::Duration;

use crate::key::Key;
use crate::moment::Moment;

const PLACES: usize = 1024;
const WINDOW: Duration = Duration::from_secs(10);
const TICK: u64 = 100_000_000;
const A_TICK: u32 = 10;
/// The most places of the keys that share a counter.
const A_COUNTER: u8 = (PLACES / 10) as u8;
const COUNTERS: usize = 256;

#[derive(Clone, Copy, Default)]
struct Sample {
    key: u64,
    at: Moment,
    latency: Duration,
}

/// The samples, the oldest first, in a ring.
pub(crate) struct Samples {
    ring: Box<[Sample; PLACES]>,
    first: usize,
    len: usize,
    /// Samples in the ring, by a byte of their key.
    held: [u8; COUNTERS],
    tick: u64,
    in_tick: u32,
    /// Room for the reckoning, so that it takes no memory.
    scratch: Vec<Sample>,
    latencies: Vec<Duration>,
}

impl Samples {
    pub(crate) fn new() -> Self {
        Self {
            ring: Box::new([Sample::default(); PLACES]),
            first: 0,
            len: 0,
            held: [0; COUNTERS],
            tick: 0,
            in_tick: 0,
            scratch: Vec::with_capacity(PLACES),
            latencies: Vec::with_capacity(PLACES),
        }
    }

    /// Keeps a sample, or not.
    pub(crate) fn add(&mut self, key: Key, latency: Duration, now: Moment) {
        self.forget(now);
        let tick = now.as_nanos() / TICK;
        if tick != self.tick {
            self.tick = tick;
            self.in_tick = 0;
        }
        let counter = counter(key.0 as u64);
        if self.in_tick == A_TICK || self.len == PLACES || self.held[counter] == A_COUNTER {
            return;
        }
        self.in_tick += 1;
        self.held[counter] += 1;
        let sample = Sample {
            key: key.0 as u64,
            at: now,
            latency,
        };
        self.ring[(self.first + self.len) % PLACES] = sample;
        self.len += 1;
    }

    /// Drops what is older than the window.
    fn forget(&mut self, now: Moment) {
        while self.len > 0 && now.since(self.ring[self.first].at) > WINDOW {
            self.held[counter(self.ring[self.first].key)] -= 1;
            self.first = (self.first + 1) % PLACES;
            self.len -= 1;
        }
    }

    /// What nine in ten answers took at the most, of those that came after `since`; `None` where there are not ten keys to
    /// tell.
    pub(crate) fn p90(&mut self, since: Moment, now: Moment) -> Option<Duration> {
        self.forget(now);
        self.scratch.clear();
        for place in 0..self.len {
            let sample = self.ring[(self.first + place) % PLACES];
            if sample.at > since {
                self.scratch.push(sample);
            }
        }
        self.scratch.sort_unstable_by_key(|it| (it.key, it.at));
        let of_key = || self.scratch.chunk_by(|one, next| one.key == next.key);
        let mut most = self.scratch.len() / 10;
        loop {
            // fewer a key make fewer in all, a tenth of which is fewer again, until it holds
            let all: usize = of_key().map(|samples| samples.len().min(most)).sum();
            if all / 10 >= most {
                break;
            }
            most = all / 10;
        }
        if most == 0 {
            return None;
        }
        self.latencies.clear();
        for samples in of_key() {
            let latest = &samples[samples.len().saturating_sub(most)..];
            self.latencies.extend(latest.iter().map(|it| it.latency));
        }
        let rank = (self.latencies.len() * 9).div_ceil(10) - 1;
        let (_, p90, _) = self.latencies.select_nth_unstable(rank);
        Some(*p90)
    }
}

/// Keys are hashes, so any byte of theirs spreads.
const fn counter(key: u64) -> usize {
    (key >> 56) as usize
}

#[cfg(test)]
mod tests {
    use super::{PLACES, Samples};
    use crate::key::{Key, Secret};
    use crate::moment::Moment;
    use std::time::Duration;

    fn key(number: u32) -> Key {
        Secret::new([3; 16]).key(&[&number.to_le_bytes()])
    }

    fn at(millis: u64) -> Moment {
        Moment::from_nanos(millis * 1_000_000)
    }

    const FAST: Duration = Duration::from_millis(1);
    const SLOW: Duration = Duration::from_secs(1);

    #[test]
    fn fewer_than_ten_keys_say_nothing() {
        let mut samples = Samples::new();
        for round in 0..100 {
            for client in 0..9 {
                samples.add(key(client), SLOW, at(2000 + round * 100));
            }
        }
        assert_eq!(samples.p90(at(0), at(12_000)), None);
        samples.add(key(9), SLOW, at(12_000));
        assert_eq!(samples.p90(at(0), at(12_000)), Some(SLOW));
    }

    #[test]
    fn one_key_moves_nothing_however_much_it_sends() {
        let mut samples = Samples::new();
        for tick in 0..100 {
            let now = at(2000 + tick * 100);
            // the flood comes first in each tick, and slowly
            for _ in 0..1000 {
                samples.add(key(999), SLOW, now);
            }
            for client in 0..2 {
                samples.add(key(tick as u32 * 2 + client), FAST, now);
            }
        }
        assert_eq!(samples.p90(at(0), at(12_000)), Some(FAST));
    }

    #[test]
    fn many_slow_keys_move_it() {
        let mut samples = Samples::new();
        for client in 0..100 {
            let latency = if client % 5 == 0 { SLOW } else { FAST };
            samples.add(key(client), latency, at(2000 + u64::from(client) * 10));
        }
        assert_eq!(samples.p90(at(0), at(4000)), Some(SLOW));
    }

    #[test]
    fn samples_are_forgotten_after_ten_seconds() {
        let mut samples = Samples::new();
        for client in 0..50 {
            samples.add(key(client), SLOW, at(2000 + u64::from(client) * 10));
        }
        assert_eq!(samples.p90(at(0), at(12_000)), Some(SLOW));
        assert_eq!(samples.p90(at(0), at(13_000)), None);
        assert_eq!(samples.len, 0);
        assert!(samples.held.iter().all(|held| *held == 0));
    }

    #[test]
    fn answers_of_before_are_left_out() {
        let mut samples = Samples::new();
        for client in 0..50 {
            let latency = if client < 30 { SLOW } else { FAST };
            samples.add(key(client), latency, at(2000 + u64::from(client) * 10));
        }
        assert_eq!(samples.p90(at(0), at(3000)), Some(SLOW));
        assert_eq!(samples.p90(at(2290), at(3000)), Some(FAST));
        assert_eq!(samples.p90(at(2400), at(3000)), None);
    }

    #[test]
    fn memory_is_bounded() {
        let mut samples = Samples::new();
        for client in 0..100_000 {
            samples.add(key(client), FAST, at(2000 + u64::from(client) / 20));
        }
        assert!(samples.len <= PLACES);
        assert_eq!(samples.scratch.capacity(), PLACES);
    }
}
