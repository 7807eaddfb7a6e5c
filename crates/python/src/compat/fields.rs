//! The headers of a `Secure` object, made ready for one kind of response.

use std::sync::Arc;

use pyo3::Borrowed;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyList, PyTuple};

/// The headers to send, and the names they take the place of.
pub(super) struct Fields {
    /// What [`super::edits::count`] said before they were read; `None` if they must be read for each response.
    edits: Option<u64>,
    /// Lower-case names whose fields of the application go away.
    replaced: Vec<Box<[u8]>>,
    /// Bit n is set if a name of n bytes is in `replaced`; bit 63 stands for 63 and more.
    lengths: u64,
    /// Pairs, as the protocol wants them. Nobody else gets hold of the list.
    pairs: Py<PyList>,
}

impl Fields {
    /// Checks names and values and makes the pairs ready with `pair`, which gets the name and the value.
    ///
    /// A Server without a value takes the application's away and sends none: an empty one is not valid
    /// (RFC 9110 section 10.2.4).
    ///
    /// # Errors
    /// `ValueError` for a line break in a name or value, and for a name that is repeated and not one of `multi_ok`;
    /// whatever `pair` says.
    pub(super) fn new<'py>(
        py: Python<'py>,
        items: &[(Bound<'py, PyAny>, Bound<'py, PyAny>)],
        edits: Option<u64>,
        multi_ok: &[String],
        pair: impl Fn(&Bound<'py, PyAny>, &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyTuple>>,
    ) -> PyResult<Arc<Self>> {
        let pairs = PyList::empty(py);
        let mut replaced: Vec<Box<[u8]>> = Vec::with_capacity(items.len());
        for (name, value) in items {
            let made = pair(name, value)?;
            let lower = name.extract::<&str>()?.trim().to_ascii_lowercase();
            let text = value.extract::<&str>().unwrap_or_default();
            if [lower.as_str(), text]
                .iter()
                .any(|t| t.contains(['\r', '\n']))
            {
                let message = format!("{lower}: a line break would begin another field");
                return Err(PyValueError::new_err(message));
            }
            let bytes = lower.as_bytes();
            if !multi_ok.contains(&lower) {
                if replaced.iter().any(|other| **other == *bytes) {
                    let message = format!("{lower}: the header is there more than once");
                    return Err(PyValueError::new_err(message));
                }
                replaced.push(bytes.into());
            }
            if lower == "server" && text.trim().is_empty() {
                continue;
            }
            pairs.append(made)?;
        }
        let lengths = replaced.iter().fold(0, |bits, name| bits | bit(name.len()));
        Ok(Arc::new(Self {
            edits,
            replaced,
            lengths,
            pairs: pairs.unbind(),
        }))
    }

    /// Whether nothing has changed since these were made.
    pub(super) fn is_current(&self) -> bool {
        self.edits == Some(super::edits::count())
    }

    fn replaces(&self, name: &[u8]) -> bool {
        let name = name.trim_ascii();
        self.lengths & bit(name.len()) != 0
            && self
                .replaced
                .iter()
                .any(|ours| ours.eq_ignore_ascii_case(name))
    }

    /// A new list: the application's headers without those that are replaced, then ours. What the application gave
    /// stays as it is.
    ///
    /// `name` reads the bytes of a name; `None` leaves the header alone.
    ///
    /// # Errors
    /// What Python says when `headers` cannot be iterated, or an item of it is no pair.
    pub(super) fn merged<'py>(
        &self,
        headers: &Bound<'py, PyAny>,
        name: impl for<'a> Fn(Borrowed<'a, 'py, PyAny>) -> Option<&'a [u8]>,
    ) -> PyResult<Bound<'py, PyList>> {
        let py = headers.py();
        let theirs = match headers.cast_exact::<PyList>() {
            Ok(list) => list.clone(),
            Err(_) => headers
                .try_iter()?
                .collect::<PyResult<Vec<_>>>()?
                .into_pyobject(py)?
                .cast_into()?,
        };
        let is_replaced = |item: &Bound<'py, PyAny>| -> PyResult<bool> {
            let is_ours = |theirs| name(theirs).is_some_and(|name| self.replaces(name));
            match item.cast_exact::<PyTuple>() {
                Ok(pair) if pair.len() == 2 => Ok(is_ours(pair.get_borrowed_item(0)?)),
                _ => Ok(is_ours(first_of_two(item)?.as_borrowed())),
            }
        };
        // a list of its own from the first header on that goes away
        let mut kept: Option<Bound<'py, PyList>> = None;
        for (place, item) in theirs.iter().enumerate() {
            match (is_replaced(&item)?, &kept) {
                (true, None) => kept = Some(theirs.get_slice(0, place)),
                (false, Some(kept)) => kept.append(item)?,
                (true, Some(_)) | (false, None) => {}
            }
        }
        let merged = kept
            .as_ref()
            .unwrap_or(&theirs)
            .as_sequence()
            .concat(self.pairs.bind(py).as_sequence())?;
        Ok(merged.cast_into()?)
    }
}

const fn bit(length: usize) -> u64 {
    1 << if length < 63 { length } else { 63 }
}

fn first_of_two<'py>(item: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let parts: Vec<_> = item.try_iter()?.collect::<PyResult<_>>()?;
    match <[_; 2]>::try_from(parts) {
        Ok([name, _]) => Ok(name),
        Err(parts) => {
            let message = format!("a header is a name and a value, not {} parts", parts.len());
            Err(PyValueError::new_err(message))
        }
    }
}
