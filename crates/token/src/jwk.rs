//! Keys from text: a JWK or a set of them (RFC 7517), PEM, or an HMAC secret.
//!
//! A single key that cannot be used is an error. In a set, a key that is not for this verifier (another `use`, another
//! algorithm, a type that is not known) or that is weak is left out and told (RFC 7517 section 5); a set is refused if
//! nothing is left, if two keys have one `kid`, or if secrets and public keys are mixed. `x5u`, `x5c` and `x5t` of a key are not
//! read: a verifier believes the key, not who certifies it.
//!
//! ```
//! use mantlet_token::{Algorithms, jwk};
//! let algorithms = Algorithms::new(["EdDSA"])?;
//! let set = br#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"a","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},
//!                        {"kty":"RSA","use":"enc","kid":"b","n":"AQ","e":"AQAB"}]}"#;
//! let loaded = jwk::set(set, &algorithms, jwk::Provenance::Published)?;
//! assert_eq!(loaded.keys.len(), 1);
//! assert_eq!(loaded.left_out[0].kid.as_deref(), Some("b"));
//! # Ok::<(), mantlet_token::ConfigError>(())
//! ```

use aws_lc_rs::rsa::{KeyPair, KeyPairComponents, PublicKeyComponents};
use aws_lc_rs::signature::{EcdsaKeyPair, Ed25519KeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::Value;
use zeroize::Zeroizing;

use crate::algorithm::{Algorithm, Algorithms, Ec, Hs};
use crate::error::ConfigError;
use crate::key::{EcKey, Ed25519Key, HsKey, Key, Material, RsaKey, without_zeros};
use crate::keyset::distinct;
use crate::pem;
use crate::signing::SigningKey;
use crate::strict;

/// The most keys of a set.
pub const MAX_KEYS: usize = 64;
/// The most bytes of a set.
pub const MAX_SET: usize = 64 * 1024;

/// Where a set comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provenance {
    /// A file or a setting of the operator.
    Local,
    /// A document that everybody can read: a secret or private key in it is refused.
    Published,
}

/// Keys, and what was left out of the set that they come from.
#[derive(Debug, Default)]
pub struct Loaded {
    /// The keys that can be used; at least one.
    pub keys: Vec<Key>,
    /// The others.
    pub left_out: Vec<LeftOut>,
}

/// A key of a set that is not used.
#[derive(Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// Its `kid`, if it could be read.
    pub kid: Option<String>,
    /// Why.
    pub why: ConfigError,
}

/// Reads what a verifier was given as its key: PEM, a JWK, a set, or an HMAC secret.
///
/// A private key verifies with its public half.
///
/// # Errors
/// [`ConfigError`] if it is none of them, weak, or not for any of the algorithms.
pub fn load(text: &[u8], algorithms: &Algorithms) -> Result<Loaded, ConfigError> {
    let not_a_key = || ConfigError::NotAKey {
        algorithms: algorithms.to_string(),
    };
    let keyed = |json| strict::member(json, "keys").is_some();
    let json = is_json(text).then(|| str::from_utf8(text).is_ok_and(keyed));
    let keys = match json {
        Some(true) => return set(text, algorithms, Provenance::Local),
        _ if algorithms.is_symmetric() => secrets(text, algorithms)?,
        Some(false) => vec![read(text)?.key(algorithms)?],
        None if pem::is_pem(text) => {
            let text = std::str::from_utf8(text).map_err(|_| not_a_key())?;
            pem::public(text, algorithms)?
        }
        None => return Err(not_a_key()),
    };
    Ok(Loaded {
        keys,
        left_out: Vec::new(),
    })
}

