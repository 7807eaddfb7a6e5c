//! Reports as text: for a terminal, for programs, for pipelines, for people.
//!
//! Every form is a function of reports alone; text from a response is escaped for where it goes, and control characters
//! never reach a terminal.

mod html;
mod json;
mod junit;
mod markdown;
mod sarif;
mod terminal;

use std::borrow::Cow;

pub use html::html;
pub use json::{Difference, difference, identities, json};
pub use junit::junit;
pub use markdown::markdown;
pub use sarif::sarif;
pub use terminal::{Colour, terminal};

/// The text with `<`, `>`, `&`, quotes and control characters as references, for HTML and XML.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            // XML 1.0 has no other control characters
            '\n' | '\t' => out.push(c),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

/// The text on one line, without control characters, cut to `length` characters.
fn line(text: &str, length: usize) -> Cow<'_, str> {
    let is_plain = !text.chars().any(char::is_control) && text.chars().count() <= length;
    if is_plain {
        return Cow::Borrowed(text);
    }
    let shown = text
        .chars()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c });
    let mut cut: String = shown.take(length).collect();
    if text.chars().count() > length {
        cut.push_str("...");
    }
    Cow::Owned(cut)
}
