//! Observations from what others captured: JSON, the text of `curl -i`, HAR.
//!
//! Everything is bounded: a text above [`MAX_BYTES`], or a header section above [`MAX_FIELDS`] fields or
//! [`MAX_SECTION`] bytes, is refused with its reason, and so is what is no capture. Nothing panics, nothing is guessed.

mod har;
mod json;
mod raw;

use url::Url;

use crate::headers::Headers;
use crate::observation::{Observation, Response};

pub use har::har;
pub use json::{Entry, entries, json};
pub use raw::raw;

/// The largest text that is read, in bytes.
pub const MAX_BYTES: usize = 64 << 20;
/// The most fields that a header section may have.
pub const MAX_FIELDS: usize = 10_000;
/// The largest header section, in bytes of names and values.
pub const MAX_SECTION: usize = 4 << 20;

/// The most values that JSON may hold, names and texts included: each takes memory of its own, however short it is.
pub const MAX_VALUES: usize = 4_000_000;

/// A capture that cannot be read: where, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {message}")]
pub struct Unreadable {
    /// The place in the text: a line, a path like `[3].headers[1]`, or `capture`.
    pub place: String,
    /// What is wrong there, and what is expected.
    pub message: String,
}

impl Unreadable {
    fn new(place: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            place: place.into(),
            message: message.into(),
        }
    }
}

/// Reads any of the forms, told apart by how the text begins: `HTTP/` is a response, `{"log"` a HAR file, other JSON a
/// capture. `url` is that of a response, which does not say its own.
///
/// # Errors
/// [`Unreadable`] if it is none of them.
pub fn any(text: &[u8], url: &Url) -> Result<Vec<Observation>, Unreadable> {
    let start = text.trim_ascii_start();
    if start.starts_with(b"HTTP/") {
        return raw(text, url).map(|one| vec![one]);
    }
    if !start.starts_with(b"{") && !start.starts_with(b"[") {
        let message = "neither JSON nor a response that begins with HTTP/ (as of curl -i)";
        return Err(Unreadable::new("capture", message));
    }
    match har(text) {
        Ok(Some(found)) => Ok(found),
        Ok(None) => json(text),
        Err(error) => Err(error),
    }
}

fn bounded(text: &[u8]) -> Result<(), Unreadable> {
    if text.len() > MAX_BYTES {
        let message = format!("longer than {} MiB", MAX_BYTES >> 20);
        return Err(Unreadable::new("capture", message));
    }
    Ok(())
}

/// Refuses JSON of more values than are read; what is no JSON is left to the parser.
fn few_values(text: &[u8]) -> Result<(), Unreadable> {
    let mut values = 0_usize;
    let (mut in_text, mut is_escaped) = (false, false);
    for &byte in text {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if in_text => is_escaped = true,
            b'"' => in_text = !in_text,
            b',' | b':' | b'[' | b'{' if !in_text => values += 1,
            _ => {}
        }
    }
    if values > MAX_VALUES {
        let message = format!("more than {MAX_VALUES} values: split the list");
        return Err(Unreadable::new("capture", message));
    }
    Ok(())
}

/// Adds a field, within the bounds of a section; a name that is no token and control characters in a value are refused.
fn add(
    headers: &mut Headers,
    size: &mut usize,
    name: &str,
    value: &str,
    place: &str,
) -> Result<(), Unreadable> {
    let is_token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    if name.is_empty() || !name.bytes().all(is_token) {
        let message = format!("{:?} is no field name (RFC 9110 section 5.1)", cut(name));
        return Err(Unreadable::new(place, message));
    }
    if let Some(control) = value.chars().find(|&c| c.is_ascii_control() && c != '\t') {
        let message = format!(
            "the value of {name} holds the control character {control:?} (RFC 9110 section 5.5)"
        );
        return Err(Unreadable::new(place, message));
    }
    *size = size.saturating_add(name.len() + value.len());
    if headers.len() >= MAX_FIELDS || *size > MAX_SECTION {
        let message = format!(
            "a header section above {MAX_FIELDS} fields or {} MiB",
            MAX_SECTION >> 20
        );
        return Err(Unreadable::new(place, message));
    }
    headers.push(name, value.trim_matches([' ', '\t']));
    Ok(())
}

/// The start of a text, for a message.
fn cut(text: &str) -> &str {
    let end = text.char_indices().nth(40).map_or(text.len(), |(at, _)| at);
    &text[..end]
}

/// The observation of a page that was seen at `url`, from one response.
fn page(url: Url, response: Response) -> Observation {
    Observation::new(url, response)
}
