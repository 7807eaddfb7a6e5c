//! A verifier: keys and settings in, verified claims out.
//!
//! Decision order: what [`crate::jws`] says, `typ`, the types of the registered claims, `iss`, `aud`, required claims, `exp`,
//! `nbf`, `iat`, `max_age`, revocation. It fails closed: without a key everything is rejected.
//!
//! ```
//! use mantlet_token::{Algorithms, Issuing, KeySet, Reject, Settings, SigningKey, Verifier, jws};
//! let algorithms = Algorithms::new(["ES256"])?;
//! let key = SigningKey::generate(algorithms.iter().next().expect("one"))?;
//! let keys = KeySet::new(vec![key.verifying()?])?;
//! let mut settings = Settings::new(jws::Rules::new(algorithms));
//! settings.issuers = vec!["my-app".to_owned()];
//! let verifier = Verifier::new(settings, keys)?;
//!
//! let now = 1_800_000_000; // seconds since the epoch
//! let issuing = Issuing::new(key).issuer("my-app").expiration(900);
//! let token = issuing.encode(&serde_json::json!({ "sub": "alice" }), now, [1; 16])?;
//! let verified = verifier.verify(token.as_bytes(), now).expect("valid");
//! assert_eq!(verified.subject(), Some("alice"));
//! assert_eq!(verifier.verify(token.as_bytes(), now + 905).err(), Some(Reject::Expired));
//! # Ok::<(), mantlet_token::ConfigError>(())
//! ```

use std::fmt;
use std::sync::Arc;

use serde::de::DeserializeOwned;

use crate::algorithm::Algorithm;
use crate::claims::Registered;
use crate::error::ConfigError;
use crate::jws;
use crate::keyset::{Generation, KeySet};
use crate::profile::Settings;
use crate::reject::Reject;
use crate::strict;

/// Verifies tokens; cheap to clone.
#[derive(Clone, Debug)]
pub struct Verifier {
    settings: Arc<Settings>,
    keys: KeySet,
    generation: Generation,
}

impl Verifier {
    /// A verifier with these keys; with [`KeySet::empty`] it rejects everything until [`Verifier::with_keys`].
    ///
    /// # Errors
    /// [`ConfigError`] if the settings do not fit together.
    pub fn new(settings: Settings, keys: KeySet) -> Result<Self, ConfigError> {
        settings.check()?;
        Ok(Self {
            settings: Arc::new(settings),
            keys,
            generation: Generation::next(),
        })
    }

    /// The same settings with other keys. The old keys are gone, and no cached token is found again.
    #[must_use]
    pub fn with_keys(&self, keys: KeySet) -> Self {
        Self {
            settings: Arc::clone(&self.settings),
            keys,
            generation: Generation::next(),
        }
    }

    /// The number of this verifier: part of the key of every cached token.
    pub const fn generation(&self) -> Generation {
        self.generation
    }

    /// Its keys.
    pub const fn keys(&self) -> &KeySet {
        &self.keys
    }

    /// Its settings.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Verifies a token at `now`, in seconds since the epoch. Revocation is another question: see [`crate::Cache::verify`].
    ///
    /// # Errors
    /// [`Reject`] as the decision order of this module says.
    pub fn verify(&self, token: &[u8], now: u64) -> Result<Verified, Reject> {
        let signed = jws::verify(token, &self.keys, &self.settings.rules)?;
        self.settings.check_type(signed.typ())?;
        let (algorithm, header) = (signed.algorithm(), signed.header().map(Into::into));
        let payload = String::from_utf8(signed.into_payload()).map_err(|_| Reject::Claims)?;
        let registered = Registered::read(&payload, &self.settings)?;
        registered.check_time(now, &self.settings)?;
        Ok(Verified {
            algorithm,
            header,
            payload,
            registered,
        })
    }

    /// Checks again what time changes.
    ///
    /// # Errors
    /// [`Reject`] if the token is no longer valid, or not yet.
    pub fn recheck(&self, verified: &Verified, now: u64) -> Result<(), Reject> {
        verified.registered.check_time(now, &self.settings)
    }
}

/// A token that a [`Verifier`] has verified; nothing else makes one. It does not print its claims.
#[derive(Clone)]
pub struct Verified {
    algorithm: Algorithm,
    header: Option<Box<str>>,
    payload: String,
    registered: Registered,
}

impl Verified {
    /// The algorithm of the signature.
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// `iss`.
    pub fn issuer(&self) -> Option<&str> {
        self.registered.issuer.as_deref()
    }

    /// `sub`.
    pub fn subject(&self) -> Option<&str> {
        self.registered.subject.as_deref()
    }

    /// `jti`.
    pub fn id(&self) -> Option<&str> {
        self.registered.id.as_deref()
    }

    /// `sid` (OpenID Connect Front-Channel Logout section 3).
    pub fn session(&self) -> Option<&str> {
        self.registered.session.as_deref()
    }

    /// `client_id` (RFC 8693 section 4.3).
    pub fn client(&self) -> Option<&str> {
        self.registered.client.as_deref()
    }

    /// Each scope of `scope`, or else of `scp`.
    pub fn scopes(&self) -> impl Iterator<Item = &str> {
        let scopes = self.registered.scopes.as_deref().unwrap_or_default();
        scopes.split(' ').filter(|scope| !scope.is_empty())
    }

    /// `exp`, in seconds since the epoch, rounded down.
    pub const fn expires(&self) -> Option<i64> {
        self.registered.expires
    }

    /// `iat`, in seconds since the epoch, rounded up.
    pub const fn issued(&self) -> Option<i64> {
        self.registered.issued
    }

    /// The claims as the issuer wrote them: one JSON object without repeated members.
    pub fn payload(&self) -> &str {
        &self.payload
    }

    /// The JSON of the header, kept only if critical extensions are listed.
    pub fn header(&self) -> Option<&str> {
        self.header.as_deref()
    }

    /// One claim; none if it is not there.
    pub fn claim(&self, name: &str) -> Option<serde_json::Value> {
        strict::member(&self.payload, name)
    }

    /// All claims as a type of the application.
    ///
    /// # Errors
    /// That of serde if they are not of this type.
    pub fn claims<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_str(&self.payload)
    }

    /// What it takes in memory, in bytes; estimated from above.
    pub(crate) fn weight(&self) -> usize {
        // the registered claims are copies of parts of the payload
        size_of::<Self>()
            + 2 * self.payload.capacity()
            + self.header.as_ref().map_or(0, |h| h.len())
    }
}

impl fmt::Debug for Verified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Verified({}, {} bytes)",
            self.algorithm,
            self.payload.len()
        )
    }
}
