//! The sessions of a user, and the epoch.

use super::{Done, Failure, create, equals, key, must, one, record, saved, update};
use crate::command::{Command, Reply, Store};
use crate::id::RowKey;

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

pub(super) fn by_user(store: &dyn Store, now: u64) -> Done {
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

pub(super) fn change_of_user(store: &dyn Store, now: u64) -> Done {
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

pub(super) fn epochs(store: &dyn Store, now: u64) -> Done {
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
