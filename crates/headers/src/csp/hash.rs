//! Hash-sources: `'sha256-...'` (CSP3 section 2.3.1, <https://www.w3.org/TR/CSP3/#grammardef-hash-source>).
//!
//! ```text
//! hash-source    = "'" hash-algorithm "-" base64-value "'"
//! hash-algorithm = "sha256" / "sha384" / "sha512"
//! ```
//!
//! The digest may be base64 or base64url; it is printed as base64. A browser compares the text of the digest, so padding
//! and length must be those of the algorithm, or the hash matches nothing.
//!
//! ```
//! use mantlet_headers::csp::{Algorithm, HashSource};
//! let hash = HashSource::of_inline(Algorithm::Sha256, "");
//! assert_eq!(hash.to_string(), "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='");
//! ```

use std::borrow::Cow;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256, Sha384, Sha512};

use super::words::words;

words! {
    /// The hash algorithms of CSP.
    Algorithm {
        Sha256 = "sha256", "SHA-256, 32 bytes.";
        Sha384 = "sha384", "SHA-384, 48 bytes.";
        Sha512 = "sha512", "SHA-512, 64 bytes.";
    }
}

impl Algorithm {
    /// Length of a digest in bytes.
    pub const fn digest_len(self) -> usize {
        match self {
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }

    fn digest(self, bytes: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha256 => Sha256::digest(bytes).to_vec(),
            Self::Sha384 => Sha384::digest(bytes).to_vec(),
            Self::Sha512 => Sha512::digest(bytes).to_vec(),
        }
    }
}

/// A digest that a source list allows.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct HashSource {
    algorithm: Algorithm,
    digest: Vec<u8>,
}

/// What a base64-value is instead of a digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum BadDigest {
    /// Not of the base64-value grammar: a browser ignores the source expression.
    Grammar,
    /// Of the grammar, but equal to no digest; the right spelling where only the padding is wrong.
    Unequal(Option<String>),
}

impl HashSource {
    /// The hash of an inline script, style or handler.
    ///
    /// `text` is the decoded text of the page; it is hashed as the HTML parser hands it on: CRLF and CR become LF, NUL
    /// becomes U+FFFD, then UTF-8. The text of an attribute must have its character references decoded already.
    pub fn of_inline(algorithm: Algorithm, text: &str) -> Self {
        Self::of_bytes(algorithm, as_parsed(text).as_bytes())
    }

    /// The hash of a file's bytes, for an external script that carries the same hash in `integrity`.
    pub fn of_bytes(algorithm: Algorithm, bytes: &[u8]) -> Self {
        Self {
            algorithm,
            digest: algorithm.digest(bytes),
        }
    }

    /// The algorithm.
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The digest, as many bytes as the algorithm has.
    pub fn digest(&self) -> &[u8] {
        &self.digest
    }

    /// The hash without quotes, as `integrity` takes it: `sha256-...`.
    pub fn integrity(&self) -> String {
        format!("{}-{}", self.algorithm, STANDARD.encode(&self.digest))
    }

    /// Whether inline `text` has this hash; see [`HashSource::of_inline`].
    pub fn matches_inline(&self, text: &str) -> bool {
        self.algorithm.digest(as_parsed(text).as_bytes()) == self.digest
    }

    pub(crate) fn read(algorithm: Algorithm, value: &str) -> Result<Self, BadDigest> {
        let digits = value.trim_end_matches('=');
        let grammar = !digits.is_empty()
            && value.len() - digits.len() <= 2
            && digits
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"+/-_".contains(&b));
        if !grammar {
            return Err(BadDigest::Grammar);
        }
        let standard = value.replace('-', "+").replace('_', "/");
        let decoded = |text: &str| {
            STANDARD
                .decode(text)
                .ok()
                .filter(|digest| digest.len() == algorithm.digest_len())
        };
        if let Some(digest) = decoded(&standard) {
            return Ok(Self { algorithm, digest });
        }
        let bare = standard.trim_end_matches('=');
        let padded = format!("{bare}{}", "=".repeat((4 - bare.len() % 4) % 4));
        let spelling = decoded(&padded).map(|digest| Self { algorithm, digest }.to_string());
        Err(BadDigest::Unequal(spelling))
    }
}

impl fmt::Display for HashSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "'{}'", self.integrity())
    }
}

/// The text after the newline and NUL rules of the HTML parser.
fn as_parsed(text: &str) -> Cow<'_, str> {
    if !text.contains(['\r', '\0']) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(
        text.replace("\r\n", "\n")
            .replace('\r', "\n")
            .replace('\0', "\u{fffd}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY: &str = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";

    #[test]
    fn inline_text_is_hashed_as_the_html_parser_sees_it() {
        let of = |text| HashSource::of_inline(Algorithm::Sha256, text);
        assert_eq!(of("a\r\nb\rc"), of("a\nb\nc"));
        assert_eq!(of("a\0"), of("a\u{fffd}"));
        assert_ne!(
            of("a\r\nb"),
            HashSource::of_bytes(Algorithm::Sha256, b"a\r\nb")
        );
        assert!(of("a\nb").matches_inline("a\r\nb"));
    }

    #[test]
    fn base64url_is_the_same_hash() {
        let url = EMPTY.replace('+', "-").replace('/', "_");
        assert_eq!(
            HashSource::read(Algorithm::Sha256, &url),
            HashSource::read(Algorithm::Sha256, EMPTY)
        );
    }

    #[test]
    fn length_and_padding_are_those_of_the_algorithm() {
        assert_eq!(
            HashSource::read(Algorithm::Sha384, EMPTY),
            Err(BadDigest::Unequal(None))
        );
        assert_eq!(
            HashSource::read(Algorithm::Sha256, EMPTY.trim_end_matches('=')),
            Err(BadDigest::Unequal(Some(format!("'sha256-{EMPTY}'"))))
        );
        for bad in ["", "=", "a b", "abc===", "ab\u{fc}"] {
            assert_eq!(
                HashSource::read(Algorithm::Sha256, bad),
                Err(BadDigest::Grammar)
            );
        }
        for algorithm in Algorithm::ALL.iter().copied() {
            let hash = HashSource::of_bytes(algorithm, b"x");
            let (_, value) = hash
                .integrity()
                .split_once('-')
                .map(|(a, b)| (a.to_owned(), b.to_owned()))
                .unwrap();
            assert_eq!(HashSource::read(algorithm, &value), Ok(hash));
        }
    }
}
