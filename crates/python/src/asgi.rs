//! ASGI: a scope in, edited messages out.
//!
//! The path is that of `raw_path`; where a server gives none, it is rebuilt from `path`, which has lost its escapes: an
//! encoded slash then looks like a slash. The authority of a target in absolute form is in no scope: Host counts, as it does
//! for the application. Scheme and client are the server's word: a server that reads X-Forwarded-* itself
//! has put the client's there.

use http::{HeaderName, Method, header};
use mantlet_engine::{Exchange, Fields, Form, Permit, RequestHead, Step, Verdict};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyDict, PyList, PyString, PyTuple};

use crate::edits::{Text, edited};
use crate::exchange::Denial;
use crate::log;
use crate::policy::Policy;
use crate::section::{Section, list};
use crate::verdict::{self, Known};
use crate::waiting::{Host, Waiting};

/// What a scope asks for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Http,
    WebSocket,
}

/// A call of ASGI.
pub(crate) struct Call {
    app: Py<PyAny>,
    policy: Py<Policy>,
    scope: Py<PyDict>,
    receive: Py<PyAny>,
    send: Py<PyAny>,
    kind: Kind,
}

/// Judges, and hands on to the application or to the answer of a denial; the awaitable is theirs. Only a request that has to
/// wait for a store gets one of ours.
pub(crate) fn call<'py>(
    app: &Bound<'py, PyAny>,
    policy: &Bound<'py, Policy>,
    scope: &Bound<'py, PyAny>,
    receive: &Bound<'py, PyAny>,
    send: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    let py = scope.py();
    let scope = scope.cast::<PyDict>()?;
    let kind = match text(scope.get_item(intern!(py, "type"))?.as_ref()) {
        Some("http") => Kind::Http,
        Some("websocket") => Kind::WebSocket,
        // lifespan, and whatever else a server may have
        _ => return app.call1((scope, receive, send)),
    };
    let asked = Asked {
        app,
        policy,
        scope,
        receive,
        send,
        kind,
    };
    let judged = read(policy.get(), scope, kind, |head, is_readable| {
        let step = match is_readable {
            true => verdict::ask(policy.get(), head, Some(scope), py),
            false => {
                let (verdict, exchange) = policy.get().unreadable();
                Step::Decided(verdict, exchange)
            }
        };
        log::forgotten(py, &policy.get().engine, head);
        match (step, &policy.get().store) {
            (Step::Waiting(waiting), Some(_)) => Ok(Err(waiting)),
            (step, _) => {
                let (verdict, exchange) = step.without_store();
                let told = told(scope, verdict, &exchange, head)?;
                Ok(Ok((told, exchange)))
            }
        }
    })?;
    match judged {
        Ok((told, exchange)) => asked.answer(told, exchange),
        Err(waiting) => asked.wait(waiting),
    }
}

/// A [`Call`], lent.
struct Asked<'a, 'py> {
    app: &'a Bound<'py, PyAny>,
    policy: &'a Bound<'py, Policy>,
    scope: &'a Bound<'py, PyDict>,
    receive: &'a Bound<'py, PyAny>,
    send: &'a Bound<'py, PyAny>,
    kind: Kind,
}

impl<'py> Asked<'_, 'py> {
    fn answer(
        &self,
        told: Result<Permit, Denial>,
        exchange: Exchange,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = self.scope.py();
        let policy = self.policy.get();
        match told {
            Ok(permit) => {
                // into the server's own scope: in a copy, whatever stands outside could not see the route that was taken
                let permit = policy.last.permit(py, permit)?;
                self.scope.set_item(intern!(py, "mantlet"), permit)?;
                let send = Send {
                    send: self.send.clone().unbind(),
                    policy: self.policy.clone().unbind(),
                    exchange,
                };
                self.app
                    .call1((self.scope, self.receive, Bound::new(py, send)?))
            }
            Err(denial) => {
                let answer = py.import(intern!(py, "mantlet._denial"))?;
                let parts = (denial.status(), denial.headers(py)?, denial.body(py));
                match self.kind {
                    Kind::Http => answer.call_method1(intern!(py, "http"), (self.send, parts)),
                    Kind::WebSocket => {
                        let extensions = self.scope.get_item(intern!(py, "extensions"))?;
                        answer
                            .call_method1(intern!(py, "websocket"), (self.send, extensions, parts))
                    }
                }
            }
        }
    }

    /// A coroutine that asks the store and then awaits the application, or the answer of a denial.
    fn wait(&self, waiting: Box<mantlet_engine::Waiting>) -> PyResult<Bound<'py, PyAny>> {
        let py = self.scope.py();
        let decided = |(verdict, exchange): (Verdict, Exchange)| {
            let told = read(self.policy.get(), self.scope, self.kind, |head, _| {
                told(self.scope, verdict, &exchange, head)
            })?;
            self.answer(told, exchange)
        };
        let Some(store) = &self.policy.get().store else {
            return decided(waiting.resume(Err(mantlet_engine::StoreDown::ABSENT)));
        };
        let call = Call {
            app: self.app.clone().unbind(),
            policy: self.policy.clone().unbind(),
            scope: self.scope.clone().unbind(),
            receive: self.receive.clone().unbind(),
            send: self.send.clone().unbind(),
            kind: self.kind,
        };
        match Waiting::begun(store.bind(py), waiting, Some(Host::Asgi(Box::new(call)))) {
            Ok(waiting) => {
                // an import looks up a lock and two names, each time
                static WAITS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
                WAITS
                    .import(py, "mantlet._store", "asgi")?
                    .call1((waiting,))
            }
            Err(verdict) => decided(*verdict),
        }
    }
}

