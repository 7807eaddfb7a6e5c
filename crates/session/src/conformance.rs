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

use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use serde_json::json;
use thiserror::Error;

use crate::command::{Command, Reply, Store};
use crate::id::{Proof, RowKey};
use crate::record::{Previous, Record};
use crate::ring::KeyId;

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
        run: created_is_loaded,
    },
    Case {
        name: "a key that is taken is not created again",
        run: collision,
    },
    Case {
        name: "an update or a touch makes no row",
        run: no_adoption,
    },
    Case {
        name: "a session that is gone does not come back",
        run: resurrection,
    },
    Case {
        name: "of two saves of one version one is told of the other",
        run: lost_update,
    },
    Case {
        name: "saves at once lose nothing",
        run: contention,
    },
    Case {
        name: "a row ends at its time, and not before",
        run: expiry,
    },
    Case {
        name: "a row that has ended is neither saved nor touched",
        run: expiry_race,
    },
    Case {
        name: "a touch keeps what was saved, and times only grow",
        run: touch,
    },
    Case {
        name: "the time of the previous id is set once",
        run: previous_id,
    },
    Case {
        name: "a user's sessions are found, and deleted but one",
        run: by_user,
    },
    Case {
        name: "a session that changes its user is found under the new one alone",
        run: change_of_user,
    },
    Case {
        name: "an epoch only grows, and ends at its time",
        run: epochs,
    },
    Case {
        name: "a sweep clears away what is dead and nothing else",
        run: sweep,
    },
    Case {
        name: "after a failure the rest of a batch is skipped",
        run: batch_stops,
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

fn created_is_loaded(store: &dyn Store, now: u64) -> Done {
    let key = key("created", 0, now);
    equals(
        "unknown before",
        &one(store, Command::Load { key }, now)?,
        &Reply::Missing,
    )?;
    let mut whole = record(now);
    whole.user = Some("Ren\u{e9} \u{1f511} 'x' \" \\ \n".to_owned());
    whole.auth_time = Some(now);
    whole.previous = Some(Previous::new(
        Proof::from_bytes([2; 32]),
        [3; 16],
        KeyId([4; 4]),
    ));
    whole.data.insert(
        "deep".to_owned(),
        json!({"\u{0}": [null, true, -1.5, "\u{1f511}"], "": {}}),
    );
    whole
        .data
        .insert("big".to_owned(), json!("x".repeat(10_000)));
    equals(
        "created",
        &one(store, create(key, &whole, now + 60), now)?,
        &Reply::Done,
    )?;
    let back = loaded(store, key, now)?;
    must("as it was", *back == whole, &back)
}

fn collision(store: &dyn Store, now: u64) -> Done {
    let key = key("collision", 0, now);
    equals(
        "created",
        &one(store, create(key, &record(now), now + 60), now)?,
        &Reply::Done,
    )?;
    let other = saved(&record(now), 7);
    equals(
        "taken",
        &one(store, create(key, &other, now + 60), now)?,
        &Reply::Exists,
    )?;
    let back = loaded(store, key, now)?;
    must("the first one stays", back.data["n"] == 0, &back)
}

fn no_adoption(store: &dyn Store, now: u64) -> Done {
    let key = key("adoption", 0, now);
    let told = one(
        store,
        update(key, 1, &saved(&record(now), 1), now + 60),
        now,
    )?;
    equals("no row to update", &told, &Reply::Missing)?;
    let told = one(store, touch_of(key, now, now + 60), now)?;
    equals("no row to touch", &told, &Reply::Missing)?;
    one(
        store,
        Command::Delete {
            key,
            until: now + 60,
        },
        now,
    )?;
    equals(
        "still none",
        &one(store, Command::Load { key }, now)?,
        &Reply::Missing,
    )
}

fn resurrection(store: &dyn Store, now: u64) -> Done {
    let key = key("resurrection", 0, now);
    one(store, create(key, &record(now), now + 60), now)?;
    let held = loaded(store, key, now)?;
    equals(
        "deleted",
        &one(
            store,
            Command::Delete {
                key,
                until: now + 30,
            },
            now,
        )?,
        &Reply::Done,
    )?;
    let told = one(
        store,
        update(key, held.version, &saved(&held, 1), now + 60),
        now + 1,
    )?;
    equals("a late save", &told, &Reply::Deleted)?;
    let told = one(store, touch_of(key, now + 1, now + 60), now + 1)?;
    equals("a late touch", &told, &Reply::Deleted)?;
    let told = one(store, create(key, &record(now), now + 60), now + 1)?;
    equals("a late creation", &told, &Reply::Exists)?;
    one(
        store,
        Command::Delete {
            key,
            until: now + 90,
        },
        now + 1,
    )?;
    equals(
        "told while the tombstone stands",
        &one(store, Command::Load { key }, now + 29)?,
        &Reply::Deleted,
    )?;
    equals(
        "and not after",
        &one(store, Command::Load { key }, now + 30)?,
        &Reply::Missing,
    )
}

fn lost_update(store: &dyn Store, now: u64) -> Done {
    let key = key("lost update", 0, now);
    one(store, create(key, &record(now), now + 60), now)?;
    let (first, second) = (loaded(store, key, now)?, loaded(store, key, now)?);
    let told = one(
        store,
        update(key, first.version, &saved(&first, 1), now + 60),
        now,
    )?;
    equals("the first", &told, &Reply::Done)?;
    match one(
        store,
        update(key, second.version, &saved(&second, 2), now + 60),
        now,
    )? {
        Reply::Conflict(current) => {
            must(
                "the second is told what the first saved",
                current.data["n"] == 1 && current.version == 2,
                &current,
            )?;
            let again = saved(&current, 3);
            let told = one(store, update(key, current.version, &again, now + 60), now)?;
            equals("the second again", &told, &Reply::Done)?;
        }
        other => must("the second is told of the first", false, &other)?,
    }
    let back = loaded(store, key, now)?;
    must(
        "both are there",
        back.data["n"] == 3 && back.version == 3,
        &back,
    )
}

fn contention(store: &dyn Store, now: u64) -> Done {
    const THREADS: u64 = 4;
    const SAVES: u64 = 25;
    let key = key("contention", 0, now);
    one(store, create(key, &record(now), now + 60), now)?;
    let add = || -> Done {
        for _ in 0..SAVES {
            let mut held = loaded(store, key, now)?;
            loop {
                let n = held.data["n"].as_i64().unwrap_or_default() + 1;
                match one(
                    store,
                    update(key, held.version, &saved(&held, n), now + 60),
                    now,
                )? {
                    Reply::Done => break,
                    Reply::Conflict(current) => held = current,
                    other => must("saved or told of another save", false, &other)?,
                }
            }
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(add)).collect();
        threads.into_iter().try_for_each(|thread| {
            let joined = thread.join();
            joined.unwrap_or_else(|_| must("no thread panics", false, &"a thread panicked"))
        })
    })?;
    let back = loaded(store, key, now)?;
    must(
        "each save counts once",
        back.data["n"] == THREADS * SAVES && back.version == 1 + THREADS * SAVES,
        &back,
    )
}

