//! The grammar of values: what a builder refuses, and what a browser would ignore.

use mantlet_headers::registry;
use pyo3::prelude::*;

/// Warnings of the header crate that mean that a browser ignores a part of the value.
const IGNORED: [&str; 5] = [
    "csp.dead-directive",
    "permissions-policy.retired-feature",
    "permissions-policy.src",
    "permissions-policy.unknown-feature",
    "referrer-policy.unknown",
];

/// Why a token cannot be a part of a Content-Security-Policy directive; `None` if it can.
#[pyfunction]
#[pyo3(name = "_csp_token_problem")]
pub(super) fn csp_token_problem(token: &str) -> Option<&'static str> {
    if token.is_empty() {
        return Some("it is empty");
    }
    token.chars().find_map(|c| match c {
        ' ' | '\t' | '\n' | '\r' | '\x0b' | '\x0c' => Some("white space would split it in two"),
        ';' => Some("a semicolon would begin another directive"),
        ',' => Some("a comma would begin another policy"),
        '\0'..='\x1f' | '\x7f' => Some("a control character is in it"),
        '\u{80}'.. => Some("it is not ASCII: a browser ignores the directive"),
        _ => None,
    })
}

/// Why a browser would ignore the field as a whole; `None` if it reads it.
#[pyfunction]
#[pyo3(name = "_structured_problem")]
pub(super) fn structured_problem(name: &str, value: &str) -> Option<String> {
    let parsed = (registry::field(name)?.parse)(value.as_bytes());
    match parsed.value {
        Some(_) => None,
        None => Some(
            parsed
                .faults
                .first()
                .map_or_else(|| "it cannot be read".to_owned(), ToString::to_string),
        ),
    }
}

/// What a browser would ignore or misread in a value, one sentence each; nothing for a field that is not known.
#[pyfunction]
#[pyo3(name = "_ignored_by_browsers")]
pub(super) fn ignored_by_browsers(name: &str, value: &str) -> Vec<String> {
    let Some(entry) = registry::field(name) else {
        return Vec::new();
    };
    (entry.parse)(value.as_bytes())
        .faults
        .iter()
        .filter(|fault| fault.is_error() || IGNORED.contains(&fault.code))
        .map(ToString::to_string)
        .collect()
}