impl Call {
    /// Goes on with the verdict that the store's answer made.
    pub(crate) fn decided<'py>(
        &self,
        py: Python<'py>,
        verdict: Verdict,
        exchange: Exchange,
    ) -> PyResult<Bound<'py, PyAny>> {
        let asked = Asked {
            app: self.app.bind(py),
            policy: self.policy.bind(py),
            scope: self.scope.bind(py),
            receive: self.receive.bind(py),
            send: self.send.bind(py),
            kind: self.kind,
        };
        let told = read(asked.policy.get(), asked.scope, asked.kind, |head, _| {
            told(asked.scope, verdict, &exchange, head)
        })?;
        asked.answer(told, exchange)
    }

    pub(crate) fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.app)?;
        visit.call(&self.policy)?;
        visit.call(&self.scope)?;
        visit.call(&self.receive)?;
        visit.call(&self.send)
    }
}

/// The verdict, told to the log.
fn told(
    scope: &Bound<'_, PyDict>,
    verdict: Verdict,
    exchange: &Exchange,
    head: &RequestHead<'_>,
) -> PyResult<Result<Permit, Denial>> {
    let known = Known {
        head: *head,
        form: Form::of(head.fields),
        path: || path_of(scope),
    };
    verdict::told(scope.py(), verdict, exchange, &known)
}

/// Lends the head of a scope to `then`, and whether its method is one. Of the scope is read what the policy asks for: each key
/// is a lookup.
fn read<R>(
    policy: &Policy,
    scope: &Bound<'_, PyDict>,
    kind: Kind,
    then: impl FnOnce(&mut RequestHead<'_>, bool) -> PyResult<R>,
) -> PyResult<R> {
    let py = scope.py();
    let reads = policy.judges || log::is_looking();
    let headers = match reads {
        true => Some(headers(scope)?),
        false => None,
    };
    let section = headers
        .as_ref()
        .map(|headers| Section::new(Text::Bytes, headers));
    let handshake = section.as_ref().map(Handshake);
    let none = Vec::new();
    let fields: &dyn Fields = match (&section, &handshake, kind) {
        (Some(section), _, Kind::Http) => section,
        (_, Some(handshake), Kind::WebSocket) => handshake,
        _ => &none,
    };
    let method = match reads {
        true => scope.get_item(intern!(py, "method"))?,
        false => None,
    };
    let method = match text(method.as_ref()) {
        // a handshake is a GET, and CONNECT over HTTP/2: the scope does not say
        None => Ok(Method::GET),
        Some(method) => Method::from_bytes(method.as_bytes()),
    };
    let (path, query) = match policy.reads_target {
        true => (
            path_of(scope)?,
            scope.get_item(intern!(py, "query_string"))?,
        ),
        false => (Vec::new(), None),
    };
    let client = scope.get_item(intern!(py, "client"))?;
    let scheme = scope.get_item(intern!(py, "scheme"))?;

    let get = Method::GET;
    let asked = method.as_ref().unwrap_or(&get);
    let mut head = RequestHead::new(asked, &path, fields);
    let query = query.as_ref().and_then(octets);
    head.query = query.filter(|query| !query.is_empty());
    head.tls = matches!(text(scheme.as_ref()), Some("https" | "wss"));
    let peer = client.as_ref().and_then(peer);
    head.peer = peer.and_then(|peer| policy.last.address(&peer));
    let read = then(&mut head, method.is_ok())?;
    if let Some(section) = &section {
        section.check()?;
    }
    Ok(read)
}

/// The header list of a scope.
fn headers<'py>(scope: &Bound<'py, PyDict>) -> PyResult<Bound<'py, PyList>> {
    let py = scope.py();
    let name = intern!(py, "headers");
    let Some(headers) = scope.get_item(name)? else {
        return Ok(PyList::empty(py));
    };
    let found = list(&headers)?;
    if !headers.is_instance_of::<PyList>() && !headers.is_instance_of::<PyTuple>() {
        // what can be read once has been: the application gets what it held
        scope.set_item(name, &found)?;
    }
    Ok(found)
}

