//! Requests over time, in a fixed number of slots that get wider as the log gets longer.

use std::time::Duration;

/// Slots at the most.
const SLOTS: usize = 1024;

/// Requests over time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timeline {
    /// Since 1970-01-01.
    start: Duration,
    /// Seconds of a slot: a power of two.
    width: u64,
    slots: Vec<Slot>,
}

/// The requests of some time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Slot {
    /// Those that passed.
    pub admitted: u64,
    /// Those that a limit denied, or would have, if it did not only report.
    pub limited: u64,
}

impl Slot {
    /// All of them.
    pub const fn total(&self) -> u64 {
        self.admitted + self.limited
    }

    const fn and(self, other: Self) -> Self {
        Self {
            admitted: self.admitted + other.admitted,
            limited: self.limited + other.limited,
        }
    }
}

impl Timeline {
    pub(crate) const fn new() -> Self {
        Self {
            start: Duration::ZERO,
            width: 1,
            slots: Vec::new(),
        }
    }

    /// Counts a request; times do not go back.
    pub(crate) fn add(&mut self, unix: Duration, limited: bool) {
        if self.slots.is_empty() {
            self.start = Duration::from_secs(unix.as_secs());
        }
        let since = unix.saturating_sub(self.start).as_secs();
        // 54 times at the most, for 2^64 seconds
        while since / self.width >= SLOTS as u64 {
            self.width *= 2;
            let pairs = self.slots.chunks(2);
            self.slots = pairs
                .map(|pair| {
                    pair.iter()
                        .fold(Slot::default(), |sum, slot| sum.and(*slot))
                })
                .collect();
        }
        // below SLOTS
        let at = (since / self.width) as usize;
        if self.slots.len() <= at {
            self.slots.resize(at + 1, Slot::default());
        }
        match limited {
            true => self.slots[at].limited += 1,
            false => self.slots[at].admitted += 1,
        }
    }

    /// When the first slot begins, since 1970-01-01.
    pub fn start(&self) -> Duration {
        self.start
    }

    /// How long each of [`Self::slots`] is.
    pub fn width(&self) -> Duration {
        Duration::from_secs(self.width)
    }

    /// In their order, the last that has a request included; 1024 at the most.
    pub fn slots(&self) -> &[Slot] {
        &self.slots
    }

    /// With so many slots at the most, of which each is as long as some whole number of the old ones.
    #[must_use]
    pub fn within(&self, slots: usize) -> Self {
        let together = self.slots.len().div_ceil(slots.max(1)).max(1);
        let groups = self.slots.chunks(together);
        Self {
            start: self.start,
            width: self.width.saturating_mul(together as u64),
            slots: groups
                .map(|group| {
                    group
                        .iter()
                        .fold(Slot::default(), |sum, slot| sum.and(*slot))
                })
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_log_has_wide_slots_and_loses_nothing() {
        let mut timeline = Timeline::new();
        for second in 0..5000u64 {
            timeline.add(Duration::from_secs(1_000_000 + second), second % 5 == 0);
        }
        assert_eq!(timeline.width(), Duration::from_secs(8));
        assert_eq!(timeline.slots().len(), 625);
        let sum = |timeline: &Timeline| {
            let slots = timeline.slots().iter();
            slots.fold(Slot::default(), |sum, slot| sum.and(*slot))
        };
        let all = Slot {
            admitted: 4000,
            limited: 1000,
        };
        assert_eq!(sum(&timeline), all);
        let narrow = timeline.within(60);
        assert_eq!((narrow.slots().len(), sum(&narrow)), (57, all));
        assert_eq!(narrow.width(), Duration::from_secs(88));
        assert_eq!(narrow.slots()[0].total(), 88);
    }

    #[test]
    fn a_gap_of_ages_takes_no_memory() {
        let mut timeline = Timeline::new();
        timeline.add(Duration::ZERO, false);
        timeline.add(Duration::from_secs(u64::MAX), true);
        assert_eq!(timeline.slots().len(), SLOTS);
        assert_eq!(timeline.within(0).slots().len(), 1);
    }
}
