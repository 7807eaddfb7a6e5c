//! The compact form of a signed token (RFC 7515 section 7.1), and every rule that holds before a key is asked.
//!
//! ```text
//! token = BASE64URL(header) "." BASE64URL(payload) "." BASE64URL(signature)
//! ```
//!
//! Decision order:
//! 1. size; five parts are an encrypted token (RFC 7516), anything but three is malformed;
//! 2. base64url without padding, in canonical form: the unused bits of the last character are zero, so that one token has
//!    one spelling (a cache or a revocation by hash would miss the others);
//! 3. the header is one strict JSON object: valid UTF-8, no repeated member, at most 8 levels;
//! 4. `crit` names only extensions that were listed, each of them present; `b64` is refused (RFC 7797), and so is `enc`;
//! 5. `alg` is a known name, and allowed; `kid` has at most 256 bytes;
//! 6. the key is found by `kid` and `alg`, and the signature is that of the key.
//!
//! `jwk`, `jku`, `x5u`, `x5c` and `x5t` of a header are never read: a token does not bring its own key. Nothing of the
//! payload is read before its signature is verified.
//!
//! ```
//! use mantlet_token::{Algorithms, HsKey, Hs, Key, KeySet, Reject, jws};
//! let keys = KeySet::new(vec![Key::from(HsKey::new(Hs::Hs256, &[7; 32])?)])?;
//! let rules = jws::Rules::new(Algorithms::new(["HS256"])?);
//! let unsigned = b"eyJhbGciOiJub25lIn0.e30.";
//! assert_eq!(jws::verify(unsigned, &keys, &rules).err(), Some(Reject::Algorithm));
//! # Ok::<(), mantlet_token::ConfigError>(())
//! ```

use std::borrow::Cow;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::algorithm::{Algorithm, Algorithms};
use crate::error::ConfigError;
use crate::key::MAX_KID;
use crate::keyset::KeySet;
use crate::reject::Reject;
use crate::strict::{self, Member};

/// The largest token by default, in bytes.
pub const MAX_TOKEN: usize = 8 * 1024;
/// The largest header, decoded, in bytes.
pub const MAX_HEADER: usize = 2 * 1024;
/// The largest signature, in bytes: RSA with 8192 bits.
const MAX_SIGNATURE: usize = 1024;

/// What a token has to meet before its claims are read.
#[derive(Clone, Debug)]
pub struct Rules {
    algorithms: Algorithms,
    extensions: Vec<String>,
    max_size: usize,
}

impl Rules {
    /// These algorithms, at most [`MAX_TOKEN`] bytes, no critical extension.
    pub const fn new(algorithms: Algorithms) -> Self {
        Self {
            algorithms,
            extensions: Vec::new(),
            max_size: MAX_TOKEN,
        }
    }

    /// The largest token, in bytes.
    #[must_use]
    pub const fn max_size(mut self, bytes: usize) -> Self {
        self.max_size = bytes;
        self
    }

    /// A critical extension that the application understands and enforces; it reads it from [`Signed::header`].
    ///
    /// # Errors
    /// [`ConfigError::Extension`] for a member that RFC 7515 defines, and for `b64`.
    pub fn extension(mut self, name: &str) -> Result<Self, ConfigError> {
        if STANDARD.contains(&name) {
            return Err(ConfigError::Extension(name.to_owned()));
        }
        self.extensions.push(name.to_owned());
        Ok(self)
    }

    pub(crate) const fn largest(&self) -> usize {
        self.max_size
    }

    /// The allowed algorithms.
    pub const fn algorithms(&self) -> &Algorithms {
        &self.algorithms
    }
}

/// Members that cannot be critical (RFC 7515 section 4.1.11), and `b64`.
const STANDARD: [&str; 13] = [
    "alg", "jku", "jwk", "kid", "x5u", "x5c", "x5t", "x5t#S256", "typ", "cty", "crit", "b64", "enc",
];

/// A token whose signature was verified: the payload is what the key's owner signed.
pub struct Signed {
    algorithm: Algorithm,
    typ: Option<Box<str>>,
    header: Option<Box<str>>,
    payload: Vec<u8>,
}

impl Signed {
    /// The algorithm of the signature.
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// `typ` of the header, as written.
    pub fn typ(&self) -> Option<&str> {
        self.typ.as_deref()
    }

    /// The JSON of the header, kept only if critical extensions are listed.
    pub fn header(&self) -> Option<&str> {
        self.header.as_deref()
    }

    /// The payload.
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    pub(crate) fn into_payload(self) -> Vec<u8> {
        self.payload
    }
}

impl fmt::Debug for Signed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Signed({}, {} bytes)",
            self.algorithm,
            self.payload.len()
        )
    }
}

