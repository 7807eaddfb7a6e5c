//! Keys that verify, one type for each family of algorithms.
//!
//! A key knows its algorithms (RFC 8725 section 3.1, "one key, one algorithm"): [`HsKey`] and [`EcKey`] have one,
//! [`RsaKey`] those that were allowed when it was loaded. Their methods take only their own family, so that a public key
//! cannot become the secret of an HMAC:
//!
//! ```compile_fail
//! # fn of(key: &mantlet_token::RsaKey) {
//! key.verify(mantlet_token::Hs::Hs256, b"header.payload", b"tag"); // expects Rsa, found Hs
//! # }
//! ```
//!
//! What is refused at load: an HMAC secret shorter than its hash, an RSA key below 2048 bits or with an exponent that is
//! even or below 3, a point off its curve.

use std::fmt;

use aws_lc_rs::hmac;
use aws_lc_rs::signature::{self, ED25519_PUBLIC_KEY_LEN, ParsedPublicKey, VerificationAlgorithm};
use pkcs8::der::asn1::UintRef;
use pkcs8::der::{Decode, Encode, Reader, SliceReader, Tag};

use crate::algorithm::{Algorithm, Ec, Hs, Rsa};
use crate::error::ConfigError;

/// The longest `kid`, in bytes.
pub(crate) const MAX_KID: usize = 256;

/// The greatest RSA modulus, in bits.
const MAX_MODULUS: usize = 8192;

/// The secret of one HMAC algorithm.
#[derive(Clone)]
pub struct HsKey {
    algorithm: Hs,
    // boxed: with both of its half-made hashes it is a kilobyte
    key: Box<hmac::Key>,
}

impl HsKey {
    /// A key of this secret.
    ///
    /// # Errors
    /// [`ConfigError::ShortSecret`] if the secret is shorter than the hash (RFC 7518 section 3.2).
    pub fn new(algorithm: Hs, secret: &[u8]) -> Result<Self, ConfigError> {
        if secret.len() < algorithm.size() {
            return Err(ConfigError::short(algorithm, secret.len()));
        }
        let hash = match algorithm {
            Hs::Hs256 => hmac::HMAC_SHA256,
            Hs::Hs384 => hmac::HMAC_SHA384,
            Hs::Hs512 => hmac::HMAC_SHA512,
        };
        Ok(Self {
            algorithm,
            key: Box::new(hmac::Key::new(hash, secret)),
        })
    }

    /// Its algorithm.
    pub const fn algorithm(&self) -> Hs {
        self.algorithm
    }

    /// Whether `tag` is that of `input`, compared in constant time.
    pub fn verify(&self, algorithm: Hs, input: &[u8], tag: &[u8]) -> bool {
        algorithm == self.algorithm && hmac::verify(&self.key, input, tag).is_ok()
    }

    pub(crate) fn sign(&self, input: &[u8]) -> hmac::Tag {
        hmac::sign(&self.key, input)
    }
}

/// An RSA public key, and the algorithms it may verify.
#[derive(Clone)]
pub struct RsaKey(Vec<(Rsa, ParsedPublicKey)>);

