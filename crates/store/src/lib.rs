//! State that several processes share: limits on Redis and Valkey.
//!
//! What is asked and what it costs when nobody answers: a request asks all its limits in one trip ([`redis::Trip`]), a trip has
//! a time ([`redis::Config::timeout`]), and after a few that failed the store is not asked at all for a while ([`Breaker`]).
//! What a request gets then is not decided here: the engine knows each limit's `on_error`.

mod breaker;
mod error;
pub mod redis;
mod stats;

pub use breaker::{Breaker, Patience, Permit, State};
pub use error::StoreError;
pub use stats::{Failures, LATENCY_BOUNDS, Snapshot, Stats};
