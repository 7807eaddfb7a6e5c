//! The circuit breaker: a store that is down is not asked, so that it costs nothing.
//!
//! ```text
//! closed --(failures in a row)--> open --(a second)--> half-open --(the probe answers)--> closed
//!                                   ^                      |
//!                                   +----(it does not)-----+
//! ```
//!
//! A state machine and nothing more: time is passed in, and who probes is the caller's affair.
//!
//! ```
//! use mantlet_limit::Moment;
//! use mantlet_store::{Breaker, Patience, Permit};
//!
//! let mut breaker = Breaker::new(Patience::default());
//! let now = Moment::from_nanos(0);
//! for _ in 0..3 {
//!     let permit = breaker.ask(now);
//!     breaker.failed(permit, now);
//! }
//! assert_eq!(breaker.ask(now), Permit::Stop);
//! ```

use std::time::Duration;

use mantlet_limit::Moment;

/// When a breaker opens, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// Failures in a row that open it: 1 to 1000. 3 by default, so that one lost packet does not turn a process away from the
    /// count of all others for a second.
    pub failures: u32,
    /// How long nobody asks: 10 milliseconds to 5 minutes, 1 second by default.
    pub open: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            failures: 3,
            open: Duration::from_secs(1),
        }
    }
}

/// What a breaker says to one trip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permit {
    /// Ask.
    Go,
    /// Ask as the only one: the answer decides for all others.
    Probe,
    /// Do not ask.
    Stop,
}

/// Where a breaker stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// The store is asked.
    Closed,
    /// The store is not asked.
    Open,
    /// One trip asks, the others do not.
    HalfOpen,
}

impl State {
    /// The word for logs and metrics.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half_open",
        }
    }
}

/// Counts failures in a row, and says who may ask.
#[derive(Clone, Debug)]
pub struct Breaker {
    patience: Patience,
    failures: u32,
    opened: u64,
    state: State,
    /// The moment of the next probe, where the state is not closed. A probe that never tells its end is followed by another.
    next_probe: Moment,
}

impl Breaker {
    /// A closed one.
    pub const fn new(patience: Patience) -> Self {
        Self {
            patience,
            failures: 0,
            opened: 0,
            state: State::Closed,
            next_probe: Moment::from_nanos(0),
        }
    }

    /// Where it stands.
    pub const fn state(&self) -> State {
        self.state
    }

    /// How often it has opened, a failed probe not counted.
    pub const fn opened(&self) -> u64 {
        self.opened
    }

    /// Whether a trip may ask at `now`.
    pub fn ask(&mut self, now: Moment) -> Permit {
        if self.state == State::Closed {
            return Permit::Go;
        }
        if now < self.next_probe {
            return Permit::Stop;
        }
        self.state = State::HalfOpen;
        self.next_probe = now.after(self.patience.open);
        Permit::Probe
    }

    /// A trip was answered. An answer that was asked for before the breaker opened, and comes late, says nothing.
    pub fn answered(&mut self, permit: Permit) {
        match (permit, self.state) {
            (Permit::Go, State::Closed) => self.failures = 0,
            (Permit::Probe, _) => {
                self.failures = 0;
                self.state = State::Closed;
            }
            _ => {}
        }
    }

    /// A trip failed at `now`.
    pub fn failed(&mut self, permit: Permit, now: Moment) {
        match (permit, self.state) {
            (Permit::Go, State::Closed) => {
                self.failures += 1;
                if self.failures >= self.patience.failures {
                    self.opened += 1;
                    self.open(now);
                }
            }
            (Permit::Probe, State::HalfOpen) => self.open(now),
            _ => {}
        }
    }

    fn open(&mut self, now: Moment) {
        self.state = State::Open;
        self.next_probe = now.after(self.patience.open);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn at(seconds: u64) -> Moment {
        Moment::from_nanos(seconds * SECOND)
    }

    fn open() -> Breaker {
        let mut breaker = Breaker::new(Patience::default());
        for _ in 0..3 {
            assert_eq!(breaker.ask(at(0)), Permit::Go);
            breaker.failed(Permit::Go, at(0));
        }
        assert_eq!(breaker.state(), State::Open);
        breaker
    }

    #[test]
    fn an_answer_between_failures_keeps_it_closed() {
        let mut breaker = Breaker::new(Patience::default());
        for _ in 0..100 {
            breaker.failed(Permit::Go, at(0));
            breaker.failed(Permit::Go, at(0));
            breaker.answered(Permit::Go);
        }
        assert_eq!(breaker.state(), State::Closed);
        assert_eq!(breaker.opened(), 0);
    }

    #[test]
    fn one_probe_after_a_second_and_its_answer_closes() {
        let mut breaker = open();
        assert_eq!(breaker.ask(Moment::from_nanos(SECOND - 1)), Permit::Stop);
        assert_eq!(breaker.ask(at(1)), Permit::Probe);
        assert_eq!(breaker.state(), State::HalfOpen);
        assert_eq!(breaker.ask(at(1)), Permit::Stop);
        breaker.answered(Permit::Probe);
        assert_eq!(breaker.ask(at(1)), Permit::Go);
        assert_eq!(breaker.opened(), 1);
    }

    #[test]
    fn a_failed_probe_opens_for_another_second() {
        let mut breaker = open();
        assert_eq!(breaker.ask(at(1)), Permit::Probe);
        breaker.failed(Permit::Probe, at(1));
        assert_eq!(
            breaker.ask(Moment::from_nanos(2 * SECOND - 1)),
            Permit::Stop
        );
        assert_eq!(breaker.ask(at(2)), Permit::Probe);
        assert_eq!(breaker.opened(), 1);
    }

    #[test]
    fn a_probe_that_never_ends_is_followed_by_another() {
        let mut breaker = open();
        assert_eq!(breaker.ask(at(1)), Permit::Probe);
        assert_eq!(
            breaker.ask(Moment::from_nanos(2 * SECOND - 1)),
            Permit::Stop
        );
        assert_eq!(breaker.ask(at(2)), Permit::Probe);
    }

    #[test]
    fn what_was_asked_before_it_opened_decides_nothing() {
        let mut breaker = open();
        breaker.answered(Permit::Go);
        assert_eq!(breaker.state(), State::Open);
        assert_eq!(breaker.ask(at(1)), Permit::Probe);
        breaker.failed(Permit::Go, at(1));
        breaker.answered(Permit::Go);
        assert_eq!(breaker.state(), State::HalfOpen);
    }
}