impl RsaKey {
    /// A key of modulus and exponent, big-endian.
    ///
    /// # Errors
    /// [`ConfigError`] if the key is weak or not valid, or no algorithm is given.
    pub fn from_components(n: &[u8], e: &[u8], algorithms: &[Rsa]) -> Result<Self, ConfigError> {
        let n = without_zeros(n);
        let e = without_zeros(e);
        if bits(n) < 2048 {
            return Err(ConfigError::WeakRsa("less than 2048 bits"));
        }
        if bits(n) > MAX_MODULUS {
            return Err(ConfigError::WeakRsa(
                "more than 8192 bits: slow enough to be an attack",
            ));
        }
        if e.last().is_none_or(|last| last % 2 == 0) || e == [1] {
            return Err(ConfigError::WeakRsa("its exponent is even, or below 3"));
        }
        if algorithms.is_empty() {
            return Err(ConfigError::NoAlgorithm);
        }
        let der = rsa_public_key(n, e).map_err(|_| ConfigError::InvalidKey("RSA"))?;
        let parsed = |&algorithm: &Rsa| {
            let key = ParsedPublicKey::new(verification(algorithm), &der)
                .map_err(|_| ConfigError::InvalidKey("RSA"))?;
            Ok((algorithm, key))
        };
        algorithms
            .iter()
            .map(parsed)
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// A key of an RSAPublicKey (RFC 8017 appendix A.1.1) in DER.
    pub(crate) fn from_pkcs1(der: &[u8], algorithms: &[Rsa]) -> Result<Self, ConfigError> {
        let unreadable = |_| ConfigError::Pem("not an RSAPublicKey");
        let mut reader = SliceReader::new(der).map_err(unreadable)?;
        let (n, e) = reader
            .sequence(|reader| {
                Ok::<_, pkcs8::der::Error>((UintRef::decode(reader)?, UintRef::decode(reader)?))
            })
            .map_err(unreadable)?;
        reader.finish().map_err(unreadable)?;
        Self::from_components(n.as_bytes(), e.as_bytes(), algorithms)
    }

    /// Its algorithms.
    pub fn algorithms(&self) -> impl Iterator<Item = Rsa> + '_ {
        self.0.iter().map(|(algorithm, _)| *algorithm)
    }

    /// Whether `signature` is one of `input` by this algorithm.
    pub fn verify(&self, algorithm: Rsa, input: &[u8], signature: &[u8]) -> bool {
        self.0
            .iter()
            .find(|(permitted, _)| *permitted == algorithm)
            .is_some_and(|(_, key)| key.verify_sig(input, signature).is_ok())
    }
}

/// An ECDSA public key; its curve says its algorithm.
#[derive(Clone)]
pub struct EcKey {
    algorithm: Ec,
    key: ParsedPublicKey,
}

impl EcKey {
    /// A key of an uncompressed point (SEC 1 section 2.3.3): 4, x, y.
    ///
    /// # Errors
    /// [`ConfigError::InvalidKey`] if the point is not on the curve, or not of its length.
    pub fn from_point(algorithm: Ec, point: &[u8]) -> Result<Self, ConfigError> {
        let invalid = ConfigError::InvalidKey("EC");
        if point.len() != 1 + 2 * algorithm.coordinate() || point[0] != 4 {
            return Err(invalid);
        }
        let rule: &'static dyn VerificationAlgorithm = match algorithm {
            Ec::Es256 => &signature::ECDSA_P256_SHA256_FIXED,
            Ec::Es384 => &signature::ECDSA_P384_SHA384_FIXED,
            Ec::Es512 => &signature::ECDSA_P521_SHA512_FIXED,
        };
        let key = ParsedPublicKey::new(rule, point).map_err(|_| invalid)?;
        Ok(Self { algorithm, key })
    }

    /// Its algorithm.
    pub const fn algorithm(&self) -> Ec {
        self.algorithm
    }

    /// Whether `signature`, r and s of fixed length (RFC 7518 section 3.4), is one of `input`.
    pub fn verify(&self, algorithm: Ec, input: &[u8], signature: &[u8]) -> bool {
        algorithm == self.algorithm
            && signature.len() == 2 * algorithm.coordinate()
            && self.key.verify_sig(input, signature).is_ok()
    }
}

/// An Ed25519 public key.
#[derive(Clone)]
pub struct Ed25519Key(ParsedPublicKey);

impl Ed25519Key {
    /// A key of its 32 bytes (RFC 8032 section 5.1.5).
    ///
    /// # Errors
    /// [`ConfigError::InvalidKey`] if it has another length.
    pub fn new(public: &[u8]) -> Result<Self, ConfigError> {
        let invalid = ConfigError::InvalidKey("Ed25519");
        if public.len() != ED25519_PUBLIC_KEY_LEN {
            return Err(invalid);
        }
        let key = ParsedPublicKey::new(&signature::ED25519, public).map_err(|_| invalid)?;
        Ok(Self(key))
    }

