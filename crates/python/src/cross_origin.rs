//! `CrossOriginProtection`, as asgi-cross-origin-protection has it: its names and defaults, and the decisions of the engine.
//!
//! 1. GET, HEAD and OPTIONS pass: nothing else of the request is read.
//! 2. What is no HTTP request passes, a WebSocket handshake too; that is unsafe, and said once.
//! 3. The engine is asked, under a policy of cross-origin protection alone. What it denies goes to `deny_app`.
//!
//! It fails open where the engine does: a request with neither Sec-Fetch-Site nor Origin passes by default.

use std::ffi::CString;
use std::sync::OnceLock;

use http::{HeaderName, Method};
use mantlet_engine::policy::{CrossOrigin, Policy, Rules, Scoped};
use mantlet_engine::route::RoutePath;
use mantlet_engine::{Engine, Fields, OsEntropy, RequestHead, Verdict};
use mantlet_headers::Origin;
use pyo3::exceptions::{PyRuntimeError, PyTypeError};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::{PyBytes, PyDict, PyFrozenSet, PyString, PyTuple};
use pyo3::{PyTraverseError, PyVisit, intern};

use crate::asgi_scope::{Held, each_pair, is_type, item, path, required, show, text};

/// ASGI middleware that denies the requests which another site makes a browser send to change something.
///
/// In this order, the first answer counts:
///
/// 1. GET, HEAD and OPTIONS pass; so does everything that is no HTTP request, WebSocket handshakes included.
/// 2. A path in `exempt_paths` passes; one that is not in normal form (`..`, `//`, an encoded slash) is never exempt.
/// 3. More than one Origin or Sec-Fetch-Site, more than one Host, or a Host that is none: denied.
/// 4. An Origin in `allowed_origins` passes.
/// 5. Sec-Fetch-Site: `same-origin` and `none` pass, anything else is denied, and Origin is not looked at.
/// 6. Origin: passes if it has the host and port of Host, whatever the scheme; else it is denied, `null` too.
/// 7. Neither is there: no browser. Passes, unless `allow_unverifiable_requests` is false.
///
/// Args:
///     app: The ASGI application behind.
///     allowed_origins: Origins whose requests pass, each `scheme://host` or `scheme://host:port`.
///     exempt_paths: Absolute paths that are not checked, and all below them: `/hooks` holds for `/hooks/a` and not for
///         `/hooks-a`; `/hooks/` only for what is below.
///     deny_app: The ASGI application that answers in place of `app`; by default 403 with a JSON `detail`.
///     allow_unverifiable_requests: Whether a request passes that tells nothing of where it comes from.
///
/// Raises:
///     InvalidTrustedOriginError: `allowed_origins` has an entry that no browser sends as Origin.
///     InvalidExemptPathError: `exempt_paths` has an entry that is no absolute path in normal form.
///
/// Warns:
///     UnsafeDefaultWarning: Always: WebSocket handshakes are not checked. `mantlet.Mantlet` checks them.
#[pyclass(frozen, dict, weakref, subclass, module = "mantlet.cross_origin")]
pub(crate) struct CrossOriginProtection {
    made: OnceLock<Made>,
}

/// What the constructor makes of its arguments.
struct Made {
    app: Held,
    deny_app: Held,
    engine: Engine,
    allowed_origins: Py<PyFrozenSet>,
    exempt_paths: Py<PyTuple>,
    exempts: bool,
    allow_unverifiable_requests: bool,
}

