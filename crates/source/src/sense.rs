//! The pressure on this host, for engines that ask.

use std::sync::{Mutex, PoisonError};

use mantlet_engine::{Engine, Now};

use crate::sensors::Sensors;

/// Reads the sensors of this host if an adaptive limit wants it now, four times a second at the most. On the way of a
/// request: some small files of the kernel, and no thread that a fork would lose.
pub fn sense(engine: &Engine, now: Now) {
    static SENSORS: Mutex<Option<Sensors>> = Mutex::new(None);
    if engine.wants_reading(now) {
        let mut sensors = SENSORS.lock().unwrap_or_else(PoisonError::into_inner);
        let reading = sensors.get_or_insert_with(Sensors::new).read();
        drop(sensors);
        engine.on_reading(now, reading);
    }
}
