//! The key ring: the first secret signs and seals, all of them verify.
//!
//! From each secret every purpose derives its own key (HKDF, RFC 5869), so that what was made for one purpose, or for a
//! cookie of another name, opens nothing else. The key's id stands in what it made: a ring does not guess.
//!
//! To change a secret without logging anybody out: add the new one behind the current one, deploy everywhere, move it to
//! the front, deploy, and drop the old one when the longest session is over.
//!
//! ```
//! use mantlet_session::{Ring, Secret};
//! let ring = Ring::new(vec![Secret::new(&[1; 32])?, Secret::new(&[2; 32])?])?;
//! assert_eq!(ring.len(), 2);
//! assert!(Secret::new(b"too short").is_err());
//! # Ok::<(), mantlet_session::ConfigError>(())
//! ```

use std::fmt;

use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Prk, Salt};
use zeroize::Zeroizing;

use crate::error::ConfigError;

/// The least length of a secret, in bytes.
pub const MIN_SECRET: usize = 32;
/// The most secrets of a ring.
pub const MAX_SECRETS: usize = 16;

/// A secret of the operator; it does not print, and it is wiped.
#[derive(Clone)]
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// A secret of at least [`MIN_SECRET`] bytes.
    ///
    /// # Errors
    /// [`ConfigError::ShortSecret`].
    pub fn new(secret: &[u8]) -> Result<Self, ConfigError> {
        if secret.len() < MIN_SECRET {
            return Err(ConfigError::ShortSecret(secret.len()));
        }
        Ok(Self(Zeroizing::new(secret.to_vec())))
    }

    /// A secret of any length, for settings of other libraries: whoever can guess it can make sessions.
    ///
    /// # Errors
    /// [`ConfigError::ShortSecret`] if it is empty.
    pub fn danger_short(secret: &[u8]) -> Result<Self, ConfigError> {
        if secret.is_empty() {
            return Err(ConfigError::ShortSecret(0));
        }
        Ok(Self(Zeroizing::new(secret.to_vec())))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// The secrets in their order.
#[derive(Clone, Debug)]
pub struct Ring(Vec<Secret>);

impl Ring {
    /// A ring of 1 to [`MAX_SECRETS`] secrets; the first signs.
    ///
    /// # Errors
    /// [`ConfigError`] if there is none, too many, or one twice.
    pub fn new(secrets: Vec<Secret>) -> Result<Self, ConfigError> {
        if secrets.is_empty() {
            return Err(ConfigError::NoSecret);
        }
        if secrets.len() > MAX_SECRETS {
            return Err(ConfigError::ManySecrets(secrets.len()));
        }
        let ids = secrets.iter().map(|secret| KeyId::of(&prk(secret)));
        let ids = ids.collect::<Result<Vec<KeyId>, _>>()?;
        if (1..ids.len()).any(|at| ids[..at].contains(&ids[at])) {
            return Err(ConfigError::RepeatedSecret);
        }
        Ok(Self(secrets))
    }

    /// How many secrets there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none; a ring always has one.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The key of each secret for one purpose and cookie name.
    pub(crate) fn derive(&self, purpose: Purpose, cookie: &str) -> Result<Keys, ConfigError> {
        let key = |secret: &Secret| {
            let prk = prk(secret);
            let info = [purpose.label(), cookie.as_bytes()];
            Ok((KeyId::of(&prk)?, expand(&prk, &info)?))
        };
        self.0.iter().map(key).collect::<Result<_, _>>().map(Keys)
    }
}

/// What a derived key is for.
#[derive(Clone, Copy)]
pub(crate) enum Purpose {
    /// The MAC of an id.
    Id,
    /// The next id of a rotation.
    Rotation,
    /// A sealed cookie.
    Seal,
}

impl Purpose {
    const fn label(self) -> &'static [u8] {
        match self {
            Self::Id => b"session id\0",
            Self::Rotation => b"session rotation\0",
            Self::Seal => b"session seal\0",
        }
    }
}

/// Names a secret of the ring without telling it; 4 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct KeyId(pub(crate) [u8; 4]);

impl KeyId {
    fn of(prk: &Prk) -> Result<Self, ConfigError> {
        let bytes = expand(prk, &[b"key id"])?;
        let mut id = [0; 4];
        id.copy_from_slice(&bytes[..4]);
        Ok(Self(id))
    }
}

/// One purpose's keys, the first one signs.
#[derive(Clone)]
pub(crate) struct Keys(Vec<(KeyId, Zeroizing<[u8; 32]>)>);

impl Keys {
    pub(crate) fn first(&self) -> (KeyId, &[u8; 32]) {
        // a ring is not empty
        let (id, key) = &self.0[0];
        (*id, key)
    }

    pub(crate) fn map<T>(&self, made: impl Fn(KeyId, &[u8; 32]) -> T) -> Vec<T> {
        self.0.iter().map(|(id, key)| made(*id, key)).collect()
    }

    pub(crate) fn find(&self, id: KeyId) -> Option<&[u8; 32]> {
        let (_, key) = self.0.iter().find(|(own, _)| *own == id)?;
        Some(key)
    }
}

fn prk(secret: &Secret) -> Prk {
    Salt::new(HKDF_SHA256, b"mantlet session 1").extract(&secret.0)
}

struct Length;

impl KeyType for Length {
    fn len(&self) -> usize {
        32
    }
}

fn expand(prk: &Prk, info: &[&[u8]]) -> Result<Zeroizing<[u8; 32]>, ConfigError> {
    let mut key = Zeroizing::new([0; 32]);
    prk.expand(info, Length)
        .and_then(|okm| okm.fill(&mut key[..]))
        .map_err(|_| ConfigError::Derivation)?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ring(fills: &[u8]) -> Result<Ring, ConfigError> {
        let secrets = fills.iter().map(|&fill| Secret::new(&[fill; 32]));
        Ring::new(secrets.collect::<Result<_, _>>()?)
    }

    #[test]
    fn purposes_names_and_secrets_have_their_own_keys() {
        let ring = ring(&[1, 2]).expect("a ring");
        let mut keys = Vec::new();
        for purpose in [Purpose::Id, Purpose::Rotation, Purpose::Seal] {
            for cookie in ["a", "b"] {
                let derived = ring.derive(purpose, cookie).expect("keys");
                keys.extend(derived.0.iter().map(|(_, key)| **key));
            }
        }
        assert!(keys.iter().all(|key| *key != [0; 32]));
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), 12);
    }

    #[test]
    fn empty_long_and_repeating_rings_are_refused() {
        assert_eq!(ring(&[]).err(), Some(ConfigError::NoSecret));
        assert_eq!(ring(&[1, 2, 1]).err(), Some(ConfigError::RepeatedSecret));
        let many: Vec<u8> = (0..17).collect();
        assert_eq!(ring(&many).err(), Some(ConfigError::ManySecrets(17)));
        assert!(Secret::danger_short(b"").is_err() && Secret::danger_short(b"x").is_ok());
        assert_eq!(format!("{:?}", Secret::new(&[7; 32])), "Ok(Secret)");
    }
}