/// Reads a JWK Set document (RFC 7517 section 5): at most [`MAX_SET`] bytes and [`MAX_KEYS`] keys.
///
/// # Errors
/// [`ConfigError`] if the document cannot be read or is too large, if no key is left, a `kid` is repeated, secrets and
/// public keys are mixed, or a published set has a secret or private key.
pub fn set(
    document: &[u8],
    algorithms: &Algorithms,
    provenance: Provenance,
) -> Result<Loaded, ConfigError> {
    #[derive(Deserialize)]
    struct Document {
        keys: Vec<Value>,
    }

    if document.len() > MAX_SET {
        return Err(ConfigError::LargeSet);
    }
    if !strict::is_object(document) {
        return Err(ConfigError::Jwk(
            "not a JSON object, or with a repeated member",
        ));
    }
    let Document { keys } = serde_json::from_slice(document)
        .map_err(|_| ConfigError::Jwk("a set has a list, \"keys\""))?;
    if keys.len() > MAX_KEYS {
        return Err(ConfigError::LargeSet);
    }
    let secrets = keys.iter().filter(|key| key["kty"] == "oct").count();
    if secrets != 0 && secrets != keys.len() {
        return Err(ConfigError::MixedKeys);
    }
    let private = |key: &Value| key["kty"] == "oct" || key.get("d").is_some();
    if provenance == Provenance::Published && keys.iter().any(private) {
        return Err(ConfigError::PublishedSecret);
    }
    let mut loaded = Loaded::default();
    for value in keys {
        let kid = value["kid"].as_str().map(str::to_owned);
        match Jwk::deserialize(value)
            .map_err(|_| ConfigError::Jwk("a member has a wrong type"))
            .and_then(|jwk| jwk.key(algorithms))
        {
            Ok(key) => loaded.keys.push(key),
            Err(why) => loaded.left_out.push(LeftOut { kid, why }),
        }
    }
    if loaded.keys.is_empty() {
        let first = loaded.left_out.first();
        return Err(ConfigError::NoKey {
            algorithms: algorithms.to_string(),
            first: first.map_or_else(String::new, |first| {
                format!("; the first one: {}", first.why)
            }),
        });
    }
    distinct(&loaded.keys)?;
    Ok(loaded)
}

/// Whether the text is meant as JSON; whether it is, the reading tells.
pub(crate) fn is_json(text: &[u8]) -> bool {
    text.trim_ascii_start().first() == Some(&b'{')
}

/// The HMAC keys of one secret: one for each of the algorithms.
fn secrets(text: &[u8], algorithms: &Algorithms) -> Result<Vec<Key>, ConfigError> {
    let list: Vec<Hs> = algorithms
        .iter()
        .filter_map(|algorithm| match algorithm {
            Algorithm::Hs(hs) => Some(hs),
            _ => None,
        })
        .collect();
    if list.len() > 1 && is_json(text) {
        return Ok(vec![read(text)?.key(algorithms)?]);
    }
    list.into_iter()
        .map(|hs| {
            let (key, kid) = secret(text, hs)?;
            match kid {
                Some(kid) => Key::from(key).with_id(&kid),
                None => Ok(key.into()),
            }
        })
        .collect()
}

/// An HMAC secret: the bytes as they are, or a JWK of type `oct`; with its `kid`.
pub(crate) fn secret(text: &[u8], hs: Hs) -> Result<(HsKey, Option<String>), ConfigError> {
    let refused = |found| ConfigError::KeyAsSecret {
        found,
        algorithm: Algorithm::Hs(hs),
        needed: hs.size(),
    };
    if pem::is_pem(text) {
        return Err(refused("a PEM key"));
    }
    const SSH: [&[u8]; 4] = [b"ssh-rsa ", b"ssh-ed25519 ", b"ecdsa-sha2-", b"ssh-dss "];
    if SSH.iter().any(|prefix| text.starts_with(prefix)) {
        return Err(refused("an SSH public key"));
    }
    if is_json(text) {
        let jwk = read(text)?;
        if jwk.kty != "oct" {
            return Err(refused("a JWK of a public-key type"));
        }
        let key = jwk.symmetric(&Algorithms::only(Algorithm::Hs(hs)))?;
        return Ok((key, jwk.kid));
    }
    HsKey::new(hs, text).map(|key| (key, None))
}

/// A private key of a JWK.
pub(crate) fn signing(text: &[u8], algorithm: Algorithm) -> Result<SigningKey, ConfigError> {
    read(text)?.signing(algorithm)
}

fn read(text: &[u8]) -> Result<Jwk, ConfigError> {
    if !strict::is_object(text) {
        return Err(ConfigError::Jwk(
            "not a JSON object, or with a repeated member",
        ));
    }
    serde_json::from_slice(text)
        .map_err(|_| ConfigError::Jwk("kty is missing, or a member has a wrong type"))
}