#[pymethods]
impl CrossOriginProtection {
    // a subclass may have other parameters, so they are read by __init__
    #[new]
    #[pyo3(
        signature = (*_args, **_kwargs),
        text_signature = "(app, *, allowed_origins=(), exempt_paths=(), deny_app=None, allow_unverifiable_requests=True)"
    )]
    fn new(_args: &Bound<'_, PyTuple>, _kwargs: Option<&Bound<'_, PyDict>>) -> Self {
        Self {
            made: OnceLock::new(),
        }
    }

    #[pyo3(signature = (app, *, allowed_origins=None, exempt_paths=None, deny_app=None, allow_unverifiable_requests=true))]
    fn __init__(
        this: &Bound<'_, Self>,
        app: Py<PyAny>,
        allowed_origins: Option<&Bound<'_, PyAny>>,
        exempt_paths: Option<&Bound<'_, PyAny>>,
        deny_app: Option<Py<PyAny>>,
        allow_unverifiable_requests: bool,
    ) -> PyResult<()> {
        let py = this.py();
        let origins = origins(py, &entries(allowed_origins)?)?;
        let exempt = entries(exempt_paths)?;
        let paths = paths(py, &exempt)?;
        let deny_app = match deny_app {
            Some(deny_app) => deny_app,
            None => of_module(py, "deny")?.unbind(),
        };
        let texts = origins.iter().map(Origin::to_string);
        let made = Made {
            app: Held::new(app),
            deny_app: Held::new(deny_app),
            allowed_origins: PyFrozenSet::new(py, texts)?.unbind(),
            exempt_paths: PyTuple::new(py, exempt)?.unbind(),
            exempts: !paths.is_empty(),
            engine: engine(origins, paths, allow_unverifiable_requests),
            allow_unverifiable_requests,
        };
        if this.get().made.set(made).is_err() {
            return Err(PyRuntimeError::new_err(
                "__init__ of CrossOriginProtection ran twice",
            ));
        }
        let message = "CrossOriginProtection lets WebSocket handshakes of other sites through; mantlet.Mantlet checks them";
        PyErr::warn(
            py,
            &of_module(py, "UnsafeDefaultWarning")?,
            &CString::new(message).unwrap_or_default(),
            1,
        )?;
        show(this.as_any(), &py.get_type::<Self>())
    }

    /// Calls the application, or `deny_app`; returns what it returns.
    fn __call__<'py>(
        &self,
        scope: &Bound<'py, PyAny>,
        receive: &Bound<'py, PyAny>,
        send: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let made = self.made()?;
        let app = match made.denies(scope)? {
            true => &made.deny_app,
            false => &made.app,
        };
        app.get(scope.py())?.call1((scope, receive, send))
    }

    /// The application behind.
    #[getter]
    fn app<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.made()?.app.get(py).cloned()
    }

    /// The application that answers in its place.
    #[getter]
    fn deny_app<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.made()?.deny_app.get(py).cloned()
    }

    /// The origins whose requests pass, in lower case.
    #[getter]
    fn allowed_origins(&self, py: Python<'_>) -> PyResult<Py<PyFrozenSet>> {
        Ok(self.made()?.allowed_origins.clone_ref(py))
    }

    /// The paths that are not checked, as they were given.
    #[getter]
    fn exempt_paths(&self, py: Python<'_>) -> PyResult<Py<PyTuple>> {
        Ok(self.made()?.exempt_paths.clone_ref(py))
    }

    /// Whether a request passes that tells nothing of where it comes from.
    #[getter]
    fn allow_unverifiable_requests(&self) -> PyResult<bool> {
        Ok(self.made()?.allow_unverifiable_requests)
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        match self.made.get() {
            Some(made) => {
                made.app.visit(&visit)?;
                made.deny_app.visit(&visit)
            }
            None => Ok(()),
        }
    }
}

impl CrossOriginProtection {
    fn made(&self) -> PyResult<&Made> {
        let message =
            "__init__ of CrossOriginProtection was not called: super().__init__(app, ...)";
        self.made
            .get()
            .ok_or_else(|| PyRuntimeError::new_err(message))
    }
}

impl Made {
    fn denies(&self, scope: &Bound<'_, PyAny>) -> PyResult<bool> {
        let py = scope.py();
        let method = item(scope, intern!(py, "method"))?;
        let method = method.as_ref().and_then(text);
        if matches!(method, Some("GET" | "HEAD" | "OPTIONS")) || !is_type(scope, "http")? {
            return Ok(false);
        }
        // what is no method is not one of the three
        let method = method.and_then(|method| Method::from_bytes(method.as_bytes()).ok());
        let method = method.unwrap_or(Method::POST);
        let lines = Lines::of(&required(scope, intern!(py, "headers"))?)?;
        let path = match self.exempts {
            true => path(scope)?.unwrap_or_default(),
            false => Vec::new(),
        };
        let (verdict, _) = self
            .engine
            .on_request(&RequestHead::new(&method, &path, &lines))
            .without_store();
        Ok(!matches!(verdict, Verdict::Allow(_)))
    }
}

fn engine(allowed_origins: Vec<Origin<'static>>, paths: Vec<RoutePath>, lenient: bool) -> Engine {
    let mut policy = Policy::new(Scoped::any(Rules::default()));
    policy.cross_origin = Some(CrossOrigin {
        allowed_origins,
        exempt_paths: paths,
        allow_unverifiable: lenient,
        protect_websockets: false,
        ..CrossOrigin::default()
    });
    Engine::new(policy, OsEntropy)
}

