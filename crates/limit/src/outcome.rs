//! What a limit says to one request.

use std::time::Duration;

/// Whether a request passes a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// It passes, and its cost is taken.
    Admitted,
    /// The key has used its quota up: 429. Nothing is taken.
    Exceeded,
    /// The key is within its quota, and the host is under pressure: 503. Nothing is taken, but that it was asked is counted: a
    /// key that asks beyond its quota is [`Exceeded`](Self::Exceeded) under pressure too.
    Shed,
    /// It costs more than the limit ever has: it can never pass. Nothing is taken.
    Oversized,
}

/// The answer of a limit, and what is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Whether the request passes.
    pub admission: Admission,
    /// How much may still come at once.
    pub remaining: u32,
    /// The time until there is more than `remaining`; zero if all is there.
    pub next: Duration,
    /// The time until all is there.
    pub reset: Duration,
    /// The time after which the same request passes, if nobody else asks; zero if it passes now, and where it never does.
    pub retry_after: Duration,
}

impl Outcome {
    /// Whether the request passes.
    pub const fn is_admitted(&self) -> bool {
        matches!(self.admission, Admission::Admitted)
    }
}
