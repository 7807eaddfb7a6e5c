//! Tokens for applications that issue their own.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::algorithm::Algorithm;
use crate::error::ConfigError;
use crate::key::MAX_KID;
use crate::signing::SigningKey;

/// How long a token lives by default, in seconds.
pub const EXPIRATION: u32 = 3600;

/// Signs claims; see [`crate::verify`] for an example.
#[derive(Debug)]
pub struct Issuing {
    key: SigningKey,
    kid: Option<String>,
    typ: String,
    issuer: Option<String>,
    audience: Option<String>,
    expiration: u32,
}

impl Issuing {
    /// Signs with this key; `typ` is JWT, and a token lives for [`EXPIRATION`].
    pub fn new(key: SigningKey) -> Self {
        Self {
            key,
            kid: None,
            typ: "JWT".to_owned(),
            issuer: None,
            audience: None,
            expiration: EXPIRATION,
        }
    }

    /// The `kid` of the key: 1 to 256 bytes.
    ///
    /// # Errors
    /// [`ConfigError::KidLength`].
    pub fn kid(mut self, kid: &str) -> Result<Self, ConfigError> {
        if kid.is_empty() || kid.len() > MAX_KID {
            return Err(ConfigError::KidLength);
        }
        self.kid = Some(kid.to_owned());
        Ok(self)
    }

    /// `typ` of the header: `at+jwt` for access tokens of RFC 9068.
    #[must_use]
    pub fn typ(mut self, typ: &str) -> Self {
        typ.clone_into(&mut self.typ);
        self
    }

    /// `iss` of the claims that have none.
    #[must_use]
    pub fn issuer(mut self, issuer: &str) -> Self {
        self.issuer = Some(issuer.to_owned());
        self
    }

    /// `aud` of the claims that have none.
    #[must_use]
    pub fn audience(mut self, audience: &str) -> Self {
        self.audience = Some(audience.to_owned());
        self
    }

    /// How long a token lives, in seconds.
    #[must_use]
    pub const fn expiration(mut self, seconds: u32) -> Self {
        self.expiration = seconds;
        self
    }

    /// The key.
    pub const fn key(&self) -> &SigningKey {
        &self.key
    }

    /// Signs these claims, a JSON object. What they lack is added: `iat` (`now`, in seconds since the epoch), `exp`, `jti`
    /// (from `random`, which must not be predictable: by it a token is revoked), `iss` and `aud` if set.
    ///
    /// # Errors
    /// [`ConfigError::Claims`] if they are no object, or a date is no integer; [`ConfigError::Sign`].
    pub fn encode<T: Serialize + ?Sized>(
        &self,
        claims: &T,
        now: u64,
        random: [u8; 16],
    ) -> Result<String, ConfigError> {
        let unencodable = |_| ConfigError::Claims("they cannot be written as JSON");
        let Value::Object(mut claims) = serde_json::to_value(claims).map_err(unencodable)? else {
            return Err(ConfigError::Claims("they are not a JSON object"));
        };
        let mut add = |name: &str, value: Option<Value>| {
            if let (Some(value), false) = (value, claims.contains_key(name)) {
                claims.insert(name.to_owned(), value);
            }
        };
        add("iat", Some(now.into()));
        add(
            "exp",
            Some(now.saturating_add(self.expiration.into()).into()),
        );
        add("jti", Some(URL_SAFE_NO_PAD.encode(random).into()));
        add("iss", self.issuer.as_deref().map(Value::from));
        add("aud", self.audience.as_deref().map(Value::from));
        if ["iat", "exp", "nbf"]
            .iter()
            .any(|date| claims.get(*date).is_some_and(|v| !v.is_i64()))
        {
            return Err(ConfigError::Claims("iat, exp and nbf are integers"));
        }
        let header = self.header();
        let [header, claims] = [header, claims].map(|object| Value::Object(object).to_string());
        let mut token = URL_SAFE_NO_PAD.encode(header);
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(claims, &mut token);
        let signature = self.key.sign(token.as_bytes())?;
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        Ok(token)
    }

    fn header(&self) -> Map<String, Value> {
        let alg = match self.key.algorithm() {
            // what the libraries in use know; the name of RFC 9864 is read as well
            Algorithm::Ed25519 => "EdDSA",
            other => other.name(),
        };
        let mut header = Map::new();
        header.insert("typ".to_owned(), json!(self.typ));
        header.insert("alg".to_owned(), json!(alg));
        if let Some(kid) = &self.kid {
            header.insert("kid".to_owned(), json!(kid));
        }
        header
    }
}
