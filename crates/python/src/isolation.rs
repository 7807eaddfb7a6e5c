//! `CrossOriginIsolation`, as asgi-cross-origin-protection has it: three response fields, each where the application has
//! none.

use std::ffi::CString;
use std::sync::OnceLock;

use mantlet_headers::{Coep, Coop, Corp, Fault, Field, field_value};
use pyo3::exceptions::{PyRuntimeError, PyUserWarning, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PyTuple};
use pyo3::{PyTraverseError, PyVisit, intern};

use crate::asgi_scope::{Held, each_pair, is_type, item, show};

/// ASGI middleware that adds Cross-Origin-Opener-Policy, -Embedder-Policy and -Resource-Policy to responses, each where the
/// application has not set it.
///
/// `require-corp` keeps a page from loading what another origin serves without Cross-Origin-Resource-Policy or CORS:
/// scripts and fonts of a CDN, images. `embedder_policy=None` leaves it out; the page is not isolated then.
///
/// Args:
///     app: The ASGI application behind.
///     opener_policy: `same-origin`, `same-origin-allow-popups`, `noopener-allow-popups` or `unsafe-none`; `None` leaves
///         the field alone.
///     embedder_policy: `require-corp`, `credentialless` or `unsafe-none`; `None` leaves the field alone.
///     resource_policy: `same-origin`, `same-site` or `cross-origin`; `None` leaves the field alone.
///
/// Raises:
///     ValueError: A policy has a character that no field value has: a line break, a control character, one beyond ASCII.
///
/// Warns:
///     UserWarning: A policy that a browser ignores.
#[pyclass(frozen, dict, weakref, subclass, module = "mantlet.isolation")]
pub(crate) struct CrossOriginIsolation {
    made: OnceLock<Made>,
}

/// What the constructor makes of its arguments.
struct Made {
    app: Held,
    additions: Py<Additions>,
    none: bool,
}

/// The fields to add.
#[pyclass(frozen)]
struct Additions {
    fields: Vec<(&'static str, Py<PyTuple>)>,
}

#[pymethods]
impl CrossOriginIsolation {
    // a subclass may have other parameters, so they are read by __init__
    #[new]
    #[pyo3(
        signature = (*_args, **_kwargs),
        text_signature = "(app, *, opener_policy='same-origin', embedder_policy='require-corp', resource_policy='same-site')"
    )]
    fn new(_args: &Bound<'_, PyTuple>, _kwargs: Option<&Bound<'_, PyDict>>) -> Self {
        Self {
            made: OnceLock::new(),
        }
    }

    #[pyo3(signature = (
        app, *, opener_policy=Some("same-origin"), embedder_policy=Some("require-corp"), resource_policy=Some("same-site"),
    ))]
    fn __init__(
        this: &Bound<'_, Self>,
        app: Py<PyAny>,
        opener_policy: Option<&str>,
        embedder_policy: Option<&str>,
        resource_policy: Option<&str>,
    ) -> PyResult<()> {
        let py = this.py();
        let mut fields = Vec::new();
        for (name, policy, faults) in [
            (
                "cross-origin-opener-policy",
                opener_policy,
                faults::<Coop> as fn(&str) -> Vec<Fault>,
            ),
            (
                "cross-origin-embedder-policy",
                embedder_policy,
                faults::<Coep>,
            ),
            (
                "cross-origin-resource-policy",
                resource_policy,
                faults::<Corp>,
            ),
        ] {
            let Some(policy) = policy.map(|policy| policy.trim_matches(' ')) else {
                continue;
            };
            field_value(policy)
                .map_err(|fault| PyValueError::new_err(format!("{name}: {policy:?}: {fault}")))?;
            for fault in faults(policy) {
                warn(py, name, &fault)?;
            }
            let pair = (
                PyBytes::new(py, name.as_bytes()),
                PyBytes::new(py, policy.as_bytes()),
            );
            fields.push((name, pair.into_pyobject(py)?.unbind()));
        }
        let made = Made {
            app: Held::new(app),
            none: fields.is_empty(),
            additions: Py::new(py, Additions { fields })?,
        };
        if this.get().made.set(made).is_err() {
            return Err(PyRuntimeError::new_err(
                "__init__ of CrossOriginIsolation ran twice",
            ));
        }
        show(this.as_any(), &py.get_type::<Self>())
    }

    /// Calls the application with a `send` that adds the fields; returns what it returns.
    fn __call__<'py>(
        &self,
        scope: &Bound<'py, PyAny>,
        receive: &Bound<'py, PyAny>,
        send: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = scope.py();
        let made = self.made()?;
        let app = made.app.get(py)?;
        if made.none || !is_type(scope, "http")? {
            return app.call1((scope, receive, send));
        }
        let send = IsolatedSend {
            send: send.clone().unbind(),
            additions: made.additions.clone_ref(py),
        };
        app.call1((scope, receive, send))
    }

    /// The application behind.
    #[getter]
    fn app<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.made()?.app.get(py).cloned()
    }

    /// The fields to add, name and value.
    #[getter]
    fn headers<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let additions = self.made()?.additions.get();
        PyTuple::new(py, additions.fields.iter().map(|(_, pair)| pair))
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        match self.made.get() {
            Some(made) => made.app.visit(&visit),
            None => Ok(()),
        }
    }
}

