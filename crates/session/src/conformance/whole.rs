//! The store as a whole: saves at once, sweeps, batches.

use super::{Done, create, equals, key, loaded, must, one, record, run, saved, update};
use crate::command::{Command, Reply, Store};
use crate::id::RowKey;

pub(super) fn contention(store: &dyn Store, now: u64) -> Done {
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

pub(super) fn sweep(store: &dyn Store, now: u64) -> Done {
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

pub(super) fn batch_stops(store: &dyn Store, now: u64) -> Done {
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
