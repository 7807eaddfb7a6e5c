//! The three steps of [`mantlet_headers::pipeline`], for lists of pairs.

use mantlet_headers::pipeline::{
    Allowlist, Duplicates, Invalid, Rejected, Step, Unexpected, Validation,
};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

type Pairs = Vec<(String, String)>;

/// The pairs that are left, and what is to be told of those that are not: name and sentence.
type Told = (Pairs, Pairs);

fn told(step: Result<Step, Rejected>) -> PyResult<Told> {
    let step = step.map_err(|rejected| PyValueError::new_err(rejected.to_string()))?;
    let notices = step.notices.into_iter();
    let notices = notices.map(|notice| (notice.name, notice.message));
    Ok((step.fields, notices.collect()))
}

/// Leaves the allowed names. `on_unexpected` is `"drop"`, `"warn"` or anything else for `"raise"`.
///
/// # Errors
/// `ValueError` with every name that is not allowed.
#[pyfunction]
#[pyo3(name = "_allowlist")]
pub(super) fn allowlist(
    fields: Pairs,
    allowed: Vec<String>,
    on_unexpected: &str,
    x_prefixed: bool,
) -> PyResult<Told> {
    let unexpected = match on_unexpected {
        "drop" => Unexpected::Drop,
        "warn" => Unexpected::Warn,
        _ => Unexpected::Raise,
    };
    let allowlist = Allowlist {
        allowed,
        x_prefixed,
    };
    told(allowlist.apply(fields, unexpected))
}

/// Leaves each name once. `action` is `"first"`, `"last"`, `"concat"` or anything else for `"raise"`.
///
/// # Errors
/// `ValueError` with every repeated name that must not be.
#[pyfunction]
#[pyo3(name = "_deduplicate")]
pub(super) fn deduplicate(
    fields: Pairs,
    action: &str,
    comma_join_ok: Vec<String>,
    multi_ok: Vec<String>,
) -> PyResult<Told> {
    let duplicates = match action {
        "first" => Duplicates::First,
        "last" => Duplicates::Last,
        "concat" => Duplicates::Concat,
        _ => Duplicates::Raise,
    };
    told(mantlet_headers::pipeline::deduplicate(
        fields,
        duplicates,
        &comma_join_ok,
        &multi_ok,
    ))
}

/// Leaves valid names with valid values. `on_invalid` is `"warn"`, `"raise"` or anything else for `"drop"`.
///
/// # Errors
/// `ValueError` for an invalid field if `"raise"`, for a character that must not be in a value if `strict`, and for a
/// repeated name.
#[pyfunction]
#[pyo3(name = "_validate")]
pub(super) fn validate(
    fields: Pairs,
    on_invalid: &str,
    strict: bool,
    obs_text: bool,
) -> PyResult<Told> {
    let on_invalid = match on_invalid {
        "warn" => Invalid::Warn,
        "raise" => Invalid::Raise,
        _ => Invalid::Drop,
    };
    let validation = Validation {
        on_invalid,
        strict,
        obs_text,
    };
    told(validation.apply(fields))
}
