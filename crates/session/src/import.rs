//! Reads the signed cookies of Starlette and Flask, so that users stay logged in while an application moves here.
//!
//! Reading only: such a cookie is readable by everybody, works after a logout until its time is over, and is signed with
//! SHA-1 (as an HMAC, where it still holds). Read it once, when the own cookie is missing; put the data into a new session;
//! call [`crate::Session::auth_changed`]; and take the old cookie away. The format is that of itsdangerous 2:
//!
//! ```text
//! starlette = BASE64( JSON ) "." time "." signature      ; TimestampSigner, key = SHA1( salt "signer" secret )
//! flask     = [ "." ] BASE64URL( JSON or zlib ) "." time "." signature   ; key = HMAC-SHA1( secret, "cookie-session" )
//! time      = BASE64URL( big-endian seconds since the epoch )
//! ```
//!
//! ```
//! use mantlet_session::import;
//! let cookie = b"eyJ1c2VyX2lkIjoiYWxpY2UiLCJuIjo3fQ.a0nSAA.V90EuYm-dDT3tvEF18m3JA7DE0U";
//! let two_weeks = 14 * 24 * 3600; // seconds
//! let imported = import::flask(b"a flask secret", cookie, two_weeks, 1_800_000_100)?;
//! assert_eq!(imported.data["user_id"], "alice");
//! assert_eq!(imported.signed_at, 1_800_000_000);
//! # Ok::<(), import::ImportError>(())
//! ```

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use aws_lc_rs::hmac::{self, HMAC_SHA1_FOR_LEGACY_USE_ONLY};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::Value;
use thiserror::Error;

use crate::record::Data;

/// The longest cookie that is read, in bytes.
const MAX_COOKIE: usize = 8 * 1024;
/// The most that a compressed cookie may become, in bytes.
const MAX_JSON: usize = 64 * 1024;

/// A session of another library.
#[derive(Clone, Debug, PartialEq)]
pub struct Imported {
    /// Its data; what JSON has no type for is a text (UUIDs, dates, bytes in base64) or a list (tuples).
    pub data: Data,
    /// When it was signed, in seconds since the epoch.
    pub signed_at: u64,
}

/// Why a cookie is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ImportError {
    /// It is not of this format.
    #[error("the cookie is not of this library's format")]
    Malformed,
    /// It was not signed with this secret.
    #[error("the cookie was not signed with this secret")]
    Signature,
    /// It is older than it may be, or from the future.
    #[error("the cookie is too old")]
    Expired,
}

/// Reads the cookie of Starlette's SessionMiddleware. `max_age` and `now` are in seconds.
///
/// # Errors
/// [`ImportError`].
pub fn starlette(
    secret: &[u8],
    cookie: &[u8],
    max_age: u64,
    now: u64,
) -> Result<Imported, ImportError> {
    let input = [b"itsdangerous.Signersigner", secret].concat();
    let key = digest(&SHA1_FOR_LEGACY_USE_ONLY, &input);
    let (payload, signed_at) = unsign(key.as_ref(), cookie, max_age, now)?;
    let json = STANDARD
        .decode(payload)
        .map_err(|_| ImportError::Malformed)?;
    object(&json).map(|data| Imported { data, signed_at })
}

/// Reads the session cookie of Flask. `max_age`, Flask's `PERMANENT_SESSION_LIFETIME`, and `now` are in seconds.
///
/// # Errors
/// [`ImportError`].
pub fn flask(
    secret: &[u8],
    cookie: &[u8],
    max_age: u64,
    now: u64,
) -> Result<Imported, ImportError> {
    let key = hmac::sign(
        &hmac::Key::new(HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret),
        b"cookie-session",
    );
    let (payload, signed_at) = unsign(key.as_ref(), cookie, max_age, now)?;
    let decode = |text: &[u8]| {
        URL_SAFE_NO_PAD
            .decode(text)
            .map_err(|_| ImportError::Malformed)
    };
    let json = match payload.strip_prefix(b".") {
        Some(compressed) => {
            miniz_oxide::inflate::decompress_to_vec_zlib_with_limit(&decode(compressed)?, MAX_JSON)
                .map_err(|_| ImportError::Malformed)?
        }
        None => decode(payload)?,
    };
    let mut data = object(&json)?;
    // the whole may be tagged too: a dict whose one name looks like a tag
    let whole = untagged(Value::Object(std::mem::take(&mut data)));
    match whole {
        Value::Object(data) => Ok(Imported { data, signed_at }),
        _ => Err(ImportError::Malformed),
    }
}

/// Checks signature and age; the payload, and when it was signed.
fn unsign<'a>(
    key: &[u8],
    cookie: &'a [u8],
    max_age: u64,
    now: u64,
) -> Result<(&'a [u8], u64), ImportError> {
    if cookie.len() > MAX_COOKIE {
        return Err(ImportError::Malformed);
    }
    let split = |text: &'a [u8]| {
        let dot = text
            .iter()
            .rposition(|&b| b == b'.')
            .ok_or(ImportError::Malformed)?;
        Ok((&text[..dot], &text[dot + 1..]))
    };
    let (signed, signature) = split(cookie)?;
    let signature = URL_SAFE_NO_PAD
        .decode(signature)
        .map_err(|_| ImportError::Malformed)?;
    let expected = hmac::sign(&hmac::Key::new(HMAC_SHA1_FOR_LEGACY_USE_ONLY, key), signed);
    verify_slices_are_equal(expected.as_ref(), &signature).map_err(|_| ImportError::Signature)?;
    let (payload, time) = split(signed)?;
    let time = URL_SAFE_NO_PAD
        .decode(time)
        .map_err(|_| ImportError::Malformed)?;
    if time.len() > 8 {
        return Err(ImportError::Malformed);
    }
    let signed_at = time
        .iter()
        .fold(0, |time: u64, &byte| time << 8 | u64::from(byte));
    match now.checked_sub(signed_at) {
        Some(age) if age <= max_age => Ok((payload, signed_at)),
        _ => Err(ImportError::Expired),
    }
}

