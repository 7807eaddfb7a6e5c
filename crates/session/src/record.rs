//! What the store keeps of one session.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use crate::id::{Proof, RowKey};
use crate::ring::KeyId;

/// The application's data: a JSON object.
pub type Data = Map<String, Value>;

/// One session. Times are in seconds since the epoch.
///
/// It is written as JSON for stores that keep bytes:
/// ```
/// use mantlet_session::{Proof, Record};
/// let record = Record::new(Proof::from_bytes([7; 32]), 1_800_000_000);
/// let text = serde_json::to_string(&record)?;
/// assert_eq!(serde_json::from_str::<Record>(&text)?, record);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Counts the saves: an update names the version that it has read.
    pub version: u64,
    /// Whose session it is; none before somebody logs in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// When it began.
    pub created: u64,
    /// When it was last used, as far as that was written.
    pub last_seen: u64,
    /// When its user logged in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_time: Option<u64>,
    /// When its id was last replaced.
    pub rotated: u64,
    /// What the id in force proves.
    #[serde(with = "bytes32")]
    current: [u8; 32],
    /// The id before that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Previous>,
    /// Set when another session has taken its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retired: Option<Retired>,
    /// The application's data.
    #[serde(default)]
    pub data: Data,
}

impl Record {
    /// An empty session that begins now, in seconds since the epoch.
    pub fn new(current: Proof, now: u64) -> Self {
        Self {
            version: 1,
            user: None,
            created: now,
            last_seen: now,
            auth_time: None,
            rotated: now,
            current: current.0,
            previous: None,
            retired: None,
            data: Data::new(),
        }
    }

    /// What the id in force proves.
    pub const fn current(&self) -> Proof {
        Proof(self.current)
    }

    pub(crate) const fn set_current(&mut self, proof: Proof) {
        self.current = proof.0;
    }

    /// What it takes in memory, in bytes; an estimate.
    pub fn weight(&self) -> usize {
        let user = self.user.as_ref().map_or(0, String::len);
        size_of::<Self>() + user + weight_of(&self.data)
    }
}

/// An id that was replaced, and how to compute the one that replaced it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Previous {
    #[serde(with = "bytes32")]
    proof: [u8; 32],
    #[serde(with = "bytes16")]
    salt: [u8; 16],
    #[serde(with = "bytes4")]
    key: [u8; 4],
    /// Until when it is taken: set when the new one first comes; until then nobody is known to have the new one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<u64>,
}

impl Previous {
    pub(crate) const fn new(proof: Proof, salt: [u8; 16], key: KeyId) -> Self {
        Self {
            proof: proof.0,
            salt,
            key: key.0,
            until: None,
        }
    }

    /// What the id proved.
    pub const fn proof(&self) -> Proof {
        Proof(self.proof)
    }

    pub(crate) const fn salt(&self) -> &[u8; 16] {
        &self.salt
    }

    pub(crate) const fn key(&self) -> KeyId {
        KeyId(self.key)
    }
}

/// A session whose place another one has taken, at a login.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Retired {
    /// Until when requests on their way may still read it.
    pub until: u64,
    #[serde(with = "bytes32")]
    successor: [u8; 32],
}

impl Retired {
    pub(crate) const fn new(until: u64, successor: &RowKey) -> Self {
        Self {
            until,
            successor: *successor.as_bytes(),
        }
    }

    /// The session that has taken its place.
    pub const fn successor(&self) -> RowKey {
        RowKey::from_bytes(self.successor)
    }
}

/// Bytes of a JSON object in memory; an estimate from above for small ones.
pub(crate) fn weight_of(data: &Data) -> usize {
    data.iter()
        .map(|(name, value)| 64 + name.len() + weight_of_value(value))
        .sum()
}

// the depth is that of the JSON reader, 128 levels
fn weight_of_value(value: &Value) -> usize {
    size_of::<Value>()
        + match value {
            Value::String(text) => text.len(),
            Value::Array(list) => list.iter().map(weight_of_value).sum(),
            Value::Object(data) => weight_of(data),
            _ => 0,
        }
}

fn write<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&URL_SAFE_NO_PAD.encode(bytes))
}

fn read<'de, D: Deserializer<'de>, const N: usize>(deserializer: D) -> Result<[u8; N], D::Error> {
    let text = String::deserialize(deserializer)?;
    let bytes = URL_SAFE_NO_PAD
        .decode(text)
        .map_err(|_| D::Error::custom("not base64url"))?;
    bytes.try_into().map_err(|_| D::Error::custom(Length(N)))
}

struct Length(usize);

impl fmt::Display for Length {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not {} bytes", self.0)
    }
}

macro_rules! bytes {
    ($($name:ident = $length:literal;)+) => {
        $(mod $name {
            use super::{Deserializer, Serializer};

            pub(super) fn serialize<S: Serializer>(bytes: &[u8; $length], serializer: S) -> Result<S::Ok, S::Error> {
                super::write(bytes, serializer)
            }

            pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<[u8; $length], D::Error> {
                super::read(deserializer)
            }
        })+
    };
}

bytes! {
    bytes32 = 32;
    bytes16 = 16;
    bytes4 = 4;
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_field_is_read_back() {
        let mut record = Record::new(Proof([1; 32]), 5);
        record.user = Some("alice".to_owned());
        record.auth_time = Some(6);
        record.previous = Some(Previous::new(Proof([2; 32]), [3; 16], KeyId([4; 4])));
        record.retired = Some(Retired::new(9, &RowKey::from_bytes([5; 32])));
        record
            .data
            .insert("cart".to_owned(), json!([1, {"a": null}]));
        let text = serde_json::to_string(&record).expect("JSON");
        assert_eq!(
            serde_json::from_str::<Record>(&text).expect("read back"),
            record
        );
        assert!(serde_json::from_str::<Record>(&text.replace("AQEB", "AQE")).is_err());
    }
}
