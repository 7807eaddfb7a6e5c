//! The headers of a `Secure` object, made ready for one kind of response.

use std::sync::Arc;

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
        name: impl for<'a> Fn(&'a Bound<'py, PyAny>) -> Option<&'a [u8]>,
    ) -> PyResult<Bound<'py, PyList>> {
        let py = headers.py();
        let kept = match headers.cast_exact::<PyList>() {
            Ok(list) => list.clone(),
            Err(_) => headers
                .try_iter()?
                .collect::<PyResult<Vec<_>>>()?
                .into_pyobject(py)?
                .cast_into()?,
        };
        let mut away = Vec::new();
        for (place, item) in kept.iter().enumerate() {
            let theirs = match item.cast_exact::<PyTuple>() {
                Ok(pair) if pair.len() == 2 => pair.get_item(0)?,
                _ => first_of_two(&item)?,
            };
            if name(&theirs).is_some_and(|name| self.replaces(name)) {
                away.push(place);
            }
        }
        let kept = if away.is_empty() {
            kept
        } else {
            let stays = |(place, item)| (!away.contains(&place)).then_some(item);
            let stay: Vec<_> = kept.iter().enumerate().filter_map(stays).collect();
            PyList::new(py, stay)?
        };
        // a new list in either case
        let merged = kept
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
