//! What a session asks of a store: data that any store can run, one trip a batch.
//!
//! A store keeps rows by [`RowKey`]. A row is live while `now < expires`, and both are numbers that the caller gives: a
//! store's own expiry only clears away what is dead already. A deleted row leaves a tombstone until its time, so that a late
//! request is told that the session is gone. Nothing but [`Command::Create`] makes a row: an update or a touch of a row that
//! is gone does not bring it back.
//!
//! The commands of a batch run in their order, and each is atomic by itself; after the first that fails
//! ([`Reply::is_failure`]) the others are [`Reply::Skipped`].

use std::sync::Arc;

use thiserror::Error;

use crate::id::RowKey;
use crate::record::Record;

/// One question to a store. Times are in seconds since the epoch.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Command {
    /// Makes a row: [`Reply::Done`], [`Reply::Exists`] if there is one, a tombstone too, or [`Reply::Full`].
    Create {
        /// The row.
        key: RowKey,
        /// The session.
        record: Arc<Record>,
        /// When it ends.
        expires: u64,
    },
    /// Reads a row: [`Reply::Loaded`], [`Reply::Deleted`] of a tombstone, or [`Reply::Missing`].
    Load {
        /// The row.
        key: RowKey,
    },
    /// Replaces a row that still has this version: [`Reply::Done`], [`Reply::Conflict`] if it has another,
    /// [`Reply::Deleted`], [`Reply::Missing`] or [`Reply::Full`].
    Update {
        /// The row.
        key: RowKey,
        /// The version that was read; that of the record is the next one.
        version: u64,
        /// The session.
        record: Arc<Record>,
        /// When it ends.
        expires: u64,
    },
    /// Notes a use without a new version: `last_seen` and `expires` only grow. [`Reply::Done`], [`Reply::Deleted`] or
    /// [`Reply::Missing`].
    Touch {
        /// The row.
        key: RowKey,
        /// When it was used.
        last_seen: u64,
        /// When it ends.
        expires: u64,
        /// Until when the previous id is taken, if there is one and that is not yet set.
        previous_until: Option<u64>,
    },
    /// Puts a tombstone in the place of a row, if it is live: [`Reply::Done`] in any case.
    Delete {
        /// The row.
        key: RowKey,
        /// Until when the tombstone stays.
        until: u64,
    },
    /// Reads the live rows of a user, those that a login has replaced too: [`Reply::Rows`].
    ByUser {
        /// The user.
        user: String,
    },
    /// Deletes the live rows of a user: [`Reply::Count`].
    DeleteByUser {
        /// The user.
        user: String,
        /// The one to keep.
        except: Option<RowKey>,
        /// Until when the tombstones stay.
        until: u64,
    },
    /// Sets the time before which a user's sealed sessions do not count; it only grows. [`Reply::Done`] or [`Reply::Full`].
    SetEpoch {
        /// The user.
        user: String,
        /// What began before does not count.
        not_before: u64,
        /// Until when this is kept: the absolute timeout from now.
        expires: u64,
    },
    /// Reads that time: [`Reply::Epoch`].
    Epoch {
        /// The user.
        user: String,
    },
    /// Clears away at most this many rows, tombstones and epochs whose time is over: [`Reply::Count`].
    Sweep {
        /// How many.
        limit: usize,
    },
}

/// A store's answer to one command.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Reply {
    /// It is done.
    Done,
    /// The session.
    Loaded(Arc<Record>),
    /// There was a session, and it is gone.
    Deleted,
    /// There is no session.
    Missing,
    /// There is a row of this key.
    Exists,
    /// Somebody else saved in between; the session as it is now.
    Conflict(Arc<Record>),
    /// There is no room.
    Full,
    /// Sessions, in no order.
    Rows(Vec<(RowKey, Arc<Record>)>),
    /// How many.
    Count(usize),
    /// A user's epoch.
    Epoch(Option<u64>),
    /// A command before it failed.
    Skipped,
}

impl Reply {
    /// Whether the rest of the batch is skipped: what was to be written was not.
    pub const fn is_failure(&self, of: &Command) -> bool {
        match (of, self) {
            (
                Command::Create { .. } | Command::Update { .. } | Command::SetEpoch { .. },
                Self::Done,
            ) => false,
            (Command::Create { .. } | Command::Update { .. } | Command::SetEpoch { .. }, _) => true,
            (_, reply) => matches!(reply, Self::Skipped),
        }
    }
}

/// A store could not be asked.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("the session store cannot be reached: {0}")]
pub struct StoreError(pub String);

/// What keeps sessions, seen by code that waits for it.
pub trait Store: Send + Sync {
    /// Runs a batch in one trip; one reply for each command. `now` is in seconds since the epoch.
    ///
    /// # Errors
    /// [`StoreError`] if the store cannot be reached: then nothing is known of what was written.
    fn run(&self, batch: &[Command], now: u64) -> Result<Vec<Reply>, StoreError>;
}
