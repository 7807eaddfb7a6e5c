//! What was revoked before it expired: single tokens, the tokens of a subject up to a date, the tokens of a session.
//!
//! Bounded by bytes. An entry goes when the tokens that it is about have expired, never to make room: a set that forgot a
//! living revocation would let a stolen token in. [`Full`] tells the caller, who raises the bound or rotates the key.
//!
//! ```
//! use mantlet_token::{Revocation, Revoked};
//! let revoked = Revoked::new(1 << 20);
//! let now = 1_800_000_000;
//! let everything_of_alice = Revocation::Subject { subject: "alice", not_before: now };
//! revoked.insert(Some("my-app"), everything_of_alice, now + 3605, now)?;
//! assert_eq!(revoked.len(), 1);
//! # Ok::<(), mantlet_token::Full>(())
//! ```

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{PoisonError, RwLock};

use aws_lc_rs::digest::{SHA256, digest};
use thiserror::Error;

use crate::reject::Reject;
use crate::verify::Verified;

/// What is revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Revocation<'a> {
    /// The token with this `jti`.
    Id(&'a str),
    /// The token with this SHA-256: for issuers that write no `jti`.
    Token([u8; 32]),
    /// Every token of this `sub` issued before this time, in seconds since the epoch; those without `iat` too.
    Subject {
        /// `sub`.
        subject: &'a str,
        /// What was issued before is revoked.
        not_before: u64,
    },
    /// Every token of this `sid`.
    Session(&'a str),
}

impl Revocation<'_> {
    /// The SHA-256 of a token.
    pub fn digest(token: &[u8]) -> [u8; 32] {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(digest(&SHA256, token).as_ref());
        bytes
    }
}

/// There is no room for another revocation, and none has expired.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the set of revoked tokens is full; raise its bound, or rotate the key that signs")]
pub struct Full;

/// Revocations, shared by all threads.
#[derive(Debug)]
pub struct Revoked {
    max_bytes: usize,
    /// Read without the lock: most services have nothing revoked most of the time.
    entries: AtomicUsize,
    lists: RwLock<Lists>,
}

#[derive(Debug, Default)]
struct Lists {
    /// By `iss`, for another issuer's subject of the same name is another one; empty: tokens without `iss`.
    issuers: HashMap<Box<str>, Issuer>,
    tokens: HashMap<[u8; 32], u64>,
    bytes: usize,
    /// Nothing expires before, in seconds since the epoch.
    next_expiry: u64,
}

#[derive(Debug, Default)]
struct Issuer {
    ids: HashMap<Box<str>, u64>,
    sessions: HashMap<Box<str>, u64>,
    subjects: HashMap<Box<str>, Subject>,
}

#[derive(Clone, Copy, Debug)]
struct Subject {
    not_before: u64,
    expires: u64,
}

/// What an entry takes beside its text, in bytes; from above.
const ENTRY: usize = 96;

impl Revoked {
    /// A set of at most this many bytes; an entry takes its text and 96 bytes.
    pub fn new(max_bytes: usize) -> Self {
        Self {
            max_bytes,
            entries: AtomicUsize::new(0),
            lists: RwLock::default(),
        }
    }

