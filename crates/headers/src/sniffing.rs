//! X-Content-Type-Options (Fetch, section 3.6): a browser keeps to the declared media type.
//!
//! ```text
//! X-Content-Type-Options = "nosniff"                 ; case-insensitive
//! ```
//!
//! A browser looks at the first element of the list only.
//! <https://fetch.spec.whatwg.org/#x-content-type-options-header>
//!
//! ```
//! use mantlet_headers::{Field, XContentTypeOptions};
//! assert_eq!(XContentTypeOptions.to_string(), "nosniff");
//! assert!(XContentTypeOptions::parse(b"no-sniff").value.is_none());
//! ```

use std::fmt;

use crate::fault::{Fault, Parsed};
use crate::field::{Field, from_str_by_build};
use crate::octets::split;

/// An X-Content-Type-Options value: there is one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct XContentTypeOptions;

impl Field for XContentTypeOptions {
    const NAME: &'static str = "X-Content-Type-Options";
    const SPEC: &'static str = "https://fetch.spec.whatwg.org/#x-content-type-options-header";
    const SUMMARY: &'static str =
        "A browser runs no script and applies no style of another media type than declared.";
    const EXAMPLES: &'static [&'static str] = &["nosniff"];
    const REASON: &'static str = "Without it an uploaded file can be taken for a script; nothing that declares its media types breaks.";

    fn parse(input: &[u8]) -> Parsed<Self> {
        let mut parts = split(input, b',');
        let first = parts.next().unwrap_or(0..0);
        if !input[first.clone()].eq_ignore_ascii_case(b"nosniff") {
            let message = "the value is not nosniff: a browser ignores the field";
            return Parsed::ignored(
                Fault::error("x-content-type-options.value", first, message).hint("nosniff"),
            );
        }
        Parsed {
            value: Some(Self),
            faults: parts
                .map(|part| {
                    let message = "a browser looks at the first element only";
                    Fault::warning("x-content-type-options.extra", part, message).hint("nosniff")
                })
                .collect(),
        }
    }
}

from_str_by_build!(XContentTypeOptions);

impl fmt::Display for XContentTypeOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("nosniff")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::field_properties;

    field_properties!(
        properties,
        XContentTypeOptions,
        "(?i)[ ,]{0,2}(nosniff)?[ ,]{0,2}(nosniff)?"
    );

    #[test]
    fn the_first_element_counts() {
        assert!(XContentTypeOptions::parse(b"NoSniff, x").value.is_some());
        for input in ["", "x, nosniff", ", nosniff", "\"nosniff\"", "nosniff;"] {
            let parsed = XContentTypeOptions::parse(input.as_bytes());
            assert_eq!(parsed.value, None, "{input}");
        }
    }
}