fn expiry(store: &dyn Store, now: u64) -> Done {
    let key = key("expiry", 0, now);
    one(store, create(key, &record(now), now + 60), now)?;
    loaded(store, key, now + 59)?;
    equals(
        "at its time",
        &one(store, Command::Load { key }, now + 60)?,
        &Reply::Missing,
    )?;
    let told = one(store, create(key, &record(now), now + 120), now + 60)?;
    equals("the key is free", &told, &Reply::Done)?;
    loaded(store, key, now + 119).map(drop)
}

fn expiry_race(store: &dyn Store, now: u64) -> Done {
    let key = key("expiry race", 0, now);
    one(store, create(key, &record(now), now + 60), now)?;
    let held = loaded(store, key, now + 59)?;
    let late = update(key, held.version, &saved(&held, 1), now + 600);
    equals(
        "a save that comes late",
        &one(store, late, now + 60)?,
        &Reply::Missing,
    )?;
    let told = one(store, touch_of(key, now + 60, now + 600), now + 60)?;
    equals("a touch that comes late", &told, &Reply::Missing)?;
    one(
        store,
        Command::Delete {
            key,
            until: now + 600,
        },
        now + 60,
    )?;
    equals(
        "still ended",
        &one(store, Command::Load { key }, now + 60)?,
        &Reply::Missing,
    )
}

