//! When a builder or a list of headers was last changed, anywhere.
//!
//! A middleware keeps the headers it made ready for as long as this number stays: one load in a response.

use std::sync::atomic::{AtomicU64, Ordering};

use pyo3::prelude::*;

static EDITS: AtomicU64 = AtomicU64::new(0);

/// Tells every middleware that a builder or a list of headers has changed.
#[pyfunction]
#[pyo3(name = "_edited")]
pub(super) fn edited() {
    EDITS.fetch_add(1, Ordering::Release);
}

/// How many changes there were, in all builders and lists.
#[pyfunction]
#[pyo3(name = "_edits")]
pub(super) fn count() -> u64 {
    EDITS.load(Ordering::Acquire)
}
