//! How much of a limit a host under pressure lets through.

/// A part of a limit, above 0 and at most 1, in millionths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ratio(u32);

const WHOLE: u32 = 1_000_000;

impl Ratio {
    /// All of it.
    pub const FULL: Self = Self(WHOLE);

    /// From a number in (0, 1]; `None` for any other. What is less than a millionth counts as one.
    pub fn new(ratio: f64) -> Option<Self> {
        if !(ratio > 0.0 && ratio <= 1.0) {
            return None;
        }
        // between 0 and a million, so nothing is cut off
        let millionths = (ratio * f64::from(WHOLE)) as u32;
        Some(Self(millionths.max(1)))
    }

    /// As a number in (0, 1].
    pub fn get(self) -> f64 {
        f64::from(self.0) / f64::from(WHOLE)
    }

    /// This part of `whole`, rounded down.
    pub fn of(self, whole: u32) -> u32 {
        let part = u64::from(whole) * u64::from(self.0) / u64::from(WHOLE);
        // not more than `whole`
        part as u32
    }

    /// Millionths, to be kept in an atomic.
    pub(crate) const fn millionths(self) -> u32 {
        self.0
    }

    /// What [`Self::millionths`] gave.
    pub(crate) fn from_millionths(millionths: u32) -> Self {
        Self(millionths.clamp(1, WHOLE))
    }
}

#[cfg(test)]
mod tests {
    use super::Ratio;

    #[test]
    fn only_numbers_above_nothing_and_up_to_all_are_ratios() {
        for ratio in [0.0, -0.1, 1.000_001, f64::NAN, f64::INFINITY] {
            assert_eq!(Ratio::new(ratio), None, "{ratio}");
        }
        assert_eq!(Ratio::new(1.0), Some(Ratio::FULL));
        assert_eq!(Ratio::new(1e-12).map(Ratio::millionths), Some(1));
        assert_eq!(Ratio::from_millionths(0).millionths(), 1);
    }

    #[test]
    fn a_part_is_rounded_down() {
        let half = Ratio::new(0.5).unwrap();
        assert_eq!(half.of(7), 3);
        assert_eq!(half.of(u32::MAX), u32::MAX / 2);
        assert_eq!(Ratio::FULL.of(u32::MAX), u32::MAX);
    }
}
