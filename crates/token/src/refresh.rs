//! When to fetch a key set from its issuer: the rules, without the fetching.
//!
//! A fetcher asks [`Refresh::due`], fetches, and tells how it went. Rules:
//! 1. a set is due again at 80 % of what the response's `max-age` allows, at most 15 minutes;
//! 2. success replaces the whole set: a key that is gone is revoked;
//! 3. failure keeps the old set, until it is older than `max_stale` (24 h): then there is none ([`State::Expired`]);
//! 4. a `kid` that the set does not know asks for one fetch, but not within 30 s of the last attempt, and not for a `kid`
//!    that a fetch did not bring within the last 5 minutes (128 of them are remembered);
//! 5. one fetch at a time; after a failure the next attempt waits 1 s, doubled up to a minute.
//!
//! A token that was rejected as [`crate::Reject::UnknownKey`] says its `kid` by [`crate::jws::unverified_kid`]. Without a first
//! set everything is rejected: it fails closed.
//!
//! Times are in seconds, of any clock that does not go back.
//!
//! ```
//! use mantlet_token::refresh::{Refresh, State};
//! let mut refresh = Refresh::default();
//! assert!(refresh.due(0) && refresh.begin(0));
//! assert!(!refresh.begin(0), "one at a time");
//! refresh.succeeded(0, Some(600), |kid| kid == "a");
//! assert!(!refresh.due(479) && refresh.due(480));
//! assert_eq!(refresh.state(100), State::Fresh);
//! ```

use std::collections::VecDeque;

/// The times of the rules, in seconds.
#[derive(Clone, Debug)]
pub struct Times {
    /// The longest that a set is taken as fresh.
    pub max_fresh: u64,
    /// How long a set is used that cannot be replaced.
    pub max_stale: u64,
    /// The least time between an attempt and one for an unknown `kid`.
    pub cooldown: u64,
    /// How long an unknown `kid` is remembered.
    pub negative: u64,
    /// The first wait after a failure.
    pub backoff: u64,
    /// The longest wait after a failure.
    pub max_backoff: u64,
}

impl Default for Times {
    fn default() -> Self {
        Self {
            max_fresh: 15 * 60,
            max_stale: 24 * 60 * 60,
            cooldown: 30,
            negative: 5 * 60,
            backoff: 1,
            max_backoff: 60,
        }
    }
}

/// How many unknown `kid`s are remembered.
const UNKNOWN: usize = 128;

/// What there is to verify with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// No set was ever fetched.
    Missing,
    /// The set is not due.
    Fresh,
    /// The set is due, and still used.
    Stale,
    /// The set is older than `max_stale`: the verifier has to be given [`crate::KeySet::empty`], and somebody an alarm.
    Expired,
}

/// The state of one source of keys.
#[derive(Clone, Debug, Default)]
pub struct Refresh {
    times: Times,
    fetched: Option<Fetched>,
    running: bool,
    last_attempt: Option<u64>,
    failures: u32,
    wanted: Option<String>,
    unknown: VecDeque<(String, u64)>,
}

#[derive(Clone, Copy, Debug)]
struct Fetched {
    at: u64,
    due: u64,
}

impl Refresh {
    /// With these times.
    pub fn new(times: Times) -> Self {
        Self {
            times,
            ..Self::default()
        }
    }

    /// Whether a fetch should begin.
    pub fn due(&self, now: u64) -> bool {
        !self.running && now >= self.next()
    }

    /// When the next fetch should begin, if nothing happens until then.
    pub fn next(&self) -> u64 {
        let regular = match (self.failures, self.last_attempt) {
            (1.., Some(last)) => {
                let doubled = self
                    .times
                    .backoff
                    .saturating_mul(1 << (self.failures - 1).min(20));
                let wait = doubled.min(self.times.max_backoff);
                let due = self.fetched.map_or(0, |fetched| fetched.due);
                last.saturating_add(wait).max(due)
            }
            _ => self.fetched.map_or(0, |fetched| fetched.due),
        };
        if self.wanted.is_none() {
            return regular;
        }
        let cooled = self
            .last_attempt
            .map_or(0, |last| last.saturating_add(self.times.cooldown));
        regular.min(cooled)
    }

    /// Begins a fetch; false if one is running, which then must not be doubled.
    pub fn begin(&mut self, now: u64) -> bool {
        if self.running {
            return false;
        }
        self.running = true;
        self.last_attempt = Some(now);
        true
    }

    /// The fetch brought a set that was accepted. `max_age` is that of its Cache-Control, in seconds; `knows` says whether
    /// the new set has a `kid`.
    pub fn succeeded(&mut self, now: u64, max_age: Option<u64>, knows: impl Fn(&str) -> bool) {
        let fresh = max_age.unwrap_or(u64::MAX).min(self.times.max_fresh);
        // at least the cooldown, so that max-age=0 is no loop
        let wait = (fresh * 4 / 5).max(self.times.cooldown);
        self.fetched = Some(Fetched {
            at: now,
            due: now.saturating_add(wait),
        });
        self.running = false;
        self.failures = 0;
        self.unknown.retain(|(kid, _)| !knows(kid));
        if let Some(kid) = self.wanted.take()
            && !knows(&kid)
        {
            self.remember(kid, now);
        }
    }

