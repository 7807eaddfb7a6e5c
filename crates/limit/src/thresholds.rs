//! Where pressure on a host begins.

use std::time::Duration;

/// What a host bears before an adaptive limit gives way. Each of the three acts by itself.
///
/// Pressure is *soft* at the threshold, which stops the limit from growing, and *hard* half way from there to the end (for
/// the latency: at twice the threshold), which makes it fall. In between it holds, so that it does not swing.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Thresholds {
    /// The part of the CPU time that this host, or its control group, may use: above 0 and at most 1, which turns it off.
    pub cpu: f64,
    /// The part of its memory: above 0 and at most 1, which turns it off.
    pub memory: f64,
    /// What nine in ten answers of the last 10 seconds may take: at least 1 millisecond.
    pub latency: Duration,
}

/// Why thresholds are none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ThresholdError {
    /// The part of the CPU time is not in (0, 1].
    #[error("the cpu threshold is above 0 and at most 1: 0.8 is four fifths of the CPU time")]
    Cpu,
    /// The part of the memory is not in (0, 1].
    #[error("the memory threshold is above 0 and at most 1: 0.9 is nine tenths of the memory")]
    Memory,
    /// The latency is less than a millisecond.
    #[error("the latency threshold is at least 1 millisecond")]
    Latency,
}

impl Thresholds {
    /// From the three of them.
    ///
    /// # Errors
    /// [`ThresholdError`], the first that is out of its range.
    pub fn new(cpu: f64, memory: f64, latency: Duration) -> Result<Self, ThresholdError> {
        let part = |it: f64| it > 0.0 && it <= 1.0;
        if !part(cpu) {
            return Err(ThresholdError::Cpu);
        }
        if !part(memory) {
            return Err(ThresholdError::Memory);
        }
        if latency < Duration::from_millis(1) {
            return Err(ThresholdError::Latency);
        }
        Ok(Self {
            cpu,
            memory,
            latency,
        })
    }
}

impl Default for Thresholds {
    /// Four fifths of the CPU time, nine tenths of the memory, 100 milliseconds.
    fn default() -> Self {
        Self {
            cpu: 0.8,
            memory: 0.9,
            latency: Duration::from_millis(100),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{ThresholdError, Thresholds};

    #[test]
    fn each_threshold_has_its_range() {
        let latency = Duration::from_millis(1);
        assert!(Thresholds::new(1.0, 1.0, latency).is_ok());
        for part in [0.0, -1.0, 1.01, f64::NAN] {
            let cpu = Thresholds::new(part, 0.5, latency);
            assert_eq!(cpu, Err(ThresholdError::Cpu), "{part}");
            let memory = Thresholds::new(0.5, part, latency);
            assert_eq!(memory, Err(ThresholdError::Memory), "{part}");
        }
        let short = Thresholds::new(0.5, 0.5, Duration::from_micros(999));
        assert_eq!(short, Err(ThresholdError::Latency));
    }
}
