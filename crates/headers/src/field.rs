//! What every header field type has in common.

use std::fmt::Display;

use http::HeaderValue;

use crate::fault::{Fault, Parsed, Refused};

/// A typed header field: its grammar, in both directions.
///
/// * `parse` is total: what a browser would make of the bytes, and the faults with their places.
/// * `Display` prints the canonical form, which is always a valid field value.
/// * `parse(print(v)) == v` without an error fault, and print after parse is idempotent.
pub trait Field: Sized + Display {
    /// The field name in its customary spelling: `Strict-Transport-Security`.
    const NAME: &'static str;
    /// The defining document and section, as a URL.
    const SPEC: &'static str;
    /// One sentence: what the field makes a browser do.
    const SUMMARY: &'static str;
    /// Values that build, the recommended one first.
    const EXAMPLES: &'static [&'static str];
    /// Why the recommended value is what it is, in a sentence or two.
    const REASON: &'static str;

    /// Reads a field value as a browser would.
    fn parse(input: &[u8]) -> Parsed<Self>;

    /// Reads a value that is to be sent; the second part of the result are warnings.
    ///
    /// # Errors
    /// [`Refused`] with every fault, if a browser would ignore or misread the value.
    fn build(input: &str) -> Result<(Self, Vec<Fault>), Refused> {
        Self::parse(input.as_bytes()).strict()
    }

    /// The value as it goes into a header section.
    ///
    /// # Errors
    /// [`Refused`] if the printed form is no field value; no type of this crate prints one.
    fn to_value(&self) -> Result<HeaderValue, Refused> {
        let text = self.to_string();
        HeaderValue::from_str(&text).map_err(|_| {
            Fault::error(
                "field.value",
                0..text.len(),
                "not a field value (RFC 9110 section 5.5)",
            )
            .into()
        })
    }
}

/// `FromStr` for a [`Field`]: the strict reading, its warnings dropped.
macro_rules! from_str_by_build {
    ($type:ty) => {
        impl std::str::FromStr for $type {
            type Err = $crate::Refused;

            fn from_str(input: &str) -> Result<Self, Self::Err> {
                <Self as $crate::Field>::build(input).map(|(value, _)| value)
            }
        }
    };
}
pub(crate) use from_str_by_build;