/// The members that are read (RFC 7517 section 4, RFC 7518 section 6, RFC 8037 section 2).
#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
    key_ops: Option<Vec<String>>,
    alg: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
    k: Option<Zeroizing<String>>,
    d: Option<Zeroizing<String>>,
    p: Option<Zeroizing<String>>,
    q: Option<Zeroizing<String>>,
    dp: Option<Zeroizing<String>>,
    dq: Option<Zeroizing<String>>,
    qi: Option<Zeroizing<String>>,
}

impl Jwk {
    fn key(&self, algorithms: &Algorithms) -> Result<Key, ConfigError> {
        self.is_for_signatures("verify")?;
        let key: Key = match self.kty.as_str() {
            "oct" => self.symmetric(algorithms)?.into(),
            "RSA" => {
                let permitted = pem::rsa_algorithms(algorithms);
                let permitted: Vec<_> = match self.algorithm()? {
                    Some(own) => permitted
                        .into_iter()
                        .filter(|&rsa| Algorithm::Rsa(rsa) == own)
                        .collect(),
                    None => permitted,
                };
                if permitted.is_empty() {
                    return Err(self.wrong("an RSA key", algorithms));
                }
                let (n, e) = (bytes(self.n.as_deref())?, bytes(self.e.as_deref())?);
                Material::Rsa(RsaKey::from_components(&n, &e, &permitted)?).into()
            }
            "EC" => {
                let ec = self.curve(algorithms)?;
                Material::Ec(EcKey::from_point(ec, &self.point(ec)?)?).into()
            }
            "OKP" => {
                self.ed25519(algorithms)?;
                Material::Ed25519(Ed25519Key::new(&bytes(self.x.as_deref())?)?).into()
            }
            _ => return Err(ConfigError::Jwk("kty is none of oct, RSA, EC, OKP")),
        };
        match &self.kid {
            Some(kid) => key.with_id(kid),
            None => Ok(key),
        }
    }

    /// `use` is sig and `key_ops` has the operation, if they are there.
    fn is_for_signatures(&self, operation: &str) -> Result<(), ConfigError> {
        if self.usage.as_deref().is_some_and(|usage| usage != "sig") {
            return Err(ConfigError::OtherUse { member: "use" });
        }
        let Some(operations) = &self.key_ops else {
            return Ok(());
        };
        // a private key is for signing, and its public half for what it signs
        let serves = |named: &String| named == operation || named == "sign";
        if operations.iter().any(serves) {
            Ok(())
        } else {
            Err(ConfigError::OtherUse { member: "key_ops" })
        }
    }

    fn algorithm(&self) -> Result<Option<Algorithm>, ConfigError> {
        let other = ConfigError::OtherUse { member: "alg" };
        match &self.alg {
            Some(name) => Algorithm::named(name).map(Some).ok_or(other),
            None => Ok(None),
        }
    }

    /// `alg` says this one, or nothing.
    fn says(&self, algorithm: Algorithm) -> Result<bool, ConfigError> {
        Ok(self.algorithm()?.is_none_or(|own| own == algorithm))
    }

    fn wrong(&self, found: &'static str, algorithms: &Algorithms) -> ConfigError {
        ConfigError::WrongKey {
            found,
            algorithms: algorithms.to_string(),
        }
    }

    fn symmetric(&self, algorithms: &Algorithms) -> Result<HsKey, ConfigError> {
        self.is_for_signatures("verify")?;
        let own = self.algorithm()?;
        let mut fitting = Hs::ALL.into_iter().filter(|&hs| {
            let algorithm = Algorithm::Hs(hs);
            algorithms.contains(algorithm) && own.is_none_or(|own| own == algorithm)
        });
        let hs = fitting
            .next()
            .ok_or_else(|| self.wrong("an HMAC secret", algorithms))?;
        if fitting.next().is_some() {
            return Err(ConfigError::Jwk(
                "an oct key needs alg where several HMAC algorithms are allowed",
            ));
        }
        HsKey::new(
            hs,
            &Zeroizing::new(bytes(self.k.as_deref().map(String::as_str))?),
        )
    }

