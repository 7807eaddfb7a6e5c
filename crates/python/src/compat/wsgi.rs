//! The WSGI middleware: `start_response` gets the headers, everything else goes through as it is.

use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use super::headers::Headers;

/// The native part of `mantlet.middleware.SecureWSGIMiddleware`.
#[pyclass(frozen, subclass, name = "_WsgiHeaders", module = "mantlet._mantlet")]
pub(super) struct WsgiHeaders {
    headers: Headers,
}

#[pymethods]
impl WsgiHeaders {
    /// Takes any arguments: a subclass decides about its own.
    #[new]
    #[pyo3(signature = (*_args, **_kwargs))]
    fn new(_args: &Bound<'_, PyTuple>, _kwargs: Option<&Bound<'_, PyDict>>) -> Self {
        Self {
            headers: Headers::default(),
        }
    }

    /// What `__init__` of the Python class calls.
    fn _configure(
        &self,
        app: Py<PyAny>,
        secure: Py<PyAny>,
        multi_ok: Vec<String>,
        outgoing: Py<PyAny>,
    ) {
        self.headers.configure(app, secure, multi_ok, outgoing);
    }

    /// The wrapped application.
    #[getter]
    fn app<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.headers.app(py)
    }

    #[setter]
    fn set_app(&self, py: Python<'_>, app: Py<PyAny>) -> PyResult<()> {
        self.headers.replace(py, Some(app), None)
    }

    /// Whose headers are sent.
    #[getter]
    fn secure<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.headers.secure(py)
    }

    #[setter]
    fn set_secure(&self, py: Python<'_>, secure: Py<PyAny>) -> PyResult<()> {
        self.headers.replace(py, None, Some(secure))
    }

    /// Lower-case names of headers that are added beside the application's.
    #[getter]
    fn multi_ok(&self) -> PyResult<Vec<String>> {
        Ok(self.headers.multi_ok()?.to_vec())
    }

    fn __call__<'py>(
        slf: &Bound<'py, Self>,
        environ: &Bound<'py, PyAny>,
        start_response: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let app = slf.get().headers.app(slf.py())?;
        let start_response = StartResponse {
            start_response: start_response.clone().unbind(),
            middleware: slf.clone().unbind(),
        };
        app.call1((environ, start_response))
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.headers.traverse(&visit)
    }

    fn __clear__(&self) {
        self.headers.clear();
    }
}

/// The `start_response` that the application gets.
#[pyclass(frozen, name = "_StartResponse", module = "mantlet._mantlet")]
struct StartResponse {
    start_response: Py<PyAny>,
    middleware: Py<WsgiHeaders>,
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
            .headers
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
