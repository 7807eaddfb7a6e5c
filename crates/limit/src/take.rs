//! One limit's part of a trip to a store.

use std::sync::Arc;

use crate::key::RemoteKey;
use crate::rule::Rule;

/// What one limit asks of a store that several processes share. All of a request's are taken, or none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Take {
    /// The name of the limit: two limits of one name and one rule count together.
    pub limit: Arc<str>,
    /// What it counts by; never [`Algorithm::Adaptive`](crate::Algorithm::Adaptive), for pressure is one host's.
    pub rule: Rule,
    /// Who is counted.
    pub key: RemoteKey,
    /// How much is taken; 0 asks what is left.
    pub cost: u32,
}
