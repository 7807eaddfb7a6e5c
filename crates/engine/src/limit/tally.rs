//! What the limits have said to one request.

use std::fmt;

use http::{HeaderName, HeaderValue, StatusCode};
use mantlet_limit::{Key, Outcome};

use super::fields::{Told, fields};
use super::limiter::Limiters;
use crate::engine::Engine;
use crate::head::Now;

/// What the limits have left to the client of a request, for the application.
pub(crate) struct Quotas {
    pub(crate) engine: Engine,
    pub(crate) tally: Tally,
}

impl Quotas {
    /// By name.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &Outcome)> {
        self.tally.entries.iter().filter_map(|entry| {
            let limiter = self.engine.limiters().get(entry.index)?;
            Some((&*limiter.limit.name, &entry.outcome))
        })
    }
}

impl PartialEq for Quotas {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl fmt::Debug for Quotas {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

/// The answers of the limits, in their order, and what was taken for them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) entries: Vec<Entry>,
    pub(crate) now: Now,
    /// Whose answer it is, for limits that follow the pressure: the client, whatever a limit counts by, for nobody can be many.
    pub(crate) client: Option<Key>,
}

/// The answer of one limit.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// Which of the policy's.
    pub(crate) index: usize,
    pub(crate) outcome: Outcome,
    /// What was taken in this process, and of whom.
    pub(crate) held: Option<(Key, u32)>,
}

impl Tally {
    /// The fields that tell the client.
    pub(crate) fn fields(
        &self,
        limiters: &Limiters,
        status: StatusCode,
    ) -> Vec<(HeaderName, HeaderValue)> {
        if status.is_redirection() {
            return Vec::new();
        }
        let told: Vec<_> = self
            .entries
            .iter()
            .filter_map(|Entry { index, outcome, .. }| {
                let limit = &limiters.get(*index)?.limit;
                Some(Told {
                    name: &limit.name,
                    quota: limit.quota()?,
                    outcome,
                })
            })
            .collect();
        fields(limiters.version(), &told, self.now)
    }
}
