//! Who is counted: hashes, so that nobody can choose what collides, and no store holds an address or a credential.

use sha2::{Digest, Sha256};

/// What the keys of one process are hashed with; drawn once, never told.
#[derive(Clone, Copy)]
pub struct Secret(pub(crate) [u8; 16]);

impl Secret {
    /// From 16 random bytes.
    pub const fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
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