/// Verifies a token, whatever its payload is.
///
/// # Errors
/// [`Reject`] as the decision order of this module says.
pub fn verify(token: &[u8], keys: &KeySet, rules: &Rules) -> Result<Signed, Reject> {
    let parts = Parts::split(token, rules.max_size)?;
    let mut space = [0; MAX_HEADER];
    let json = text_into(parts.header, &mut space).ok_or(Reject::Malformed)?;
    let header = Header::read(json, rules)?;
    let mut space = [0; MAX_SIGNATURE];
    let signature = decode_into(parts.signature, &mut space).ok_or(Reject::Malformed)?;
    let payload = URL_SAFE_NO_PAD
        .decode(parts.payload)
        .map_err(|_| Reject::Malformed)?;
    let key = keys.find(header.algorithm, header.kid.as_deref())?;
    if !key.verify(header.algorithm, parts.signed, signature) {
        return Err(Reject::Signature);
    }
    Ok(Signed {
        algorithm: header.algorithm,
        typ: header.typ.map(|typ| typ.into_owned().into()),
        header: (!rules.extensions.is_empty()).then(|| json.into()),
        payload,
    })
}

/// The `kid` of a token that nobody has verified: to look for new keys, and for nothing else.
///
/// # Errors
/// [`Reject`] as the first five steps of this module's decision order say.
pub fn unverified_kid(token: &[u8], rules: &Rules) -> Result<Option<String>, Reject> {
    let parts = Parts::split(token, rules.max_size)?;
    let mut space = [0; MAX_HEADER];
    let json = text_into(parts.header, &mut space).ok_or(Reject::Malformed)?;
    Header::read(json, rules).map(|header| header.kid.map(Cow::into_owned))
}

/// The three parts, still encoded.
struct Parts<'t> {
    header: &'t [u8],
    payload: &'t [u8],
    signature: &'t [u8],
    /// Header, dot, payload: what is signed.
    signed: &'t [u8],
}

impl<'t> Parts<'t> {
    fn split(token: &'t [u8], max_size: usize) -> Result<Self, Reject> {
        if token.len() > max_size {
            return Err(Reject::TooLarge);
        }
        let mut dots = memchr::memchr_iter(b'.', token);
        let (Some(first), Some(second)) = (dots.next(), dots.next()) else {
            return Err(Reject::Malformed);
        };
        match dots.count() {
            0 => {}
            2 => return Err(Reject::Encrypted),
            _ => return Err(Reject::Malformed),
        }
        let header = &token[..first];
        if header.len() > MAX_HEADER.div_ceil(3) * 4 {
            return Err(Reject::TooLarge);
        }
        Ok(Self {
            header,
            payload: &token[first + 1..second],
            signature: &token[second + 1..],
            signed: &token[..second],
        })
    }
}

/// What is read of a header.
struct Header<'h> {
    algorithm: Algorithm,
    kid: Option<Cow<'h, str>>,
    typ: Option<Cow<'h, str>>,
}

impl<'h> Header<'h> {
    fn read(json: &'h str, rules: &Rules) -> Result<Self, Reject> {
        let (mut alg, mut kid, mut typ, mut crit) = (None, None, None, None);
        let (mut unencoded, mut encrypted) = (false, false);
        strict::members(json, |name, value| match name {
            "alg" => alg = Some(value),
            "kid" => kid = Some(value),
            "typ" => typ = Some(value),
            "crit" => crit = Some(value),
            "b64" => unencoded = true,
            "enc" => encrypted = true,
            _ => {}
        })
        .ok_or(Reject::Malformed)?;
        if encrypted {
            return Err(Reject::Encrypted);
        }
        if unencoded {
            return Err(Reject::Critical);
        }
        if let Some(crit) = crit {
            understood(crit, json, &rules.extensions)?;
        }
        let text = |member: Option<Member<'h>>| match member {
            None => Ok(None),
            Some(member) => member.text().map(Some).ok_or(Reject::Malformed),
        };
        let algorithm = text(alg)?
            .ok_or(Reject::Malformed)
            .and_then(|name| Algorithm::named(&name).ok_or(Reject::Algorithm))?;
        if !rules.algorithms.contains(algorithm) {
            return Err(Reject::Algorithm);
        }
        let kid = text(kid)?;
        if kid.as_ref().is_some_and(|kid| kid.len() > MAX_KID) {
            return Err(Reject::Malformed);
        }
        Ok(Self {
            algorithm,
            kid,
            typ: text(typ)?,
        })
    }
}

/// `crit` is a list that is not empty, without repetition, of extensions that are listed and present.
fn understood(crit: Member<'_>, json: &str, extensions: &[String]) -> Result<(), Reject> {
    let Member::List(Some(names)) = crit else {
        return Err(Reject::Critical);
    };
    let listed = |name: &Cow<'_, str>| extensions.iter().any(|known| known == name);
    let present = |name: &Cow<'_, str>| strict::member(json, name).is_some();
    let repeated = |at: usize| names[..at].contains(&names[at]);
    let fine = !names.is_empty()
        && names.iter().all(|name| listed(name) && present(name))
        && !(1..names.len()).any(repeated);
    if fine { Ok(()) } else { Err(Reject::Critical) }
}

fn decode_into<'s>(text: &[u8], space: &'s mut [u8]) -> Option<&'s [u8]> {
    let length = URL_SAFE_NO_PAD.decode_slice(text, space).ok()?;
    space.get(..length)
}

fn text_into<'s>(text: &[u8], space: &'s mut [u8]) -> Option<&'s str> {
    str::from_utf8(decode_into(text, space)?).ok()
}
