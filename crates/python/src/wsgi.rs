//! WSGI (PEP 3333): an environ in, an edited `start_response` out.
//!
//! An environ is not a request: what a server has done to it stays unknown.
//!
//! * The path is that of `REQUEST_URI` or `RAW_URI` where the server gives one. Else it is `SCRIPT_NAME` and `PATH_INFO`,
//!   which have lost their escapes: an encoded slash looks like a slash.
//! * Repeated fields are joined with a comma. In Host, Origin, Sec-Fetch-* and a method override no comma belongs: each part
//!   counts as a field, and what is repeated is denied.
//! * `_` and `-` in a name are the same.

use std::cell::OnceCell;

use http::{HeaderName, Method, StatusCode, header};
use mantlet_engine::policy::KeyPart;
use mantlet_engine::{Exchange, Fields, Form, RequestHead, Step};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PyString};

use crate::asgi::escaped;
use crate::edits::{Text, edited};
use crate::exchange::Denial;
use crate::log;
use crate::policy::Policy;
use crate::verdict::{self, Known};

/// Judges, and hands on to the application or answers; the iterable is theirs.
pub(crate) fn call<'py>(
    app: &Bound<'py, PyAny>,
    policy: &Bound<'py, Policy>,
    environ: &Bound<'py, PyAny>,
    start_response: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    let py = environ.py();
    let environ = environ.cast::<PyDict>()?;
    let (verdict, exchange) = judged(policy.get(), environ)?;
    match verdict {
        Ok(permit) => {
            environ.set_item(
                intern!(py, "mantlet"),
                policy.get().last.permit(py, permit)?,
            )?;
            let start_response = StartResponse {
                start_response: start_response.clone().unbind(),
                policy: policy.clone().unbind(),
                exchange,
            };
            app.call1((environ, Bound::new(py, start_response)?))
        }
        Err(denial) => {
            let headers = PyList::empty(py);
            for (name, value) in &denial.reply.headers {
                headers.append(Text::Latin1.pair(py, name, value)?)?;
            }
            start_response.call1((status_line(denial.reply.status), headers))?;
            Ok(PyList::new(py, [denial.body(py)])?.into_any())
        }
    }
}

fn status_line(status: StatusCode) -> String {
    let phrase = status.canonical_reason().unwrap_or("Denied");
    format!("{} {phrase}", status.as_u16())
}

/// The verdict on an environ, told to the log. Of the environ is read what the policy asks for: each key is a lookup.
fn judged(
    policy: &Policy,
    environ: &Bound<'_, PyDict>,
) -> PyResult<(Result<mantlet_engine::Permit, Denial>, Exchange)> {
    let py = environ.py();
    let reads = policy.judges || log::is_looking();
    let fact = |key| match reads {
        true => text(environ, key),
        false => None,
    };
    let fields = Environ::new(policy, environ);
    let method = fact(intern!(py, "REQUEST_METHOD"));
    let method = match &method {
        Some(method) => Method::from_bytes(method.to_str().unwrap_or_default().as_bytes()),
        None => Ok(Method::GET),
    };
    // its authority names a host
    let target = if reads { target(environ) } else { None };
    let target = Target::of(target.as_ref());
    let (path, query) = match policy.reads_target {
        true => (
            path_of(environ)?,
            text(environ, intern!(py, "QUERY_STRING")),
        ),
        false => (Vec::new(), None),
    };
    let query = query.as_ref().and_then(|query| query.to_str().ok());
    let peer = text(environ, intern!(py, "REMOTE_ADDR"));
    let scheme = text(environ, intern!(py, "wsgi.url_scheme"));

    let get = Method::GET;
    let asked = method.as_ref().unwrap_or(&get);
    let mut head = RequestHead::new(asked, &path, &fields);
    head.query = query.filter(|query| !query.is_empty()).map(str::as_bytes);
    head.authority = target.authority.map(str::as_bytes);
    head.tls = scheme.is_some_and(|scheme| scheme.to_str().is_ok_and(|scheme| scheme == "https"));
    head.peer = peer.and_then(|peer| policy.last.address(&peer));
    let step = match method {
        Ok(_) => verdict::ask(policy, &mut head, Some(environ), py),
        Err(_) => {
            let (verdict, exchange) = policy.unreadable();
            Step::Decided(verdict, exchange)
        }
    };
    log::forgotten(py, &policy.engine, &head);
    let (verdict, exchange) = policy.decided(py, step)?;
    let known = Known {
        head,
        form: Form::of(&fields),
        path: || path_of(environ),
    };
    let verdict = verdict::told(py, verdict, &exchange, &known)?;
    Ok((verdict, exchange))
}

