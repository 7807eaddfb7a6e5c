//! A field of the application's own: a name and a value that are safe to send.
//!
//! ```text
//! field-name  = token                                ; no connection, framing or message control field
//! field-value = [ VCHAR *( SP / VCHAR ) ]            ; ASCII, no space at either end
//! ```
//!
//! <https://www.rfc-editor.org/rfc/rfc9110#section-5>
//!
//! ```
//! use mantlet_headers::CustomField;
//! let field = CustomField::new("X-Team", "payments")?;
//! assert_eq!(field.name(), "x-team");
//! assert!(CustomField::new("X-Team", "a\r\nSet-Cookie: b=c").is_err());
//! assert!(CustomField::new("Transfer-Encoding", "chunked").is_err());
//! # Ok::<(), mantlet_headers::Malformed>(())
//! ```

use std::fmt;

use http::{HeaderName, HeaderValue};

use crate::malformed::Malformed;
use crate::octets::is_token;

/// Fields that belong to the connection, the framing or another part, with the reason.
const REFUSED: &[(&str, &str)] = &[
    ("connection", HOP),
    ("content-length", FRAMING),
    ("date", SERVER),
    ("host", REQUEST),
    ("http2-settings", HOP),
    ("keep-alive", HOP),
    ("proxy-authenticate", HOP),
    ("proxy-authorization", HOP),
    ("proxy-connection", HOP),
    ("set-cookie", COOKIE),
    ("set-cookie2", COOKIE),
    ("te", HOP),
    ("trailer", FRAMING),
    ("transfer-encoding", FRAMING),
    ("upgrade", HOP),
];

const HOP: &str = "the field belongs to one connection, not to the response";
const FRAMING: &str = "the field says where the message ends: a wrong one splits it";
const SERVER: &str = "the field is the server's to set";
const REQUEST: &str = "the field belongs to requests";
const COOKIE: &str = "the field may come several times and is the application's to set";

/// A name and a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustomField {
    name: HeaderName,
    value: HeaderValue,
}

impl CustomField {
    /// Checks both.
    ///
    /// # Errors
    /// [`Malformed`] as of [`field_name`] and [`field_value`].
    pub fn new(name: &str, value: &str) -> Result<Self, Malformed> {
        Ok(Self {
            name: field_name(name)?,
            value: field_value(value)?,
        })
    }

    /// The name, in lower case.
    pub const fn name(&self) -> &HeaderName {
        &self.name
    }

    /// The value.
    pub const fn value(&self) -> &HeaderValue {
        &self.value
    }

    /// Both.
    pub fn into_parts(self) -> (HeaderName, HeaderValue) {
        (self.name, self.value)
    }
}

impl fmt::Display for CustomField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: {}",
            self.name,
            self.value.to_str().unwrap_or_default()
        )
    }
}

/// The name of a field that a policy may set.
///
/// # Errors
/// [`Malformed`] if it is no token, or if the field is not a policy's to set.
pub fn field_name(name: &str) -> Result<HeaderName, Malformed> {
    let span = 0..name.len();
    if name.starts_with(':') {
        let message = "a pseudo-header field is no field";
        return Err(Malformed::new("field.pseudo", span, message));
    }
    if !is_token(name.as_bytes()) {
        let message = "not a field name (RFC 9110 section 5.1)";
        return Err(Malformed::new("field.name", span, message).hint("letters, digits and hyphens"));
    }
    let refused = REFUSED
        .iter()
        .find(|(refused, _)| refused.eq_ignore_ascii_case(name));
    if let Some((_, message)) = refused {
        return Err(Malformed::new("field.refused", span, message));
    }
    HeaderName::from_bytes(name.as_bytes())
        .map_err(|_| Malformed::new("field.name", span, "the field name is too long"))
}

/// The value of a field, in printable ASCII.
///
/// # Errors
/// [`Malformed`] for a control character, anything beyond ASCII, or a space at either end.
pub fn field_value(value: &str) -> Result<HeaderValue, Malformed> {
    let bytes = value.as_bytes();
    if let Some(at) = bytes.iter().position(|b| !matches!(b, b' '..=b'~')) {
        let message = match bytes[at] {
            b'\r' | b'\n' => "a line break would begin another field",
            0x80.. => "the value is not ASCII",
            _ => "a control character in the value",
        };
        return Err(Malformed::new("field.value", at..at + 1, message));
    }
    if value.starts_with(' ') || value.ends_with(' ') {
        let message = "a space at the end of the value is not part of it";
        return Err(Malformed::new("field.value", 0..value.len(), message));
    }
    HeaderValue::from_str(value)
        .map_err(|_| Malformed::new("field.value", 0..value.len(), "not a field value"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn fields_of_the_connection_are_refused_in_any_case() {
        for name in [
            "Connection",
            "TRANSFER-ENCODING",
            "content-length",
            "Host",
            "Set-Cookie",
            "Date",
            "te",
        ] {
            let refused = field_name(name).expect_err(name);
            assert_eq!(refused.code, "field.refused");
        }
        for name in ["", ":status", "X Y", "X:", "\u{e4}", "X\n"] {
            assert!(field_name(name).is_err(), "{name:?}");
        }
        assert_eq!(
            field_name("X-Team").map(|name| name.to_string()),
            Ok("x-team".to_owned())
        );
    }

    #[test]
    fn values_are_printable_ascii() {
        for value in ["a\r\nb", "a\0", "a\tb", " a", "a ", "\u{e4}", "\x7f"] {
            assert!(field_value(value).is_err(), "{value:?}");
        }
        assert!(field_value("").is_ok());
        assert!(field_value("a, b; \"c\"").is_ok());
    }

    proptest! {
        #[test]
        fn any_text_is_read(name in any::<String>(), value in any::<String>()) {
            match CustomField::new(&name, &value) {
                Ok(field) => {
                    prop_assert_eq!(field.name().as_str(), name.to_ascii_lowercase());
                    prop_assert_eq!(field.value().as_bytes(), value.as_bytes());
                }
                Err(malformed) => {
                    prop_assert!(malformed.span.end <= name.len().max(value.len()));
                }
            }
        }
    }
}
