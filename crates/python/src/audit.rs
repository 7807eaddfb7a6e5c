//! `mantlet.audit` and `mantlet.check`: how good a response is, and what a policy sends.
//!
//! `mantlet/_audit.py` takes responses of test clients apart; judgement is that of `mantlet_audit`, and what a policy sends
//! is what its engine answers. Equal responses give equal audits.

use mantlet_audit::render::{self, Colour};
use mantlet_audit::{Evidence, Fix, Graded, Headers, Hop, Observation, Profile, Report, Response};
use mantlet_engine::{Page, PagePath, Scheme};
use pyo3::basic::CompareOp;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple};
use serde_json::Value;
use url::Url;

use crate::policy::Policy;

/// A grade, `A+` to `F`; the better one is the greater. Equal to its text, and compared with grades as text.
#[pyclass(frozen, module = "mantlet")]
pub(crate) struct Grade {
    text: String,
    /// That of [`Graded::place`].
    place: usize,
}

#[pymethods]
impl Grade {
    /// `ValueError` for what is no grade.
    #[new]
    fn new(text: &str) -> PyResult<Self> {
        let place = Graded::place(text).filter(|_| !text.contains(char::is_lowercase));
        let refused = || PyValueError::new_err(format!("{text:?} is no grade from A+ to F"));
        Ok(Self {
            place: place.ok_or_else(refused)?,
            text: text.to_owned(),
        })
    }

    fn __richcmp__(&self, other: &Bound<'_, PyAny>, op: CompareOp) -> PyResult<Py<PyAny>> {
        let py = other.py();
        let told = |is: bool| Ok(is.into_pyobject(py)?.to_owned().into_any().unbind());
        if let Ok(other) = other.cast::<Self>() {
            // A+ has the lowest place, and is the greatest
            return told(op.matches(other.get().place.cmp(&self.place)));
        }
        let Ok(text) = other.cast::<PyString>() else {
            return Ok(py.NotImplemented());
        };
        let text = text.to_str()?;
        match op {
            CompareOp::Eq => told(self.text == text),
            CompareOp::Ne => told(self.text != text),
            _ => told(op.matches(Self::new(text)?.place.cmp(&self.place))),
        }
    }

    /// That of its text, to which it is equal.
    fn __hash__(&self, py: Python<'_>) -> PyResult<isize> {
        PyString::new(py, &self.text).hash()
    }

    fn __str__(&self) -> &str {
        &self.text
    }

    fn __format__(&self, py: Python<'_>, specification: &str) -> PyResult<Py<PyAny>> {
        let text = PyString::new(py, &self.text);
        let told = text.call_method1("__format__", (specification,))?;
        Ok(told.unbind())
    }

    fn __repr__(&self) -> String {
        format!("Grade('{}')", self.text)
    }
}

/// How good a response is: findings, a score and a grade.
#[pyclass(frozen, module = "mantlet")]
pub(crate) struct Audit {
    report: Report,
    findings: Py<PyTuple>,
    tests: Py<PyTuple>,
}

#[pymethods]
impl Audit {
    /// The URL of the page.
    #[getter]
    fn url(&self) -> &str {
        &self.report.url
    }

    /// Whose judgement the grade is: `"mantlet"`, `"observatory"`, `"presence"`.
    #[getter]
    fn profile(&self) -> &'static str {
        self.report.graded.profile.as_str()
    }

    /// The grade.
    #[getter]
    fn grade(&self) -> PyResult<Grade> {
        Grade::new(self.report.graded.grade)
    }

    /// The score, from 0; 100 is A+, and the Observatory's bonuses go above it.
    #[getter]
    fn score(&self) -> u32 {
        self.report.graded.score
    }

    /// How the score came about: labels and points, 100 at the start.
    #[getter]
    fn sum<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let lines = self.report.graded.sum.iter();
        PyTuple::new(
            py,
            lines
                .map(|line| (&line.label, line.points))
                .collect::<Vec<_>>(),
        )
    }

    /// What mantlet's rules find, the worst first, whatever the profile.
    #[getter]
    fn findings<'py>(&self, py: Python<'py>) -> &Bound<'py, PyTuple> {
        self.findings.bind(py)
    }

    /// The tests of the HTTP Observatory in its order, whatever the profile.
    #[getter]
    fn tests<'py>(&self, py: Python<'py>) -> &Bound<'py, PyTuple> {
        self.tests.bind(py)
    }

    /// As `mantlet scan --format json` with the same profile.
    fn to_json(&self) -> String {
        let report = &self.report;
        let value = match report.graded.profile {
            Profile::Observatory => {
                let mut value = report.observatory.to_json();
                // beside the Observatory's own keys
                value["url"] = Value::from(report.url.as_str());
                value["grade"] = report.observatory.grade.into();
                value["score"] = report.observatory.score.into();
                value
            }
            _ => render::json(report),
        };
        format!("{value:#}")
    }

    /// As `mantlet scan` tells it: the findings with their places and what to send, and the sum.
    fn __str__(&self) -> String {
        render::terminal(&self.report, Colour::Plain)
    }

    fn __repr__(&self) -> String {
        let Report {
            url,
            findings,
            graded,
            ..
        } = &self.report;
        let (grade, score, count) = (graded.grade, graded.score, findings.len());
        format!("<Audit of {url}: {grade}, {score}, findings: {count}>")
    }
}

