//! The ASGI middleware: `http.response.start` gets the headers, everything else goes through as it is.
//!
//! A call returns what the application returns: there is no coroutine here. An error in the headers is raised where the
//! application sends.

use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyTuple};

use super::headers::Headers;

/// The native part of `mantlet.middleware.SecureASGIMiddleware`.
#[pyclass(frozen, subclass, extends = Headers, name = "_AsgiHeaders", module = "mantlet._mantlet")]
pub(super) struct AsgiHeaders;

#[pymethods]
impl AsgiHeaders {
    /// Takes any arguments, as its base does.
    #[new]
    #[pyo3(signature = (*_args, **_kwargs))]
    fn new(
        _args: &Bound<'_, PyTuple>,
        _kwargs: Option<&Bound<'_, PyDict>>,
    ) -> PyClassInitializer<Self> {
        PyClassInitializer::from(Headers::default()).add_subclass(Self)
    }

    fn __call__<'py>(
        slf: &Bound<'py, Self>,
        scope: &Bound<'py, PyAny>,
        receive: &Bound<'py, PyAny>,
        send: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        let app = slf.as_super().get().app(py)?;
        if !is(scope, "http")? {
            return app.call1((scope, receive, send));
        }
        let send = Send {
            send: send.clone().unbind(),
            middleware: slf.as_super().clone().unbind(),
        };
        app.call1((scope, receive, send))
    }
}

/// The `send` that the application gets.
#[pyclass(frozen, name = "_Send", module = "mantlet._mantlet")]
struct Send {
    send: Py<PyAny>,
    middleware: Py<Headers>,
}

#[pymethods]
impl Send {
    fn __call__<'py>(&self, message: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let py = message.py();
        if is(message, "http.response.start")? {
            return self.send.bind(py).call1((self.start(message)?,));
        }
        self.send.bind(py).call1((message,))
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.send)?;
        visit.call(&self.middleware)
    }
}

impl Send {
    /// A copy of the message with the headers merged: an application may send the same message again.
    fn start<'py>(&self, message: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyDict>> {
        let py = message.py();
        let fields = self.middleware.get().fields(py, encoded)?;
        let message = match message.cast::<PyDict>() {
            Ok(dict) => dict.copy()?,
            Err(_) => py
                .get_type::<PyDict>()
                .call1((message,))?
                .cast_into::<PyDict>()?,
        };
        let name = intern!(py, "headers");
        let theirs = match message.get_item(name)? {
            Some(theirs) => theirs,
            None => PyList::empty(py).into_any(),
        };
        let merged = fields.merged(&theirs, |name| name.extract().ok())?;
        message.set_item(name, merged)?;
        Ok(message)
    }
}

/// Whether `type` of a scope or message is `word`.
fn is(mapping: &Bound<'_, PyAny>, word: &str) -> PyResult<bool> {
    let py = mapping.py();
    let name = intern!(py, "type");
    let kind = match mapping.cast::<PyDict>() {
        Ok(dict) => dict.get_item(name)?,
        Err(_) => Some(mapping.call_method1(intern!(py, "get"), (name,))?),
    };
    Ok(kind.is_some_and(|kind| kind.extract::<&str>().is_ok_and(|kind| kind == word)))
}

/// A lower-case name (HTTP/2 allows no other) and a value, as ASGI wants them.
fn encoded<'py>(
    name: &Bound<'py, PyAny>,
    value: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyTuple>> {
    let py = name.py();
    let encode = intern!(py, "encode");
    let name = name
        .call_method0(intern!(py, "lower"))?
        .call_method1(encode, ("ascii",))?;
    let value = value.call_method1(encode, ("latin-1",))?;
    PyTuple::new(py, [name, value])
}