/// The path as it came, as far as the server tells.
fn path_of(scope: &Bound<'_, PyDict>) -> PyResult<Vec<u8>> {
    let py = scope.py();
    let raw = scope.get_item(intern!(py, "raw_path"))?;
    if let Some(raw) = raw.as_ref().and_then(octets) {
        // some servers leave the query there
        let path = raw.split(|&b| b == b'?').next();
        return Ok(path.unwrap_or_default().to_vec());
    }
    let decoded = scope.get_item(intern!(py, "path"))?;
    Ok(escaped(text(decoded.as_ref()).unwrap_or("/").as_bytes()))
}

/// The fields of a handshake. Over HTTP/2 it has no Upgrade (RFC 8441 section 5), and the scope says what it is.
struct Handshake<'s, 'l, 'py>(&'s Section<'l, 'py>);

impl Fields for Handshake<'_, '_, '_> {
    fn each<'a>(&'a self, name: &HeaderName, visit: &mut dyn FnMut(&'a [u8])) {
        self.0.each(name, visit);
        if *name == header::UPGRADE {
            visit(b"websocket");
        }
    }

    fn all<'a>(&'a self, visit: &mut dyn FnMut(&[u8], &'a [u8])) {
        self.0.all(visit);
        visit(b"upgrade", b"websocket");
    }
}

fn text<'a>(object: Option<&'a Bound<'_, PyAny>>) -> Option<&'a str> {
    object?.cast::<PyString>().ok()?.to_str().ok()
}

fn octets<'a>(object: &'a Bound<'_, PyAny>) -> Option<&'a [u8]> {
    Some(object.cast::<PyBytes>().ok()?.as_bytes())
}

/// The host in the pair of `client`.
fn peer<'py>(client: &Bound<'py, PyAny>) -> Option<Bound<'py, PyString>> {
    let host = match client.cast::<PyTuple>() {
        Ok(pair) => pair.get_item(0).ok()?,
        Err(_) => client.cast::<PyList>().ok()?.get_item(0).ok()?,
    };
    host.cast_into().ok()
}

/// A decoded path, escaped again where a path has to be (RFC 3986 section 3.3).
pub(crate) fn escaped(path: &[u8]) -> Vec<u8> {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let mut out = Vec::with_capacity(path.len());
    for &b in path {
        match b.is_ascii_alphanumeric() || b"/-._~!$&'()*+,;=:@".contains(&b) {
            true => out.push(b),
            false => out.extend([b'%', HEX[usize::from(b >> 4)], HEX[usize::from(b & 15)]]),
        }
    }
    out
}

/// The `send` of one request: edits the start of a response, and hands everything else on as it is.
#[pyclass(frozen, module = "mantlet._mantlet")]
struct Send {
    send: Py<PyAny>,
    policy: Py<Policy>,
    exchange: Exchange,
}

#[pymethods]
impl Send {
    fn __call__<'py>(&self, message: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let py = message.py();
        let send = self.send.bind(py);
        let Ok(message) = message.cast::<PyDict>() else {
            return send.call1((message,));
        };
        let kind = message.get_item(intern!(py, "type"))?;
        let is_start = matches!(
            text(kind.as_ref()),
            Some("http.response.start" | "websocket.http.response.start")
        );
        if !is_start {
            return send.call1((message,));
        }
        let status = || {
            let status = message.get_item(intern!(py, "status"))?;
            Ok(status
                .and_then(|status| status.extract().ok())
                .unwrap_or_default())
        };
        let headers = match message.get_item(intern!(py, "headers"))? {
            Some(headers) => headers,
            None => PyTuple::empty(py).into_any(),
        };
        let kept = &self.policy.get().bytes;
        let headers = edited(&self.exchange, kept, Text::Bytes, status, &headers)?;
        let message = message.copy()?;
        message.set_item(intern!(py, "headers"), headers)?;
        send.call1((message,))
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.send)?;
        visit.call(&self.policy)
    }
}
