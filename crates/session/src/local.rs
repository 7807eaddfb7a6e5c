//! Sessions in the memory of this process: for one process, for tests, and as the measure of every other store.
//!
//! Bounded by bytes, in shards with a lock each. Rows whose time is over are cleared away a few at each write, and by
//! [`Command::Sweep`]. A full shard first drops what is dead, then the sessions without a user, the longest unused first: a
//! flood of anonymous visitors costs anonymous visitors, and nobody who has logged in. If that is not enough, the write is
//! refused ([`Reply::Full`]).

use std::collections::{BTreeSet, HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::command::{Command, Reply, Store, StoreError};
use crate::id::RowKey;
use crate::record::Record;

const SHARDS: usize = 16;
/// What a row takes beside its record: its key in three indices, and their nodes.
const ROW: usize = 256;
/// How many dead rows a write clears away.
const STEP: usize = 4;

/// A store in memory.
///
/// ```
/// use mantlet_session::{Command, Local, Reply, RowKey, Store};
/// let store = Local::new(64 << 20);
/// let key = RowKey::from_bytes([1; 32]);
/// let replies = store.run(&[Command::Load { key }], 1_800_000_000).expect("memory can be reached");
/// assert_eq!(replies, [Reply::Missing]);
/// ```
#[derive(Debug)]
pub struct Local {
    shards: Vec<Mutex<Shard>>,
    max_bytes: usize,
    hasher: RandomState,
}

impl Local {
    /// A store of at most this many bytes, estimated.
    pub fn new(max_bytes: usize) -> Self {
        Self {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            max_bytes: max_bytes / SHARDS,
            hasher: RandomState::new(),
        }
    }

    /// How many rows there are, tombstones and dead ones counted.
    pub fn len(&self) -> usize {
        (0..SHARDS).map(|at| self.lock(at).rows.len()).sum()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes taken, estimated.
    pub fn bytes(&self) -> usize {
        (0..SHARDS).map(|at| self.lock(at).bytes).sum()
    }

    fn lock(&self, at: usize) -> MutexGuard<'_, Shard> {
        // a thread that panicked has left whole rows: every change of a row ends before the lock does
        self.shards[at % SHARDS]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn row(&self, key: &RowKey) -> MutexGuard<'_, Shard> {
        // a hash already: any byte will do
        self.lock(usize::from(key.as_bytes()[0]))
    }

    fn epoch(&self, user: &str) -> MutexGuard<'_, Shard> {
        // the remainder is taken by `lock`
        #[allow(clippy::cast_possible_truncation)]
        self.lock(self.hasher.hash_one(user) as usize)
    }

    fn execute(&self, command: &Command, now: u64) -> Reply {
        match command {
            Command::Create {
                key,
                record,
                expires,
            } => self
                .row(key)
                .create(*key, record, *expires, now, self.max_bytes),
            Command::Load { key } => self.row(key).load(key, now),
            Command::Update {
                key,
                version,
                record,
                expires,
            } => self
                .row(key)
                .update(*key, *version, record, *expires, now, self.max_bytes),
            Command::Touch {
                key,
                last_seen,
                expires,
                previous_until,
            } => self
                .row(key)
                .touch(*key, *last_seen, *expires, *previous_until, now),
            Command::Delete { key, until } => {
                self.row(key).delete(key, *until, now);
                Reply::Done
            }
            Command::ByUser { user } => {
                let rows = (0..SHARDS).flat_map(|at| self.lock(at).by_user(user, now));
                Reply::Rows(rows.collect())
            }
            Command::DeleteByUser {
                user,
                except,
                until,
            } => {
                let deleted = (0..SHARDS).map(|at| {
                    let mut shard = self.lock(at);
                    let keys: Vec<RowKey> = shard
                        .by_user(user, now)
                        .into_iter()
                        .map(|(key, _)| key)
                        .filter(|key| Some(*key) != *except)
                        .collect();
                    for key in &keys {
                        shard.delete(key, *until, now);
                    }
                    keys.len()
                });
                Reply::Count(deleted.sum())
            }
            Command::SetEpoch {
                user,
                not_before,
                expires,
            } => self
                .epoch(user)
                .set_epoch(user, *not_before, *expires, now, self.max_bytes),
            Command::Epoch { user } => Reply::Epoch(self.epoch(user).epoch(user, now)),
            Command::Sweep { limit } => {
                let mut swept = 0;
                for at in 0..SHARDS {
                    swept += self.lock(at).sweep(now, limit - swept);
                }
                Reply::Count(swept)
            }
        }
    }
}