fn touch(store: &dyn Store, now: u64) -> Done {
    let key = key("touch", 0, now);
    one(store, create(key, &record(now), now + 60), now)?;
    let held = loaded(store, key, now)?;
    one(store, update(key, 1, &saved(&held, 5), now + 60), now)?;
    equals(
        "touched",
        &one(store, touch_of(key, now + 20, now + 80), now + 20)?,
        &Reply::Done,
    )?;
    equals(
        "an older touch",
        &one(store, touch_of(key, now + 10, now + 70), now + 21)?,
        &Reply::Done,
    )?;
    let back = loaded(store, key, now + 79)?;
    let kept = back.data["n"] == 5 && back.version == 2 && back.last_seen == now + 20;
    must("data, version and the later time", kept, &back)?;
    equals(
        "the later end",
        &one(store, Command::Load { key }, now + 80)?,
        &Reply::Missing,
    )
}

fn previous_id(store: &dyn Store, now: u64) -> Done {
    let key = key("previous", 0, now);
    let mut rotated = record(now);
    rotated.previous = Some(Previous::new(
        Proof::from_bytes([2; 32]),
        [3; 16],
        KeyId([4; 4]),
    ));
    one(store, create(key, &rotated, now + 60), now)?;
    for until in [now + 10, now + 20] {
        let touch = Command::Touch {
            key,
            last_seen: now,
            expires: now + 60,
            previous_until: Some(until),
        };
        equals("touched", &one(store, touch, now)?, &Reply::Done)?;
    }
    let back = loaded(store, key, now)?;
    let until = back.previous.as_ref().and_then(|previous| previous.until);
    must("the first time counts", until == Some(now + 10), &back)
}

fn of_user(store: &dyn Store, user: &str, now: u64) -> Result<Vec<RowKey>, Failure> {
    match one(
        store,
        Command::ByUser {
            user: user.to_owned(),
        },
        now,
    )? {
        Reply::Rows(rows) => {
            let wrong = rows
                .iter()
                .find(|(_, record)| record.user.as_deref() != Some(user));
            must("all are of the user", wrong.is_none(), &wrong)?;
            let mut keys: Vec<RowKey> = rows.into_iter().map(|(key, _)| key).collect();
            keys.sort_unstable();
            Ok(keys)
        }
        other => Err(Failure {
            what: "rows".to_owned(),
            told: format!("{other:?}"),
        }),
    }
}

fn sorted(mut keys: Vec<RowKey>) -> Vec<RowKey> {
    keys.sort_unstable();
    keys
}

fn by_user(store: &dyn Store, now: u64) -> Done {
    let (alice, bob) = (format!("alice {now}"), format!("bob {now}"));
    let keys: Vec<RowKey> = (0..5).map(|at| key("by user", at, now)).collect();
    for (at, key) in keys.iter().enumerate() {
        let mut record = record(now);
        record.user = Some(if at == 4 { bob.clone() } else { alice.clone() });
        // one of them ends early
        let expires = if at == 3 { now + 5 } else { now + 60 };
        one(store, create(*key, &record, expires), now)?;
    }
    let found = of_user(store, &alice, now)?;
    must("four at first", found == sorted(keys[..4].to_vec()), &found)?;
    let found = of_user(store, &alice, now + 5)?;
    must(
        "three when one has ended",
        found == sorted(keys[..3].to_vec()),
        &found,
    )?;
    let all_but = Command::DeleteByUser {
        user: alice.clone(),
        except: Some(keys[1]),
        until: now + 60,
    };
    equals(
        "two deleted",
        &one(store, all_but, now + 5)?,
        &Reply::Count(2),
    )?;
    let found = of_user(store, &alice, now + 5)?;
    must("the one that was kept", found == [keys[1]], &found)?;
    let told = one(store, Command::Load { key: keys[0] }, now + 5)?;
    equals("a tombstone", &told, &Reply::Deleted)?;
    let everywhere = Command::DeleteByUser {
        user: alice.clone(),
        except: None,
        until: now + 60,
    };
    equals(
        "the last one",
        &one(store, everywhere, now + 5)?,
        &Reply::Count(1),
    )?;
    let found = of_user(store, &bob, now + 5)?;
    must("another user's stays", found == [keys[4]], &found)
}