    /// The fetch failed, or brought a set that was refused; the old one stays.
    pub fn failed(&mut self) {
        self.running = false;
        self.failures = self.failures.saturating_add(1);
        self.wanted = None;
    }

    /// A token says a `kid` that the set does not know. Whether a fetch is now due for it, or runs already.
    pub fn unknown_kid(&mut self, kid: &str, now: u64) -> bool {
        let negative = self.times.negative;
        self.unknown
            .retain(|(_, since)| now.saturating_sub(*since) < negative);
        if self.unknown.iter().any(|(known, _)| known == kid) {
            return false;
        }
        if self.running {
            return true;
        }
        let cooled = self
            .last_attempt
            .is_none_or(|last| now >= last.saturating_add(self.times.cooldown));
        if cooled && self.wanted.is_none() {
            self.wanted = Some(kid.to_owned());
        }
        cooled
    }

    /// What there is to verify with.
    pub fn state(&self, now: u64) -> State {
        match self.fetched {
            None => State::Missing,
            Some(fetched) if now.saturating_sub(fetched.at) >= self.times.max_stale => {
                State::Expired
            }
            Some(fetched) if now >= fetched.due => State::Stale,
            Some(_) => State::Fresh,
        }
    }

    fn remember(&mut self, kid: String, now: u64) {
        if self.unknown.len() == UNKNOWN {
            self.unknown.pop_front();
        }
        self.unknown.push_back((kid, now));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fetched(now: u64) -> Refresh {
        let mut refresh = Refresh::default();
        assert!(refresh.begin(now));
        refresh.succeeded(now, Some(3600), |kid| kid == "known");
        refresh
    }

    #[test]
    fn a_set_is_due_at_four_fifths_of_fifteen_minutes_at_most() {
        assert_eq!(fetched(1000).next(), 1000 + 720);
        let mut refresh = Refresh::default();
        refresh.begin(0);
        refresh.succeeded(0, Some(0), |_| true);
        assert_eq!(refresh.next(), 30, "max-age=0 is no loop");
        refresh.begin(30);
        refresh.succeeded(30, None, |_| true);
        assert_eq!(refresh.next(), 30 + 720);
    }

    #[test]
    fn failures_wait_longer_each_time_and_keep_the_set() {
        let mut refresh = fetched(0);
        let mut now = 720;
        let mut waits = Vec::new();
        for _ in 0..9 {
            assert!(refresh.due(now) && refresh.begin(now));
            refresh.failed();
            waits.push(refresh.next() - now);
            now = refresh.next();
        }
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
        assert_eq!(refresh.state(now), State::Stale);
        assert_eq!(refresh.state(24 * 3600 - 1), State::Stale);
        assert_eq!(refresh.state(24 * 3600), State::Expired);
        assert!(refresh.begin(now));
        refresh.succeeded(now, None, |_| true);
        assert_eq!(refresh.state(now), State::Fresh);
    }

    #[test]
    fn without_a_first_set_it_is_tried_at_once_and_again() {
        let mut refresh = Refresh::default();
        assert_eq!(refresh.state(5), State::Missing);
        assert!(refresh.due(5) && refresh.begin(5));
        refresh.failed();
        assert!(!refresh.due(5) && refresh.due(6));
        assert_eq!(refresh.state(6), State::Missing);
    }

    #[test]
    fn an_unknown_kid_asks_once_and_not_within_the_cooldown() {
        let mut refresh = fetched(0);
        assert!(!refresh.unknown_kid("new", 29));
        assert!(!refresh.due(29));
        assert!(refresh.unknown_kid("new", 30));
        assert!(refresh.due(30) && refresh.begin(30));
        assert!(
            refresh.unknown_kid("other", 30),
            "the one that runs may bring it"
        );
        refresh.succeeded(31, Some(3600), |kid| kid == "new");
        assert!(!refresh.due(31));
    }

    #[test]
    fn a_kid_that_a_fetch_did_not_bring_is_remembered() {
        let mut refresh = fetched(0);
        assert!(refresh.unknown_kid("never", 100));
        refresh.begin(100);
        refresh.succeeded(100, Some(3600), |_| false);
        assert!(!refresh.unknown_kid("never", 200));
        assert!(!refresh.due(200));
        assert!(
            refresh.unknown_kid("never", 400),
            "five minutes later it is asked again"
        );
    }

    #[test]
    fn random_kids_cost_one_fetch_each_cooldown_and_bounded_memory() {
        let mut refresh = fetched(0);
        let mut fetches = 0;
        for now in 0..3600 {
            for i in 0..5 {
                refresh.unknown_kid(&format!("{now}-{i}"), now);
            }
            if refresh.due(now) {
                refresh.begin(now);
                refresh.succeeded(now, Some(3600), |_| false);
                fetches += 1;
            }
        }
        assert!(fetches <= 3600 / 30, "{fetches}");
        assert!(refresh.unknown.len() <= UNKNOWN);
    }

    #[test]
    fn a_failed_fetch_for_a_kid_does_not_mark_it_unknown() {
        let mut refresh = fetched(0);
        assert!(refresh.unknown_kid("new", 60));
        refresh.begin(60);
        refresh.failed();
        assert!(!refresh.unknown_kid("new", 61), "cooling down");
        assert!(refresh.unknown_kid("new", 90));
    }
}