fn text<'py>(
    environ: &Bound<'py, PyDict>,
    key: &Bound<'py, PyString>,
) -> Option<Bound<'py, PyString>> {
    environ.get_item(key).ok()??.cast_into().ok()
}

/// The request target, where the server tells it.
fn target<'py>(environ: &Bound<'py, PyDict>) -> Option<Bound<'py, PyString>> {
    let py = environ.py();
    let target = text(environ, intern!(py, "REQUEST_URI"));
    target.or_else(|| text(environ, intern!(py, "RAW_URI")))
}

/// The path as it came, as far as the server tells.
fn path_of(environ: &Bound<'_, PyDict>) -> PyResult<Vec<u8>> {
    let py = environ.py();
    if let Some(path) = Target::of(target(environ).as_ref()).path {
        return Ok(path.as_bytes().to_vec());
    }
    let mut path = Vec::new();
    for name in [intern!(py, "SCRIPT_NAME"), intern!(py, "PATH_INFO")] {
        if let Some(part) = environ.get_item(name)? {
            Text::Latin1.copy(part.as_borrowed(), &mut path);
        }
    }
    Ok(escaped(&path))
}

/// A request target as it came.
struct Target<'t> {
    /// Without the query; `None` where the server does not tell.
    path: Option<&'t str>,
    /// That of a target in absolute form (RFC 9112 section 3.2.2).
    authority: Option<&'t str>,
}

impl<'t> Target<'t> {
    fn of(target: Option<&'t Bound<'_, PyString>>) -> Self {
        let target = target.and_then(|target| target.to_str().ok());
        let target = target.and_then(|target| target.split(['?', '#']).next());
        let Some(target) = target.filter(|target| !target.is_empty()) else {
            return Self {
                path: None,
                authority: None,
            };
        };
        if target.starts_with('/') {
            return Self {
                path: Some(target),
                authority: None,
            };
        }
        match target.split_once("://") {
            None => Self {
                path: Some(target),
                authority: None,
            },
            Some((_, rest)) => {
                let end = rest.find('/').unwrap_or(rest.len());
                let path = &rest[end..];
                Self {
                    path: Some(if path.is_empty() { "/" } else { path }),
                    authority: Some(&rest[..end]),
                }
            }
        }
    }
}

/// A request field and its key in an environ.
pub(crate) struct Key {
    name: HeaderName,
    key: Py<PyString>,
    /// Whether the field may be there once only, and its value has no comma.
    is_single: bool,
}

/// The fields that the engine reads of a request.
pub(crate) struct Keys {
    /// Those of every check.
    checks: Vec<Key>,
    /// The others.
    others: Vec<Key>,
}

impl Keys {
    pub(crate) fn new(py: Python<'_>, engine: &mantlet_engine::Engine) -> Self {
        let key = |name: HeaderName, is_single| {
            let key = format!(
                "HTTP_{}",
                name.as_str().to_ascii_uppercase().replace('-', "_")
            );
            let key = PyString::intern(py, &key).unbind();
            Key {
                name,
                key,
                is_single,
            }
        };
        let known = |name| HeaderName::from_static(name);
        let checks = [
            (header::HOST, true),
            (header::ORIGIN, true),
            (known("sec-fetch-site"), true),
            (known("sec-fetch-mode"), true),
            (known("sec-fetch-dest"), true),
            (header::UPGRADE, false),
            (header::COOKIE, false),
            (header::AUTHORIZATION, false),
        ];
        let others = [
            header::ACCEPT,
            header::FORWARDED,
            known("x-forwarded-for"),
            known("x-forwarded-proto"),
            known("x-forwarded-host"),
        ];
        let overrides = engine.method_override();
        let counted = engine.limits().flat_map(|limit| &limit.key);
        let counted = counted.filter_map(|part| match part {
            KeyPart::Field(name) => Some(name),
            _ => None,
        });
        let own = engine.client_field().into_iter().chain(overrides);
        let own = own.chain(counted).cloned();
        let mut others: Vec<HeaderName> = others.into_iter().chain(own).collect();
        others.sort_by(|a, b| a.as_str().cmp(b.as_str()));
        others.dedup();
        others.retain(|name| checks.iter().all(|(known, _)| known != name));
        let others = others.into_iter().map(|name| {
            let is_single = overrides.contains(&name);
            key(name, is_single)
        });
        Self {
            others: others.collect(),
            checks: checks.map(|(name, is_single)| key(name, is_single)).into(),
        }
    }
}