impl Audit {
    fn new(py: Python<'_>, report: Report) -> PyResult<Self> {
        let findings = report.findings.iter().cloned().map(Finding);
        let findings: Vec<_> = findings
            .map(|one| Py::new(py, one))
            .collect::<PyResult<_>>()?;
        let tests = report
            .observatory
            .tests
            .iter()
            .cloned()
            .map(ObservatoryTest);
        let tests: Vec<_> = tests.map(|one| Py::new(py, one)).collect::<PyResult<_>>()?;
        Ok(Self {
            findings: PyTuple::new(py, findings)?.unbind(),
            tests: PyTuple::new(py, tests)?.unbind(),
            report,
        })
    }
}

/// One finding of a rule.
#[pyclass(frozen, module = "mantlet")]
pub(crate) struct Finding(mantlet_audit::Finding);

#[pymethods]
impl Finding {
    /// The stable name of the rule: `csp.unsafe-inline`.
    #[getter]
    fn rule(&self) -> &'static str {
        self.0.rule.name
    }

    /// How bad it is here: `"high"`, `"medium"`, `"low"`, or `"info"`, which takes no points.
    #[getter]
    fn severity(&self) -> &'static str {
        self.0.severity.as_str()
    }

    /// The fault, in a phrase.
    #[getter]
    fn title(&self) -> &'static str {
        self.0.rule.title
    }

    /// The name of the field at fault; of a fault elsewhere, and of a field that is missing, that of the field which mends
    /// it. `None` where no field does.
    #[getter]
    fn header(&self) -> Option<&str> {
        let field = |evidence: &&Evidence| {
            let place = evidence.place.as_str();
            // the places that are no fields
            !matches!(place, "body" | "meta" | "redirect" | "redirects" | "url")
                && !place.contains(' ')
        };
        let at_fault = self.0.evidence.as_ref().filter(field);
        at_fault
            .map(|evidence| evidence.place.as_str())
            .or(match self.0.fix.as_ref()? {
                Fix::Set { name, .. } => Some(name),
                Fix::Remove { name } => Some(name),
                Fix::Cookie { .. } => Some("Set-Cookie"),
                _ => None,
            })
    }

    /// What is the case, in a sentence.
    #[getter]
    fn message(&self) -> &str {
        &self.0.message
    }

    /// What somebody can do who knows the fault.
    #[getter]
    fn effect(&self) -> &'static str {
        self.0.rule.effect
    }

    /// What to do about it.
    #[getter]
    fn remedy(&self) -> &'static str {
        self.0.rule.remedy
    }

    /// The header line that should be sent, `Name: value`; `None` where none should.
    #[getter]
    fn fix(&self) -> Option<String> {
        self.0.fix.as_ref()?.header()
    }

    /// The same for servers: texts under `mantlet.toml`, `nginx`, `Caddy`, `Apache`, `Express`; empty where no change of a
    /// configuration mends it.
    #[getter]
    fn snippets<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let snippets = PyDict::new(py);
        for (name, text) in self.0.fix.iter().flat_map(Fix::snippets) {
            snippets.set_item(name, text)?;
        }
        Ok(snippets)
    }

    /// Where it is to be seen: the name of a field, `meta`, `body`, `url`, or words such as `404 page`; `None` for what is missing.
    #[getter]
    fn place(&self) -> Option<&str> {
        Some(&self.0.evidence.as_ref()?.place)
    }

    /// The text that holds it: the value of the field, as it came.
    #[getter]
    fn text(&self) -> Option<&str> {
        Some(&self.0.evidence.as_ref()?.text)
    }

    /// Where in `text` it is: `text[start:end]`, in characters; empty where something is missing.
    #[getter]
    fn span(&self) -> Option<(usize, usize)> {
        let Evidence { text, span, .. } = self.0.evidence.as_ref()?;
        let characters = |octets: usize| {
            let before = text.char_indices().take_while(|(at, _)| *at < octets);
            before.count()
        };
        Some((characters(span.start), characters(span.end)))
    }

    /// Standards and guides.
    #[getter]
    fn references<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.0.rule.references)
    }

    fn __repr__(&self) -> String {
        let (rule, severity) = (self.rule(), self.severity());
        format!("<Finding {rule}, {severity}: {}>", self.0.message)
    }
}

