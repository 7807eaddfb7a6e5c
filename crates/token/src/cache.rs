//! Tokens that were verified before: found by their SHA-256 and the generation of the verifier.
//!
//! Only what was accepted is kept. A hit is checked again for all that time changes: `exp`, `nbf`, `iat`, `max_age`, and
//! revocation. New keys or settings are a new generation, under which nothing is found; the entries of the old one make room
//! as they are displaced. The digest is that of the whole token, so that no two tokens share an entry.
//!
//! It is bounded by bytes, and what is asked for most stays (quick_cache's S3-FIFO).

use std::fmt;
use std::hash::{BuildHasherDefault, Hash, Hasher};
use std::sync::Arc;

use quick_cache::Weighter;
use quick_cache::sync::DefaultLifecycle;

use crate::keyset::Generation;
use crate::reject::Reject;
use crate::revoked::{Revocation, Revoked};
use crate::verify::{Verified, Verifier};

/// Verified tokens, shared by all threads.
///
/// ```
/// # use mantlet_token::{Algorithms, KeySet, Settings, Verifier, jws};
/// # let verifier = Verifier::new(Settings::new(jws::Rules::new(Algorithms::new(["HS256"])?)), KeySet::empty())?;
/// use mantlet_token::{Cache, Reject, Revoked};
/// let (cache, revoked) = (Cache::new(8 << 20), Revoked::new(1 << 20));
/// let now = 1_800_000_000;
/// assert_eq!(cache.verify(&verifier, &revoked, b"no.token", now).err(), Some(Reject::Malformed));
/// # Ok::<(), mantlet_token::ConfigError>(())
/// ```
pub struct Cache(Table);

type Table = quick_cache::sync::Cache<CacheKey, Arc<Verified>, Bytes, BuildHasherDefault<Prefix>>;

#[derive(Clone, Copy, PartialEq, Eq)]
struct CacheKey {
    digest: [u8; 32],
    generation: Generation,
}

impl Hash for CacheKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let mut prefix = [0; 8];
        prefix.copy_from_slice(&self.digest[..8]);
        state.write_u64(u64::from_ne_bytes(prefix) ^ self.generation.number());
    }
}

/// The digest is a hash already, and only what an issuer has signed gets in.
#[derive(Clone, Copy, Default)]
struct Prefix(u64);

impl Hasher for Prefix {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(byte);
        }
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }
}

#[derive(Clone)]
struct Bytes;

impl Weighter<CacheKey, Arc<Verified>> for Bytes {
    fn weight(&self, _: &CacheKey, verified: &Arc<Verified>) -> u64 {
        (size_of::<CacheKey>() + verified.weight()) as u64
    }
}

impl Cache {
    /// A cache of at most this many bytes; a token takes about a kilobyte.
    pub fn new(max_bytes: u64) -> Self {
        let items = usize::try_from(max_bytes / 1024).unwrap_or(usize::MAX);
        let items = items.clamp(16, 1 << 20);
        let (hasher, lifecycle) = (BuildHasherDefault::default(), DefaultLifecycle::default());
        Self(Table::with(items, max_bytes, Bytes, hasher, lifecycle))
    }

    /// Verifies a token at `now`, in seconds since the epoch, and whether it is revoked.
    ///
    /// # Errors
    /// [`Reject`] as of [`Verifier::verify`], and [`Reject::Revoked`].
    pub fn verify(
        &self,
        verifier: &Verifier,
        revoked: &Revoked,
        token: &[u8],
        now: u64,
    ) -> Result<Arc<Verified>, Reject> {
        if token.len() > verifier.settings().rules.largest() {
            return Err(Reject::TooLarge);
        }
        let digest = Revocation::digest(token);
        let key = CacheKey {
            digest,
            generation: verifier.generation(),
        };
        if let Some(verified) = self.0.get(&key) {
            if let Err(reject) = verifier.recheck(&verified, now) {
                self.0.remove(&key);
                return Err(reject);
            }
            revoked.check_digest(&verified, || digest)?;
            return Ok(verified);
        }
        let verified = Arc::new(verifier.verify(token, now)?);
        revoked.check_digest(&verified, || digest)?;
        self.0.insert(key, Arc::clone(&verified));
        Ok(verified)
    }

    /// How many tokens are kept.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether none is kept.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Bytes taken, estimated from above.
    pub fn bytes(&self) -> u64 {
        self.0.weight()
    }

    /// Forgets everything.
    pub fn clear(&self) {
        self.0.clear();
    }
}

impl fmt::Debug for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cache({} tokens, {} bytes)", self.len(), self.bytes())
    }
}
