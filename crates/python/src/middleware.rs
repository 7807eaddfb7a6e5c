//! The callable around an application: ASGI or WSGI, by the shape of the call.
//!
//! An ASGI call has three arguments, a WSGI call two. What is returned is what the application returns: no coroutine and no
//! iterable of ours stands between it and the server.

use std::path::PathBuf;
use std::time::Duration;

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;

use crate::follow::Followed;
use crate::policy::Policy;
use crate::{asgi, wsgi};

/// The native part of `mantlet.Mantlet`.
#[pyclass(frozen, subclass, module = "mantlet._mantlet")]
pub(crate) struct Middleware {
    app: Py<PyAny>,
    policy: Source,
}

/// Where the policy of a request comes from.
enum Source {
    Fixed(Py<Policy>),
    File(Box<Followed>),
}

#[pymethods]
impl Middleware {
    /// `policy` is a `Policy`, or the path of a policy file; that is looked at again every `follow` seconds at most, and
    /// never without them. `redis` is a client that asks the store of such a file.
    #[new]
    #[pyo3(signature = (app, policy, follow = None, redis = None))]
    fn new(
        app: Py<PyAny>,
        policy: &Bound<'_, PyAny>,
        follow: Option<f64>,
        redis: Option<Py<PyAny>>,
    ) -> PyResult<Self> {
        let py = policy.py();
        let policy = match (policy.cast::<Policy>(), follow) {
            (Ok(_), _) if redis.is_some() => {
                return Err(PyTypeError::new_err(
                    "redis goes into the Policy: Policy(..., redis=client)",
                ));
            }
            (Ok(policy), _) => Source::Fixed(policy.clone().unbind()),
            (Err(_), None) => {
                let path: PathBuf = policy.extract()?;
                Source::Fixed(Py::new(
                    py,
                    Policy::of_file(py, &path, None, redis.as_ref())?,
                )?)
            }
            (Err(_), Some(seconds)) => {
                let every = Duration::try_from_secs_f64(seconds);
                let every =
                    every.map_err(|_| PyValueError::new_err("follow is a number of seconds"))?;
                Source::File(Box::new(Followed::new(
                    py,
                    policy.extract()?,
                    every,
                    redis,
                )?))
            }
        };
        Ok(Self { app, policy })
    }

    /// The application inside.
    #[getter]
    fn app(&self, py: Python<'_>) -> Py<PyAny> {
        self.app.clone_ref(py)
    }

    /// The policy in force.
    #[getter]
    fn policy<'py>(&self, py: Python<'py>) -> Bound<'py, Policy> {
        match &self.policy {
            Source::Fixed(policy) => policy.bind(py).clone(),
            Source::File(file) => file.in_force(py),
        }
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
        let app = self.app.bind(py);
        let followed;
        let policy = match &self.policy {
            Source::Fixed(policy) => policy.bind(py),
            Source::File(file) => {
                followed = file.policy(py);
                &followed
            }
        };
        match send {
            Some(send) => asgi::call(app, policy, scope, receive, send),
            None => wsgi::call(app, policy, scope, receive),
        }
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.app)?;
        match &self.policy {
            Source::Fixed(policy) => visit.call(policy),
            Source::File(file) => file.traverse(&visit),
        }
    }
}
