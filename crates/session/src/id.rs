//! The id of a session: 256 random bits under a MAC, so that a forged one never reaches the store.
//!
//! ```text
//! cookie value = "v1." BASE64URL( key id [4] | family [16] | secret [32] | MAC [16] )
//! row key      = SHA-256( "row" | family )
//! proof        = SHA-256( "id" | family | secret )
//! ```
//!
//! The family names the row and stays when the id rotates; the secret is what rotates. The store keeps the two hashes alone:
//! who reads the store cannot make a cookie of it. The MAC (HMAC-SHA256, cut to 128 bits) is under a key of the ring that is
//! derived for this purpose and cookie name; its length is fixed, and every byte of the value is under it or is it.

use std::fmt;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest;
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::error::ConfigError;
use crate::ring::{KeyId, Keys, Purpose, Ring};

const VERSION: &str = "v1.";
const KEY: usize = 4;
const FAMILY: usize = 16;
const SECRET: usize = 32;
const MAC: usize = 16;
const LENGTH: usize = KEY + FAMILY + SECRET + MAC;

/// Where the store keeps a session: SHA-256 of the id's family.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RowKey([u8; 32]);

impl RowKey {
    /// The key of these bytes, as a store has kept them.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for RowKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RowKey({})", URL_SAFE_NO_PAD.encode(&self.0[..6]))
    }
}

/// What shows that a client has the id: SHA-256 of it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Proof(pub(crate) [u8; 32]);

impl Proof {
    /// The proof of these bytes, as a store has kept them.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    pub(crate) fn matches(&self, other: &Self) -> bool {
        verify_slices_are_equal(&self.0, &other.0).is_ok()
    }
}

impl fmt::Debug for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Proof")
    }
}

/// An id whose MAC was verified, or that was drawn here.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SessionId {
    family: [u8; FAMILY],
    secret: [u8; SECRET],
}

/// How many random bytes a new id takes.
pub(crate) const RANDOM: usize = FAMILY + SECRET;

impl SessionId {
    pub(crate) fn from_random(random: &[u8; RANDOM]) -> Self {
        let (mut family, mut secret) = ([0; FAMILY], [0; SECRET]);
        family.copy_from_slice(&random[..FAMILY]);
        secret.copy_from_slice(&random[FAMILY..]);
        Self { family, secret }
    }

    /// Where the store keeps it.
    pub fn row(&self) -> RowKey {
        RowKey(sha256(&[b"row", &self.family]))
    }

    /// What the store compares.
    pub fn proof(&self) -> Proof {
        Proof(sha256(&[b"id", &self.family, &self.secret]))
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionId")
    }
}

/// Makes and opens the values of one cookie name.
#[derive(Clone)]
pub struct IdSeal {
    macs: Vec<(KeyId, hmac::Key)>,
    rotation: Keys,
}

impl IdSeal {
    /// The seal of a ring for a cookie of this name.
    ///
    /// # Errors
    /// [`ConfigError::Derivation`].
    pub fn new(ring: &Ring, cookie: &str) -> Result<Self, ConfigError> {
        let keys = ring.derive(Purpose::Id, cookie)?;
        Ok(Self {
            macs: keys.map(|id, key| (id, hmac::Key::new(hmac::HMAC_SHA256, key))),
            rotation: ring.derive(Purpose::Rotation, cookie)?,
        })
    }

    /// The cookie value of an id.
    pub fn seal(&self, id: &SessionId) -> String {
        let (key_id, mac) = &self.macs[0];
        let mut bytes = [0; LENGTH];
        bytes[..KEY].copy_from_slice(&key_id.0);
        bytes[KEY..KEY + FAMILY].copy_from_slice(&id.family);
        bytes[KEY + FAMILY..LENGTH - MAC].copy_from_slice(&id.secret);
        let tag = hmac::sign(mac, &bytes[..LENGTH - MAC]);
        bytes[LENGTH - MAC..].copy_from_slice(&tag.as_ref()[..MAC]);
        let mut value = VERSION.to_owned();
        URL_SAFE_NO_PAD.encode_string(bytes, &mut value);
        value
    }

