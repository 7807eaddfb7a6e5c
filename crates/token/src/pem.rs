//! PEM text (RFC 7468) to keys: SubjectPublicKeyInfo, PKCS #8, and the older forms of RSA and EC.

use aws_lc_rs::rsa;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING,
    ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair,
};
use pkcs8::PrivateKeyInfoRef;
use pkcs8::der::{Decode, SecretDocument};
use pkcs8::spki::{AlgorithmIdentifierRef, ObjectIdentifier, SubjectPublicKeyInfoRef};

use crate::algorithm::{Algorithm, Algorithms, Ec, Rsa};
use crate::error::ConfigError;
use crate::key::{EcKey, Ed25519Key, Key, Material, RsaKey};
use crate::signing::SigningKey;

const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
const CURVES: [(ObjectIdentifier, Ec); 3] = [
    (
        ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7"),
        Ec::Es256,
    ),
    (ObjectIdentifier::new_unwrap("1.3.132.0.34"), Ec::Es384),
    (ObjectIdentifier::new_unwrap("1.3.132.0.35"), Ec::Es512),
];

const BEGIN: &str = "-----BEGIN ";

/// Whether the text is meant as PEM.
pub(crate) fn is_pem(text: &[u8]) -> bool {
    memchr::memmem::find(text, BEGIN.as_bytes()).is_some()
}

/// Every key of the text, as what it verifies with.
pub(crate) fn public(text: &str, algorithms: &Algorithms) -> Result<Vec<Key>, ConfigError> {
    blocks(text)?
        .iter()
        .map(|block| match block.label.as_str() {
            "PUBLIC KEY" => spki(block.der.as_bytes(), algorithms),
            "RSA PUBLIC KEY" => rsa_key(block.der.as_bytes(), algorithms),
            _ => private(block, algorithms)?.public(&rsa_algorithms(algorithms)),
        })
        .collect()
}

/// The one private key of the text.
pub(crate) fn signing(text: &str, algorithm: Algorithm) -> Result<SigningKey, ConfigError> {
    let blocks = blocks(text)?;
    match blocks.as_slice() {
        [block] if block.label.ends_with("PRIVATE KEY") => {
            private(block, &Algorithms::only(algorithm))
        }
        [_] => Err(ConfigError::NotPrivate),
        _ => Err(ConfigError::Pem("it has several keys, and one signs")),
    }
}

struct Block {
    label: String,
    der: SecretDocument,
}

/// Every block but parameters; the labels are known.
fn blocks(text: &str) -> Result<Vec<Block>, ConfigError> {
    let mut blocks = Vec::new();
    for start in memchr::memmem::find_iter(text.as_bytes(), BEGIN) {
        let rest = &text[start..];
        let end = rest[BEGIN.len()..]
            .find(BEGIN)
            .map_or(rest.len(), |next| BEGIN.len() + next);
        let label = rest[BEGIN.len()..end]
            .split("-----")
            .next()
            .unwrap_or_default();
        let hint = match label {
            "PUBLIC KEY" | "RSA PUBLIC KEY" | "PRIVATE KEY" | "RSA PRIVATE KEY"
            | "EC PRIVATE KEY" => {
                let trimmed = rest[..end].trim_end();
                let (label, der) = SecretDocument::from_pem(trimmed).map_err(|_| {
                    ConfigError::Pem("it is not PEM as RFC 7468 has it: lines of 64 characters, and nothing after END")
                })?;
                blocks.push(Block {
                    label: label.to_owned(),
                    der,
                });
                continue;
            }
            "EC PARAMETERS" => continue,
            "CERTIFICATE" => "take the public key out of it: openssl x509 -in FILE -noout -pubkey",
            "ENCRYPTED PRIVATE KEY" => "decrypt it where it is stored: openssl pkey -in FILE",
            _ => "a PUBLIC KEY or a PRIVATE KEY is read",
        };
        return Err(ConfigError::PemLabel {
            label: label.chars().take(40).collect(),
            hint,
        });
    }
    if blocks.is_empty() {
        return Err(ConfigError::Pem("there is no key in it"));
    }
    Ok(blocks)
}

fn spki(der: &[u8], algorithms: &Algorithms) -> Result<Key, ConfigError> {
    let info = SubjectPublicKeyInfoRef::from_der(der)
        .map_err(|_| ConfigError::Pem("not a SubjectPublicKeyInfo"))?;
    let bits = info
        .subject_public_key
        .as_bytes()
        .ok_or(ConfigError::Pem("not whole bytes"))?;
    match Kind::of(&info.algorithm)? {
        Kind::Rsa => rsa_key(bits, algorithms),
        Kind::Ec(ec) if algorithms.contains(Algorithm::Ec(ec)) => {
            EcKey::from_point(ec, bits).map(|key| Material::Ec(key).into())
        }
        Kind::Ed25519 if algorithms.contains(Algorithm::Ed25519) => {
            Ed25519Key::new(bits).map(|key| Material::Ed25519(key).into())
        }
        other => Err(other.wrong(algorithms)),
    }
}

