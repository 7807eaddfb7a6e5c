//! One request and its response: the verdict as Python data, and the edited header list.

use http::{Method, StatusCode};
use mantlet_engine::{Form, Verdict};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyTuple};

use crate::edits::{Text, edited};
use crate::permit::Permit;
use crate::policy::Policy;

/// One request and its response, under the policy it was opened with.
#[pyclass(frozen, module = "mantlet")]
pub(crate) struct Exchange {
    policy: Py<Policy>,
    exchange: mantlet_engine::Exchange,
    permit: Option<Py<Permit>>,
    denial: Option<Py<Denial>>,
}

impl Exchange {
    /// Tells a verdict in Python objects; a denial has passed call two already.
    pub(crate) fn new(
        policy: &Bound<'_, Policy>,
        verdict: Verdict,
        exchange: mantlet_engine::Exchange,
        method: &Method,
        form: Form,
    ) -> PyResult<Self> {
        let py = policy.py();
        let (permit, denial) = match verdict {
            Verdict::Allow(permit) => (Some(Py::new(py, Permit(permit))?), None),
            _ => {
                let denial = Denial::new(verdict, &exchange, method, form);
                (None, Some(Py::new(py, denial)?))
            }
        };
        Ok(Self {
            policy: policy.clone().unbind(),
            exchange,
            permit,
            denial,
        })
    }
}

/// A verdict that this host does not know cannot let a request through.
fn unknown() -> mantlet_engine::Denial {
    mantlet_engine::Denial::new(
        "verdict.unknown",
        StatusCode::INTERNAL_SERVER_ERROR,
        "The service cannot answer this request.",
    )
}

#[pymethods]
impl Exchange {
    /// What the application may read; `None` if the request is denied.
    #[getter]
    fn permit(&self, py: Python<'_>) -> Option<Py<Permit>> {
        self.permit.as_ref().map(|permit| permit.clone_ref(py))
    }

    /// The answer in the application's place; `None` if the request goes on.
    #[getter]
    fn denial(&self, py: Python<'_>) -> Option<Py<Denial>> {
        self.denial.as_ref().map(|denial| denial.clone_ref(py))
    }

    /// The header list of a response after the policy's edits: a new list, with lower-case names for the fields of the
    /// policy. `status` is 100 to 999. A header whose name is not `bytes` stays as it is.
    fn on_response<'py>(
        &self,
        status: u16,
        headers: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyList>> {
        let policy = self.policy.get();
        let status = || Ok(status);
        edited(&self.exchange, &policy.bytes, Text::Bytes, status, headers)
    }
}

/// The answer to a denied request, edited and ready to send.
#[pyclass(frozen, module = "mantlet")]
pub(crate) struct Denial {
    pub(crate) reply: mantlet_engine::Reply,
    pub(crate) reason: &'static str,
    pub(crate) fix: Option<&'static str>,
    pub(crate) limits: Vec<String>,
    detail: String,
}

impl Denial {
    /// The answer to any verdict that lets nothing through.
    pub(crate) fn new(
        verdict: Verdict,
        exchange: &mantlet_engine::Exchange,
        method: &Method,
        form: Form,
    ) -> Self {
        let denial = match verdict {
            Verdict::Deny(denial) => denial,
            _ => unknown(),
        };
        Self {
            reply: exchange.reply(&denial, method, form),
            reason: denial.reason,
            fix: denial.fix,
            limits: denial
                .limited
                .iter()
                .flat_map(|limited| limited.by.iter().map(ToString::to_string))
                .collect(),
            detail: denial.detail.clone().into_owned(),
        }
    }
}

#[pymethods]
impl Denial {
    /// The status, 300 to 599.
    #[getter]
    pub(crate) fn status(&self) -> u16 {
        self.reply.status.as_u16()
    }

    /// The whole header list, names in lower case.
    #[getter]
    pub(crate) fn headers<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let list = PyList::empty(py);
        for (name, value) in &self.reply.headers {
            list.append(Text::Bytes.pair(py, name, value)?)?;
        }
        Ok(list)
    }

    /// The body; empty for HEAD.
    #[getter]
    pub(crate) fn body<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.reply.body.as_bytes())
    }

    /// The stable code of the reason, `check.cause`: `origin.cross-site`.
    #[getter]
    fn reason(&self) -> &'static str {
        self.reason
    }

    /// One sentence for the client.
    #[getter]
    fn detail(&self) -> &str {
        &self.detail
    }

    /// What the operator can do if the request should have passed; for the log, never for the client.
    #[getter]
    fn fix(&self) -> Option<&'static str> {
        self.fix
    }

    /// The names of the limits that the request is above; empty for a denial of anything else.
    #[getter]
    fn limits<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, &self.limits)
    }

    fn __repr__(&self) -> String {
        format!("Denial(status={}, reason='{}')", self.status(), self.reason)
    }
}
