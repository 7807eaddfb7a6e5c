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
}
