//! How many in what time.

use std::time::Duration;

/// A number of requests in a window, and how many of them may come at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Quota {
    requests: u32,
    window: Duration,
    burst: u32,
}

/// Why a quota is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum QuotaError {
    /// No requests, or no burst, at all.
    #[error("a limit of 0 lets nobody in: at least 1")]
    Zero,
    /// The window is not between a millisecond and 366 days.
    #[error("the window is between 1 millisecond and 366 days")]
    Window,
    /// A full bucket takes longer to drain than can be counted.
    #[error(
        "the burst takes more than 146 years to come back: a smaller burst, or more requests a window"
    )]
    Overflow,
    /// A burst is a token bucket's.
    #[error("burst belongs to a token bucket: a sliding window lets its requests come at once")]
    Burst,
    /// More at the least than at the most.
    #[error("min_requests is between 1 and the requests of the limit")]
    Minimum,
}

/// Nanoseconds that a full bucket may take to drain: a quarter of what a cell can say, so that no sum overflows.
const LONGEST: u128 = 1 << 62;

impl Quota {
    /// `requests` in any `window`; all of them may come at once.
    ///
    /// # Errors
    /// [`QuotaError::Zero`] and [`QuotaError::Window`].
    pub const fn new(requests: u32, window: Duration) -> Result<Self, QuotaError> {
        if requests == 0 {
            return Err(QuotaError::Zero);
        }
        if window.as_millis() == 0 || window.as_secs() > 366 * 86_400 {
            return Err(QuotaError::Window);
        }
        Ok(Self {
            requests,
            window,
            burst: requests,
        })
    }

    /// With another number that may come at once.
    ///
    /// # Errors
    /// [`QuotaError::Zero`], and [`QuotaError::Overflow`] where `burst` would take more than 2^62 nanoseconds to come back.
    pub const fn burst_of(self, burst: u32) -> Result<Self, QuotaError> {
        if burst == 0 {
            return Err(QuotaError::Zero);
        }
        if (burst as u128) * (self.interval() as u128) > LONGEST {
            return Err(QuotaError::Overflow);
        }
        Ok(Self { burst, ..self })
    }

    /// The same window with fewer requests and a smaller burst, cut to what can be counted.
    pub(crate) fn with(&self, requests: u32, burst: u32) -> Self {
        let quota = Self {
            requests,
            window: self.window,
            burst: 1,
        };
        // a window is less than 2^62 nanoseconds, so this is at least 1
        let most = LONGEST / u128::from(quota.interval());
        Self {
            burst: u32::try_from(most).map_or(burst, |most| burst.min(most)),
            ..quota
        }
    }

    /// Requests a window.
    pub const fn requests(&self) -> u32 {
        self.requests
    }

    /// The window.
    pub const fn window(&self) -> Duration {
        self.window
    }

    /// How many may come at once.
    pub const fn burst(&self) -> u32 {
        self.burst
    }

    /// Nanoseconds from one request to the next at an even pace, rounded up.
    pub(crate) const fn interval(&self) -> u64 {
        // a window is at most 366 days, 2^55 nanoseconds
        self.window.as_nanos().div_ceil(self.requests as u128) as u64
    }
}
