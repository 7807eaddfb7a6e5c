//! The WSGI middleware: `start_response` gets the headers, everything else goes through as it is.

use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use super::headers::Headers;

/// The native part of `mantlet.middleware.SecureWSGIMiddleware`.
#[pyclass(frozen, subclass, extends = Headers, name = "_WsgiHeaders", module = "mantlet._mantlet")]
pub(super) struct WsgiHeaders;

#[pymethods]
impl WsgiHeaders {
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
        environ: &Bound<'py, PyAny>,
        start_response: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let app = slf.as_super().get().app(slf.py())?;
        let start_response = StartResponse {
            start_response: start_response.clone().unbind(),
            middleware: slf.as_super().clone().unbind(),
        };
        app.call1((environ, start_response))
    }
}

/// The `start_response` that the application gets.
#[pyclass(frozen, name = "_StartResponse", module = "mantlet._mantlet")]
struct StartResponse {
    start_response: Py<PyAny>,
    middleware: Py<Headers>,
}

#[pymethods]
impl StartResponse {
    #[pyo3(signature = (status, headers, exc_info = None))]
    fn __call__<'py>(
        &self,
        status: &Bound<'py, PyAny>,
        headers: &Bound<'py, PyAny>,
        exc_info: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = status.py();
        let fields = self
            .middleware
            .get()
            .fields(py, |name, value| PyTuple::new(py, [name, value]))?;
        let merged = fields.merged(headers, |name| name.extract().ok().map(str::as_bytes))?;
        self.start_response
            .bind(py)
            .call1((status, merged, exc_info))
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.start_response)?;
        visit.call(&self.middleware)
    }
}
