//! Who would have been limited.

use std::time::Duration;

use mantlet_engine::policy::Limit;

use crate::timeline::Timeline;

/// What a replay has come to.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Summary {
    /// Lines, empty ones too.
    pub lines: u64,
    /// Lines that told of a request, which the limits judged.
    pub requests: u64,
    /// Lines that could not be read.
    pub malformed: u64,
    /// The first of them: the number of the line, from 1, and why.
    pub first_malformed: Vec<(u64, String)>,
    /// Lines that told of no request.
    pub without_request: u64,
    /// When the first request came and when the newest, since 1970-01-01; `None` without any.
    pub span: Option<(Duration, Duration)>,
    /// Requests that were behind a line before them, and counted at that line's time.
    pub behind: u64,
    /// By how much, at the most.
    pub furthest_behind: Duration,
    /// Whether the log told whole seconds only: what came within one came at once.
    pub whole_seconds: bool,
    /// Requests of trusted proxies, of which the log does not tell the client: the proxy counted in its place.
    pub without_client: u64,
    /// Requests that a limit would have denied.
    pub denied: u64,
    /// Requests that a limit would have reported, for it only does that.
    pub reported: u64,
    /// Requests that would have been denied because their key cannot be read, by the reason.
    pub unreadable: Vec<(&'static str, u64)>,
    /// The requests over time.
    pub timeline: Timeline,
    /// Each limit, in the order of the policy.
    pub limits: Vec<LimitSummary>,
    /// The names of limits that a log cannot try: those of requests under way at once.
    pub left_out: Vec<String>,
}

/// What one limit has come to.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LimitSummary {
    /// The limit, as the policy has it.
    pub limit: Limit,
    /// Requests that fell under it.
    pub requests: u64,
    /// Those that it denied.
    pub denied: u64,
    /// Those that it reported.
    pub reported: u64,
    /// Keys that it forgot before their time, for want of room.
    pub evicted: u64,
    /// How many keys it counted.
    pub keys: u64,
    /// How many of them it limited at least once.
    pub limited_keys: u64,
    /// Whether that is exact: with very many keys, some were forgotten.
    pub exact: bool,
    /// How many denials of a key may be missing where it is not.
    pub off_by: u64,
    /// The keys that it limited the most.
    pub top: Vec<TopKey>,
    /// The number of requests a window, and of a burst, with which 99.9 % of the keys would never have been limited; `None`
    /// without any key.
    pub enough: Option<u64>,
}

/// A key that was limited.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TopKey {
    /// In words: an address or a network, a route, a field with a hash of its value.
    pub who: String,
    /// Its requests.
    pub requests: u64,
    /// Those that were limited.
    pub limited: u64,
    /// When that happened first, since 1970-01-01.
    pub first: Duration,
    /// How many came one after the other at the most.
    pub longest_run: u64,
}
