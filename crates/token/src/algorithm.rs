//! The signature algorithms (RFC 7518 section 3, RFC 8037, RFC 9864), and which of them a verifier takes.
//!
//! Each family is a type of its own, and a key takes only its own family: an RSA key has no way to be asked for an HMAC, so
//! that algorithm confusion does not compile (see [`crate::key`]). `none` is not a variant of anything.
//!
//! ```
//! use mantlet_token::{Algorithm, Algorithms};
//! let algorithms = Algorithms::new(["RS256", "ES256"])?;
//! assert!(algorithms.contains(Algorithm::named("RS256").expect("known")));
//! assert!(Algorithms::new(["HS256", "RS256"]).is_err());
//! assert_eq!(Algorithm::named("none"), None);
//! # Ok::<(), mantlet_token::ConfigError>(())
//! ```

use std::fmt;

use crate::error::ConfigError;

/// HMAC with SHA-2 (RFC 7518 section 3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Hs {
    /// HMAC with SHA-256.
    Hs256,
    /// HMAC with SHA-384.
    Hs384,
    /// HMAC with SHA-512.
    Hs512,
}

impl Hs {
    /// Every one, weakest first.
    pub const ALL: [Self; 3] = [Self::Hs256, Self::Hs384, Self::Hs512];

    /// Length of the hash, and the least length of a secret, in bytes (RFC 7518 section 3.2).
    pub const fn size(self) -> usize {
        match self {
            Self::Hs256 => 32,
            Self::Hs384 => 48,
            Self::Hs512 => 64,
        }
    }
}

/// RSA signatures (RFC 7518 sections 3.3 and 3.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rsa {
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    Rs384,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    Rs512,
    /// RSASSA-PSS with SHA-256 and MGF1 with SHA-256.
    Ps256,
    /// RSASSA-PSS with SHA-384 and MGF1 with SHA-384.
    Ps384,
    /// RSASSA-PSS with SHA-512 and MGF1 with SHA-512.
    Ps512,
}

impl Rsa {
    /// Every one.
    pub const ALL: [Self; 6] = [
        Self::Rs256,
        Self::Rs384,
        Self::Rs512,
        Self::Ps256,
        Self::Ps384,
        Self::Ps512,
    ];
}

/// ECDSA signatures (RFC 7518 section 3.4); the curve belongs to the algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ec {
    /// P-256 with SHA-256.
    Es256,
    /// P-384 with SHA-384.
    Es384,
    /// P-521 with SHA-512.
    Es512,
}

impl Ec {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::Es256, Self::Es384, Self::Es512];

    /// The curve as a JWK names it (RFC 7518 section 6.2.1.1).
    pub const fn curve(self) -> &'static str {
        match self {
            Self::Es256 => "P-256",
            Self::Es384 => "P-384",
            Self::Es512 => "P-521",
        }
    }

    /// Length of one coordinate, in bytes.
    pub(crate) const fn coordinate(self) -> usize {
        match self {
            Self::Es256 => 32,
            Self::Es384 => 48,
            Self::Es512 => 66,
        }
    }
}

/// A signature algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// HMAC, with a shared secret.
    Hs(Hs),
    /// RSA.
    Rsa(Rsa),
    /// ECDSA.
    Ec(Ec),
    /// EdDSA on Ed25519 (RFC 8037; named by itself in RFC 9864).
    Ed25519,
}

impl Algorithm {
    /// Every algorithm.
    pub const ALL: [Self; 13] = [
        Self::Hs(Hs::Hs256),
        Self::Hs(Hs::Hs384),
        Self::Hs(Hs::Hs512),
        Self::Rsa(Rsa::Rs256),
        Self::Rsa(Rsa::Rs384),
        Self::Rsa(Rsa::Rs512),
        Self::Rsa(Rsa::Ps256),
        Self::Rsa(Rsa::Ps384),
        Self::Rsa(Rsa::Ps512),
        Self::Ec(Ec::Es256),
        Self::Ec(Ec::Es384),
        Self::Ec(Ec::Es512),
        Self::Ed25519,
    ];

