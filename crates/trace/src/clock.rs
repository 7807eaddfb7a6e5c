//! The time of a log, as a clock that never goes back.

use std::time::Duration;

use mantlet_engine::Now;
use mantlet_limit::Moment;

/// The newest time so far. A server writes a line when the response is done, so lines can be out of order; one that is behind
/// counts as if it came at the newest time.
#[derive(Debug, Default)]
pub(crate) struct Clock {
    first: Option<Duration>,
    latest: Duration,
    behind: u64,
    furthest: Duration,
    parts_of_seconds: bool,
}

impl Clock {
    /// The time of a line that was written at `unix`.
    pub(crate) fn read(&mut self, unix: Duration) -> Now {
        let first = *self.first.get_or_insert(unix);
        self.parts_of_seconds |= unix.subsec_nanos() > 0;
        let behind = self.latest.saturating_sub(unix);
        if behind > Duration::ZERO {
            self.behind += 1;
            self.furthest = self.furthest.max(behind);
        }
        self.latest = self.latest.max(unix);
        let since = self.latest.saturating_sub(first).as_nanos();
        Now {
            moment: Moment::from_nanos(u64::try_from(since).unwrap_or(u64::MAX)),
            unix: self.latest,
        }
    }

    /// The first time and the newest; none before the first line.
    pub(crate) fn span(&self) -> Option<(Duration, Duration)> {
        self.first.map(|first| (first, self.latest))
    }

    /// How many lines were behind another, and by how much at the most.
    pub(crate) fn behind(&self) -> (u64, Duration) {
        (self.behind, self.furthest)
    }

    /// Whether no line told more than whole seconds.
    pub(crate) fn whole_seconds(&self) -> bool {
        !self.parts_of_seconds
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_is_behind_counts_at_the_newest_time() {
        let mut clock = Clock::default();
        let moments: Vec<_> = [100, 101, 99, 101, 98, 103]
            .map(|second| clock.read(Duration::from_secs(second)).moment.as_nanos() / 1_000_000_000)
            .into();
        assert_eq!(moments, [0, 1, 1, 1, 1, 3]);
        assert_eq!(clock.behind(), (2, Duration::from_secs(3)));
        let span = (Duration::from_secs(100), Duration::from_secs(103));
        assert_eq!(clock.span(), Some(span));
        assert!(clock.whole_seconds());
        clock.read(Duration::from_millis(103_500));
        assert!(!clock.whole_seconds());
    }
}
