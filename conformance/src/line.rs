//! A field line as a case writes it.

use http::{HeaderName, HeaderValue};
use serde::Deserialize;

/// `name: value`. A character up to U+00FF is the byte of that number, so that a case can hold bytes that are no UTF-8.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Line {
    /// The name, in lower case.
    pub name: HeaderName,
    /// The value; one space after the colon is not of it, any other whitespace is.
    pub value: HeaderValue,
}

impl TryFrom<String> for Line {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let (name, value) = text
            .split_once(':')
            .ok_or_else(|| format!("{text:?} is no field line: \"name: value\""))?;
        let name = name
            .parse()
            .map_err(|_| format!("{name:?} is no field name"))?;
        let value = bytes(value.strip_prefix(' ').unwrap_or(value))
            .and_then(|bytes| HeaderValue::from_bytes(&bytes).ok())
            .ok_or_else(|| format!("{value:?} is no field value"))?;
        Ok(Self { name, value })
    }
}

/// One byte for each character; `None` if one is above U+00FF.
pub(crate) fn bytes(text: &str) -> Option<Vec<u8>> {
    text.chars().map(|c| u8::try_from(c).ok()).collect()
}

/// The other way round, for messages.
pub(crate) fn text(bytes: &[u8]) -> String {
    bytes.iter().map(|&b| char::from(b)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whitespace_around_a_value_is_sent_as_it_stands() {
        for (text, value) in [("a:b", "b"), ("a: b", "b"), ("a:  b\t", " b\t"), ("a:", "")] {
            let line = Line::try_from(text.to_owned()).expect("a line");
            assert_eq!(line.value, value, "{text:?}");
        }
    }

    #[test]
    fn a_character_is_a_byte() {
        let line = Line::try_from("Set-Cookie: a=\u{e9}".to_owned()).expect("a line");
        assert_eq!(line.name, "set-cookie");
        assert_eq!(line.value.as_bytes(), b"a=\xe9");
        assert!(Line::try_from("a: \u{20ac}".to_owned()).is_err());
        assert!(Line::try_from("no colon".to_owned()).is_err());
        assert!(Line::try_from("a: b\r\nc: d".to_owned()).is_err());
    }
}
