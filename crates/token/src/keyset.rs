//! The keys of a verifier: replaced as a whole, never edited.
//!
//! A key is found in this order:
//! 1. a `kid` is looked up, and nothing else is done with it: it is no path, no query and no URL;
//! 2. if no key of the set has an id at all, the token's `kid` says nothing;
//! 3. without a `kid`, exactly one key must fit the algorithm.
//!
//! A key that is not in the new set is gone with the old one. Every set draws a [`Generation`], so that a cached answer of
//! an older set is never found again.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::algorithm::Algorithm;
use crate::error::ConfigError;
use crate::key::{Key, Material};
use crate::reject::Reject;

/// A number that no other set or verifier of this process has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Generation(u64);

impl Generation {
    /// Draws the next one.
    pub(crate) fn next() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }

    /// The number.
    pub const fn number(self) -> u64 {
        self.0
    }
}

/// Keys that verify; cheap to clone.
///
/// ```
/// use mantlet_token::{Algorithms, KeySet, jwk};
/// let algorithms = Algorithms::new(["HS256"])?;
/// let loaded = jwk::load(b"0123456789abcdef0123456789abcdef", &algorithms)?;
/// let keys = KeySet::new(loaded.keys)?;
/// assert_eq!(keys.len(), 1);
/// # Ok::<(), mantlet_token::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
pub struct KeySet {
    keys: Arc<[Key]>,
    by_id: Arc<HashMap<Box<str>, usize>>,
    generation: Generation,
}

impl KeySet {
    /// A set of these keys.
    ///
    /// # Errors
    /// [`ConfigError`] if two keys have one `kid`, or secrets and public keys are mixed.
    pub fn new(keys: Vec<Key>) -> Result<Self, ConfigError> {
        distinct(&keys)?;
        let by_id = keys
            .iter()
            .enumerate()
            .filter_map(|(at, key)| Some((Box::from(key.id()?), at)))
            .collect();
        Ok(Self {
            keys: keys.into(),
            by_id: Arc::new(by_id),
            generation: Generation::next(),
        })
    }

    /// No key: everything is rejected as [`Reject::NoKeys`] until there is a set.
    pub fn empty() -> Self {
        Self {
            keys: Arc::new([]),
            by_id: Arc::default(),
            generation: Generation::next(),
        }
    }

    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there is no key.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The number of this set.
    pub const fn generation(&self) -> Generation {
        self.generation
    }

    /// Whether a `kid` names a key of the set; also if no key has an id, for then it would not help to look for a new set.
    pub fn knows(&self, kid: &str) -> bool {
        self.by_id.is_empty() || self.by_id.contains_key(kid)
    }

    /// The key for a token that says this `alg` and `kid`.
    ///
    /// # Errors
    /// [`Reject::NoKeys`] of an empty set, [`Reject::UnknownKey`] if none or several fit, [`Reject::Algorithm`] if the key
    /// of this `kid` has another algorithm.
    pub fn find(&self, algorithm: Algorithm, kid: Option<&str>) -> Result<&Key, Reject> {
        if self.keys.is_empty() {
            return Err(Reject::NoKeys);
        }
        if let (Some(kid), false) = (kid, self.by_id.is_empty()) {
            let at = *self.by_id.get(kid).ok_or(Reject::UnknownKey)?;
            let key = &self.keys[at];
            return if key.takes(algorithm) {
                Ok(key)
            } else {
                Err(Reject::Algorithm)
            };
        }
        let mut fitting = self.keys.iter().filter(|key| key.takes(algorithm));
        match (fitting.next(), fitting.next()) {
            (Some(key), None) => Ok(key),
            _ => Err(Reject::UnknownKey),
        }
    }
}

/// No `kid` twice, and no secrets beside public keys.
pub(crate) fn distinct(keys: &[Key]) -> Result<(), ConfigError> {
    let symmetric = |key: &&Key| matches!(key.material(), Material::Hs(_));
    let secrets = keys.iter().filter(symmetric).count();
    if secrets != 0 && secrets != keys.len() {
        return Err(ConfigError::MixedKeys);
    }
    for (at, key) in keys.iter().enumerate() {
        if let Some(id) = key.id()
            && keys[..at].iter().any(|other| other.id() == Some(id))
        {
            return Err(ConfigError::RepeatedKid(id.to_owned()));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::algorithm::{Ec, Hs};
    use crate::key::HsKey;
    use crate::signing::SigningKey;

    const HS256: Algorithm = Algorithm::Hs(Hs::Hs256);
    const ES256: Algorithm = Algorithm::Ec(Ec::Es256);

    fn key(id: Option<&str>, fill: u8) -> Key {
        let key = Key::from(HsKey::new(Hs::Hs256, &[fill; 32]).expect("long enough"));
        match id {
            Some(id) => key.with_id(id).expect("short enough"),
            None => key,
        }
    }

    #[test]
    fn a_kid_is_looked_up_and_nothing_else() {
        let set = KeySet::new(vec![key(Some("a"), 1), key(Some("b"), 2)]).expect("a set");
        assert_eq!(set.find(HS256, Some("b")).expect("b").id(), Some("b"));
        for kid in ["", "c", "../a", "a' OR 1=1", "A"] {
            assert_eq!(set.find(HS256, Some(kid)).err(), Some(Reject::UnknownKey));
            assert!(!set.knows(kid));
        }
        assert_eq!(set.find(ES256, Some("a")).err(), Some(Reject::Algorithm));
        assert_eq!(
            set.find(HS256, None).err(),
            Some(Reject::UnknownKey),
            "two fit"
        );
    }

    #[test]
    fn without_ids_the_one_key_that_fits_is_taken() {
        let set = KeySet::new(vec![key(None, 1)]).expect("a set");
        assert!(set.find(HS256, None).is_ok());
        assert!(
            set.find(HS256, Some("whatever the issuer calls it"))
                .is_ok()
        );
        assert_eq!(set.find(ES256, None).err(), Some(Reject::UnknownKey));
        let two = KeySet::new(vec![key(None, 1), key(None, 2)]).expect("a set");
        assert_eq!(two.find(HS256, None).err(), Some(Reject::UnknownKey));
        assert_eq!(
            KeySet::empty().find(HS256, None).err(),
            Some(Reject::NoKeys)
        );
    }

    #[test]
    fn repeated_ids_and_mixed_families_are_refused() {
        assert_eq!(
            KeySet::new(vec![key(Some("a"), 1), key(Some("a"), 2)]).err(),
            Some(ConfigError::RepeatedKid("a".to_owned()))
        );
        let public = SigningKey::generate(ES256).and_then(|key| key.verifying());
        assert_eq!(
            KeySet::new(vec![key(None, 1), public.expect("a key")]).err(),
            Some(ConfigError::MixedKeys)
        );
    }

    #[test]
    fn every_set_has_its_own_generation() {
        let (a, b) = (KeySet::empty(), KeySet::empty());
        assert_ne!(a.generation(), b.generation());
        assert_eq!(a.generation(), a.clone().generation());
    }
}