    fn curve(&self, algorithms: &Algorithms) -> Result<Ec, ConfigError> {
        let named = self.crv.as_deref();
        let ec = Ec::ALL
            .into_iter()
            .find(|ec| Some(ec.curve()) == named)
            .ok_or(ConfigError::Jwk("crv is none of P-256, P-384, P-521"))?;
        if algorithms.contains(Algorithm::Ec(ec)) && self.says(Algorithm::Ec(ec))? {
            Ok(ec)
        } else {
            Err(self.wrong("an EC key on another curve", algorithms))
        }
    }

    fn ed25519(&self, algorithms: &Algorithms) -> Result<(), ConfigError> {
        if self.crv.as_deref() != Some("Ed25519") {
            return Err(ConfigError::Jwk("crv of an OKP key has to be Ed25519"));
        }
        if algorithms.contains(Algorithm::Ed25519) && self.says(Algorithm::Ed25519)? {
            Ok(())
        } else {
            Err(self.wrong("an Ed25519 key", algorithms))
        }
    }

    /// The uncompressed point; each coordinate has its full length (RFC 7518 section 6.2.1.2).
    fn point(&self, ec: Ec) -> Result<Vec<u8>, ConfigError> {
        let (x, y) = (bytes(self.x.as_deref())?, bytes(self.y.as_deref())?);
        if x.len() != ec.coordinate() || y.len() != ec.coordinate() {
            return Err(ConfigError::InvalidKey("EC"));
        }
        Ok([&[4], &x[..], &y[..]].concat())
    }

    fn signing(&self, algorithm: Algorithm) -> Result<SigningKey, ConfigError> {
        self.is_for_signatures("sign")?;
        let algorithms = Algorithms::only(algorithm);
        if self.kty != "oct" && self.d.is_none() {
            return Err(ConfigError::NotPrivate);
        }
        let number = |member: &Option<Zeroizing<String>>| {
            bytes(member.as_deref().map(String::as_str)).map(Zeroizing::new)
        };
        match (self.kty.as_str(), algorithm) {
            ("RSA", Algorithm::Rsa(rsa)) if self.says(algorithm)? => {
                let (n, e) = (bytes(self.n.as_deref())?, bytes(self.e.as_deref())?);
                let numbers = [&self.d, &self.p, &self.q, &self.dp, &self.dq, &self.qi];
                let [d, p, q, dp, dq, qi] = numbers.map(number);
                let pair = KeyPair::from_components(&KeyPairComponents {
                    public_key: PublicKeyComponents {
                        n: without_zeros(&n),
                        e: without_zeros(&e),
                    },
                    d: &d?[..],
                    p: &p?[..],
                    q: &q?[..],
                    dP: &dp?[..],
                    dQ: &dq?[..],
                    qInv: &qi?[..],
                });
                let pair = pair.map_err(|_| ConfigError::InvalidKey("RSA"))?;
                SigningKey::rsa(rsa, pair)
            }
            ("EC", Algorithm::Ec(_)) => {
                let ec = self.curve(&algorithms)?;
                let (d, point) = (number(&self.d)?, self.point(ec)?);
                EcdsaKeyPair::from_private_key_and_public_key(pem::ec_signing(ec), &d, &point)
                    .map(|pair| SigningKey::ec(ec, pair))
                    .map_err(|_| ConfigError::InvalidKey("EC"))
            }
            ("OKP", Algorithm::Ed25519) => {
                self.ed25519(&algorithms)?;
                let (d, x) = (number(&self.d)?, bytes(self.x.as_deref())?);
                Ed25519KeyPair::from_seed_and_public_key(&d, &x)
                    .map(SigningKey::ed25519)
                    .map_err(|_| ConfigError::InvalidKey("Ed25519"))
            }
            _ => Err(self.wrong("of another type", &algorithms)),
        }
    }
}

fn bytes(member: Option<&str>) -> Result<Vec<u8>, ConfigError> {
    let member = member.ok_or(ConfigError::Jwk("a member of its type is missing"))?;
    URL_SAFE_NO_PAD
        .decode(member)
        .map_err(|_| ConfigError::Jwk("a number is not base64url without padding"))
}
