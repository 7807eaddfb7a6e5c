//! What is wrong with keys and settings: told at load, each with what to do.

use thiserror::Error;

use crate::algorithm::{Algorithm, Hs};

/// A key or a setting that is refused at load.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// An `alg` name that is not known.
    #[error(
        "{0:?} is not a signature algorithm; write one of HS256, HS384, HS512, RS256, RS384, RS512, PS256, PS384, \
             PS512, ES256, ES384, ES512, Ed25519"
    )]
    UnknownAlgorithm(String),
    /// The list of algorithms is empty.
    #[error("no algorithm is allowed; list the one that the issuer signs with, such as \"RS256\"")]
    NoAlgorithm,
    /// HMAC beside a public-key algorithm.
    #[error(
        "HMAC and public-key algorithms do not mix: whoever has the public key could sign with it as a secret; list \
             the algorithms of one kind"
    )]
    MixedAlgorithms,
    /// An HMAC secret that is shorter than its hash (RFC 7518 section 3.2).
    #[error(
        "the secret has {length} bytes, {algorithm} needs {needed} (RFC 7518 section 3.2); make one with: \
             openssl rand -base64 {needed}"
    )]
    ShortSecret {
        /// The algorithm it is for.
        algorithm: Algorithm,
        /// Its length, in bytes.
        length: usize,
        /// The least length, in bytes.
        needed: usize,
    },
    /// A PEM or JWK key where an HMAC secret is due.
    #[error(
        "the secret is {found}, but {algorithm} is an HMAC; with a public key, list its own algorithm, such as \
             \"RS256\"; for HMAC, make a secret with: openssl rand -base64 {needed}"
    )]
    KeyAsSecret {
        /// What it is: `a PEM key`, `a JWK`.
        found: &'static str,
        /// The algorithm it is for.
        algorithm: Algorithm,
        /// The length of a secret for it, in bytes.
        needed: usize,
    },
    /// Text that is no key where a public-key algorithm wants one.
    #[error(
        "{algorithms} need a key in PEM (-----BEGIN PUBLIC KEY-----) or a JWK; this is neither"
    )]
    NotAKey {
        /// The algorithms it is for.
        algorithms: String,
    },
    /// A PEM block of a kind that is not read.
    #[error("the PEM block is a {label:?}; {hint}")]
    PemLabel {
        /// Its label.
        label: String,
        /// What to do.
        hint: &'static str,
    },
    /// A PEM block or DER key that cannot be read.
    #[error("the PEM key cannot be read: {0}")]
    Pem(&'static str),
    /// A JWK or a set that cannot be read.
    #[error("the JWK cannot be read: {0}")]
    Jwk(&'static str),
    /// A key of a type that none of the algorithms takes.
    #[error(
        "the key is {found}, which none of the allowed algorithms takes ({algorithms}); allow its own, or give another key"
    )]
    WrongKey {
        /// What it is: `RSA`, `EC P-384`.
        found: &'static str,
        /// The allowed algorithms.
        algorithms: String,
    },
    /// A JWK whose `use`, `key_ops` or `alg` says that it is for something else (RFC 7517 sections 4.2 to 4.4).
    #[error("the key says by {member} that it is not for this; give the key that signs tokens")]
    OtherUse {
        /// The member that says so.
        member: &'static str,
    },
    /// An RSA key of less than 2048 bits, or with an exponent that is even or below 3.
    #[error(
        "the RSA key is too weak ({0}); make one with: openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:3072"
    )]
    WeakRsa(&'static str),
    /// Key bytes that the cryptographic library refuses: a point off the curve, an inconsistent pair.
    #[error("the {0} key is not valid: its numbers do not fit together")]
    InvalidKey(&'static str),
    /// A public key where one is needed that signs.
    #[error("this is a public key; signing needs the private one")]
    NotPrivate,
    /// A private or secret key in a set that is published.
    #[error(
        "the set publishes a private or secret key; whoever has read it can sign: the issuer must withdraw it"
    )]
    PublishedSecret,
    /// Two keys of a set have the same `kid`.
    #[error("two keys have the kid {0:?}; a kid names one key")]
    RepeatedKid(String),
    /// A `kid` of more than 256 bytes, or an empty one.
    #[error("a kid has 1 to 256 bytes")]
    KidLength,
    /// HMAC secrets beside public keys in one set.
    #[error("HMAC secrets and public keys do not mix in one set; keep two sets")]
    MixedKeys,
    /// A set without a key that can be used.
    #[error("the set has no key for {algorithms}{first}")]
    NoKey {
        /// The allowed algorithms.
        algorithms: String,
        /// Why the first of its keys is left out; empty if there is none.
        first: String,
    },
    /// More than [`crate::jwk::MAX_KEYS`] keys, or more than [`crate::jwk::MAX_SET`] bytes.
    #[error("the key set is too large: at most 64 keys and 64 KiB")]
    LargeSet,
    /// A leeway of more than 60 seconds.
    #[error(
        "a leeway of {0} s is too much; at most 60 s, and 5 s is enough for clocks that NTP keeps"
    )]
    Leeway(u32),
    /// The profile `rfc9068` without an issuer or an audience (RFC 9068 section 4).
    #[error("the profile rfc9068 needs issuer and audience (RFC 9068 section 4)")]
    Profile,
    /// A critical extension that is a standard member, or `b64`.
    #[error(
        "{0:?} cannot be listed as a critical extension: it belongs to RFC 7515, or is b64, which is refused"
    )]
    Extension(String),
    /// Claims that cannot be encoded: not a JSON object, or a registered claim of a wrong type.
    #[error("the claims cannot be encoded: {0}")]
    Claims(&'static str),
    /// Signing failed inside the cryptographic library.
    #[error("the key could not sign")]
    Sign,
}

impl ConfigError {
    pub(crate) const fn short(algorithm: Hs, length: usize) -> Self {
        Self::ShortSecret {
            algorithm: Algorithm::Hs(algorithm),
            length,
            needed: algorithm.size(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_secret_is_told_with_the_command_that_makes_a_good_one() {
        assert_eq!(
            ConfigError::short(Hs::Hs384, 5).to_string(),
            "the secret has 5 bytes, HS384 needs 48 (RFC 7518 section 3.2); make one with: openssl rand -base64 48"
        );
    }
}