fn change_of_user(store: &dyn Store, now: u64) -> Done {
    let (before, after) = (format!("before {now}"), format!("after {now}"));
    let key = key("change of user", 0, now);
    let mut held = record(now);
    held.user = Some(before.clone());
    one(store, create(key, &held, now + 60), now)?;
    let mut other = saved(&held, 1);
    other.user = Some(after.clone());
    equals(
        "saved",
        &one(store, update(key, 1, &other, now + 60), now)?,
        &Reply::Done,
    )?;
    let found = (of_user(store, &before, now)?, of_user(store, &after, now)?);
    must(
        "under the new one alone",
        found == (Vec::new(), vec![key]),
        &found,
    )
}

fn epochs(store: &dyn Store, now: u64) -> Done {
    let user = format!("epoch {now}");
    let ask = |at| one(store, Command::Epoch { user: user.clone() }, at);
    let set = |not_before, expires, at| {
        let user = user.clone();
        one(
            store,
            Command::SetEpoch {
                user,
                not_before,
                expires,
            },
            at,
        )
    };
    equals("none at first", &ask(now)?, &Reply::Epoch(None))?;
    equals("set", &set(now, now + 60, now)?, &Reply::Done)?;
    equals("an older one", &set(now - 10, now + 50, now)?, &Reply::Done)?;
    equals(
        "the greater counts",
        &ask(now + 59)?,
        &Reply::Epoch(Some(now)),
    )?;
    equals("until its time", &ask(now + 60)?, &Reply::Epoch(None))
}

fn sweep(store: &dyn Store, now: u64) -> Done {
    let keys: Vec<RowKey> = (0..6).map(|at| key("sweep", at, now)).collect();
    for (at, key) in (0..).zip(&keys) {
        let expires = if at < 4 { now + 10 + at } else { now + 600 };
        one(store, create(*key, &record(now), expires), now)?;
    }
    one(
        store,
        Command::Delete {
            key: keys[4],
            until: now + 10,
        },
        now,
    )?;
    // other cases have left rows too: sweep until nothing is left to sweep
    let mut sweeps = 0;
    while one(store, Command::Sweep { limit: 3 }, now + 100)? != Reply::Count(0) {
        sweeps += 1;
        must("it ends", sweeps < 100_000, &sweeps)?;
    }
    for key in &keys[..5] {
        equals(
            "gone",
            &one(store, Command::Load { key: *key }, now + 100)?,
            &Reply::Missing,
        )?;
    }
    loaded(store, keys[5], now + 100).map(drop)
}

fn batch_stops(store: &dyn Store, now: u64) -> Done {
    let (a, b) = (key("batch", 0, now), key("batch", 1, now));
    let batch = [
        Command::Load { key: a },
        create(a, &record(now), now + 60),
        update(a, 9, &saved(&record(now), 1), now + 60),
        create(b, &record(now), now + 60),
        Command::Load { key: b },
    ];
    let replies = run(store, &batch, now)?;
    equals(
        "a question that finds nothing is no failure",
        &replies[0],
        &Reply::Missing,
    )?;
    equals("done", &replies[1], &Reply::Done)?;
    must(
        "of another version",
        matches!(replies[2], Reply::Conflict(_)),
        &replies[2],
    )?;
    equals("skipped", &replies[3], &Reply::Skipped)?;
    equals("skipped too", &replies[4], &Reply::Skipped)?;
    equals(
        "not made",
        &one(store, Command::Load { key: b }, now)?,
        &Reply::Missing,
    )
}
