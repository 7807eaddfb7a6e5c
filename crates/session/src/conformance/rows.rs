//! One row: made, saved, touched, deleted, ended.

use serde_json::json;

use super::{Done, create, equals, key, loaded, must, one, record, saved, touch_of, update};
use crate::command::{Command, Reply, Store};
use crate::id::Proof;
use crate::record::Previous;
use crate::ring::KeyId;

pub(super) fn created_is_loaded(store: &dyn Store, now: u64) -> Done {
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

pub(super) fn collision(store: &dyn Store, now: u64) -> Done {
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

pub(super) fn no_adoption(store: &dyn Store, now: u64) -> Done {
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

pub(super) fn resurrection(store: &dyn Store, now: u64) -> Done {
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

pub(super) fn lost_update(store: &dyn Store, now: u64) -> Done {
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

pub(super) fn expiry(store: &dyn Store, now: u64) -> Done {
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

pub(super) fn expiry_race(store: &dyn Store, now: u64) -> Done {
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

pub(super) fn touch(store: &dyn Store, now: u64) -> Done {
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

pub(super) fn previous_id(store: &dyn Store, now: u64) -> Done {
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
