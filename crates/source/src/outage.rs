//! A store that stops answering, and that answers again: for the log. What becomes of requests meanwhile is `on_error` of each
//! limit, and where that is `open` or `local` nothing else tells that limits are not shared any more.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use mantlet_engine::{Replies, StoreDown};
use mantlet_limit::Moment;

/// A store that comes and goes is told of this often at the most.
const QUIET: Duration = Duration::from_secs(10);

/// Tells the log when the store of this process stops answering, and when it answers again; every trip is to be shown.
pub fn hear(replies: &Result<Replies, StoreDown>) {
    static OUTAGE: Outage = Outage::new();
    match replies {
        Ok(_) => {
            if OUTAGE.ends() {
                tracing::info!("the store of the limits answers again");
            }
        }
        Err(down) => {
            if OUTAGE.begins(|| crate::now().moment) {
                tracing::warn!(
                    why = down.why,
                    "the store of the limits does not answer: each limit does what its on_error says"
                );
            }
        }
    }
}

struct Outage {
    /// Whether the log was told that it does not answer.
    told: AtomicBool,
    /// Nanoseconds until it may be told again.
    quiet_until: AtomicU64,
}

impl Outage {
    const fn new() -> Self {
        Self {
            told: AtomicBool::new(false),
            quiet_until: AtomicU64::new(0),
        }
    }

    /// Whether a failure is to be told.
    fn begins(&self, now: impl FnOnce() -> Moment) -> bool {
        if self.told.load(Ordering::Relaxed) {
            return false;
        }
        let now = now();
        if now.as_nanos() < self.quiet_until.load(Ordering::Relaxed)
            || self.told.swap(true, Ordering::Relaxed)
        {
            return false;
        }
        let until = now.after(QUIET).as_nanos();
        self.quiet_until.store(until, Ordering::Relaxed);
        true
    }

    /// Whether an answer is to be told.
    fn ends(&self) -> bool {
        self.told.load(Ordering::Relaxed) && self.told.swap(false, Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_is_told_at_its_beginning_and_at_its_end_and_not_in_every_wink() {
        let at = |seconds| move || Moment::default().after(Duration::from_secs(seconds));
        let outage = Outage::new();
        assert!(!outage.ends());
        assert!(outage.begins(at(1)));
        assert!(!outage.begins(at(60)));
        assert!(outage.ends());
        assert!(!outage.ends());
        assert!(outage.begins(at(61)));
        assert!(outage.ends());
        assert!(!outage.begins(at(62)));
        assert!(!outage.ends());
        assert!(outage.begins(at(71)));
    }
}
