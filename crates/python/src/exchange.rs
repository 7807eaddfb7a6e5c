//! One request and its response: the verdict as Python data, and the edited header list.

use http::{Method, StatusCode};
use mantlet_engine::{Edit, Form, Op, ResponseHead, Verdict};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList};

use crate::permit::Permit;
use crate::section::{Pairs, Section, entry};

/// One request and its response, under the policy it was opened with.
#[pyclass(frozen, module = "mantlet")]
pub(crate) struct Exchange {
    pub(crate) exchange: mantlet_engine::Exchange,
    permit: Option<Py<Permit>>,
    denial: Option<Py<Denial>>,
}

impl Exchange {
    /// Tells a verdict in Python objects; a denial has passed call two already.
    pub(crate) fn new(
        py: Python<'_>,
        verdict: Verdict,
        exchange: mantlet_engine::Exchange,
        method: &Method,
        form: Form,
    ) -> PyResult<Self> {
        let (permit, denial) = match verdict {
            Verdict::Allow(permit) => (Some(Py::new(py, Permit(permit))?), None),
            Verdict::Deny(denial) => (None, Some(Denial::new(&denial, &exchange, method, form))),
            _ => (None, Some(Denial::new(&unknown(), &exchange, method, form))),
        };
        let denial = denial.map(|denial| Py::new(py, denial)).transpose()?;
        Ok(Self {
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
    #[pyo3(signature = (status, headers))]
    fn on_response<'py>(
        &self,
        py: Python<'py>,
        status: u16,
        headers: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyList>> {
        let pairs = Pairs::of(headers)?;
        edited(py, &self.exchange, status, &pairs)
    }
}

/// The header list after the edits.
pub(crate) fn edited<'py>(
    py: Python<'py>,
    exchange: &mantlet_engine::Exchange,
    status: u16,
    pairs: &Pairs<'py>,
) -> PyResult<Bound<'py, PyList>> {
    let section = pairs.section()?;
    // what is no status is the server's to refuse
    let status = StatusCode::from_u16(status).unwrap_or_default();
    let edits: Vec<Edit> = exchange
        .on_response(&ResponseHead::new(status, &section))
        .iter()
        .collect();
    let own = outcome(&section, &edits);
    let list = PyList::empty(py);
    for (pair, kept) in pairs.iter().zip(own.kept) {
        if kept {
            list.append(pair)?;
        }
    }
    for edit in own.added {
        list.append(entry(
            py,
            edit.name.as_str().as_bytes(),
            edit.value.as_bytes(),
        )?)?;
    }
    Ok(list)
}

/// What becomes of a section: which of its fields stay, and what is added behind them.
struct Outcome<'e> {
    kept: Vec<bool>,
    added: Vec<&'e Edit>,
}

fn outcome<'e>(section: &Section<'_>, edits: &'e [Edit]) -> Outcome<'e> {
    let mut kept = vec![true; section.0.len()];
    let mut added: Vec<&Edit> = Vec::with_capacity(edits.len());
    for edit in edits {
        let named = |name: &[u8]| name.eq_ignore_ascii_case(edit.name.as_str().as_bytes());
        let says = |value: &[u8]| !value.trim_ascii().is_empty();
        if edit.op == Op::IfMissing {
            let mut own = section.0.iter().zip(&kept);
            let chosen = own.any(|((name, value), kept)| *kept && named(name) && says(value))
                || added
                    .iter()
                    .any(|other| other.name == edit.name && says(other.value.as_bytes()));
            if chosen {
                continue;
            }
        }
        if edit.op != Op::Append {
            for ((name, _), kept) in section.0.iter().zip(&mut kept) {
                *kept &= !named(name);
            }
            added.retain(|other| other.name != edit.name);
        }
        if edit.op != Op::Remove {
            added.push(edit);
        }
    }
    Outcome { kept, added }
}

/// The answer to a denied request, edited and ready to send.
#[pyclass(frozen, module = "mantlet")]
pub(crate) struct Denial {
    pub(crate) reply: mantlet_engine::Reply,
    pub(crate) reason: &'static str,
    pub(crate) fix: Option<&'static str>,
    detail: String,
}

impl Denial {
    pub(crate) fn new(
        denial: &mantlet_engine::Denial,
        exchange: &mantlet_engine::Exchange,
        method: &Method,
        form: Form,
    ) -> Self {
        Self {
            reply: exchange.reply(denial, method, form),
            reason: denial.reason,
            fix: denial.fix,
            detail: denial.detail.clone().into_owned(),
        }
    }
}

#[pymethods]
impl Denial {
    /// The status, 300 to 599.
    #[getter]
    fn status(&self) -> u16 {
        self.reply.status.as_u16()
    }

    /// The whole header list, names in lower case.
    #[getter]
    pub(crate) fn headers<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let list = PyList::empty(py);
        for (name, value) in &self.reply.headers {
            list.append(entry(py, name.as_str().as_bytes(), value.as_bytes())?)?;
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

    fn __repr__(&self) -> String {
        format!("Denial(status={}, reason='{}')", self.status(), self.reason)
    }
}
