//! What comes of a session in one request: what to log, what the response gets, what is lost.

use thiserror::Error;

/// Fills bytes that nobody can predict.
pub type Random<'a> = &'a mut dyn FnMut(&mut [u8]) -> Result<(), NoRandom>;

/// The source of randomness failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the operating system gives no random bytes: no session can be made")]
pub struct NoRandom;

/// A session could not be closed: nothing was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CloseError {
    /// The source of randomness failed.
    #[error(transparent)]
    NoRandom(#[from] NoRandom),
    /// The data takes too much.
    #[error(
        "the session has {size} bytes, and {max} are the most; keep large things in a database and their keys here"
    )]
    TooLarge {
        /// What it takes.
        size: usize,
        /// What it may take.
        max: usize,
    },
    /// The cryptographic library failed.
    #[error("the session could not be sealed")]
    Seal,
}

/// What is worth a line in the log on the way in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// The cookie came twice.
    Repeated,
    /// The seal is not of a key of the ring: forged, or older than the ring.
    Forged,
    /// The store does not know the id: expired, or the store was emptied.
    Unknown,
    /// The session was ended: logout, or revoked.
    Deleted,
    /// The idle or the absolute time is over.
    Expired,
    /// An id that was replaced came again: the session was deleted.
    Reused,
}

impl Event {
    /// `session.cause`: for logs, tests and dashboards; it does not change.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Repeated => "session.repeated",
            Self::Forged => "session.forged",
            Self::Unknown => "session.unknown",
            Self::Deleted => "session.deleted",
            Self::Expired => "session.expired",
            Self::Reused => "session.reused",
        }
    }
}

/// What the response gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The value of a Set-Cookie.
    pub cookie: Option<String>,
    /// Whether the response is for this client alone: `Vary: Cookie`, `Cache-Control: no-store`.
    pub private: bool,
    /// Whether what the browser keeps of this site should go: `Clear-Site-Data`, at a logout.
    pub clear_site_data: bool,
    /// Whether what the application changed is kept.
    pub saved: Result<(), SaveError>,
}

/// The changes of a session are lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SaveError {
    /// The session was ended while the request was running.
    #[error("the session was ended while the request was running; its changes are not kept")]
    Gone,
    /// The request came with an id of before a login.
    #[error("the request came with the session of before a login; its changes are not kept")]
    ReadOnly,
    /// The store did not answer; nobody knows what it has written.
    #[error("the session store did not answer")]
    Unanswered,
    /// The store has no room.
    #[error("the session store is full")]
    Full,
    /// Others saved in between, again and again.
    #[error("too many requests of one session save at once")]
    Contended,
}
