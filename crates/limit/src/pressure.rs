//! How much of its adaptive limit a host can bear: AIMD (additive increase, multiplicative decrease) on its CPU, its memory
//! and the latency of its answers.
//!
//! Each 250 milliseconds a reading is judged, the first that applies:
//!
//! 1. A signal beyond its hard threshold: the ratio falls to nine tenths, at most once in half a second. The latency is that
//!    of the answers since the last fall, so that one slow spell is not punished for ten seconds.
//! 2. A signal beyond its soft threshold: it holds. So it does for a latency that was beyond it before the last fall and is not
//!    known anew, but not for one that has been below it for two and a half seconds.
//! 3. Else it grows by 0.01 a second, and by twice as much for each second and a half of calm, up to 0.16 a second: slowly
//!    where pressure returns at once, and back within ten seconds after pressure that is gone.
//!
//! CPU and memory are smoothed (EWMA of one second). Hard is half way from the threshold to 1; for the latency twice the
//! threshold. The threshold is the soft one.
//!
//! **Fails open**: a signal that cannot be read is no pressure, and so is a latency that not ten keys tell
//! (see [`Pressure::sample`]). Where nobody read for 10 seconds, nobody knows of any pressure, and the ratio is full.

use std::time::Duration;

use crate::key::Key;
use crate::moment::Moment;
use crate::ratio::Ratio;
use crate::samples::Samples;
use crate::sync::{AtomicU64, Mutex, Ordering, lock};
use crate::thresholds::Thresholds;

/// Between two readings.
const EACH: Duration = Duration::from_millis(250);
/// Between two falls.
const FALL: Duration = Duration::from_millis(500);
const FALL_TO: f64 = 0.9;
/// A second, at first.
const GROWTH: f64 = 0.01;
/// The growth doubles each so many seconds of calm, this often.
const DOUBLES: f64 = 1.5;
const DOUBLINGS: f64 = 4.0;
/// The ratio falls no deeper: from here it is back in time, and `min_requests` is the floor that counts.
const FLOOR: f64 = 0.01;
/// What was slow before is over, if the answers of so many nanoseconds are not.
const LATELY: u64 = 2_500_000_000;
/// Seconds of the smoothing.
const SMOOTH: f64 = 1.0;
/// After this long without a reading nothing is known.
const STALE: Duration = Duration::from_secs(10);

/// One reading of a host's sensors, each from 0 to 1. `None`: it cannot be read, and says nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Reading {
    /// The part of the CPU time in use.
    pub cpu: Option<f64>,
    /// The part of the memory in use.
    pub memory: Option<f64>,
}

/// What each signal says, for metrics. `None`: nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Level {
    /// The part of the CPU time in use, smoothed.
    pub cpu: Option<f64>,
    /// The part of the memory in use, smoothed.
    pub memory: Option<f64>,
    /// The p90 of the answers that count.
    pub latency: Option<Duration>,
}

/// The pressure on this host, as one adaptive limit sees it.
pub struct Pressure {
    thresholds: Thresholds,
    /// When the next reading is due, in nanoseconds.
    due: AtomicU64,
    /// When the last one was, in nanoseconds.
    read: AtomicU64,
    /// The ratio, in millionths.
    ratio: AtomicU64,
    state: Mutex<State>,
    samples: Mutex<Samples>,
}

struct State {
    ratio: f64,
    level: Level,
    /// Whether the latency was above its threshold when it was last known.
    slow: bool,
    read: Option<Moment>,
    fell: Option<Moment>,
    calm_since: Option<Moment>,
}

/// How hard one signal presses.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Press {
    Calm,
    Soft,
    Hard,
}

impl Pressure {
    /// No pressure yet.
    pub fn new(thresholds: Thresholds) -> Self {
        Self {
            thresholds,
            due: AtomicU64::new(0),
            read: AtomicU64::new(0),
            ratio: AtomicU64::new(Ratio::FULL.millionths().into()),
            state: Mutex::new(State {
                ratio: 1.0,
                level: Level::default(),
                slow: false,
                read: None,
                fell: None,
                calm_since: None,
            }),
            samples: Mutex::new(Samples::new()),
        }
    }