/// The fields of an environ, read when the engine first asks for them.
struct Environ<'e, 'py> {
    keys: &'e Keys,
    environ: &'e Bound<'py, PyDict>,
    checks: OnceCell<Vec<Found<'e, 'py>>>,
    others: OnceCell<Vec<Found<'e, 'py>>>,
}

/// A name and a value: a `str` of ASCII, or `bytes`.
struct Found<'e, 'py> {
    key: &'e Key,
    value: Bound<'py, PyAny>,
}

impl Found<'_, '_> {
    /// The values, as far as they can be told from each other.
    fn values(&self) -> impl Iterator<Item = &[u8]> {
        let text = Text::Latin1.lend(self.value.as_borrowed());
        let octets = text.or_else(|| Text::Bytes.lend(self.value.as_borrowed()));
        let is_single = self.key.is_single;
        let octets = octets.unwrap_or_default();
        octets.split(move |&b| is_single && b == b',')
    }
}

impl<'e, 'py> Environ<'e, 'py> {
    fn new(policy: &'e Policy, environ: &'e Bound<'py, PyDict>) -> Self {
        Self {
            keys: &policy.keys,
            environ,
            checks: OnceCell::new(),
            others: OnceCell::new(),
        }
    }

    fn checks(&self) -> &[Found<'e, 'py>] {
        self.checks.get_or_init(|| self.read(&self.keys.checks))
    }

    fn others(&self) -> &[Found<'e, 'py>] {
        self.others.get_or_init(|| self.read(&self.keys.others))
    }

    fn read(&self, keys: &'e [Key]) -> Vec<Found<'e, 'py>> {
        let py = self.environ.py();
        let mut found = Vec::with_capacity(keys.len());
        for key in keys {
            let Ok(Some(mut value)) = self.environ.get_item(key.key.bind(py)) else {
                continue;
            };
            let lent = Text::Latin1.lend(value.as_borrowed());
            if !lent.is_some_and(<[u8]>::is_ascii) {
                let mut octets = Vec::new();
                // what is no latin-1 came from no request: a byte that no field may have stands for it
                if Text::Latin1
                    .copy(value.as_borrowed(), &mut octets)
                    .is_none()
                {
                    octets = vec![0];
                }
                value = PyBytes::new(py, &octets).into_any();
            }
            found.push(Found { key, value });
        }
        found
    }
}

impl Fields for Environ<'_, '_> {
    fn each<'a>(&'a self, name: &HeaderName, visit: &mut dyn FnMut(&'a [u8])) {
        let is_check = self.keys.checks.iter().any(|key| key.name == *name);
        let found = match is_check {
            true => self.checks(),
            false => self.others(),
        };
        let named = found.iter().filter(|found| found.key.name == *name);
        named.flat_map(Found::values).for_each(visit);
    }

    fn all<'a>(&'a self, visit: &mut dyn FnMut(&[u8], &'a [u8])) {
        for found in self.checks() {
            for value in found.values() {
                visit(found.key.name.as_str().as_bytes(), value);
            }
        }
    }
}

/// The `start_response` of one request.
#[pyclass(frozen, module = "mantlet._mantlet")]
struct StartResponse {
    start_response: Py<PyAny>,
    policy: Py<Policy>,
    exchange: Exchange,
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
        let start_response = self.start_response.bind(py);
        let kept = &self.policy.get().latin1;
        let code = || Ok(code(status));
        let headers = edited(&self.exchange, kept, Text::Latin1, code, headers)?;
        match exc_info {
            None => start_response.call1((status, headers)),
            Some(exc_info) => start_response.call1((status, headers, exc_info)),
        }
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.start_response)?;
        visit.call(&self.policy)
    }
}

/// The code of a status line: `200 OK`.
fn code(status: &Bound<'_, PyAny>) -> u16 {
    let line = status
        .cast::<PyString>()
        .ok()
        .and_then(|line| line.to_str().ok());
    let code = line.and_then(|line| line.get(..3));
    code.and_then(|code| code.parse().ok()).unwrap_or_default()
}
