//! Keys that sign.
//!
//! ECDSA and PSS draw their random numbers from the generator of AWS-LC: the one place of this crate where randomness is
//! not passed in, since a library that takes the nonce of a signature from its caller is the greater danger.

use std::fmt;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{self, KeySize};
use aws_lc_rs::signature::{self, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RsaEncoding};

use crate::algorithm::{Algorithm, Ec, Rsa};
use crate::error::ConfigError;
use crate::jwk;
use crate::key::{EcKey, Ed25519Key, HsKey, Key, Material, RsaKey};
use crate::pem;

enum Pair {
    Hs(HsKey),
    Rsa(Rsa, rsa::KeyPair),
    Ec(Ec, EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

/// A key that signs with one algorithm.
pub struct SigningKey(Pair);

impl SigningKey {
    /// Reads a key for this algorithm: a secret for HMAC, a private key in PEM or a JWK for the others.
    ///
    /// # Errors
    /// [`ConfigError`] if the text is no such key, is public, or is weak.
    pub fn load(text: &[u8], algorithm: Algorithm) -> Result<Self, ConfigError> {
        match algorithm {
            Algorithm::Hs(hs) => jwk::secret(text, hs).map(|(key, _)| Self(Pair::Hs(key))),
            _ if pem::is_pem(text) => {
                let text = std::str::from_utf8(text)
                    .map_err(|_| ConfigError::Pem("it is not ASCII text"))?;
                pem::signing(text, algorithm)
            }
            _ if jwk::is_json(text) => jwk::signing(text, algorithm),
            _ => Err(ConfigError::NotAKey {
                algorithms: algorithm.to_string(),
            }),
        }
    }

    pub(crate) fn rsa(algorithm: Rsa, pair: rsa::KeyPair) -> Result<Self, ConfigError> {
        let key = Self(Pair::Rsa(algorithm, pair));
        key.public(&[algorithm])?;
        Ok(key)
    }

    pub(crate) const fn ec(algorithm: Ec, pair: EcdsaKeyPair) -> Self {
        Self(Pair::Ec(algorithm, pair))
    }

    pub(crate) const fn ed25519(pair: Ed25519KeyPair) -> Self {
        Self(Pair::Ed25519(pair))
    }

    /// A new key of this algorithm, for development and tests: it is gone with the process.
    ///
    /// # Errors
    /// [`ConfigError::Sign`] if the generator of AWS-LC fails.
    pub fn generate(algorithm: Algorithm) -> Result<Self, ConfigError> {
        let failed = |_| ConfigError::Sign;
        match algorithm {
            Algorithm::Hs(hs) => {
                let mut secret = zeroize::Zeroizing::new(vec![0; hs.size()]);
                aws_lc_rs::rand::fill(&mut secret).map_err(failed)?;
                HsKey::new(hs, &secret).map(|key| Self(Pair::Hs(key)))
            }
            Algorithm::Rsa(rsa) => rsa::KeyPair::generate(KeySize::Rsa2048)
                .map_err(failed)
                .and_then(|pair| Self::rsa(rsa, pair)),
            Algorithm::Ec(ec) => EcdsaKeyPair::generate(pem::ec_signing(ec))
                .map(|pair| Self::ec(ec, pair))
                .map_err(failed),
            Algorithm::Ed25519 => Ed25519KeyPair::generate()
                .map(Self::ed25519)
                .map_err(failed),
        }
    }

    /// Its algorithm.
    pub const fn algorithm(&self) -> Algorithm {
        match &self.0 {
            Pair::Hs(key) => Algorithm::Hs(key.algorithm()),
            Pair::Rsa(rsa, _) => Algorithm::Rsa(*rsa),
            Pair::Ec(ec, _) => Algorithm::Ec(*ec),
            Pair::Ed25519(_) => Algorithm::Ed25519,
        }
    }

    /// The key that verifies what this one signs; for HMAC the same secret.
    ///
    /// # Errors
    /// [`ConfigError`] if the public half is not valid.
    pub fn verifying(&self) -> Result<Key, ConfigError> {
        match self.algorithm() {
            Algorithm::Rsa(rsa) => self.public(&[rsa]),
            _ => self.public(&[]),
        }
    }

    pub(crate) fn public(&self, algorithms: &[Rsa]) -> Result<Key, ConfigError> {
        let material = match &self.0 {
            Pair::Hs(key) => Material::Hs(key.clone()),
            Pair::Rsa(_, pair) => {
                Material::Rsa(RsaKey::from_pkcs1(pair.public_key().as_ref(), algorithms)?)
            }
            Pair::Ec(ec, pair) => Material::Ec(EcKey::from_point(*ec, pair.public_key().as_ref())?),
            Pair::Ed25519(pair) => Material::Ed25519(Ed25519Key::new(pair.public_key().as_ref())?),
        };
        Ok(material.into())
    }

    /// The signature of `input` as a JWS has it.
    pub(crate) fn sign(&self, input: &[u8]) -> Result<Vec<u8>, ConfigError> {
        let random = SystemRandom::new();
        match &self.0 {
            Pair::Hs(key) => Ok(key.sign(input).as_ref().to_vec()),
            Pair::Rsa(rsa, pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(encoding(*rsa), &random, input, &mut signature)
                    .map_err(|_| ConfigError::Sign)?;
                Ok(signature)
            }
            Pair::Ec(_, pair) => pair
                .sign(&random, input)
                .map(|signature| signature.as_ref().to_vec())
                .map_err(|_| ConfigError::Sign),
            Pair::Ed25519(pair) => Ok(pair.sign(input).as_ref().to_vec()),
        }
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.algorithm())
    }
}

fn encoding(rsa: Rsa) -> &'static dyn RsaEncoding {
    match rsa {
        Rsa::Rs256 => &signature::RSA_PKCS1_SHA256,
        Rsa::Rs384 => &signature::RSA_PKCS1_SHA384,
        Rsa::Rs512 => &signature::RSA_PKCS1_SHA512,
        Rsa::Ps256 => &signature::RSA_PSS_SHA256,
        Rsa::Ps384 => &signature::RSA_PSS_SHA384,
        Rsa::Ps512 => &signature::RSA_PSS_SHA512,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_algorithm_signs_what_its_key_verifies() {
        for algorithm in Algorithm::ALL {
            let key = SigningKey::generate(algorithm).expect("a key");
            let other = SigningKey::generate(algorithm).expect("a key");
            let signature = key.sign(b"input").expect("a signature");
            let verifying = key.verifying().expect("a public key");
            assert!(
                verifying.verify(algorithm, b"input", &signature),
                "{algorithm}"
            );
            assert!(
                !verifying.verify(algorithm, b"Input", &signature),
                "{algorithm}"
            );
            let foreign = other.verifying().expect("a public key");
            assert!(
                !foreign.verify(algorithm, b"input", &signature),
                "{algorithm}"
            );
            for another in Algorithm::ALL {
                assert!(another == algorithm || !verifying.verify(another, b"input", &signature));
            }
            for cut in 0..signature.len() {
                assert!(!verifying.verify(algorithm, b"input", &signature[..cut]));
            }
        }
    }
}
