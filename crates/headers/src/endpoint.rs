//! The name of a reporting endpoint: what `report-to` says and Reporting-Endpoints defines.
//!
//! ```text
//! endpoint = ( lcalpha / "*" ) *( lcalpha / DIGIT / "_" / "-" / "." / "*" )
//! ```
//!
//! Reporting-Endpoints is a dictionary, so the name of an endpoint is a dictionary key: lower case only.
//! <https://www.rfc-editor.org/rfc/rfc9651#section-3.1.2>

use std::fmt;
use std::str::FromStr;

use crate::malformed::Malformed;

/// The name of a reporting endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Endpoint(String);

impl Endpoint {
    /// Checks a name.
    ///
    /// # Errors
    /// [`Malformed`] if Reporting-Endpoints can define no endpoint of this name.
    pub fn new(name: impl Into<String>) -> Result<Self, Malformed> {
        let name = name.into();
        if sfv::KeyRef::from_str(&name).is_err() {
            let message = "Reporting-Endpoints can define no endpoint of this name";
            return Err(Malformed::new("endpoint.name", 0..name.len(), message)
                .hint("a lower-case letter first, then lower-case letters, digits, _ - . *"));
        }
        Ok(Self(name))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Endpoint {
    type Err = Malformed;

    fn from_str(input: &str) -> Result<Self, Malformed> {
        Self::new(input)
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_dictionary_key() {
        for name in ["csp", "a-b_c.d*1", "*"] {
            assert!(Endpoint::new(name).is_ok(), "{name}");
        }
        for name in ["", "Main", "1a", "a b", "a\"", "\u{e4}"] {
            assert!(Endpoint::new(name).is_err(), "{name}");
        }
    }
}