/// The strings of an argument.
///
/// # Errors
/// `TypeError` for one string in place of several, and for what is no string.
fn entries<'py>(given: Option<&Bound<'py, PyAny>>) -> PyResult<Vec<Bound<'py, PyString>>> {
    let Some(given) = given else {
        return Ok(Vec::new());
    };
    if given.is_instance_of::<PyString>() {
        let message = "a list or tuple of strings is wanted, not one string";
        return Err(PyTypeError::new_err(message));
    }
    let entry = |entry: PyResult<Bound<'py, PyAny>>| Ok(entry?.cast_into::<PyString>()?);
    given.try_iter()?.map(entry).collect()
}

fn origins(py: Python<'_>, entries: &[Bound<'_, PyString>]) -> PyResult<Vec<Origin<'static>>> {
    let read = |entry: &Bound<'_, PyString>| {
        let parsed = entry.to_cow()?.parse::<Origin<'static>>();
        parsed.map_err(|fault| invalid(py, "InvalidTrustedOriginError", entry, &fault.to_string()))
    };
    entries.iter().map(read).collect()
}

fn paths(py: Python<'_>, entries: &[Bound<'_, PyString>]) -> PyResult<Vec<RoutePath>> {
    let read = |entry: &Bound<'_, PyString>| {
        let parsed = RoutePath::new(&entry.to_cow()?);
        parsed.map_err(|fault| invalid(py, "InvalidExemptPathError", entry, fault))
    };
    entries.iter().map(read).collect()
}

/// The exception of this name, for an entry and why it is refused.
fn invalid(py: Python<'_>, name: &str, entry: &Bound<'_, PyString>, reason: &str) -> PyErr {
    match of_module(py, name).and_then(|class| class.call1((entry, reason))) {
        Ok(exception) => PyErr::from_value(exception),
        Err(error) => error,
    }
}

fn of_module<'py>(py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyAny>> {
    py.import(intern!(py, "mantlet.cross_origin"))?
        .getattr(name)
}

/// The request fields that the decision reads. Their names may come in any case.
#[derive(Default)]
struct Lines<'py> {
    host: Line<'py>,
    origin: Line<'py>,
    site: Line<'py>,
}

#[derive(Default)]
struct Line<'py> {
    value: Option<Bound<'py, PyBytes>>,
    repeated: bool,
}

impl<'py> Lines<'py> {
    fn of(headers: &Bound<'py, PyAny>) -> PyResult<Self> {
        let mut lines = Self::default();
        each_pair(headers, &mut |pair, name| {
            if let Some(line) = lines.named(name) {
                line.repeated = line.value.is_some();
                line.value = Some(octets(pair.get_item(1)?)?);
            }
            Ok(())
        })?;
        Ok(lines)
    }

    fn named(&mut self, name: &[u8]) -> Option<&mut Line<'py>> {
        let (line, wanted) = match name.len() {
            4 => (&mut self.host, "host"),
            6 => (&mut self.origin, "origin"),
            14 => (&mut self.site, "sec-fetch-site"),
            _ => return None,
        };
        name.eq_ignore_ascii_case(wanted.as_bytes()).then_some(line)
    }
}

/// A value as bytes.
///
/// # Errors
/// `TypeError` for what is none: a field that cannot be read is no missing field.
fn octets(value: Bound<'_, PyAny>) -> PyResult<Bound<'_, PyBytes>> {
    match value.cast_into::<PyBytes>() {
        Ok(value) => Ok(value),
        Err(other) => {
            let value = other.into_inner();
            Ok(PyBytes::new(value.py(), &value.extract::<PyBackedBytes>()?))
        }
    }
}

impl Fields for Lines<'_> {
    fn each<'a>(&'a self, name: &HeaderName, visit: &mut dyn FnMut(&'a [u8])) {
        self.all(&mut |found, value| {
            if found == name.as_str().as_bytes() {
                visit(value);
            }
        });
    }

    fn all<'a>(&'a self, visit: &mut dyn FnMut(&[u8], &'a [u8])) {
        for (name, line) in [
            ("host", &self.host),
            ("origin", &self.origin),
            ("sec-fetch-site", &self.site),
        ] {
            let Some(value) = &line.value else { continue };
            visit(name.as_bytes(), value.as_bytes());
            if line.repeated {
                visit(name.as_bytes(), value.as_bytes());
            }
        }
    }
}
