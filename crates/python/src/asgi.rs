//! ASGI: a scope in, edited messages out.
//!
//! The path is that of `raw_path`; where a server gives none, it is rebuilt from `path`, which has lost its escapes: an
//! encoded slash then looks like a slash. Scheme and client are the server's word: a server that reads X-Forwarded-* itself
//! has put the client's there.

use std::borrow::Cow;

use http::{HeaderName, Method, header};
use mantlet_engine::{Exchange, Fields, Form, RequestHead, Verdict};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PyString, PyTuple};

use crate::edits::{Text, edited};
use crate::exchange::Denial;
use crate::log;
use crate::permit::Permit;
use crate::policy::{Policy, address};
use crate::section::{Section, list};

/// What a scope asks for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Http,
    WebSocket,
}

/// Judges, and hands on to the application or to the answer of a denial; the awaitable is theirs.
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
    let (verdict, exchange) = judged(policy, scope, kind)?;
    match verdict {
        Ok(permit) => {
            // into the server's own scope: in a copy, whatever stands outside could not see the route that was taken
            scope.set_item(intern!(py, "mantlet"), Bound::new(py, Permit(permit))?)?;
            let send = Send {
                send: send.clone().unbind(),
                policy: policy.clone().unbind(),
                exchange,
            };
            app.call1((scope, receive, Bound::new(py, send)?))
        }
        Err(denial) => {
            let answer = py.import(intern!(py, "mantlet._denial"))?;
            let parts = (denial.status(), denial.headers(py)?, denial.body(py));
            match kind {
                Kind::Http => answer.call_method1(intern!(py, "http"), (send, parts)),
                Kind::WebSocket => {
                    let extensions = scope.get_item(intern!(py, "extensions"))?;
                    answer.call_method1(intern!(py, "websocket"), (send, extensions, parts))
                }
            }
        }
    }
}

/// The verdict on a scope, told to the log.
fn judged(
    policy: &Bound<'_, Policy>,
    scope: &Bound<'_, PyDict>,
    kind: Kind,
) -> PyResult<(Result<mantlet_engine::Permit, Denial>, Exchange)> {
    let py = scope.py();
    let policy = policy.get();
    let headers = match scope.get_item(intern!(py, "headers"))? {
        Some(headers) => list(&headers)?,
        None => PyList::empty(py),
    };
    let section = Section::new(Text::Bytes, &headers);
    let handshake = Handshake(&section);
    let fields: &dyn Fields = match kind {
        Kind::Http => &section,
        Kind::WebSocket => &handshake,
    };
    let method = scope.get_item(intern!(py, "method"))?;
    let method = match text(method.as_ref()) {
        // a handshake is a GET, and CONNECT over HTTP/2: the scope does not say
        None => Ok(Method::GET),
        Some(method) => Method::from_bytes(method.as_bytes()),
    };
    let raw_path = scope.get_item(intern!(py, "raw_path"))?;
    let raw_path = raw_path.as_ref().and_then(octets);
    let decoded;
    let path: Cow<'_, [u8]> = match raw_path {
        // some servers leave the query there
        Some(raw) => match raw.iter().position(|&b| b == b'?') {
            Some(end) => Cow::Borrowed(&raw[..end]),
            None => Cow::Borrowed(raw),
        },
        None => {
            decoded = scope.get_item(intern!(py, "path"))?;
            let path = text(decoded.as_ref()).unwrap_or("/");
            Cow::Owned(escaped(path.as_bytes()))
        }
    };
    let query = scope.get_item(intern!(py, "query_string"))?;
    let query = query.as_ref().and_then(octets);
    let client = scope.get_item(intern!(py, "client"))?;
    let scheme = scope.get_item(intern!(py, "scheme"))?;

    let get = Method::GET;
    let asked = method.as_ref().unwrap_or(&get);
    let mut head = RequestHead::new(asked, &path, fields);
    head.query = query.filter(|query| !query.is_empty());
    head.tls = matches!(text(scheme.as_ref()), Some("https" | "wss"));
    head.peer = client.as_ref().and_then(peer);
    let (verdict, exchange) = match method {
        Ok(_) => policy.engine.on_request(&head),
        Err(_) => policy.unreadable(),
    };
    log::untrusted_proxy(py, &policy.engine, &head);
    section.check()?;
    let verdict = match verdict {
        Verdict::Allow(permit) => {
            for reason in permit.reported() {
                log::verdict(py, "would be denied", reason.code, Some(reason.fix), &head);
            }
            Ok(permit)
        }
        verdict => {
            let denial = Denial::new(verdict, &exchange, asked, Form::of(fields));
            log::verdict(py, "denied", denial.reason, denial.fix, &head);
            Err(denial)
        }
    };
    Ok((verdict, exchange))
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

/// The address in the pair of `client`.
fn peer(client: &Bound<'_, PyAny>) -> Option<std::net::IpAddr> {
    let host = match client.cast::<PyTuple>() {
        Ok(pair) => pair.get_item(0).ok()?,
        Err(_) => client.cast::<PyList>().ok()?.get_item(0).ok()?,
    };
    address(host.cast::<PyString>().ok()?.to_str().ok()?)
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
        let status = message.get_item(intern!(py, "status"))?;
        let status = status
            .and_then(|status| status.extract().ok())
            .unwrap_or_default();
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