    /// Whether `signature` is one of `input`.
    pub fn verify(&self, input: &[u8], signature: &[u8]) -> bool {
        self.0.verify_sig(input, signature).is_ok()
    }
}

/// The numbers of a key.
#[derive(Clone)]
#[non_exhaustive]
pub enum Material {
    /// An HMAC secret.
    Hs(HsKey),
    /// An RSA public key.
    Rsa(RsaKey),
    /// An ECDSA public key.
    Ec(EcKey),
    /// An Ed25519 public key.
    Ed25519(Ed25519Key),
}

/// A key that verifies, with the `kid` it may have.
///
/// ```
/// use mantlet_token::{Algorithm, Hs, HsKey, Key};
/// let key = Key::from(HsKey::new(Hs::Hs256, &[7; 32])?).with_id("2026-11")?;
/// assert!(key.takes(Algorithm::Hs(Hs::Hs256)) && !key.takes(Algorithm::Ed25519));
/// assert!(HsKey::new(Hs::Hs256, b"too short").is_err());
/// # Ok::<(), mantlet_token::ConfigError>(())
/// ```
#[derive(Clone)]
pub struct Key {
    id: Option<Box<str>>,
    material: Material,
}

impl Key {
    /// The key under this `kid`: 1 to 256 bytes.
    ///
    /// # Errors
    /// [`ConfigError::KidLength`].
    pub fn with_id(self, id: &str) -> Result<Self, ConfigError> {
        if id.is_empty() || id.len() > MAX_KID {
            return Err(ConfigError::KidLength);
        }
        Ok(Self {
            id: Some(id.into()),
            ..self
        })
    }

    /// Its `kid`.
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// Its numbers.
    pub const fn material(&self) -> &Material {
        &self.material
    }

    /// Whether it verifies this algorithm.
    pub fn takes(&self, algorithm: Algorithm) -> bool {
        match (&self.material, algorithm) {
            (Material::Hs(key), Algorithm::Hs(hs)) => key.algorithm == hs,
            (Material::Rsa(key), Algorithm::Rsa(rsa)) => key.algorithms().any(|own| own == rsa),
            (Material::Ec(key), Algorithm::Ec(ec)) => key.algorithm == ec,
            (Material::Ed25519(_), Algorithm::Ed25519) => true,
            _ => false,
        }
    }

    /// Whether `signature` is one of `input`; never if the algorithm is not its own.
    pub fn verify(&self, algorithm: Algorithm, input: &[u8], signature: &[u8]) -> bool {
        match (&self.material, algorithm) {
            (Material::Hs(key), Algorithm::Hs(hs)) => key.verify(hs, input, signature),
            (Material::Rsa(key), Algorithm::Rsa(rsa)) => key.verify(rsa, input, signature),
            (Material::Ec(key), Algorithm::Ec(ec)) => key.verify(ec, input, signature),
            (Material::Ed25519(key), Algorithm::Ed25519) => key.verify(input, signature),
            _ => false,
        }
    }
}

impl From<Material> for Key {
    fn from(material: Material) -> Self {
        Self { id: None, material }
    }
}

impl From<HsKey> for Key {
    fn from(key: HsKey) -> Self {
        Material::Hs(key).into()
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let family = match self.material {
            Material::Hs(_) => "Hs",
            Material::Rsa(_) => "Rsa",
            Material::Ec(_) => "Ec",
            Material::Ed25519(_) => "Ed25519",
        };
        write!(f, "Key({family}, {:?})", self.id)
    }
}

