//! How far an upload is, and how slow it may be.
//!
//! A client must send 256 bytes a second, and may be behind by as much as the response timeout: each second that it is
//! waited for uses a second up, each 256 bytes give one back, never beyond the timeout. So a client that pauses and one with
//! a slow line come through, and one that drips a byte now and then does not hold a connection to the application for ever.
//! Time in which the application takes nothing is not the client's.

use std::cell::Cell;
use std::time::Duration;

use tokio::time::Instant;

/// Bytes a second that a client must send on average: a tenth of what a slow mobile line carries.
const MIN_RATE: u64 = 256;
const NANOS_PER_BYTE: u64 = 1_000_000_000 / MIN_RATE;

/// How far an upload is: written by its body, read by whoever waits for the response.
pub(crate) struct Upload {
    phase: Cell<Phase>,
    /// When the phase began; of [`Phase::Application`], when bytes last moved.
    since: Cell<Instant>,
    /// How long the client may still be waited for.
    left: Cell<Duration>,
    patience: Duration,
}

/// Whom an upload waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// The client, for the next bytes.
    Client,
    /// The application, to take them or to answer.
    Application,
    /// Nobody: the client's bytes ended too early or could not be read.
    Broken,
}

impl Upload {
    pub(crate) fn new(patience: Duration, now: Instant) -> Self {
        Self {
            phase: Cell::new(Phase::Application),
            since: Cell::new(now),
            left: Cell::new(patience),
            patience,
        }
    }

    pub(crate) fn phase(&self) -> Phase {
        self.phase.get()
    }

    /// When patience ends with whomever the upload waits for, if nothing moves until then.
    pub(crate) fn deadline(&self) -> Instant {
        self.since.get()
            + match self.phase.get() {
                Phase::Client => self.left.get(),
                Phase::Application | Phase::Broken => self.patience,
            }
    }

    /// So many bytes have come, perhaps none, and the upload waits for `phase` from now.
    pub(crate) fn tell(&self, phase: Phase, bytes: usize, now: Instant) {
        let mut left = self.left.get();
        if self.phase.get() == Phase::Client {
            left = left.saturating_sub(now - self.since.get());
        }
        let earned = Duration::from_nanos(NANOS_PER_BYTE.saturating_mul(bytes as u64));
        self.left
            .set(left.saturating_add(earned).min(self.patience));
        self.phase.set(phase);
        self.since.set(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pieces of `bytes` that the client sends every `pause` and the application takes at once: how long it goes on, within
    /// an hour.
    fn lasts(patience: Duration, bytes: usize, pause: Duration) -> Option<Duration> {
        let start = Instant::now();
        let upload = Upload::new(patience, start);
        let mut now = start;
        while now - start < Duration::from_secs(3600) {
            upload.tell(Phase::Client, 0, now);
            if upload.deadline() < now + pause {
                return Some(upload.deadline() - start);
            }
            now += pause;
            upload.tell(Phase::Application, bytes, now);
        }
        None
    }

    const fn seconds(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    #[test]
    fn a_drip_does_not_last() {
        let pause = Duration::from_millis(1500);
        let end = lasts(seconds(2), 1, pause);
        assert!(end.is_some_and(|end| end < seconds(3)), "{end:?}");
        let end = lasts(seconds(60), 1000, seconds(30));
        assert!(end.is_some_and(|end| end < seconds(70)), "{end:?}");
        assert_eq!(lasts(seconds(60), 0, seconds(61)), Some(seconds(60)));
    }

    #[test]
    fn a_slow_client_and_one_that_pauses_come_through() {
        for (bytes, pause) in [(256, 1), (2_000, 7), (14_400, 56), (15_360, 60)] {
            let end = lasts(seconds(60), bytes, seconds(pause));
            assert_eq!(end, None, "{bytes} bytes every {pause} s");
        }
    }

    #[test]
    fn no_more_than_the_timeout_is_earned() {
        let start = Instant::now();
        let upload = Upload::new(seconds(60), start);
        upload.tell(Phase::Application, 1 << 30, start);
        upload.tell(Phase::Client, 0, start);
        assert_eq!(upload.deadline(), start + seconds(60));
    }

    #[test]
    fn the_applications_time_is_not_the_clients() {
        let start = Instant::now();
        let upload = Upload::new(seconds(60), start);
        let mut now = start;
        for _ in 0..100 {
            upload.tell(Phase::Client, 0, now);
            now += Duration::from_millis(1);
            upload.tell(Phase::Application, 1, now);
            assert_eq!(upload.deadline(), now + seconds(60));
            now += seconds(59);
        }
        upload.tell(Phase::Client, 0, now);
        assert!(upload.deadline() > now + seconds(59));
    }

    #[test]
    fn waiting_on_does_not_move_the_deadline() {
        let start = Instant::now();
        let upload = Upload::new(seconds(60), start);
        for second in 0..60 {
            upload.tell(Phase::Client, 0, start + seconds(second));
            assert_eq!(upload.deadline(), start + seconds(60));
        }
    }
}