impl Store for Local {
    fn run(&self, batch: &[Command], now: u64) -> Result<Vec<Reply>, StoreError> {
        let mut failed = false;
        let reply = |command| {
            if failed {
                return Reply::Skipped;
            }
            let reply = self.execute(command, now);
            failed = reply.is_failure(command);
            reply
        };
        Ok(batch.iter().map(reply).collect())
    }
}

#[derive(Debug, Default)]
struct Shard {
    rows: HashMap<RowKey, Row>,
    epochs: HashMap<Box<str>, Epoch>,
    /// Every row by its end.
    ends: BTreeSet<(u64, RowKey)>,
    /// Every epoch by its end.
    epoch_ends: BTreeSet<(u64, Box<str>)>,
    users: HashMap<Box<str>, HashSet<RowKey>>,
    /// The sessions without a user by their last use.
    anonymous: BTreeSet<(u64, RowKey)>,
    bytes: usize,
}

#[derive(Debug)]
struct Row {
    /// None: a tombstone.
    record: Option<Arc<Record>>,
    expires: u64,
}

#[derive(Clone, Copy, Debug)]
struct Epoch {
    not_before: u64,
    expires: u64,
}

impl Row {
    fn bytes(&self) -> usize {
        ROW + self.record.as_ref().map_or(0, |record| record.weight())
    }
}

impl Shard {
    /// The live row of a key, or what to answer instead.
    fn live(&self, key: &RowKey, now: u64) -> Result<&Arc<Record>, Reply> {
        match self.rows.get(key) {
            Some(row) if row.expires > now => row.record.as_ref().ok_or(Reply::Deleted),
            _ => Err(Reply::Missing),
        }
    }

    fn load(&self, key: &RowKey, now: u64) -> Reply {
        match self.live(key, now) {
            Ok(record) => Reply::Loaded(Arc::clone(record)),
            Err(reply) => reply,
        }
    }

    fn create(
        &mut self,
        key: RowKey,
        record: &Arc<Record>,
        expires: u64,
        now: u64,
        max: usize,
    ) -> Reply {
        self.sweep(now, STEP);
        if self.rows.get(&key).is_some_and(|row| row.expires > now) {
            return Reply::Exists;
        }
        self.write(key, record, expires, now, max)
    }

    fn update(
        &mut self,
        key: RowKey,
        version: u64,
        record: &Arc<Record>,
        expires: u64,
        now: u64,
        max: usize,
    ) -> Reply {
        match self.live(&key, now) {
            Err(reply) => reply,
            Ok(found) if found.version != version => Reply::Conflict(Arc::clone(found)),
            Ok(_) => self.write(key, record, expires, now, max),
        }
    }

    fn touch(
        &mut self,
        key: RowKey,
        last_seen: u64,
        expires: u64,
        previous_until: Option<u64>,
        now: u64,
    ) -> Reply {
        let mut record = match self.live(&key, now) {
            Ok(record) => Record::clone(record),
            Err(reply) => return reply,
        };
        record.last_seen = record.last_seen.max(last_seen);
        if let Some(previous) = &mut record.previous {
            previous.until = previous.until.or(previous_until);
        }
        let expires = self
            .rows
            .get(&key)
            .map_or(expires, |row| row.expires.max(expires));
        self.put(key, Some(Arc::new(record)), expires);
        Reply::Done
    }

    fn delete(&mut self, key: &RowKey, until: u64, now: u64) {
        if self.live(key, now).is_ok() {
            self.put(*key, None, until);
        }
    }

