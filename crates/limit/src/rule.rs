//! A quota and the way it is counted.

use crate::quota::{Quota, QuotaError};

/// How a quota is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Algorithm {
    /// Cells flow back evenly (GCRA): an interval of length t admits at most `burst + t * requests / window`.
    TokenBucket,
    /// Requests of the last window are counted.
    SlidingWindow(Mode),
    /// A sliding window whose number falls with the pressure on this host, to `min_requests` at the least.
    Adaptive {
        /// The floor.
        min_requests: u32,
    },
}

/// How exact a sliding window is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Mode {
    /// Never more than the quota in any window.
    #[default]
    Strict,
    /// Right on average, and less than twice the quota at the worst.
    Interpolated,
}

/// A quota and its algorithm: what a limit counts by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rule {
    quota: Quota,
    algorithm: Algorithm,
}

impl Rule {
    /// Counts `quota` by `algorithm`.
    ///
    /// # Errors
    /// [`QuotaError::Burst`] for a burst that is not a token bucket's, [`QuotaError::Minimum`] for a floor of 0 or above the
    /// quota.
    pub const fn new(quota: Quota, algorithm: Algorithm) -> Result<Self, QuotaError> {
        match algorithm {
            Algorithm::TokenBucket => {}
            _ if quota.burst() != quota.requests() => return Err(QuotaError::Burst),
            Algorithm::Adaptive { min_requests }
                if min_requests == 0 || min_requests > quota.requests() =>
            {
                return Err(QuotaError::Minimum);
            }
            _ => {}
        }
        Ok(Self { quota, algorithm })
    }

    /// The quota.
    pub const fn quota(&self) -> &Quota {
        &self.quota
    }

    /// The algorithm.
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// What one of `nodes` processes counts by alone while the store that they share is down: its share of the quota, 1 at the
    /// least, so together they may admit as many as there are processes. 0 nodes are 1.
    pub fn share(&self, nodes: u32) -> Self {
        let part = |whole: u32| (whole / nodes.max(1)).max(1);
        let algorithm = match self.algorithm {
            Algorithm::Adaptive { min_requests } => Algorithm::Adaptive {
                min_requests: part(min_requests),
            },
            other => other,
        };
        Self {
            quota: self
                .quota
                .with(part(self.quota.requests()), part(self.quota.burst())),
            algorithm,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Algorithm, Rule};
    use crate::quota::Quota;

    fn quota(requests: u32) -> Quota {
        Quota::new(requests, Duration::from_secs(60)).unwrap()
    }

    #[test]
    fn a_share_is_a_rule_of_its_own() {
        let bucket = quota(100).burst_of(10).unwrap();
        let rule = Rule::new(bucket, Algorithm::TokenBucket).unwrap();
        let share = rule.share(3);
        assert_eq!((share.quota().requests(), share.quota().burst()), (33, 3));
        assert_eq!(share.quota().window(), Duration::from_secs(60));
        let least = rule.share(1000);
        assert_eq!((least.quota().requests(), least.quota().burst()), (1, 1));
        assert_eq!(rule.share(0), rule);
        assert_eq!(rule.share(1), rule);

        let adaptive = Rule::new(quota(100), Algorithm::Adaptive { min_requests: 10 }).unwrap();
        assert_eq!(
            adaptive.share(4),
            Rule::new(quota(25), Algorithm::Adaptive { min_requests: 2 }).unwrap()
        );
    }

    /// Rounding down makes an interval longer; the bucket that takes longest to drain still does so in time.
    #[test]
    fn a_share_never_overflows() {
        let year = Duration::from_secs(366 * 86_400);
        let longest = Quota::new(1_000_003, year)
            .unwrap()
            .burst_of(145_000_000)
            .unwrap();
        let share = Rule::new(longest, Algorithm::TokenBucket)
            .unwrap()
            .share(600_000);
        let again = Quota::new(share.quota().requests(), year).unwrap();
        assert!(again.burst_of(share.quota().burst()).is_ok());
    }
}
