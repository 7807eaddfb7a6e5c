//! A header list of Python objects, lent to the engine: nothing is copied but what no engine could read as it is.

use std::cell::{Cell, OnceCell};

use http::HeaderName;
use mantlet_engine::Fields;
use pyo3::Borrowed;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyTuple};

use crate::edits::Text;

/// Octets of the longest name that [`Fields::all`] has to visit.
const LONGEST: usize = "sec-fetch-site".len();

/// A header list; its items are looked at when the engine first asks for a field, which a policy of fixed fields never does.
pub(crate) struct Section<'l, 'py> {
    text: Text,
    list: &'l Bound<'py, PyList>,
    /// The pairs of the list. A list may change at any time, a tuple does not.
    pairs: OnceCell<Bound<'py, PyTuple>>,
    /// Whether an item was met that is no pair of such text.
    odd: Cell<bool>,
}

impl<'l, 'py> Section<'l, 'py> {
    pub(crate) fn new(text: Text, list: &'l Bound<'py, PyList>) -> Self {
        Self {
            text,
            list,
            pairs: OnceCell::new(),
            odd: Cell::new(false),
        }
    }

    /// Refuses a list with an item that is no pair of `bytes`, as far as it has been read.
    ///
    /// # Errors
    /// `TypeError`.
    pub(crate) fn check(&self) -> PyResult<()> {
        match self.odd.get() {
            true => Err(PyTypeError::new_err(
                "header fields are pairs of a name and a value in bytes",
            )),
            false => Ok(()),
        }
    }

    /// As [`Section::check`], of the whole list.
    ///
    /// # Errors
    /// `TypeError`.
    pub(crate) fn check_all(&self) -> PyResult<()> {
        self.visit(|_, _| {});
        self.check()
    }

    fn pairs(&self) -> &Bound<'py, PyTuple> {
        self.pairs.get_or_init(|| {
            let pairs = self.list.to_tuple();
            let readable = |item: Borrowed<'_, '_, PyAny>| match self.text {
                Text::Bytes => item.is_instance_of::<PyTuple>(),
                Text::Latin1 => self.text.lent_pair(item).is_some(),
            };
            if pairs.iter_borrowed().all(readable) {
                return pairs;
            }
            let made: Vec<_> = pairs.iter().map(|item| self.made(item)).collect();
            match PyTuple::new(self.list.py(), made) {
                Ok(made) => made,
                Err(_) => pairs,
            }
        })
    }

    /// An item as a tuple whose parts can be lent; itself where there is no way.
    fn made(&self, item: Bound<'py, PyAny>) -> Bound<'py, PyAny> {
        let pair = match item.cast::<PyList>() {
            // some servers write lists
            Ok(pair) => pair.to_tuple(),
            Err(_) => match item.cast::<PyTuple>() {
                Ok(pair) => pair.clone(),
                Err(_) => return item,
            },
        };
        if self.text == Text::Bytes {
            return pair.into_any();
        }
        let part = |part: Borrowed<'_, 'py, PyAny>| {
            let mut octets = Vec::new();
            self.text.copy(part, &mut octets)?;
            Some(PyBytes::new(pair.py(), &octets).into_any())
        };
        let parts: Option<Vec<_>> = pair.iter_borrowed().map(part).collect();
        let made = parts.and_then(|parts| PyTuple::new(pair.py(), parts).ok());
        made.map_or(item, Bound::into_any)
    }

    /// Calls `visit` with name and value of each field, the name as it is written.
    fn visit<'a>(&'a self, mut visit: impl FnMut(&'a [u8], &'a [u8])) {
        for item in self.pairs().iter_borrowed() {
            match self.text.lent_pair(item) {
                Some((name, value)) => visit(name, value),
                None => self.odd.set(true),
            }
        }
    }
}

impl Fields for Section<'_, '_> {
    fn each<'a>(&'a self, name: &HeaderName, visit: &mut dyn FnMut(&'a [u8])) {
        let wanted = name.as_str().as_bytes();
        self.visit(|name, value| {
            if name.eq_ignore_ascii_case(wanted) {
                visit(value);
            }
        });
    }

    fn all<'a>(&'a self, visit: &mut dyn FnMut(&[u8], &'a [u8])) {
        self.visit(|name, value| {
            let mut lower = [0; LONGEST];
            if let Some(lower) = lower.get_mut(..name.len()) {
                lower.copy_from_slice(name);
                lower.make_ascii_lowercase();
                visit(lower, value);
            }
        });
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
