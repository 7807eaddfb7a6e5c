//! What every store must do: one suite, run on each of them.
//!
//! A case gets a store and a time, and uses keys of its own, so that a store need not be emptied in between. Time goes
//! forward from the real one: a store whose own expiry runs on a clock keeps rows that end in the future. A case fails with
//! the first thing that is not as it must be.
//!
//! ```
//! use mantlet_session::{Local, conformance};
//! let store = Local::new(64 << 20);
//! let now = 1_800_000_000;
//! for case in conformance::CASES {
//!     (case.run)(&store, now).unwrap_or_else(|failure| panic!("{}: {failure}", case.name));
//! }
//! ```

mod rows;
mod users;
mod whole;

use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use serde_json::json;
use thiserror::Error;

use crate::command::{Command, Reply, Store};
use crate::id::{Proof, RowKey};
use crate::record::Record;

/// What a store does not do as it must.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{what}: {told}")]
pub struct Failure {
    what: String,
    told: String,
}

/// One demand.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    /// What is demanded.
    pub name: &'static str,
    /// Runs it on a store, from this time on, in seconds since the epoch.
    pub run: fn(&dyn Store, u64) -> Result<(), Failure>,
}

/// Every demand.
pub const CASES: &[Case] = &[
    Case {
        name: "what is created is loaded, whole",
        run: rows::created_is_loaded,
    },
    Case {
        name: "a key that is taken is not created again",
        run: rows::collision,
    },
    Case {
        name: "an update or a touch makes no row",
        run: rows::no_adoption,
    },
    Case {
        name: "a session that is gone does not come back",
        run: rows::resurrection,
    },
    Case {
        name: "of two saves of one version one is told of the other",
        run: rows::lost_update,
    },
    Case {
        name: "saves at once lose nothing",
        run: whole::contention,
    },
    Case {
        name: "a row ends at its time, and not before",
        run: rows::expiry,
    },
    Case {
        name: "a row that has ended is neither saved nor touched",
        run: rows::expiry_race,
    },
    Case {
        name: "a touch keeps what was saved, and times only grow",
        run: rows::touch,
    },
    Case {
        name: "the time of the previous id is set once",
        run: rows::previous_id,
    },
    Case {
        name: "a user's sessions are found, and deleted but one",
        run: users::by_user,
    },
    Case {
        name: "a session that changes its user is found under the new one alone",
        run: users::change_of_user,
    },
    Case {
        name: "an epoch only grows, and ends at its time",
        run: users::epochs,
    },
    Case {
        name: "a sweep clears away what is dead and nothing else",
        run: whole::sweep,
    },
    Case {
        name: "after a failure the rest of a batch is skipped",
        run: whole::batch_stops,
    },
];

type Done = Result<(), Failure>;

fn run(store: &dyn Store, batch: &[Command], now: u64) -> Result<Vec<Reply>, Failure> {
    let replies = store.run(batch, now).map_err(|error| Failure {
        what: "the store can be reached".to_owned(),
        told: error.to_string(),
    })?;
    must(
        "each command has its reply",
        replies.len() == batch.len(),
        &replies,
    )?;
    Ok(replies)
}

fn one(store: &dyn Store, command: Command, now: u64) -> Result<Reply, Failure> {
    let mut replies = run(store, &[command], now)?;
    Ok(replies.remove(0))
}

fn must(what: &str, holds: bool, told: &impl std::fmt::Debug) -> Done {
    if holds {
        return Ok(());
    }
    Err(Failure {
        what: what.to_owned(),
        told: format!("{told:?}"),
    })
}

fn equals(what: &str, told: &Reply, expected: &Reply) -> Done {
    must(what, told == expected, told)
}

/// A key of this case and start that no other has.
fn key(case: &str, at: u64, now: u64) -> RowKey {
    let hash = digest(&SHA256, format!("{case} {at} {now}").as_bytes());
    let mut bytes = [0; 32];
    bytes.copy_from_slice(hash.as_ref());
    RowKey::from_bytes(bytes)
}

fn record(now: u64) -> Record {
    let mut record = Record::new(Proof::from_bytes([1; 32]), now);
    record.data.insert("n".to_owned(), json!(0));
    record
}

/// The record with this number, in the next version.
fn saved(record: &Record, n: i64) -> Record {
    let mut record = record.clone();
    record.version += 1;
    record.data.insert("n".to_owned(), json!(n));
    record
}

fn create(key: RowKey, record: &Record, expires: u64) -> Command {
    Command::Create {
        key,
        record: Arc::new(record.clone()),
        expires,
    }
}

fn update(key: RowKey, version: u64, record: &Record, expires: u64) -> Command {
    Command::Update {
        key,
        version,
        record: Arc::new(record.clone()),
        expires,
    }
}

fn touch_of(key: RowKey, last_seen: u64, expires: u64) -> Command {
    Command::Touch {
        key,
        last_seen,
        expires,
        previous_until: None,
    }
}

fn loaded(store: &dyn Store, key: RowKey, now: u64) -> Result<Arc<Record>, Failure> {
    match one(store, Command::Load { key }, now)? {
        Reply::Loaded(record) => Ok(record),
        other => Err(Failure {
            what: "the session is there".to_owned(),
            told: format!("{other:?}"),
        }),
    }
}
