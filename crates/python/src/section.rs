//! A header list of Python objects, lent to the engine.

use std::cell::OnceCell;
use std::ops::Range;

use http::HeaderName;
use mantlet_engine::Fields;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyList, PyTuple};

use crate::edits::Text;

/// A header list; its octets are copied when the engine first asks for a field, which a policy of fixed fields never does.
pub(crate) struct Section<'l, 'py> {
    text: Text,
    list: &'l Bound<'py, PyList>,
    read: OnceCell<Octets>,
}

/// Names in lower case and values, one behind the other.
#[derive(Default)]
struct Octets {
    all: Vec<u8>,
    fields: Vec<(Range<usize>, Range<usize>)>,
    /// Whether an item of the list is no pair of such text.
    odd: bool,
}

impl<'l, 'py> Section<'l, 'py> {
    pub(crate) fn new(text: Text, list: &'l Bound<'py, PyList>) -> Self {
        let read = OnceCell::new();
        Self { text, list, read }
    }

    /// Refuses a list with an item that is no pair of `bytes`, as far as it has been read.
    ///
    /// # Errors
    /// `TypeError`.
    pub(crate) fn check(&self) -> PyResult<()> {
        match self.read.get() {
            Some(octets) if octets.odd => Err(PyTypeError::new_err(
                "header fields are pairs of a name and a value in bytes",
            )),
            _ => Ok(()),
        }
    }

    /// As [`Section::check`], of the whole list.
    ///
    /// # Errors
    /// `TypeError`.
    pub(crate) fn check_all(&self) -> PyResult<()> {
        self.octets();
        self.check()
    }

    fn octets(&self) -> &Octets {
        self.read.get_or_init(|| {
            let mut octets = Octets::default();
            octets.fields.reserve(self.list.len());
            for item in self.list.iter() {
                octets.odd |= octets.add(self.text, &item).is_none();
            }
            octets
        })
    }

    fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let Octets { all, fields, .. } = self.octets();
        fields
            .iter()
            .map(|(name, value)| (&all[name.clone()], &all[value.clone()]))
    }
}

impl Octets {
    fn add(&mut self, text: Text, item: &Bound<'_, PyAny>) -> Option<()> {
        let made;
        let pair = match item.cast::<PyTuple>() {
            Ok(pair) => pair,
            // some servers write lists
            Err(_) => {
                made = item.cast::<PyList>().ok()?.to_tuple();
                &made
            }
        };
        if pair.len() != 2 {
            return None;
        }
        let start = self.all.len();
        text.copy(pair.get_borrowed_item(0).ok()?, &mut self.all)?;
        let middle = self.all.len();
        self.all[start..].make_ascii_lowercase();
        text.copy(pair.get_borrowed_item(1).ok()?, &mut self.all)?;
        self.fields.push((start..middle, middle..self.all.len()));
        Some(())
    }
}

impl Fields for Section<'_, '_> {
    fn each<'a>(&'a self, name: &HeaderName, visit: &mut dyn FnMut(&'a [u8])) {
        let name = name.as_str().as_bytes();
        for (_, value) in self.iter().filter(|(known, _)| *known == name) {
            visit(value);
        }
    }

    fn all<'a>(&'a self, visit: &mut dyn FnMut(&[u8], &'a [u8])) {
        for (name, value) in self.iter() {
            visit(name, value);
        }
    }
}

/// Any iterable of pairs as a list.
///
/// # Errors
/// What the iterable raises.
pub(crate) fn list<'py>(headers: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyList>> {
    match headers.cast_exact::<PyList>() {
        Ok(list) => Ok(list.clone()),
        Err(_) => {
            let list = headers.py().get_type::<PyList>().call1((headers,))?;
            Ok(list.cast_into()?)
        }
    }
}