    /// Whether the sensors have to be read: each 250 milliseconds one caller is told so, and hands what he reads to
    /// [`Self::read`].
    pub fn wants_reading(&self, now: Moment) -> bool {
        let due = self.due.load(Ordering::Relaxed);
        let next = now.after(EACH).as_nanos();
        now.as_nanos() >= due
            && self
                .due
                .compare_exchange(due, next, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok()
    }

    /// Judges a reading. One that is older than the last is left out.
    pub fn read(&self, now: Moment, reading: Reading) {
        let mut state = lock(&self.state);
        if state.read.is_some_and(|last| now < last) {
            return;
        }
        let elapsed = state.read.map_or(EACH, |last| now.since(last));
        let known = state.read.is_some() && elapsed < STALE;
        if !known {
            state.ratio = 1.0;
            state.level = Level::default();
            state.calm_since = None;
        }
        let since = state.fell.unwrap_or_default();
        let (latency, lately) = {
            let mut samples = lock(&self.samples);
            let lately = Moment::from_nanos(now.as_nanos().saturating_sub(LATELY));
            (samples.p90(since, now), samples.p90(since.max(lately), now))
        };
        state.level = Level {
            cpu: smooth(state.level.cpu, reading.cpu, elapsed),
            memory: smooth(state.level.memory, reading.memory, elapsed),
            latency,
        };
        state.read = Some(now);
        let waits = latency.is_none() && state.slow && now.since(since) < STALE;
        if let Some(latency) = latency {
            state.slow = latency > self.thresholds.latency;
        }
        let press = self.press(&state.level, lately);
        match if waits { press.max(Press::Soft) } else { press } {
            Press::Hard => {
                state.calm_since = None;
                if state.fell.is_none_or(|fell| now.since(fell) >= FALL) {
                    state.ratio = (state.ratio * FALL_TO).max(FLOOR);
                    state.fell = Some(now);
                }
            }
            Press::Soft => state.calm_since = None,
            Press::Calm => {
                let calm = now.since(*state.calm_since.get_or_insert(now));
                let doublings = (calm.as_secs_f64() / DOUBLES).min(DOUBLINGS);
                let growth = GROWTH * doublings.exp2() * elapsed.as_secs_f64();
                state.ratio = (state.ratio + growth).min(1.0);
            }
        }
        let ratio = Ratio::new(state.ratio).unwrap_or(Ratio::FULL);
        self.ratio
            .store(ratio.millionths().into(), Ordering::Relaxed);
        self.read.store(now.as_nanos(), Ordering::Relaxed);
    }

    /// Tells how long one answered request took. Of the samples of one key those above a tenth of all do not count, so no
    /// client shrinks the limit of the others: below ten clients the latency says nothing. The caller leaves out denials and
    /// other answers of 4xx, for their latency is not the application's.
    ///
    /// Never waits: a sample that meets another is left out.
    pub fn sample(&self, key: Key, latency: Duration, now: Moment) {
        if let Ok(mut samples) = self.samples.try_lock() {
            samples.add(key, latency, now);
        }
    }

    /// How much of the limit the host can bear.
    pub fn ratio(&self, now: Moment) -> Ratio {
        let read = Moment::from_nanos(self.read.load(Ordering::Relaxed));
        if now.since(read) >= STALE {
            return Ratio::FULL;
        }
        let millionths = self.ratio.load(Ordering::Relaxed);
        Ratio::from_millionths(u32::try_from(millionths).unwrap_or(u32::MAX))
    }

    /// What each signal said when it was last read.
    pub fn level(&self) -> Level {
        lock(&self.state).level
    }

    fn press(&self, level: &Level, lately: Option<Duration>) -> Press {
        let of = |value: Option<f64>, soft: f64, hard: f64| match value {
            Some(value) if value > hard => Press::Hard,
            Some(value) if value > soft => Press::Soft,
            _ => Press::Calm,
        };
        let part = |value, soft: f64| of(value, soft, soft + (1.0 - soft) / 2.0);
        let latency = |it: Duration| {
            let soft = self.thresholds.latency.as_secs_f64();
            of(Some(it.as_secs_f64()), soft, 2.0 * soft)
        };
        let slow = match (level.latency.map_or(Press::Calm, latency), lately) {
            // it was slow, and is no more
            (Press::Soft, Some(lately)) => latency(lately).min(Press::Soft),
            (slow, _) => slow,
        };
        part(level.cpu, self.thresholds.cpu)
            .max(part(level.memory, self.thresholds.memory))
            .max(slow)
    }
}

impl std::fmt::Debug for Pressure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pressure")
            .field("thresholds", &self.thresholds)
            .field("level", &self.level())
            .finish_non_exhaustive()
    }
}

/// `old` drawn towards `new`, as far as `elapsed` goes. What is not a number says nothing.
fn smooth(old: Option<f64>, new: Option<f64>, elapsed: Duration) -> Option<f64> {
    let new = new.filter(|it| it.is_finite())?.clamp(0.0, 1.0);
    let Some(old) = old else {
        return Some(new);
    };
    let weight = 1.0 - (-elapsed.as_secs_f64() / SMOOTH).exp();
    Some(old + (new - old) * weight)
}