    /// How many revocations there are, those that are due to go counted.
    pub fn len(&self) -> usize {
        self.entries.load(Ordering::Acquire)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Revokes until `expires`: when the last token that it is about has expired, leeway included. Both times are in
    /// seconds since the epoch. Of two revocations of one thing the wider counts.
    ///
    /// # Errors
    /// [`Full`]: nothing was revoked.
    pub fn insert(
        &self,
        issuer: Option<&str>,
        revocation: Revocation<'_>,
        expires: u64,
        now: u64,
    ) -> Result<(), Full> {
        let mut lists = self.lists.write().unwrap_or_else(PoisonError::into_inner);
        let cost = ENTRY
            + issuer.map_or(0, str::len)
            + match revocation {
                Revocation::Token(_) => 32,
                Revocation::Id(text) | Revocation::Session(text) => text.len(),
                Revocation::Subject { subject, .. } => subject.len(),
            };
        let issuer = issuer.unwrap_or_default();
        if !lists.has(issuer, revocation) {
            let over = |lists: &Lists| lists.bytes.saturating_add(cost) > self.max_bytes;
            if over(&lists) && now >= lists.next_expiry {
                lists.sweep(now);
                self.entries.store(lists.len(), Ordering::Release);
            }
            if over(&lists) {
                return Err(Full);
            }
            lists.bytes += cost;
        }
        lists.insert(issuer, revocation, expires);
        lists.next_expiry = if lists.len() == 1 {
            expires
        } else {
            lists.next_expiry.min(expires)
        };
        self.entries.store(lists.len(), Ordering::Release);
        Ok(())
    }

    /// Forgets what has expired at `now`.
    pub fn sweep(&self, now: u64) {
        let mut lists = self.lists.write().unwrap_or_else(PoisonError::into_inner);
        lists.sweep(now);
        self.entries.store(lists.len(), Ordering::Release);
    }

    /// Checks a token that was verified.
    ///
    /// # Errors
    /// [`Reject::Revoked`].
    pub fn check(&self, verified: &Verified, token: &[u8]) -> Result<(), Reject> {
        self.check_digest(verified, || Revocation::digest(token))
    }

    pub(crate) fn check_digest(
        &self,
        verified: &Verified,
        digest: impl FnOnce() -> [u8; 32],
    ) -> Result<(), Reject> {
        if self.is_empty() {
            return Ok(());
        }
        let lists = self.lists.read().unwrap_or_else(PoisonError::into_inner);
        if !lists.tokens.is_empty() && lists.tokens.contains_key(&digest()) {
            return Err(Reject::Revoked);
        }
        let Some(issuer) = lists.issuers.get(verified.issuer().unwrap_or_default()) else {
            return Ok(());
        };
        let id = verified.id().is_some_and(|id| issuer.ids.contains_key(id));
        let session = verified
            .session()
            .is_some_and(|session| issuer.sessions.contains_key(session));
        let subject = verified
            .subject()
            .and_then(|subject| issuer.subjects.get(subject))
            .is_some_and(|subject| {
                let issued = verified
                    .issued()
                    .map(|issued| u64::try_from(issued).unwrap_or(0));
                issued.is_none_or(|issued| issued < subject.not_before)
            });
        if id || session || subject {
            return Err(Reject::Revoked);
        }
        Ok(())
    }
}

impl Lists {
    fn has(&self, issuer: &str, revocation: Revocation<'_>) -> bool {
        let of = self.issuers.get(issuer);
        match revocation {
            Revocation::Token(digest) => self.tokens.contains_key(&digest),
            Revocation::Id(id) => of.is_some_and(|of| of.ids.contains_key(id)),
            Revocation::Session(id) => of.is_some_and(|of| of.sessions.contains_key(id)),
            Revocation::Subject { subject, .. } => {
                of.is_some_and(|of| of.subjects.contains_key(subject))
            }
        }
    }

    fn insert(&mut self, issuer: &str, revocation: Revocation<'_>, expires: u64) {
        if let Revocation::Token(digest) = revocation {
            let entry = self.tokens.entry(digest).or_default();
            *entry = expires.max(*entry);
            return;
        }
        let issuer = self.issuers.entry(issuer.into()).or_default();
        let until = |map: &mut HashMap<Box<str>, u64>, text: &str| {
            let entry = map.entry(text.into()).or_default();
            *entry = expires.max(*entry);
        };
        match revocation {
            Revocation::Token(_) => {}
            Revocation::Id(id) => until(&mut issuer.ids, id),
            Revocation::Session(id) => until(&mut issuer.sessions, id),
            Revocation::Subject {
                subject,
                not_before,
            } => {
                let entry = issuer.subjects.entry(subject.into()).or_insert(Subject {
                    not_before,
                    expires,
                });
                entry.not_before = not_before.max(entry.not_before);
                entry.expires = expires.max(entry.expires);
            }
        }
    }

    fn len(&self) -> usize {
        let of = |issuer: &Issuer| issuer.ids.len() + issuer.sessions.len() + issuer.subjects.len();
        self.tokens.len() + self.issuers.values().map(of).sum::<usize>()
    }

    fn sweep(&mut self, now: u64) {
        let mut bytes = 0;
        let mut next = u64::MAX;
        let mut lives = |expires: u64, text: usize| {
            if expires <= now {
                return false;
            }
            bytes += ENTRY + text;
            next = next.min(expires);
            true
        };
        self.tokens.retain(|_, expires| lives(*expires, 32));
        self.issuers.retain(|name, issuer| {
            let long = |text: &str| name.len() + text.len();
            issuer.ids.retain(|id, expires| lives(*expires, long(id)));
            issuer
                .sessions
                .retain(|id, expires| lives(*expires, long(id)));
            issuer
                .subjects
                .retain(|subject, entry| lives(entry.expires, long(subject)));
            !(issuer.ids.is_empty() && issuer.sessions.is_empty() && issuer.subjects.is_empty())
        });
        self.bytes = bytes;
        self.next_expiry = next;
    }
}
