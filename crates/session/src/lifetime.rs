//! How long a session lives, and when its id is replaced.
//!
//! ```
//! use mantlet_session::Lifetimes;
//! let lifetimes = Lifetimes::default();
//! let (created, last_seen) = (1_800_000_000, 1_800_001_000);
//! assert_eq!(lifetimes.expires(created, last_seen), last_seen + 30 * 60);
//! assert_eq!(lifetimes.expires(created, created + 12 * 3600 - 1), created + 12 * 3600);
//! ```

use crate::error::ConfigError;

/// The times of a session, in seconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lifetimes {
    /// Ends this long after it was last used; none: only the absolute one holds.
    pub idle: Option<u64>,
    /// Ends this long after it began, whatever happens.
    pub absolute: u64,
    /// A new id after this time.
    pub rotate: Option<u64>,
    /// How long requests that are on their way may still bring the previous id.
    pub grace: u64,
}

impl Default for Lifetimes {
    /// Idle 30 minutes, absolute 12 hours, a new id each 15 minutes with 10 seconds of grace.
    fn default() -> Self {
        Self {
            idle: Some(30 * 60),
            absolute: 12 * 60 * 60,
            rotate: Some(15 * 60),
            grace: 10,
        }
    }
}

impl Lifetimes {
    /// Whether the times fit together.
    ///
    /// # Errors
    /// [`ConfigError::Lifetimes`].
    pub fn check(&self) -> Result<(), ConfigError> {
        let idle = self.idle.unwrap_or(self.absolute);
        if idle == 0 || idle > self.absolute || self.rotate == Some(0) {
            return Err(ConfigError::Lifetimes);
        }
        Ok(())
    }

    /// When a session of these times ends, in seconds since the epoch.
    pub fn expires(&self, created: u64, last_seen: u64) -> u64 {
        let absolute = created.saturating_add(self.absolute);
        match self.idle {
            Some(idle) => absolute.min(last_seen.saturating_add(idle)),
            None => absolute,
        }
    }

    /// Whether its use is worth a write: a tenth of the idle time has passed since the last one.
    pub(crate) fn is_touch_due(&self, last_seen: u64, now: u64) -> bool {
        self.idle
            .is_some_and(|idle| now.saturating_sub(last_seen) >= (idle / 10).max(1))
    }

    pub(crate) fn is_rotation_due(&self, rotated: u64, now: u64) -> bool {
        self.rotate
            .is_some_and(|rotate| now.saturating_sub(rotated) >= rotate)
    }

    /// How long a row without a session is kept, so that a late request finds that it is gone.
    pub(crate) fn tombstone(&self, now: u64) -> u64 {
        now.saturating_add(self.idle.unwrap_or(self.absolute))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_that_do_not_fit_are_refused() {
        let default = Lifetimes::default();
        assert!(default.check().is_ok());
        let seed = Lifetimes {
            idle: None,
            absolute: 86400,
            ..default.clone()
        };
        assert!(seed.check().is_ok());
        for bad in [
            Lifetimes {
                idle: Some(0),
                ..default.clone()
            },
            Lifetimes {
                absolute: 60,
                ..default.clone()
            },
            Lifetimes {
                idle: None,
                absolute: 0,
                ..default.clone()
            },
            Lifetimes {
                rotate: Some(0),
                ..default.clone()
            },
        ] {
            assert_eq!(bad.check(), Err(ConfigError::Lifetimes), "{bad:?}");
        }
    }

    #[test]
    fn uses_are_written_once_in_a_tenth_of_the_idle_time() {
        let lifetimes = Lifetimes::default();
        assert!(!lifetimes.is_touch_due(1000, 1179) && lifetimes.is_touch_due(1000, 1180));
        assert!(!lifetimes.is_touch_due(1000, 900), "the clock went back");
        let seed = Lifetimes {
            idle: None,
            ..lifetimes
        };
        assert!(!seed.is_touch_due(0, 80_000));
    }
}
