//! The grammar of values: what a builder refuses, and what a browser would ignore.

use mantlet_headers::Field;
use mantlet_headers::csp::{Csp, Directive, DirectiveName};
use mantlet_headers::registry;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

/// Warnings of the header crate that mean that a browser ignores a part of the value.
const IGNORED: [&str; 5] = [
    "csp.dead-directive",
    "permissions-policy.retired-feature",
    "permissions-policy.src",
    "permissions-policy.unknown-feature",
    "referrer-policy.unknown",
];

/// Faults of a word that no directive takes: it would be another word, directive or policy, or void the directive.
const MISFITS: [&str; 6] = [
    "csp.comma",
    "csp.control",
    "csp.empty-word",
    "csp.non-ascii",
    "csp.semicolon",
    "csp.space",
];

/// Why a word cannot be a part of any Content-Security-Policy directive; `None` if it can.
#[pyfunction]
#[pyo3(name = "_csp_word_problem")]
pub(super) fn csp_word_problem(word: &str) -> Option<String> {
    let refused = Directive::build("default-src", &[word]).err()?;
    let mut faults = refused.faults.iter().map(|found| &found.fault);
    let misfit = faults.find(|fault| MISFITS.contains(&fault.code));
    misfit.map(ToString::to_string)
}

/// A policy as a `<meta>` element can say it, and the directives that it cannot say. `ValueError` for what is no one policy.
#[pyfunction]
#[pyo3(name = "_csp_meta")]
pub(super) fn csp_meta(value: &str) -> PyResult<(String, Vec<&'static str>)> {
    let csp = Csp::parse(value.as_bytes()).value.unwrap_or_default();
    let [policy] = csp.policies() else {
        return Err(PyValueError::new_err(
            "a meta element has one policy, with a directive at least",
        ));
    };
    let (policy, left_out) = policy.clone().for_meta();
    let left_out = left_out.into_iter().map(DirectiveName::as_str).collect();
    Ok((policy.to_string(), left_out))
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
