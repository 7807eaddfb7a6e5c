//! The callable around an application: ASGI or WSGI, by the shape of the call.
//!
//! An ASGI call has three arguments, a WSGI call two. What is returned is what the application returns: no coroutine and no
//! iterable of ours stands between it and the server.

use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;

use crate::policy::Policy;
use crate::{asgi, wsgi};

/// The native part of `mantlet.Mantlet`.
#[pyclass(frozen, subclass, module = "mantlet._mantlet")]
pub(crate) struct Middleware {
    pub(crate) app: Py<PyAny>,
    pub(crate) policy: Py<Policy>,
}

#[pymethods]
impl Middleware {
    #[new]
    fn new(app: Py<PyAny>, policy: Py<Policy>) -> Self {
        Self { app, policy }
    }

    /// The application inside.
    #[getter]
    fn app(&self, py: Python<'_>) -> Py<PyAny> {
        self.app.clone_ref(py)
    }

    /// The policy in force.
    #[getter]
    fn policy(&self, py: Python<'_>) -> Py<Policy> {
        self.policy.clone_ref(py)
    }

    /// Answers a request: `(scope, receive, send)` of ASGI, by keyword too, or `(environ, start_response)` of WSGI.
    #[pyo3(signature = (scope, receive, send = None))]
    fn __call__<'py>(
        &self,
        scope: &Bound<'py, PyAny>,
        receive: &Bound<'py, PyAny>,
        send: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = scope.py();
        let (app, policy) = (self.app.bind(py), self.policy.bind(py));
        match send {
            Some(send) => asgi::call(app, policy, scope, receive, send),
            None => wsgi::call(app, policy, scope, receive),
        }
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.app)?;
        visit.call(&self.policy)
    }
}
