//! X-Frame-Options (HTML, section 7.2.5): who may show this page in a frame.
//!
//! ```text
//! X-Frame-Options = "DENY" / "SAMEORIGIN"            ; case-insensitive
//! ```
//!
//! A browser ignores it where an enforced Content-Security-Policy has `frame-ancestors`. Two different values together
//! mean DENY. `ALLOW-FROM` is ignored by every browser.
//! <https://html.spec.whatwg.org/multipage/document-lifecycle.html#the-x-frame-options-header>
//!
//! ```
//! use mantlet_headers::{Field, XFrameOptions};
//! let (value, _) = XFrameOptions::build("deny")?;
//! assert_eq!(value.to_string(), "DENY");
//! # Ok::<(), mantlet_headers::Refused>(())
//! ```

use std::fmt;

use crate::fault::{Fault, Parsed};
use crate::field::{Field, from_str_by_build};
use crate::octets::split;

/// An X-Frame-Options value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum XFrameOptions {
    /// Nobody.
    Deny,
    /// Pages of the same origin.
    SameOrigin,
}

impl Field for XFrameOptions {
    const NAME: &'static str = "X-Frame-Options";
    const SPEC: &'static str =
        "https://html.spec.whatwg.org/multipage/document-lifecycle.html#the-x-frame-options-header";
    const SUMMARY: &'static str =
        "A browser shows the page in no frame, or in frames of its own origin only.";
    const EXAMPLES: &'static [&'static str] = &["SAMEORIGIN", "DENY"];
    const REASON: &'static str = "Stops clickjacking in browsers that do not know frame-ancestors. SAMEORIGIN leaves an application its own frames; \
         DENY where it has none.";

    fn parse(input: &[u8]) -> Parsed<Self> {
        let mut found: Vec<Option<Self>> = Vec::new();
        let mut faults = Vec::new();
        for span in split(input, b',') {
            let word = &input[span.clone()];
            let value = if word.eq_ignore_ascii_case(b"deny") {
                Some(Self::Deny)
            } else if word.eq_ignore_ascii_case(b"sameorigin") {
                Some(Self::SameOrigin)
            } else {
                faults.push(unknown(word, span));
                None
            };
            if !found.contains(&value) {
                found.push(value);
            } else if value.is_some() {
                let message = "the value is repeated";
                faults.push(Fault::warning(
                    "x-frame-options.repeated",
                    0..input.len(),
                    message,
                ));
            }
        }
        let known = found.iter().flatten().next().copied();
        let value = match known {
            Some(_) if found.len() > 1 => {
                let message =
                    "different values contradict each other: a browser takes them as DENY";
                let fault = Fault::error("x-frame-options.conflict", 0..input.len(), message);
                faults.push(fault.hint("DENY or SAMEORIGIN"));
                Some(Self::Deny)
            }
            known => known,
        };
        Parsed { value, faults }
    }
}

fn unknown(word: &[u8], span: std::ops::Range<usize>) -> Fault {
    let is_allow_from = word
        .get(..10)
        .is_some_and(|start| start.eq_ignore_ascii_case(b"allow-from"));
    if is_allow_from {
        let message = "ALLOW-FROM: every browser ignores it, and the page can be framed by anybody";
        return Fault::error("x-frame-options.allow-from", span, message)
            .hint("the directive frame-ancestors of Content-Security-Policy");
    }
    let message = "neither DENY nor SAMEORIGIN: a browser ignores it";
    Fault::error("x-frame-options.value", span, message).hint("DENY or SAMEORIGIN")
}

from_str_by_build!(XFrameOptions);

impl fmt::Display for XFrameOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Deny => "DENY",
            Self::SameOrigin => "SAMEORIGIN",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::field_properties;

    field_properties!(
        properties,
        XFrameOptions,
        "(?i)(deny|sameorigin|allow-from x|allowall)?,? ?(deny|sameorigin)?"
    );

    #[test]
    fn allow_from_is_refused_with_the_modern_form() {
        let parsed = XFrameOptions::parse(b"ALLOW-FROM https://a.example");
        assert_eq!(parsed.value, None);
        assert_eq!(parsed.faults[0].code, "x-frame-options.allow-from");
        assert!(parsed.faults[0].to_string().contains("frame-ancestors"));
    }

    #[test]
    fn different_values_mean_deny() {
        for (input, value) in [
            ("SAMEORIGIN, DENY", Some(XFrameOptions::Deny)),
            ("SAMEORIGIN, x", Some(XFrameOptions::Deny)),
            ("sameorigin, SAMEORIGIN", Some(XFrameOptions::SameOrigin)),
            ("ALLOWALL", None),
            ("", None),
        ] {
            assert_eq!(
                XFrameOptions::parse(input.as_bytes()).value,
                value,
                "{input}"
            );
        }
        assert!(XFrameOptions::build("DENY, SAMEORIGIN").is_err());
    }
}
