//! What a middleware reads of an ASGI scope, and how it shows itself to those who look for ASGI applications.

use std::borrow::Cow;

use pyo3::exceptions::{PyKeyError, PyRuntimeError};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::{PyBytes, PyDict, PyList, PyString, PyTuple, PyType};
use pyo3::{PyTraverseError, PyVisit, intern};

/// A reference of an instance that the collector may look at before the instance is written.
///
/// CPython 3.11 allocates the dict of an instance between allocating the instance, as zeros, and letting anybody write it;
/// that may start the collector, which visits the zeros. Here zeros are `None`, and not a reference to nothing.
pub(crate) struct Held(Option<Py<PyAny>>);

impl Held {
    pub(crate) fn new(object: Py<PyAny>) -> Self {
        Self(Some(object))
    }

    pub(crate) fn get<'a, 'py>(&'a self, py: Python<'py>) -> PyResult<&'a Bound<'py, PyAny>> {
        let held = self.0.as_ref().map(|object| object.bind(py));
        held.ok_or_else(|| PyRuntimeError::new_err("the instance is not made yet"))
    }

    pub(crate) fn visit(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.0)
    }
}

/// The value of a key; scopes are dicts, but any mapping will do.
pub(crate) fn item<'py>(
    mapping: &Bound<'py, PyAny>,
    key: &Bound<'py, PyString>,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    if let Ok(dict) = mapping.cast::<PyDict>() {
        return dict.get_item(key);
    }
    match mapping.get_item(key) {
        Err(error) if error.is_instance_of::<PyKeyError>(mapping.py()) => Ok(None),
        found => found.map(Some),
    }
}

/// The value of a key that ASGI asks for.
///
/// # Errors
/// `KeyError` without it.
pub(crate) fn required<'py>(
    mapping: &Bound<'py, PyAny>,
    key: &Bound<'py, PyString>,
) -> PyResult<Bound<'py, PyAny>> {
    item(mapping, key)?.ok_or_else(|| PyKeyError::new_err(key.clone().unbind()))
}

/// Whether `type` of a scope or of a message is this one.
pub(crate) fn is_type(mapping: &Bound<'_, PyAny>, wanted: &str) -> PyResult<bool> {
    let found = required(mapping, intern!(mapping.py(), "type"))?;
    Ok(text(&found) == Some(wanted))
}

/// The text of a `str`; `None` for anything else.
pub(crate) fn text<'a>(value: &'a Bound<'_, PyAny>) -> Option<&'a str> {
    value.cast::<PyString>().ok()?.to_str().ok()
}

/// Calls `visit` with each pair of a header section and its name, if that is bytes. The section is a list, a tuple, or
/// anything that can be iterated over, and so is a pair.
pub(crate) fn each_pair<'py>(
    headers: &Bound<'py, PyAny>,
    visit: &mut impl FnMut(&Bound<'py, PyAny>, &[u8]) -> PyResult<()>,
) -> PyResult<()> {
    // the exact types are what servers make, and cheap to ask for
    let mut each = |pair: &Bound<'py, PyAny>| match pair.cast_exact::<PyTuple>() {
        Ok(tuple) => named(pair, &*tuple.get_borrowed_item(0)?, visit),
        Err(_) => named(pair, &pair.get_item(0)?, visit),
    };
    match headers.cast_exact::<PyList>() {
        Ok(list) => list.iter().try_for_each(|pair| each(&pair)),
        Err(_) => headers.try_iter()?.try_for_each(|pair| each(&pair?)),
    }
}

fn named<'py>(
    pair: &Bound<'py, PyAny>,
    name: &Bound<'py, PyAny>,
    visit: &mut impl FnMut(&Bound<'py, PyAny>, &[u8]) -> PyResult<()>,
) -> PyResult<()> {
    if let Ok(name) = name.cast_exact::<PyBytes>() {
        return visit(pair, name.as_bytes());
    }
    match name.extract::<PyBackedBytes>() {
        Ok(name) => visit(pair, &name),
        Err(_) => Ok(()),
    }
}

/// The path as it came, if the scope has it and it is the path that the application goes by; else that path, written as it
/// could have come. `None` if there is none.
///
/// Only the path as it came tells an encoded slash from a slash. Whoever sets `path` anew, such as an application that
/// mounts others, leaves `raw_path` behind: it is another path then.
pub(crate) fn path(scope: &Bound<'_, PyAny>) -> PyResult<Option<Vec<u8>>> {
    let py = scope.py();
    let path = item(scope, intern!(py, "path"))?;
    let Some(path) = path.as_ref().and_then(text) else {
        return Ok(None);
    };
    let raw = item(scope, intern!(py, "raw_path"))?;
    let raw = raw.as_ref().and_then(|raw| raw.cast::<PyBytes>().ok());
    if let Some(raw) = raw.map(|raw| raw.as_bytes())
        && *decoded(raw) == *path.as_bytes()
    {
        return Ok(Some(raw.to_vec()));
    }
    Ok(Some(path.replace('%', "%25").into_bytes()))
}

/// A path with its escapes decoded; what is no escape stays as it is.
fn decoded(raw: &[u8]) -> Cow<'_, [u8]> {
    if !raw.contains(&b'%') {
        return Cow::Borrowed(raw);
    }
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let mut out = Vec::with_capacity(raw.len());
    let mut rest = raw;
    while let [first, tail @ ..] = rest {
        let escape = match (first, tail) {
            (b'%', [high, low, ..]) => digit(*high).zip(digit(*low)),
            _ => None,
        };
        let escape = escape.and_then(|(high, low)| u8::try_from(high * 16 + low).ok());
        (out, rest) = match escape {
            Some(byte) => (with(out, byte), &tail[2..]),
            None => (with(out, *first), tail),
        };
    }
    Cow::Owned(out)
}

fn with(mut bytes: Vec<u8>, byte: u8) -> Vec<u8> {
    bytes.push(byte);
    bytes
}

/// Shows an instance as an ASGI application: servers, test clients and asgiref ask whether `app.__call__` is a coroutine
/// function, and that of a class in Rust is none. A call `app(...)` goes by the type and never sees this attribute.
///
/// A subclass with a `__call__` of its own shows that one.
pub(crate) fn show(instance: &Bound<'_, PyAny>, class: &Bound<'_, PyType>) -> PyResult<()> {
    let py = instance.py();
    let call = intern!(py, "__call__");
    if !instance.get_type().getattr(call)?.is(&class.getattr(call)?) {
        return Ok(());
    }
    let shown = py
        .import(intern!(py, "mantlet._coroutine"))?
        .getattr("called")?;
    let bound = shown.call_method1(intern!(py, "__get__"), (instance,))?;
    let dict = instance.getattr(intern!(py, "__dict__"))?;
    dict.set_item(call, bound)
}