/// One test of the HTTP Observatory, and its result.
#[pyclass(frozen, module = "mantlet")]
pub(crate) struct ObservatoryTest(mantlet_audit::observatory::Test);

#[pymethods]
impl ObservatoryTest {
    /// The test, as the Observatory names it: `x-frame-options`.
    #[getter]
    fn name(&self) -> &'static str {
        self.0.name
    }

    /// The result with which it passes without more.
    #[getter]
    fn expectation(&self) -> &'static str {
        self.0.expectation
    }

    /// The result, as the Observatory names it.
    #[getter]
    fn result(&self) -> &'static str {
        self.0.result
    }

    /// The points that the result adds; negative ones are a penalty.
    #[getter]
    fn modifier(&self) -> i32 {
        self.0.modifier
    }

    /// Whether it is passed.
    #[getter]
    fn passes(&self) -> bool {
        self.0.pass
    }

    /// What the result means, in a sentence.
    #[getter]
    fn description(&self) -> &'static str {
        self.0.description
    }

    fn __repr__(&self) -> String {
        let (name, result) = (self.0.name, self.0.result);
        format!("<ObservatoryTest {name}: {result}, {:+}>", self.0.modifier)
    }
}

/// A response as `mantlet/_audit.py` takes it apart: URL, status, header section, body.
#[derive(FromPyObject)]
pub(crate) struct Seen(String, u16, Vec<(String, String)>, String);

impl Seen {
    fn response(self) -> PyResult<Response> {
        let Self(_, status, headers, body) = self;
        if !(100..1000).contains(&status) {
            return Err(PyValueError::new_err("a status is 100 to 999"));
        }
        Ok(Response::new(status, Headers::from_iter(headers)).body(body))
    }
}

/// What a policy sends: URL, status, header section without Content-Type.
#[derive(IntoPyObject)]
pub(crate) struct Sent(String, u16, Vec<(String, String)>);

fn parsed(url: &str) -> PyResult<Url> {
    let refused = |why: &str| {
        PyValueError::new_err(format!(
            "{url:?} is no URL of a page, such as https://localhost/: {why}"
        ))
    };
    let parsed = Url::parse(url).map_err(|error| refused(&error.to_string()))?;
    match parsed.scheme() {
        "http" | "https" => Ok(parsed),
        _ => Err(refused("neither http nor https")),
    }
}

/// Judges a response. `hops` are the redirects before it.
#[pyfunction]
#[pyo3(name = "_audit")]
#[expect(clippy::too_many_arguments, reason = "what may be told of a page")]
pub(crate) fn audit(
    py: Python<'_>,
    seen: Seen,
    profile: &str,
    hops: Vec<Seen>,
    again: Option<Seen>,
    not_found: Option<Seen>,
    error: Option<Seen>,
    cross_site_post: Option<u16>,
) -> PyResult<Audit> {
    let known = [Profile::Mantlet, Profile::Observatory, Profile::Presence];
    let named = known.into_iter().find(|known| known.as_str() == profile);
    let named = named.ok_or_else(|| {
        PyValueError::new_err(format!(
            "{profile:?} is no profile: mantlet, observatory, presence"
        ))
    })?;
    let mut page = Observation::new(parsed(&seen.0)?, seen.response()?);
    for hop in hops {
        let url = parsed(&hop.0)?;
        let Response {
            status, headers, ..
        } = hop.response()?;
        page.hops.push(Hop {
            url,
            status,
            headers,
        });
    }
    page.again = again.map(Seen::response).transpose()?;
    page.not_found = not_found.map(Seen::response).transpose()?;
    page.error = error.map(Seen::response).transpose()?;
    page.cross_site_post = cross_site_post;
    let report = mantlet_audit::audit(&page).graded_by(named, &page);
    if report.graded.profile != named {
        let why = report.observatory.error.as_deref().unwrap_or_default();
        return Err(PyValueError::new_err(format!(
            "the Observatory gives no grade: {why}"
        )));
    }
    Audit::new(py, report)
}

/// What a policy sends with an HTML page: the URL, the status, and its fields beside Content-Type. Nothing is counted.
#[pyfunction]
#[pyo3(name = "_check")]
pub(crate) fn check(policy: &Policy, path: &str, https: bool) -> PyResult<Sent> {
    let path: PagePath = path.parse().map_err(PyValueError::new_err)?;
    let mut page = Page::root();
    page.path = path.as_str();
    page.scheme = match https {
        true => Scheme::Https,
        false => Scheme::Http,
    };
    let host = policy.engine.allowed_host(page.path);
    page.fields.insert(http::header::HOST, host);
    let answer = page.uncounted_answer(&policy.engine);
    let status = answer.denied.map_or(200, |status| status.as_u16());
    Ok(Sent(page.url(), status, answer.section))
}