    fn by_user(&self, user: &str, now: u64) -> Vec<(RowKey, Arc<Record>)> {
        let keys = self.users.get(user).into_iter().flatten();
        keys.filter_map(|key| Some((*key, Arc::clone(self.live(key, now).ok()?))))
            .collect()
    }

    fn write(
        &mut self,
        key: RowKey,
        record: &Arc<Record>,
        expires: u64,
        now: u64,
        max: usize,
    ) -> Reply {
        let freed = self.rows.get(&key).map_or(0, Row::bytes);
        let needed = (ROW + record.weight()).saturating_sub(freed);
        if !self.make_room(needed, &key, now, max) {
            return Reply::Full;
        }
        self.put(key, Some(Arc::clone(record)), expires);
        Reply::Done
    }

    /// Drops the dead, then the anonymous but this one; whether there is room then.
    fn make_room(&mut self, needed: usize, keep: &RowKey, now: u64, max: usize) -> bool {
        if self.bytes + needed <= max {
            return true;
        }
        self.sweep(now, usize::MAX);
        while self.bytes + needed > max {
            let oldest = self
                .anonymous
                .iter()
                .map(|(_, key)| *key)
                .find(|key| key != keep);
            match oldest {
                Some(key) => self.remove(&key),
                None => return false,
            }
        }
        true
    }

    fn put(&mut self, key: RowKey, record: Option<Arc<Record>>, expires: u64) {
        self.remove(&key);
        if let Some(record) = &record {
            match &record.user {
                Some(user) => {
                    self.users
                        .entry(user.as_str().into())
                        .or_default()
                        .insert(key);
                }
                None => {
                    self.anonymous.insert((record.last_seen, key));
                }
            }
        }
        let row = Row { record, expires };
        self.bytes += row.bytes();
        self.ends.insert((expires, key));
        self.rows.insert(key, row);
    }

    fn remove(&mut self, key: &RowKey) {
        let Some(row) = self.rows.remove(key) else {
            return;
        };
        self.bytes -= row.bytes();
        self.ends.remove(&(row.expires, *key));
        let Some(record) = row.record else {
            return;
        };
        let Some(user) = &record.user else {
            self.anonymous.remove(&(record.last_seen, *key));
            return;
        };
        if let Some(keys) = self.users.get_mut(user.as_str()) {
            keys.remove(key);
            if keys.is_empty() {
                self.users.remove(user.as_str());
            }
        }
    }

    fn set_epoch(
        &mut self,
        user: &str,
        not_before: u64,
        expires: u64,
        now: u64,
        max: usize,
    ) -> Reply {
        self.sweep(now, STEP);
        let old = self.epochs.get(user).copied();
        if old.is_none() && self.bytes + ROW + user.len() > max {
            self.sweep(now, usize::MAX);
            if self.bytes + ROW + user.len() > max {
                return Reply::Full;
            }
        }
        let mut epoch = Epoch {
            not_before,
            expires,
        };
        if let Some(old) = old {
            epoch.not_before = epoch.not_before.max(old.not_before);
            epoch.expires = epoch.expires.max(old.expires);
            self.epoch_ends.remove(&(old.expires, user.into()));
        } else {
            self.bytes += ROW + user.len();
        }
        self.epoch_ends.insert((epoch.expires, user.into()));
        self.epochs.insert(user.into(), epoch);
        Reply::Done
    }

    fn epoch(&self, user: &str, now: u64) -> Option<u64> {
        let epoch = self.epochs.get(user).filter(|epoch| epoch.expires > now)?;
        Some(epoch.not_before)
    }

    /// Removes at most `limit` of what is dead.
    fn sweep(&mut self, now: u64, limit: usize) -> usize {
        let mut swept = 0;
        while swept < limit
            && let Some((expires, key)) = self.ends.first().copied()
            && expires <= now
        {
            self.remove(&key);
            swept += 1;
        }
        while swept < limit
            && let Some((expires, _)) = self.epoch_ends.first()
            && *expires <= now
            && let Some((_, user)) = self.epoch_ends.pop_first()
        {
            self.epochs.remove(&user);
            self.bytes -= ROW + user.len();
            swept += 1;
        }
        swept
    }
}