fn verification(algorithm: Rsa) -> &'static dyn VerificationAlgorithm {
    match algorithm {
        Rsa::Rs256 => &signature::RSA_PKCS1_2048_8192_SHA256,
        Rsa::Rs384 => &signature::RSA_PKCS1_2048_8192_SHA384,
        Rsa::Rs512 => &signature::RSA_PKCS1_2048_8192_SHA512,
        Rsa::Ps256 => &signature::RSA_PSS_2048_8192_SHA256,
        Rsa::Ps384 => &signature::RSA_PSS_2048_8192_SHA384,
        Rsa::Ps512 => &signature::RSA_PSS_2048_8192_SHA512,
    }
}

pub(crate) fn without_zeros(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|&&byte| byte == 0).count();
    &number[zeros..]
}

fn bits(number: &[u8]) -> usize {
    number
        .first()
        .map_or(0, |first| number.len() * 8 - first.leading_zeros() as usize)
}

/// RSAPublicKey (RFC 8017 appendix A.1.1) in DER.
fn rsa_public_key(n: &[u8], e: &[u8]) -> pkcs8::der::Result<Vec<u8>> {
    let mut body = Vec::with_capacity(n.len() + e.len() + 16);
    UintRef::new(n)?.encode_to_vec(&mut body)?;
    UintRef::new(e)?.encode_to_vec(&mut body)?;
    let mut der = Vec::with_capacity(body.len() + 8);
    pkcs8::der::Header::new(Tag::Sequence, body.len().try_into()?).encode_to_vec(&mut der)?;
    der.extend_from_slice(&body);
    Ok(der)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_shorter_than_the_hash_is_refused() {
        for algorithm in Hs::ALL {
            assert!(HsKey::new(algorithm, &vec![1; algorithm.size()]).is_ok());
            assert_eq!(
                HsKey::new(algorithm, &vec![1; algorithm.size() - 1]).err(),
                Some(ConfigError::short(algorithm, algorithm.size() - 1))
            );
        }
    }

    #[test]
    fn weak_rsa_keys_are_refused() {
        let modulus = |bits: usize| {
            let mut n = vec![0xff; bits / 8];
            n[0] = 0x80;
            n
        };
        let made = |n: &[u8], e: &[u8]| RsaKey::from_components(n, e, &[Rsa::Rs256]).err();
        assert_eq!(made(&modulus(2048), &[1, 0, 1]), None);
        assert_eq!(made(&[&[0, 0], &modulus(2048)[..]].concat(), &[3]), None);
        for (n, e) in [
            (modulus(1024), vec![1, 0, 1]),
            (modulus(2040), vec![1, 0, 1]),
            (modulus(16384), vec![1, 0, 1]),
            (modulus(2048), vec![1]),
            (modulus(2048), vec![2]),
            (modulus(2048), vec![1, 0, 0]),
            (modulus(2048), vec![]),
            (vec![], vec![3]),
        ] {
            assert!(
                matches!(made(&n, &e), Some(ConfigError::WeakRsa(_))),
                "{} bits, {e:?}",
                bits(&n)
            );
        }
    }

    #[test]
    fn a_point_off_the_curve_or_of_another_length_is_refused() {
        let mut point = [1; 65];
        point[0] = 4;
        assert!(EcKey::from_point(Ec::Es256, &point).is_err());
        assert!(EcKey::from_point(Ec::Es256, &point[..33]).is_err());
        assert!(EcKey::from_point(Ec::Es256, &[]).is_err());
        assert!(EcKey::from_point(Ec::Es256, &[0]).is_err());
        assert!(Ed25519Key::new(&[1; 31]).is_err());
    }

    #[test]
    fn a_key_does_not_print_its_numbers() {
        let key = Key::from(HsKey::new(Hs::Hs256, &[0x41; 32]).expect("long enough"));
        let key = key.with_id("a").expect("short enough");
        assert_eq!(format!("{key:?}"), "Key(Hs, Some(\"a\"))");
        assert!(key.clone().with_id("").is_err());
        assert!(key.with_id(&"x".repeat(257)).is_err());
    }
}