impl CrossOriginIsolation {
    fn made(&self) -> PyResult<&Made> {
        let message = "__init__ of CrossOriginIsolation was not called: super().__init__(app, ...)";
        self.made
            .get()
            .ok_or_else(|| PyRuntimeError::new_err(message))
    }
}

fn faults<F: Field>(policy: &str) -> Vec<Fault> {
    F::parse(policy.as_bytes()).faults
}

fn warn(py: Python<'_>, name: &str, fault: &Fault) -> PyResult<()> {
    let mut message = format!("{name}: {}", fault.message);
    if let Some(hint) = &fault.hint {
        message = format!("{message} ({hint})");
    }
    let message = CString::new(message).unwrap_or_default();
    PyErr::warn(py, &py.get_type::<PyUserWarning>(), &message, 1)
}

/// The `send` that the application gets.
#[pyclass(frozen)]
struct IsolatedSend {
    send: Py<PyAny>,
    additions: Py<Additions>,
}

#[pymethods]
impl IsolatedSend {
    fn __call__<'py>(&self, message: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let send = self.send.bind(message.py());
        match is_type(message, "http.response.start")? {
            true => send.call1((self.additions.get().started(message)?,)),
            false => send.call1((message,)),
        }
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.send)
    }
}

impl Additions {
    /// The message with the fields that it lacks: another message with a list of its own, for an application may send one
    /// message, or one list, again and again.
    fn started<'py>(&self, message: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let py = message.py();
        let key = intern!(py, "headers");
        let given = item(message, key)?.filter(|given| !given.is_none());
        let headers = match given {
            Some(given) => match given.cast_into::<PyList>() {
                Ok(list) => list.get_slice(0, list.len()),
                Err(other) => {
                    let pairs: PyResult<Vec<_>> = other.into_inner().try_iter()?.collect();
                    PyList::new(py, pairs?)?
                }
            },
            None => PyList::empty(py),
        };
        let mut present = 0u32;
        each_pair(headers.as_any(), &mut |_, name| {
            present |= self.place(name);
            Ok(())
        })?;
        for (i, (_, pair)) in self.fields.iter().enumerate() {
            if present & (1 << i) == 0 {
                headers.append(pair)?;
            }
        }
        let started = match message.cast::<PyDict>() {
            Ok(message) => message.copy()?,
            Err(_) => {
                let copy = PyDict::new(py);
                copy.update(message.cast()?)?;
                copy
            }
        };
        started.set_item(key, headers)?;
        Ok(started.into_any())
    }

    /// The bit of the field of this name; 0 if it is none of ours.
    fn place(&self, name: &[u8]) -> u32 {
        let same = |(ours, _): &(&str, _)| name.eq_ignore_ascii_case(ours.as_bytes());
        self.fields.iter().position(same).map_or(0, |i| 1 << i)
    }
}