fn object(json: &[u8]) -> Result<Data, ImportError> {
    serde_json::from_slice(json).map_err(|_| ImportError::Malformed)
}

/// Without the tags of Flask's TaggedJSONSerializer: an object of one member whose name is a tag.
// the depth is that of the JSON reader, 128 levels
fn untagged(value: Value) -> Value {
    match value {
        Value::Array(list) => Value::Array(list.into_iter().map(untagged).collect()),
        Value::Object(data) if data.len() == 1 => {
            let mut members = data.into_iter();
            let Some((name, inner)) = members.next() else {
                return Value::Null;
            };
            match name.as_str() {
                " t" | " b" | " m" | " u" | " d" => untagged(inner),
                " di" => match inner {
                    Value::Object(data) => Value::Object(
                        data.into_iter()
                            .map(|(name, value)| match name.strip_suffix("__") {
                                Some(name) => (name.to_owned(), untagged(value)),
                                None => (name, untagged(value)),
                            })
                            .collect(),
                    ),
                    other => untagged(other),
                },
                _ => Value::Object([(name, untagged(inner))].into_iter().collect()),
            }
        }
        Value::Object(data) => Value::Object(
            data.into_iter()
                .map(|(name, value)| (name, untagged(value)))
                .collect(),
        ),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Signed by itsdangerous 2.2.0 in Flask 3.1.3 and Starlette 1.10.0 at this time.
    const SIGNED: u64 = 1_800_000_000;
    const FLASK: &[u8] = b"a flask secret";
    const STARLETTE: &[u8] = b"a starlette secret";
    const STARLETTE_COOKIE: &str =
        "eyJ1c2VyIjogImFsaWNlIiwgIm4iOiA3fQ==.a0nSAA.I5_tfLvx0DBDDmt9vB50EV4nNTA";

    fn of_flask(cookie: &str) -> Result<Value, ImportError> {
        flask(FLASK, cookie.as_bytes(), 60, SIGNED + 60)
            .map(|imported| Value::Object(imported.data))
    }

    #[test]
    fn starlette_is_read() {
        let imported =
            starlette(STARLETTE, STARLETTE_COOKIE.as_bytes(), 60, SIGNED + 60).expect("signed");
        assert_eq!(
            Value::Object(imported.data),
            json!({"user": "alice", "n": 7})
        );
        assert_eq!(imported.signed_at, SIGNED);
    }

    #[test]
    fn flask_is_read_with_its_tags_and_compressed() {
        let tagged = ".eJyrVipRsqpWUgCS0YY6RrG1OkqlYAEgqWRoZGxiamZugYtWAqpOAqsGkkqOARa2IJEUsAiQVAouzdNRMDJS8MsvUzAyMDJTMDSyMjAAIgV33xCQ0hygrdVKiXAXGMfW1sbWAgBBtSRQ.a0nSAA.xoMKuZQ3r-z6JUPYu2AAD61FneQ";
        assert_eq!(
            of_flask(tagged),
            Ok(json!({
                "t": [1, 2],
                "u": "12345678123456781234567812345678",
                "b": "AP8=",
                "d": "Sun, 22 Nov 2026 12:00:00 GMT",
                "l": [{"a": [3]}],
            }))
        );
        let long = ".eJyrVipITFGyUqoYBYMKKNUCAAl6vnA.a0nSAA.nl9l1gK26K5zBwvqebFbW2zKc3Q";
        assert_eq!(of_flask(long), Ok(json!({"pad": "x".repeat(400)})));
        let escaped = "eyJlIjp7IiBkaSI6eyIgdF9fIjpbMV19fX0.a0nSAA.YLlD57luucPTi4dgNEiNxdf1o7M";
        assert_eq!(of_flask(escaped), Ok(json!({"e": {" t": [1]}})));
        let whole = "eyIgZGkiOnsiIHRfXyI6MX19.a0nSAA.CWOgwOaNzibCVRMqrHMmrKKCDA4";
        assert_eq!(of_flask(whole), Ok(json!({" t": 1})));
    }

    #[test]
    fn changed_old_and_foreign_cookies_are_refused() {
        let good = STARLETTE_COOKIE.as_bytes();
        let read = |secret: &[u8], cookie: &[u8], now| starlette(secret, cookie, 60, now).err();
        assert_eq!(read(b"another", good, SIGNED), Some(ImportError::Signature));
        assert_eq!(
            read(STARLETTE, good, SIGNED + 61),
            Some(ImportError::Expired)
        );
        assert_eq!(
            read(STARLETTE, good, SIGNED - 1),
            Some(ImportError::Expired)
        );
        for at in 0..good.len() {
            let mut changed = good.to_vec();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            assert!(read(STARLETTE, &changed, SIGNED).is_some(), "{at}");
            assert!(read(STARLETTE, &good[..at], SIGNED).is_some(), "{at}");
        }
        // a Flask cookie under the same secret is none of Starlette's
        let foreign = "eyJ1c2VyX2lkIjoiYWxpY2UiLCJuIjo3fQ.a0nSAA.V90EuYm-dDT3tvEF18m3JA7DE0U";
        assert_eq!(
            read(FLASK, foreign.as_bytes(), SIGNED),
            Some(ImportError::Signature)
        );
        assert_eq!(
            read(STARLETTE, &[b'.'; 9000], SIGNED),
            Some(ImportError::Malformed)
        );
    }
}
