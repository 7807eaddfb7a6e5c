//! The clocks of this machine.

use std::sync::OnceLock;
use std::time::{Instant, SystemTime};

use mantlet_engine::Now;
use mantlet_limit::Moment;

/// The time: by the clock that never goes back, since this process first asked, and by the one on the wall.
pub fn now() -> Now {
    static START: OnceLock<Instant> = OnceLock::new();
    let start = START.get_or_init(Instant::now);
    Now {
        moment: Moment::default().after(start.elapsed()),
        // a clock that is before 1970 is wrong in any case
        unix: SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default(),
    }
}