    /// The id of a cookie value; none if it is malformed, not canonical, or no key of the ring made it.
    pub fn open(&self, value: &[u8]) -> Option<SessionId> {
        let text = value.strip_prefix(VERSION.as_bytes())?;
        let mut bytes = [0; LENGTH];
        let length = URL_SAFE_NO_PAD.decode_slice(text, &mut bytes).ok()?;
        if length != LENGTH {
            return None;
        }
        let (signed, tag) = bytes.split_at(LENGTH - MAC);
        let (_, mac) = self.macs.iter().find(|(id, _)| id.0 == signed[..KEY])?;
        let expected = hmac::sign(mac, signed);
        verify_slices_are_equal(&expected.as_ref()[..MAC], tag).ok()?;
        let (mut family, mut secret) = ([0; FAMILY], [0; SECRET]);
        family.copy_from_slice(&signed[KEY..KEY + FAMILY]);
        secret.copy_from_slice(&signed[KEY + FAMILY..]);
        Some(SessionId { family, secret })
    }

    /// The key that rotations are under now.
    pub(crate) fn rotation_key(&self) -> KeyId {
        self.rotation.first().0
    }

    /// The id that comes after this one under a key of the ring. It is computed, so that a client that never saw the response
    /// can be told again; without the ring nobody can compute it. None if the key has left the ring.
    pub(crate) fn next(&self, id: &SessionId, salt: &[u8; 16], key: KeyId) -> Option<SessionId> {
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.rotation.find(key)?);
        let input = [&id.family[..], &id.secret, salt].concat();
        let mut secret = [0; SECRET];
        secret.copy_from_slice(hmac::sign(&key, &input).as_ref());
        Some(SessionId {
            family: id.family,
            secret,
        })
    }
}

impl fmt::Debug for IdSeal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IdSeal({} keys)", self.macs.len())
    }
}

fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut context = digest::Context::new(&digest::SHA256);
    for part in parts {
        context.update(part);
    }
    let mut bytes = [0; 32];
    bytes.copy_from_slice(context.finish().as_ref());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ring::Secret;

    fn seal(fills: &[u8], cookie: &str) -> IdSeal {
        let secrets = fills
            .iter()
            .map(|&fill| Secret::new(&[fill; 32]).expect("long enough"));
        IdSeal::new(&Ring::new(secrets.collect()).expect("a ring"), cookie).expect("keys")
    }

    fn id(fill: u8) -> SessionId {
        SessionId::from_random(&[fill; RANDOM])
    }

    #[test]
    fn what_is_sealed_opens_and_nothing_else() {
        let ours = seal(&[1], "sid");
        let value = ours.seal(&id(9));
        assert_eq!(ours.open(value.as_bytes()), Some(id(9)));
        for at in 0..value.len() {
            for byte in [b'A', b'.', b'=', b'-', 0, 0xff] {
                let mut forged = value.clone().into_bytes();
                if forged[at] != byte {
                    forged[at] = byte;
                    assert_eq!(ours.open(&forged), None, "{at}");
                }
            }
            assert_eq!(ours.open(&value.as_bytes()[..at]), None);
        }
        assert_eq!(ours.open(format!("{value}A").as_bytes()), None);
        assert_eq!(ours.open(format!("{value}=").as_bytes()), None);
        assert_eq!(
            seal(&[2], "sid").open(value.as_bytes()),
            None,
            "another secret"
        );
        assert_eq!(
            seal(&[1], "other").open(value.as_bytes()),
            None,
            "another cookie"
        );
    }

    #[test]
    fn the_first_key_seals_and_all_open() {
        let (old, both, new) = (seal(&[1], "sid"), seal(&[2, 1], "sid"), seal(&[2], "sid"));
        let by_old = old.seal(&id(9));
        assert_eq!(both.open(by_old.as_bytes()), Some(id(9)));
        assert_eq!(new.open(both.seal(&id(9)).as_bytes()), Some(id(9)));
        assert_eq!(new.open(by_old.as_bytes()), None);
    }

    #[test]
    fn the_next_id_keeps_the_row_and_needs_the_ring() {
        let ours = seal(&[1], "sid");
        let key = ours.rotation_key();
        let next = ours.next(&id(9), &[3; 16], key).expect("the key is there");
        assert_eq!(next.row(), id(9).row());
        assert_ne!(next.proof(), id(9).proof());
        assert_eq!(ours.next(&id(9), &[3; 16], key), Some(next));
        assert_ne!(ours.next(&id(9), &[4; 16], key), Some(next));
        assert_eq!(seal(&[2], "sid").next(&id(9), &[3; 16], key), None);
    }

    #[test]
    fn secrets_do_not_print() {
        let text = format!("{:?} {:?} {:?}", id(1), id(1).proof(), seal(&[1], "sid"));
        assert_eq!(text, "SessionId Proof IdSeal(1 keys)");
    }
}
