//! Who is counted: hashes, so that nobody can choose what collides, and no store holds an address or a credential.

use std::hash::Hasher;

use sha2::{Digest, Sha256};
use siphasher::sip128::{Hasher128, SipHasher13};

/// What the keys of one process are hashed with; drawn once, never told.
#[derive(Clone, Copy)]
pub struct Secret(pub(crate) [u8; 16]);

impl Secret {
    /// From 16 random bytes.
    pub const fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The hash of `parts` (SipHash-1-3 with 128 bits), each of them told apart from the next.
    pub fn key(&self, parts: &[&[u8]]) -> Key {
        let mut hash = SipHasher13::new_with_key(&self.0);
        for part in parts {
            hash.write_u64(part.len() as u64);
            hash.write(part);
        }
        Key(hash.finish128().into())
    }

    pub(crate) const fn words(&self) -> [u64; 2] {
        let number = u128::from_le_bytes(self.0);
        [number as u64, (number >> 64) as u64]
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// Who is counted, in this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key(pub(crate) u128);

/// Who is counted, wherever several processes count together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RemoteKey([u8; 16]);

impl RemoteKey {
    /// The hash of `parts`, each of them told apart from the next.
    pub fn new(parts: &[&[u8]]) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&hash.finalize()[..16]);
        Self(bytes)
    }

    /// The hash.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::{RemoteKey, Secret};

    #[test]
    fn parts_are_told_apart() {
        let secret = Secret::new([7; 16]);
        let keys: [&[&[u8]]; 5] = [
            &[b"ab", b"c"],
            &[b"a", b"bc"],
            &[b"abc"],
            &[b"abc", b""],
            &[],
        ];
        for (at, one) in keys.iter().enumerate() {
            for other in &keys[at + 1..] {
                assert_ne!(secret.key(one), secret.key(other), "{one:?} {other:?}");
                assert_ne!(RemoteKey::new(one), RemoteKey::new(other));
            }
        }
    }

    #[test]
    fn a_key_depends_on_the_secret_and_on_nothing_else() {
        let parts: &[&[u8]] = &[b"client", &[192, 0, 2, 1]];
        let secret = Secret::new([1; 16]);
        assert_eq!(secret.key(parts), secret.key(parts));
        assert_ne!(secret.key(parts), Secret::new([2; 16]).key(parts));
    }

    #[test]
    fn a_secret_is_not_printed() {
        assert_eq!(format!("{:?}", Secret::new([9; 16])), "Secret(..)");
    }
}