fn rsa_key(pkcs1: &[u8], algorithms: &Algorithms) -> Result<Key, ConfigError> {
    let permitted = rsa_algorithms(algorithms);
    if permitted.is_empty() {
        return Err(Kind::Rsa.wrong(algorithms));
    }
    RsaKey::from_pkcs1(pkcs1, &permitted).map(|key| Material::Rsa(key).into())
}

fn private(block: &Block, algorithms: &Algorithms) -> Result<SigningKey, ConfigError> {
    let der = block.der.as_bytes();
    let kind = match block.label.as_str() {
        "RSA PRIVATE KEY" => Kind::Rsa,
        // the curve stands in the key: the first allowed one that it is of
        "EC PRIVATE KEY" => {
            return Ec::ALL
                .into_iter()
                .filter(|&ec| algorithms.contains(Algorithm::Ec(ec)))
                .find_map(|ec| {
                    let pair = EcdsaKeyPair::from_private_key_der(ec_signing(ec), der).ok()?;
                    Some(SigningKey::ec(ec, pair))
                })
                .ok_or_else(|| ConfigError::WrongKey {
                    found: "an EC key",
                    algorithms: algorithms.to_string(),
                });
        }
        _ => {
            let info = PrivateKeyInfoRef::from_der(der)
                .map_err(|_| ConfigError::Pem("not a PKCS #8 private key"))?;
            Kind::of(&info.algorithm)?
        }
    };
    match kind {
        Kind::Rsa => {
            let algorithm = rsa_algorithms(algorithms)
                .first()
                .copied()
                .ok_or_else(|| kind.wrong(algorithms))?;
            let pair = if block.label == "RSA PRIVATE KEY" {
                rsa::KeyPair::from_der(der)
            } else {
                rsa::KeyPair::from_pkcs8(der)
            };
            let pair =
                pair.map_err(|_| ConfigError::WeakRsa("not valid, or not of 2048 to 8192 bits"))?;
            SigningKey::rsa(algorithm, pair)
        }
        Kind::Ec(ec) if algorithms.contains(Algorithm::Ec(ec)) => {
            EcdsaKeyPair::from_pkcs8(ec_signing(ec), der)
                .map(|pair| SigningKey::ec(ec, pair))
                .map_err(|_| ConfigError::InvalidKey("EC"))
        }
        Kind::Ed25519 if algorithms.contains(Algorithm::Ed25519) => {
            Ed25519KeyPair::from_pkcs8_maybe_unchecked(der)
                .map(SigningKey::ed25519)
                .map_err(|_| ConfigError::InvalidKey("Ed25519"))
        }
        other => Err(other.wrong(algorithms)),
    }
}

/// What an AlgorithmIdentifier says.
#[derive(Clone, Copy)]
enum Kind {
    Rsa,
    Ec(Ec),
    Ed25519,
}

impl Kind {
    fn of(identifier: &AlgorithmIdentifierRef<'_>) -> Result<Self, ConfigError> {
        if identifier.oid == RSA {
            return Ok(Self::Rsa);
        }
        if identifier.oid == ED25519 {
            return Ok(Self::Ed25519);
        }
        let curve = (identifier.oid == EC)
            .then(|| identifier.parameters_oid().ok())
            .flatten();
        CURVES
            .into_iter()
            .find(|(oid, _)| Some(*oid) == curve)
            .map(|(_, ec)| Self::Ec(ec))
            .ok_or(ConfigError::Pem(
                "its type is none of RSA, EC on P-256, P-384 or P-521, Ed25519",
            ))
    }

    fn wrong(self, algorithms: &Algorithms) -> ConfigError {
        ConfigError::WrongKey {
            found: match self {
                Self::Rsa => "an RSA key",
                Self::Ec(Ec::Es256) => "an EC key on P-256",
                Self::Ec(Ec::Es384) => "an EC key on P-384",
                Self::Ec(Ec::Es512) => "an EC key on P-521",
                Self::Ed25519 => "an Ed25519 key",
            },
            algorithms: algorithms.to_string(),
        }
    }
}

pub(crate) fn rsa_algorithms(algorithms: &Algorithms) -> Vec<Rsa> {
    algorithms
        .iter()
        .filter_map(|algorithm| match algorithm {
            Algorithm::Rsa(rsa) => Some(rsa),
            _ => None,
        })
        .collect()
}

pub(crate) fn ec_signing(ec: Ec) -> &'static EcdsaSigningAlgorithm {
    match ec {
        Ec::Es256 => &ECDSA_P256_SHA256_FIXED_SIGNING,
        Ec::Es384 => &ECDSA_P384_SHA384_FIXED_SIGNING,
        Ec::Es512 => &ECDSA_P521_SHA512_FIXED_SIGNING,
    }
}
