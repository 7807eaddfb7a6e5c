//! A rule in the numbers of the script.
//!
//! Lua counts in doubles, which hold integers exactly below 2^53, and Redis tells time in microseconds.

use mantlet_limit::{Algorithm, Mode, Rule};

/// Up to here a strict window is a log: 8 bytes a request.
const LOGGED: u32 = 64;

/// Steps of a window, and one more that is leaving it.
const STEPS: u128 = 10;

/// A level that counts exactly, and so does twice of it.
const FULL: u128 = 1 << 52;

/// A rule that Redis cannot count; refused when a policy is loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Uncountable {
    /// Pressure is one host's.
    #[error(
        "an adaptive limit follows the pressure on one host: it is counted there, and not in a store that several share"
    )]
    Adaptive,
    /// A full bucket takes longer to drain than a double of microseconds counts.
    #[error(
        "the burst takes more than 142 years to come back: a smaller burst, or more requests a window"
    )]
    Overflow,
}

/// How the script counts a rule.
///
/// * A **token bucket** is a level that falls by `drain` a microsecond and rises by `price` for a unit of cost: `price / drain` is
///   `window / requests` in lowest terms. That is exact. Where `burst * price` would pass 2^52, both are scaled down and `price`
///   is rounded up: the bucket then admits less than the rate by at most one part in a million, never more.
/// * A **strict window** of at most 64 requests is a log of their times: exact. A larger one counts in eleven steps of a tenth of the
///   window, the oldest step counted whole: never more than `requests` in any window, and a request may count for up to
///   a tenth of the window longer than it should.
/// * An **interpolated window** counts the oldest of the eleven steps by the part of it that is still in the window.
/// * Windows are rounded up to a whole microsecond, and steps too.
///
/// ```
/// use std::time::Duration;
/// use mantlet_limit::{Algorithm, Quota, Rule};
/// use mantlet_store::redis::Count;
///
/// let quota = Quota::new(100, Duration::from_secs(60))?;
/// let count = Count::new(&Rule::new(quota, Algorithm::TokenBucket)?)?;
/// assert_eq!(count.to_string(), "b-100-60000000-100");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    kind: Kind,
    requests: u32,
    window: u64,
    burst: u32,
    numbers: [u64; 3],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Bucket,
    Log,
    Strict,
    Interpolated,
}

impl Kind {
    const fn letter(self) -> &'static str {
        match self {
            Self::Bucket => "b",
            Self::Log => "l",
            Self::Strict => "s",
            Self::Interpolated => "i",
        }
    }
}

impl Count {
    /// The numbers of `rule`.
    ///
    /// # Errors
    /// [`Uncountable`].
    pub fn new(rule: &Rule) -> Result<Self, Uncountable> {
        let quota = rule.quota();
        let (requests, burst) = (u128::from(quota.requests()), u128::from(quota.burst()));
        // a window is at most 366 days: below 2^45 microseconds
        let window = quota.window().as_nanos().div_ceil(1_000);
        let (kind, numbers) = match rule.algorithm() {
            Algorithm::TokenBucket => {
                let [price, drain] = bucket(quota.window().as_nanos(), requests * 1_000, burst)?;
                (Kind::Bucket, [price, drain, price * burst])
            }
            Algorithm::SlidingWindow(Mode::Strict) if quota.requests() <= LOGGED => {
                (Kind::Log, [requests, window, 0])
            }
            Algorithm::SlidingWindow(mode) => {
                let kind = match mode {
                    Mode::Strict => Kind::Strict,
                    Mode::Interpolated => Kind::Interpolated,
                };
                (kind, [requests, window.div_ceil(STEPS), 0])
            }
            _ => return Err(Uncountable::Adaptive),
        };
        Ok(Self {
            kind,
            requests: quota.requests(),
            window: narrow(window),
            burst: quota.burst(),
            numbers: numbers.map(narrow),
        })
    }

    /// The most that can ever be taken at once.
    pub const fn burst(&self) -> u32 {
        self.burst
    }

    /// The script's word for the way it counts.
    pub(crate) const fn kind(&self) -> &'static str {
        self.kind.letter()
    }

    /// What the script counts with.
    pub(crate) const fn numbers(&self) -> [u64; 3] {
        self.numbers
    }
}

/// The part of a key that says how it is counted: the kind, requests, microseconds of the window, burst.
impl std::fmt::Display for Count {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let kind = self.kind.letter();
        write!(f, "{kind}-{}-{}-{}", self.requests, self.window, self.burst)
    }
}