    /// The algorithm of this `alg` value, compared byte by byte; `EdDSA` is the older name of `Ed25519`.
    pub fn named(name: &str) -> Option<Self> {
        if name == "EdDSA" {
            return Some(Self::Ed25519);
        }
        Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.name() == name)
    }

    /// The registered name (RFC 7518 section 3.1, RFC 9864 section 2.2).
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hs(Hs::Hs256) => "HS256",
            Self::Hs(Hs::Hs384) => "HS384",
            Self::Hs(Hs::Hs512) => "HS512",
            Self::Rsa(Rsa::Rs256) => "RS256",
            Self::Rsa(Rsa::Rs384) => "RS384",
            Self::Rsa(Rsa::Rs512) => "RS512",
            Self::Rsa(Rsa::Ps256) => "PS256",
            Self::Rsa(Rsa::Ps384) => "PS384",
            Self::Rsa(Rsa::Ps512) => "PS512",
            Self::Ec(Ec::Es256) => "ES256",
            Self::Ec(Ec::Es384) => "ES384",
            Self::Ec(Ec::Es512) => "ES512",
            Self::Ed25519 => "Ed25519",
        }
    }

    /// Whether the key that verifies can also sign.
    pub const fn is_symmetric(self) -> bool {
        matches!(self, Self::Hs(_))
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The algorithms that a verifier takes: not empty, and either all HMAC or none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Algorithms(Vec<Algorithm>);

impl Algorithms {
    /// Reads `alg` names; a repeated one counts once.
    ///
    /// # Errors
    /// [`ConfigError`] if there is none, if one is unknown, or if HMAC stands beside a public-key algorithm: a verifier that
    /// takes both is what algorithm confusion needs.
    pub fn new<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<Self, ConfigError> {
        let mut list = Vec::new();
        for name in names {
            let algorithm = Algorithm::named(name)
                .ok_or_else(|| ConfigError::UnknownAlgorithm(name.to_owned()))?;
            if !list.contains(&algorithm) {
                list.push(algorithm);
            }
        }
        Self::of(list)
    }

    /// The one algorithm.
    pub fn only(algorithm: Algorithm) -> Self {
        Self(vec![algorithm])
    }

    fn of(list: Vec<Algorithm>) -> Result<Self, ConfigError> {
        let symmetric = list.iter().filter(|a| a.is_symmetric()).count();
        if list.is_empty() {
            return Err(ConfigError::NoAlgorithm);
        }
        if symmetric != 0 && symmetric != list.len() {
            return Err(ConfigError::MixedAlgorithms);
        }
        Ok(Self(list))
    }

    /// Whether it is one of them.
    pub fn contains(&self, algorithm: Algorithm) -> bool {
        self.0.contains(&algorithm)
    }

    /// Whether they are HMAC.
    pub fn is_symmetric(&self) -> bool {
        self.0.iter().any(|algorithm| algorithm.is_symmetric())
    }

    /// Each of them, as written.
    pub fn iter(&self) -> impl Iterator<Item = Algorithm> + '_ {
        self.0.iter().copied()
    }
}

impl fmt::Display for Algorithms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, algorithm) in self.0.iter().enumerate() {
            write!(f, "{}{algorithm}", if i == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_compared_byte_by_byte() {
        for algorithm in Algorithm::ALL {
            assert_eq!(Algorithm::named(algorithm.name()), Some(algorithm));
        }
        assert_eq!(Algorithm::named("EdDSA"), Some(Algorithm::Ed25519));
        for name in [
            "none", "NONE", "noNE", "hs256", "HS256 ", "", "ES521", "ES256K", "Ed448",
        ] {
            assert_eq!(Algorithm::named(name), None, "{name}");
        }
    }

    #[test]
    fn a_list_is_neither_empty_nor_mixed() {
        assert_eq!(Algorithms::new([]), Err(ConfigError::NoAlgorithm));
        assert_eq!(
            Algorithms::new(["HS256", "EdDSA"]),
            Err(ConfigError::MixedAlgorithms)
        );
        assert_eq!(
            Algorithms::new(["none"]),
            Err(ConfigError::UnknownAlgorithm("none".to_owned()))
        );
        let twice = Algorithms::new(["Ed25519", "EdDSA"]).expect("one algorithm");
        assert_eq!(twice.to_string(), "Ed25519");
    }
}
