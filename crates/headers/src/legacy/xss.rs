//! X-XSS-Protection: the filter that browsers had, and that could itself be turned against a page.

use std::fmt;

use crate::fault::{Fault, Parsed, Refused};
use crate::field::{Field, from_str_by_build};
use crate::octets::trimmed;

/// An X-XSS-Protection value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct XXssProtection {
    block: bool,
}

impl XXssProtection {
    /// `0`: the filter of old browsers is off.
    pub const OFF: Self = Self { block: false };

    /// The code of the fault that `1; mode=block` is.
    pub const DANGER: &'static str = "x-xss-protection.block";

    /// `1; mode=block`: the filter of old browsers is on. It can be made to block scripts of the page's own, and its
    /// blocking can be seen from other sites.
    pub const fn danger_block() -> Self {
        Self { block: true }
    }

    /// Whether the filter is on.
    pub const fn is_block(&self) -> bool {
        self.block
    }
}

impl Field for XXssProtection {
    const NAME: &'static str = "X-XSS-Protection";
    const SPEC: &'static str =
        "https://developer.mozilla.org/en-US/docs/Web/HTTP/Reference/Headers/X-XSS-Protection";
    const SUMMARY: &'static str = "Turns off the script filter of browsers that still have one.";
    const EXAMPLES: &'static [&'static str] = &["0"];
    const REASON: &'static str = "The filter could be made to cut out scripts of the page's own; Content-Security-Policy took its place.";

    fn parse(input: &[u8]) -> Parsed<Self> {
        let span = trimmed(input, 0..input.len());
        let text = String::from_utf8_lossy(&input[span.clone()]).to_ascii_lowercase();
        let mut parts = text.split(';').map(str::trim);
        match (parts.next(), parts.next(), parts.next()) {
            (Some("0"), None, None) => Parsed::clean(Self::OFF),
            (Some("1"), Some("mode=block"), None) => {
                let message = "browsers have removed the filter, and where it is left it can be turned against the page";
                Parsed {
                    value: Some(Self::danger_block()),
                    faults: vec![Fault::warning(Self::DANGER, span, message).hint("0")],
                }
            }
            (Some("1"), ..) => {
                let message = "the filter changes pages instead of blocking them, which opens holes of its own";
                let fault = Fault::error("x-xss-protection.filter", span, message);
                Parsed::ignored(fault.hint("0"))
            }
            _ => {
                let message = "neither 0 nor 1; mode=block: the field is ignored";
                let fault = Fault::error("x-xss-protection.value", span, message);
                Parsed::ignored(fault.hint("0"))
            }
        }
    }

    fn build(input: &str) -> Result<(Self, Vec<Fault>), Refused> {
        let (value, warnings) = Self::parse(input.as_bytes()).strict()?;
        if value.block {
            let message = "1; mode=block can be turned against the page";
            return Err(Fault::error(Self::DANGER, 0..input.len(), message)
                .hint("0; XXssProtection::danger_block() builds it all the same")
                .into());
        }
        Ok((value, warnings))
    }
}

from_str_by_build!(XXssProtection);

impl fmt::Display for XXssProtection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.block { "1; mode=block" } else { "0" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocking_is_read_but_only_built_in_danger() {
        let parsed = XXssProtection::parse(b"1;MODE=block");
        assert_eq!(parsed.value, Some(XXssProtection::danger_block()));
        assert!(!parsed.faults[0].is_error());
        let refused = XXssProtection::build("1; mode=block").expect_err("it is refused");
        assert!(
            refused
                .to_string()
                .contains("XXssProtection::danger_block()")
        );
        assert_eq!(XXssProtection::danger_block().to_string(), "1; mode=block");
    }

    #[test]
    fn every_other_value_is_ignored() {
        for input in ["", "1", "1; report=https://r.example", "2", "0; mode=block"] {
            let parsed = XXssProtection::parse(input.as_bytes());
            assert_eq!(parsed.value, None, "{input}");
        }
    }
}