/// Price and drain: nanoseconds over thousands of requests in lowest terms, or as near below the rate as can be counted.
fn bucket(window: u128, requests: u128, burst: u128) -> Result<[u128; 2], Uncountable> {
    let common = greatest_common_divisor(window, requests);
    let (price, drain) = (window / common, requests / common);
    if price * burst <= FULL {
        return Ok([price, drain]);
    }
    // one less than fits, since the price is rounded up
    let drain = (FULL / burst - 1) * requests / window;
    if drain == 0 {
        return Err(Uncountable::Overflow);
    }
    Ok([(window * drain).div_ceil(requests), drain])
}

const fn greatest_common_divisor(mut a: u128, mut b: u128) -> u128 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

/// All numbers here are at most 2^53: nothing is cut.
fn narrow(number: u128) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use mantlet_limit::Quota;
    use proptest::prelude::*;

    use super::*;

    fn rule(requests: u32, window: Duration, algorithm: Algorithm) -> Rule {
        Rule::new(Quota::new(requests, window).unwrap(), algorithm).unwrap()
    }

    #[test]
    fn usual_rates_are_exact() {
        let count = |requests, seconds| {
            let window = Duration::from_secs(seconds);
            Count::new(&rule(requests, window, Algorithm::TokenBucket))
                .unwrap()
                .numbers
        };
        assert_eq!(count(100, 60), [600_000, 1, 60_000_000]);
        assert_eq!(count(7, 1), [1_000_000, 7, 7_000_000]);
        assert_eq!(count(1_000_000, 86_400), [86_400, 1, 86_400_000_000]);
        assert_eq!(count(4_000_000_000, 1), [1, 4_000, 4_000_000_000]);
    }

    #[test]
    fn small_strict_windows_are_logs() {
        let kind = |requests, mode| {
            let window = Duration::from_secs(1);
            Count::new(&rule(requests, window, Algorithm::SlidingWindow(mode)))
                .unwrap()
                .kind()
        };
        assert_eq!(kind(64, Mode::Strict), "l");
        assert_eq!(kind(65, Mode::Strict), "s");
        assert_eq!(kind(64, Mode::Interpolated), "i");
    }

    #[test]
    fn what_cannot_be_counted_is_refused() {
        let adaptive = Algorithm::Adaptive { min_requests: 1 };
        let adaptive = rule(10, Duration::from_secs(1), adaptive);
        assert_eq!(Count::new(&adaptive), Err(Uncountable::Adaptive));
        let year = Duration::from_secs(366 * 86_400);
        let quota = Quota::new(1, year).unwrap();
        let bucket = |burst| {
            let quota = quota.burst_of(burst).unwrap();
            Count::new(&Rule::new(quota, Algorithm::TokenBucket).unwrap())
        };
        assert!(bucket(142).is_ok());
        assert_eq!(bucket(143), Err(Uncountable::Overflow));
    }

    proptest! {
        #[test]
        fn a_bucket_never_drains_faster_than_the_rate_nor_a_millionth_slower(
            requests in 1_u32..,
            window in 1_000_000_u64..366 * 86_400 * 1_000_000_000,
            burst in 1_u32..,
        ) {
            let quota = Quota::new(requests, Duration::from_nanos(window)).unwrap();
            let quota = quota.burst_of(burst);
            prop_assume!(quota.is_ok());
            let rule = Rule::new(quota.unwrap(), Algorithm::TokenBucket).unwrap();
            let Ok(count) = Count::new(&rule) else {
                // nobody is refused whose bucket drains in time
                let drain = u128::from(window) * u128::from(burst) / u128::from(requests) / 1_000;
                prop_assert!(drain >= FULL - FULL / 1_000_000);
                return Ok(());
            };
            let [price, drain, capacity] = count.numbers.map(u128::from);
            prop_assert_eq!(capacity, price * u128::from(burst));
            prop_assert!(capacity <= FULL);
            let (given, counted) = (u128::from(window) * drain, price * u128::from(requests) * 1_000);
            prop_assert!(counted >= given);
            // a scaled price is 2^20 at the least, unless the bucket takes a hundred years
            if price > 1 << 20 {
                prop_assert!(counted - given <= given / 1_000_000 + u128::from(requests) * 1_000);
            }
        }
    }
}
