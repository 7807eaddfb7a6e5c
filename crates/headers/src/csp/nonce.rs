//! Nonces, and the policy text around them.
//!
//! A nonce-source `'nonce-<value>'` (CSP3 section 2.3.1) allows the elements that carry the value in their `nonce`
//! attribute. It must be fresh in every response, so a policy to be sent has a *slot*, written `'nonce'`; a
//! [`Template`] is the printed policy, cut at its slots.
//!
//! ```
//! use mantlet_headers::csp::{Csp, Nonce};
//! let csp: Csp = "script-src 'nonce'; style-src 'self' 'nonce'".parse()?;
//! let nonce = Nonce::of_bytes(&[7; 16]);
//! assert_eq!(
//!     csp.template().fill(&nonce),
//!     "script-src 'nonce-BwcHBwcHBwcHBwcHBwcHBw=='; style-src 'self' 'nonce-BwcHBwcHBwcHBwcHBwcHBw=='",
//! );
//! # Ok::<(), mantlet_headers::Refused>(())
//! ```

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::fault::{Fault, Refused};

/// The least length of a nonce in characters: 128 bits as unpadded base64.
pub(crate) const STRONG_LEN: usize = 22;

/// The value of a nonce-source: base64 or base64url characters. A browser compares it as text.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Nonce(String);

impl Nonce {
    /// The nonce of 16 random bytes.
    pub fn of_bytes(random: &[u8; 16]) -> Self {
        Self(STANDARD.encode(random))
    }

    /// The value, without `'nonce-`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn read(value: &str) -> Option<Self> {
        let digits = value.trim_end_matches('=');
        let valid = !digits.is_empty()
            && value.len() - digits.len() <= 2
            && digits
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"+/-_".contains(&b));
        valid.then(|| Self(value.to_owned()))
    }

    /// Whether it has the length of 128 bits, which the specification asks for at least.
    pub fn is_strong(&self) -> bool {
        self.0.trim_end_matches('=').len() >= STRONG_LEN
    }
}

impl FromStr for Nonce {
    type Err = Refused;

    fn from_str(value: &str) -> Result<Self, Self::Err> {
        Self::read(value).ok_or_else(|| {
            Fault::error(
                "csp.bad-nonce",
                0..value.len(),
                "a nonce is base64 characters",
            )
            .into()
        })
    }
}

impl fmt::Display for Nonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A printed policy, cut where a nonce goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    segments: Vec<String>,
}

impl Template {
    pub(crate) fn new() -> Self {
        Self {
            segments: vec![String::new()],
        }
    }

    pub(crate) fn push(&mut self, text: &str) {
        if let Some(last) = self.segments.last_mut() {
            last.push_str(text);
        }
    }

    pub(crate) fn push_slot(&mut self) {
        self.push("'nonce-");
        self.segments.push("'".to_owned());
    }

    /// The text around the slots: n slots, n + 1 segments. `'nonce-` and `'` belong to the segments, so the field value
    /// is the segments with the same bare nonce between them.
    pub fn segments(&self) -> &[String] {
        &self.segments
    }

    /// How many slots there are; zero for a fixed policy.
    pub fn slots(&self) -> usize {
        self.segments.len() - 1
    }

    /// The field value with `nonce` in every slot.
    pub fn fill(&self, nonce: &Nonce) -> String {
        self.segments.join(nonce.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nonce_is_of_the_grammar() {
        for good in ["a", "ch4hvvbHDpv7xCSvXCs3BrNggHdTzxUA", "a-_+/==", "YQ=="] {
            assert!(good.parse::<Nonce>().is_ok(), "{good}");
        }
        for bad in ["", "=", "a===", "a b", "{nonce}", "a'", "\u{fc}", "a=b"] {
            assert!(bad.parse::<Nonce>().is_err(), "{bad}");
        }
    }

    #[test]
    fn sixteen_bytes_are_strong() {
        assert!(Nonce::of_bytes(&[0; 16]).is_strong());
        assert!(!Nonce::read("abc").unwrap().is_strong());
    }
}
