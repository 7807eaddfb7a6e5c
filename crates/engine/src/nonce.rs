//! The nonce of one exchange (CSP 3 section 7.1): 128 random bits, used once.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::entropy::{Entropy, EntropyError};

/// Random bits in a nonce; CSP 3 section 7.1 asks for at least this many.
const BITS: usize = 128;
/// Its length in base64url without padding: six bits a character. This alphabet needs no escaping in HTML.
const LEN: usize = BITS.div_ceil(6);

/// A CSP nonce. Print it into the `nonce` attribute of a script or style element.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Nonce([u8; LEN]);

impl Nonce {
    pub(crate) fn draw(entropy: &dyn Entropy) -> Result<Self, EntropyError> {
        let mut bits = [0u8; BITS / 8];
        entropy.fill(&mut bits)?;
        let mut text = [0u8; LEN];
        URL_SAFE_NO_PAD
            .encode_slice(bits, &mut text)
            .map_err(|_| EntropyError)?;
        Ok(Self(text))
    }

    /// The text between `'nonce-` and `'`: 22 characters of base64url.
    pub fn as_str(&self) -> &str {
        // base64 is ASCII; the fallback is an empty nonce, which no element can match
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl std::fmt::Display for Nonce {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Redacted: a nonce in a log is a nonce for an attacker who reads it in time.
impl std::fmt::Debug for Nonce {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Nonce(..)")
    }
}
