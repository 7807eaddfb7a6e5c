//! A header section of Python objects, lent to the engine.

use http::HeaderName;
use mantlet_engine::Fields;
use pyo3::Borrowed;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple};

/// The longest name that is put into lower case for the checks; those they read are shorter.
const LONGEST_READ: usize = 32;

/// The pairs of an iterable of header fields, held while they are read: each a tuple of two `bytes`.
pub(crate) struct Pairs<'py>(Vec<Bound<'py, PyTuple>>);

impl<'py> Pairs<'py> {
    /// Takes the pairs out of any iterable of pairs.
    ///
    /// # Errors
    /// `TypeError` for what is no pair, and whatever the iterable raises.
    pub(crate) fn of(headers: &Bound<'py, PyAny>) -> PyResult<Self> {
        let mut pairs = Vec::with_capacity(headers.len().unwrap_or(16));
        for item in headers.try_iter()? {
            pairs.push(pair(item?)?);
        }
        Ok(Self(pairs))
    }

    /// The pairs.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Bound<'py, PyTuple>> {
        self.0.iter()
    }

    /// Names and values.
    ///
    /// # Errors
    /// `TypeError` for a name or a value that is not `bytes`.
    pub(crate) fn section(&self) -> PyResult<Section<'_>> {
        let mut fields = Vec::with_capacity(self.0.len());
        for pair in &self.0 {
            let name = bytes(pair.get_borrowed_item(0)?)?;
            let value = bytes(pair.get_borrowed_item(1)?)?;
            fields.push((name, value));
        }
        Ok(Section(fields))
    }
}

/// A pair as a tuple; servers write tuples, and some write lists.
fn pair(item: Bound<'_, PyAny>) -> PyResult<Bound<'_, PyTuple>> {
    let tuple = match item.cast_into::<PyTuple>() {
        Ok(tuple) => tuple,
        Err(other) => {
            let other = other.into_inner();
            let items = other.try_iter()?.collect::<PyResult<Vec<_>>>()?;
            PyTuple::new(other.py(), items)?
        }
    };
    if tuple.len() != 2 {
        return Err(PyTypeError::new_err(
            "a header field is a pair of a name and a value",
        ));
    }
    Ok(tuple)
}

fn bytes<'a>(object: Borrowed<'a, '_, PyAny>) -> PyResult<&'a [u8]> {
    object.extract().map_err(|_| {
        let kind = object.get_type();
        PyTypeError::new_err(format!(
            "names and values of header fields are bytes, not {kind}"
        ))
    })
}

/// A header section that the engine can read.
pub(crate) struct Section<'a>(pub(crate) Vec<(&'a [u8], &'a [u8])>);

impl Fields for Section<'_> {
    fn each<'a>(&'a self, name: &HeaderName, visit: &mut dyn FnMut(&'a [u8])) {
        let name = name.as_str().as_bytes();
        for (known, value) in &self.0 {
            if known.len() == name.len() && known.eq_ignore_ascii_case(name) {
                visit(value);
            }
        }
    }

    fn all<'a>(&'a self, visit: &mut dyn FnMut(&[u8], &'a [u8])) {
        let mut lower = [0u8; LONGEST_READ];
        for (name, value) in &self.0 {
            match lower.get_mut(..name.len()) {
                Some(lower) if name.iter().any(u8::is_ascii_uppercase) => {
                    lower.copy_from_slice(name);
                    lower.make_ascii_lowercase();
                    visit(lower, value);
                }
                _ => visit(name, value),
            }
        }
    }
}

/// A pair for a header list.
pub(crate) fn entry<'py>(
    py: Python<'py>,
    name: &[u8],
    value: &[u8],
) -> PyResult<Bound<'py, PyTuple>> {
    PyTuple::new(py, [PyBytes::new(py, name), PyBytes::new(py, value)])
}
