//! A compiled policy, from a text, a file, keyword arguments, or a text and keywords over it.

use std::ffi::CString;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use http::StatusCode;
use ipnet::IpNet;
use mantlet_config::{Config, Diagnostic, Environment, Loaded, Mode, Preset, Source};
use mantlet_engine::policy::{Disposition, Https};
use mantlet_engine::{Engine, Step, Verdict};
use pyo3::exceptions::{PyTypeError, PyUserWarning, PyValueError};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyMapping, PyString, PyType};

use crate::cost::Costs;
use crate::edits::Kept;
use crate::exchange::Exchange;
use crate::hook::{Asked, Judged};
use crate::limit::{self, LIMIT_HEADERS};
use crate::permit::Last;
use crate::store::Store;
use crate::waiting::{Host, Waiting};
use crate::wsgi::Keys;

pyo3::create_exception!(
    mantlet,
    PolicyError,
    PyValueError,
    "A policy that a browser would ignore or misread, or that cannot be read: every error, one in a line."
);
pyo3::create_exception!(
    mantlet,
    PolicyWarning,
    PyUserWarning,
    "A policy that means something else than it seems to."
);

/// A compiled policy; it does not change. `text` is that of a policy file, and keywords go over it.
#[pyclass(frozen, module = "mantlet")]
pub(crate) struct Policy {
    pub(crate) engine: Engine,
    /// Where its shared limits are counted.
    pub(crate) store: Option<Py<Store>>,
    /// The functions that say what requests take.
    pub(crate) costs: Costs,
    environment: Environment,
    /// Whether more of a request is read than how it came.
    pub(crate) judges: bool,
    /// Whether its path and query decide anything.
    pub(crate) reads_target: bool,
    /// What the next request may have in common with the last.
    pub(crate) last: Last,
    /// Its fixed edits for ASGI.
    pub(crate) bytes: Kept,
    /// Its fixed edits for WSGI.
    pub(crate) latin1: Kept,
    /// What it reads of an environ.
    pub(crate) keys: Keys,
}

#[pymethods]
impl Policy {
    #[new]
    #[pyo3(signature = (
        text = "", *, preset = None, environment = None, https = None, trusted_proxies = None, client_address = None,
        hosts = None, cross_origin = None, enforce_percent = None, allowed_origins = None, self_origins = None,
        danger_exempt_paths = None, danger_cross_origin_off = false, tell_reason = None, csp = None, csp_add = None,
        csp_drop = None, csp_report_only = None, headers = None, header_modes = None, limits = None, limit_headers = None,
        redis = None,
    ))]
    #[expect(clippy::too_many_arguments, reason = "keyword arguments of Python")]
    fn new(
        py: Python<'_>,
        text: &str,
        preset: Option<&Bound<'_, PyAny>>,
        environment: Option<&str>,
        https: Option<&str>,
        trusted_proxies: Option<Strings>,
        client_address: Option<String>,
        hosts: Option<Strings>,
        cross_origin: Option<&str>,
        enforce_percent: Option<u8>,
        allowed_origins: Option<Strings>,
        self_origins: Option<Strings>,
        danger_exempt_paths: Option<Strings>,
        danger_cross_origin_off: bool,
        tell_reason: Option<bool>,
        csp: Option<Directives>,
        csp_add: Option<Directives>,
        csp_drop: Option<Strings>,
        csp_report_only: Option<Directives>,
        headers: Option<&Bound<'_, PyMapping>>,
        header_modes: Option<&Bound<'_, PyMapping>>,
        limits: Option<Vec<Bound<'_, PyAny>>>,
        limit_headers: Option<&str>,
        redis: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let mut errors = Errors::default();
        let (mut config, text_warnings) = match Config::read(&Source::new("policy", text)) {
            Ok((config, warnings)) => (config, Some(warnings)),
            Err(report) => {
                errors.0.push(report.to_string());
                (Config::new(), None)
            }
        };
        if let Some(preset) = preset {
            let word = preset_word(preset)?;
            if let Some(preset) = errors.word::<Preset>("preset", &word) {
                config = config.over_preset(preset);
            }
        }
        let flag = environment.and_then(|word| errors.word::<Environment>("environment", word));
        if let Some(https) = https.and_then(|word| errors.choice("https", word, HTTPS)) {
            config = config.https(https);
        }
        if let Some(Strings(networks)) = trusted_proxies {
            let networks = networks.iter().filter_map(|text| errors.network(text));
            config = config.trusted_proxies(networks.collect::<Vec<_>>());
        }
        if let Some(source) = client_address {
            config = config.client_address(source);
        }
        if let Some(Strings(hosts)) = hosts {
            config = config.hosts(hosts);
        }
        if let Some(disposition) = errors.disposition(cross_origin, enforce_percent) {
            config = config.cross_origin(disposition);
        }
        if let Some(Strings(origins)) = allowed_origins {
            config = config.allowed_origins(origins);
        }
        if let Some(Strings(origins)) = self_origins {
            config = config.self_origins(origins);
        }
        if let Some(Strings(paths)) = danger_exempt_paths {
            config = config.danger_exempt_paths(paths);
        }
        if danger_cross_origin_off {
            config = config.danger_cross_origin_off();
        }
        if let Some(told) = tell_reason {
            config = config.tell_reason(told);
        }
        for (name, Strings(values)) in csp.into_iter().flat_map(|csp| csp.0) {
            config = config.csp(&name, values);
        }
        for (name, Strings(values)) in csp_add.into_iter().flat_map(|csp| csp.0) {
            config = config.csp_add(&name, values);
        }
        for name in csp_drop.into_iter().flat_map(|names| names.0) {
            config = config.csp_drop(&name);
        }
        for (name, Strings(values)) in csp_report_only.into_iter().flat_map(|csp| csp.0) {
            config = config.csp_report_only(&name, values);
        }
        if let Some(headers) = headers {
            for item in headers.items()? {
                let (name, value): (String, Bound<'_, PyAny>) = item.extract()?;
                config = match value.cast::<PyBool>() {
                    Ok(leave) if !leave.is_true() => config.header_mode(&name, Mode::Off),
                    Ok(_) => return Err(PyTypeError::new_err(HEADER_VALUE)),
                    Err(_) => {
                        let value: String = value
                            .extract()
                            .map_err(|_| PyTypeError::new_err(HEADER_VALUE))?;
                        config.custom_header(&name, value)
                    }
                };
            }
        }
        if let Some(modes) = header_modes {
            for item in modes.items()? {
                let (name, word): (String, String) = item.extract()?;
                let key = format!("headers.{name}.mode");
                if let Some(mode) = errors.choice(&key, &word, MODES) {
                    config = config.header_mode(&name, mode);
                }
            }
        }
        let mut costs = Costs::default();
        match limit::limits(&limits.unwrap_or_default())? {
            Ok((limits, functions)) => {
                config = limits.into_iter().fold(config, Config::limit);
                costs = functions;
            }
            Err(message) => errors.add("limits", message),
        }
        if let Some(fields) =
            limit_headers.and_then(|word| errors.choice("limit_headers", word, LIMIT_HEADERS))
        {
            config = config.limit_headers(fields);
        }
        let client = match redis {
            Some(redis) => match redis.cast::<PyString>() {
                Ok(url) => {
                    config = config.redis(url.to_str()?);
                    None
                }
                Err(_) => {
                    config = config.with_store_of_host();
                    Some(redis.unbind())
                }
            },
            None => None,
        };
        let loaded = match config.load(flag) {
            Ok(loaded) if errors.0.is_empty() => loaded,
            Ok(_) => return Err(errors.raise()),
            Err(report) => {
                // a text that is wrong has said so already, and its keywords are judged without it
                errors.0.push(report.to_string());
                return Err(errors.raise());
            }
        };
        if let Some(warnings) = text_warnings {
            warn(py, &warnings)?;
        }
        warn(py, &loaded.warnings)?;
        let mut policy = Self::ready(py, loaded, client.as_ref(), None)?;
        policy.costs = costs;
        Ok(policy)
    }

    /// Reads the policy file at `path`. The environment is `environment`, else that of the variable `MANTLET_ENVIRONMENT`,
    /// else the file's own. The file is read once: `Mantlet` is given the path if it is to follow it.
    #[classmethod]
    #[pyo3(signature = (path, *, environment = None))]
    fn from_file(
        _class: &Bound<'_, PyType>,
        py: Python<'_>,
        path: PathBuf,
        environment: Option<&str>,
    ) -> PyResult<Self> {
        let mut errors = Errors::default();
        let flag = environment.and_then(|word| errors.word::<Environment>("environment", word));
        if !errors.0.is_empty() {
            return Err(errors.raise());
        }
        Self::of_file(py, &path, flag, None)
    }

    /// Judges a request by its head. `path` is as it came over the wire, without the query; `peer` is the address of the
    /// other end of the connection, and what is no IP address counts as unknown; `authority` is that of an absolute-form
    /// target or `:authority`.
    #[pyo3(signature = (method, path, headers, *, query = None, peer = None, tls = false, authority = None, request = None))]
    #[expect(clippy::too_many_arguments, reason = "keyword arguments of Python")]
    fn on_request(
        slf: &Bound<'_, Self>,
        method: &str,
        path: &[u8],
        headers: &Bound<'_, PyAny>,
        query: Option<&[u8]>,
        peer: Option<&str>,
        tls: bool,
        authority: Option<&[u8]>,
        request: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Exchange> {
        let asked = Asked {
            method,
            path,
            headers,
            query,
            peer,
            tls,
            authority,
            request,
        };
        let judged = asked.of(slf)?;
        let (verdict, exchange) = slf.get().decided(slf.py(), judged.step)?;
        Exchange::new(slf, verdict, exchange, &judged.method, judged.form)
    }

    /// As `on_request`, to be awaited: for a policy whose limits count in a store, which is asked without blocking the event
    /// loop. Of any other policy it waits for nothing.
    #[pyo3(signature = (method, path, headers, *, query = None, peer = None, tls = false, authority = None, request = None))]
    #[expect(clippy::too_many_arguments, reason = "keyword arguments of Python")]
    fn on_request_async<'py>(
        slf: &Bound<'py, Self>,
        method: &str,
        path: &[u8],
        headers: &Bound<'py, PyAny>,
        query: Option<&[u8]>,
        peer: Option<&str>,
        tls: bool,
        authority: Option<&[u8]>,
        request: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let asked = Asked {
            method,
            path,
            headers,
            query,
            peer,
            tls,
            authority,
            request,
        };
        let py = slf.py();
        let Judged { step, method, form } = asked.of(slf)?;
        let decided = match (step, &slf.get().store) {
            (Step::Waiting(waiting), Some(store)) => {
                let host = Host::Hook {
                    policy: slf.clone().unbind(),
                    method: method.clone(),
                    form,
                };
                match Waiting::begun(store.bind(py), waiting, Some(host)) {
                    Ok(waiting) => {
                        let store = py.import("mantlet._store")?;
                        return store.call_method1("hook", (waiting,));
                    }
                    Err(decided) => *decided,
                }
            }
            (step, _) => step.without_store(),
        };
        let exchange = Exchange::new(slf, decided.0, decided.1, &method, form)?;
        py.import("mantlet._store")?
            .call_method1("decided", (exchange,))
    }

    /// What each limit has counted in this process, for metrics: a dict for each, in their order.
    fn limit_states<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyDict>>> {
        let states = self.engine.limit_states(mantlet_source::now());
        states.map(|state| limit::state(py, &state)).collect()
    }

    /// What the store of the limits has been asked in this process, for metrics; `None` without one.
    fn store_state<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyDict>>> {
        let store = self.store.as_ref();
        store.map(|store| store.get().state(py)).transpose()
    }

    /// `"production"` or `"development"`.
    #[getter]
    fn environment(&self) -> &'static str {
        self.environment.as_str()
    }

    /// Whether the policy draws nonces: the application then has to write them into its pages.
    #[getter]
    fn uses_nonce(&self) -> bool {
        self.engine.uses_nonce()
    }

    fn __repr__(&self) -> String {
        format!("<Policy for {}>", self.environment)
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.store)?;
        self.costs.iter().try_for_each(|cost| visit.call(cost))
    }
}

impl Policy {
    /// That of a policy file.
    ///
    /// # Errors
    /// `PolicyError` for a policy with errors, and for a file that cannot be read.
    pub(crate) fn of_file(
        py: Python<'_>,
        path: &Path,
        environment: Option<Environment>,
        client: Option<&Py<PyAny>>,
    ) -> PyResult<Self> {
        let loaded = mantlet_config::load(path, environment)
            .map_err(|report| PolicyError::new_err(report.to_string()))?;
        warn(py, &loaded.warnings)?;
        Self::ready(py, loaded, client, None)
    }

    /// What a request comes to that may block for its store.
    ///
    /// # Errors
    /// What a client of the application raises that is no `Exception`.
    pub(crate) fn decided(
        &self,
        py: Python<'_>,
        step: Step,
    ) -> PyResult<(Verdict, mantlet_engine::Exchange)> {
        match (step, &self.store) {
            (Step::Waiting(waiting), Some(store)) => Store::block(store.bind(py), waiting),
            (step, _) => Ok(step.without_store()),
        }
    }

    /// Ready for requests; `before` is the policy that it follows, of which it takes over what is counted, and the store.
    /// `client` asks the store in our place.
    ///
    /// # Errors
    /// `PolicyError` for a store that cannot be had.
    pub(crate) fn ready(
        py: Python<'_>,
        loaded: Loaded,
        client: Option<&Py<PyAny>>,
        before: Option<&Self>,
    ) -> PyResult<Self> {
        let lists = loaded.engine.lists();
        let known = before.and_then(|before| before.store.as_ref());
        let store = Store::of(py, &loaded.engine, loaded.redis.as_ref(), client, known);
        let store = store.map_err(PolicyError::new_err)?;
        if let Some(before) = before {
            loaded.engine.inherit(&before.engine);
        }
        Ok(Self {
            store,
            costs: Costs::default(),
            keys: Keys::new(py, &loaded.engine),
            reads_target: loaded.engine.reads_target(),
            last: Last::default(),
            judges: loaded.engine.reads_requests() || loaded.engine.uses_nonce(),
            engine: loaded.engine,
            environment: loaded.environment,
            bytes: Kept::new(lists),
            latin1: Kept::new(lists),
        })
    }

    /// What becomes of a request whose method is no token.
    pub(crate) fn unreadable(&self) -> (Verdict, mantlet_engine::Exchange) {
        let denial = mantlet_engine::Denial::new(
            "request.method",
            StatusCode::BAD_REQUEST,
            "The method of the request is malformed.",
        );
        (Verdict::Deny(denial), self.engine.on_unreadable())
    }
}

fn warn(py: Python<'_>, warnings: &mantlet_config::Report) -> PyResult<()> {
    let category = py.get_type::<PolicyWarning>();
    for diagnostic in warnings.diagnostics() {
        let text = diagnostic.to_string().replace('\0', " ");
        let text = CString::new(text).unwrap_or_default();
        PyErr::warn(py, &category, &text, 1)?;
    }
    Ok(())
}

const HEADER_VALUE: &str = "a value of headers is a str, or False to leave the field alone";

const HTTPS: &[(&str, Https)] = &[
    ("auto", Https::Auto),
    ("assume", Https::Assume),
    ("redirect", Https::Redirect),
];

const MODES: &[(&str, Mode)] = &[
    ("override", Mode::Override),
    ("if_missing", Mode::IfMissing),
    ("append", Mode::Append),
    ("remove", Mode::Remove),
    ("off", Mode::Off),
];

/// What is wrong with the keywords.
#[derive(Default)]
struct Errors(Vec<String>);

impl Errors {
    fn add(&mut self, key: &str, message: impl Into<String>) {
        self.0.push(Diagnostic::error(key, message).to_string());
    }

    fn word<T: FromStr<Err = String>>(&mut self, key: &str, word: &str) -> Option<T> {
        word.parse()
            .map_err(|error: String| self.add(key, error))
            .ok()
    }

    fn choice<T: Copy>(&mut self, key: &str, word: &str, choices: &[(&str, T)]) -> Option<T> {
        let found = choices.iter().find(|(known, _)| *known == word);
        if found.is_none() {
            let words: Vec<_> = choices.iter().map(|(known, _)| *known).collect();
            self.add(key, format!("{word:?} is not one of {}", words.join(", ")));
        }
        found.map(|(_, choice)| *choice)
    }

    fn network(&mut self, text: &str) -> Option<IpNet> {
        let address = || text.parse::<IpAddr>().map(IpNet::from);
        let network = text.parse().or_else(|_| address());
        network
            .map_err(|_| {
                let message =
                    format!("{text:?} is no network and no address (\"10.0.0.0/8\", \"::1\")");
                self.add("trusted_proxies", message);
            })
            .ok()
    }

    fn disposition(&mut self, word: Option<&str>, percent: Option<u8>) -> Option<Disposition> {
        let enforce_percent = percent.unwrap_or_default();
        if enforce_percent > 100 {
            self.add("cross_origin.enforce_percent", "is 0 to 100");
        }
        let report = Disposition::Report { enforce_percent };
        let choices = [("enforce", Disposition::Enforce), ("report", report)];
        let chosen = word.and_then(|word| self.choice("cross_origin.disposition", word, &choices));
        if percent.is_some() && chosen != Some(report) {
            self.add(
                "cross_origin.enforce_percent",
                "goes with cross_origin=\"report\"",
            );
        }
        chosen
    }

    fn raise(self) -> PyErr {
        PolicyError::new_err(self.0.join("\n"))
    }
}

/// The word of a preset: a `str`, or an enumeration member with such a value.
fn preset_word(preset: &Bound<'_, PyAny>) -> PyResult<String> {
    let value = match preset.is_instance_of::<PyString>() {
        true => preset.clone(),
        false => preset
            .getattr("value")
            .map_err(|_| PyTypeError::new_err("preset is a Preset or a str"))?,
    };
    value.extract()
}

/// An iterable of `str`, and no `str` itself: its characters are not what anybody means.
struct Strings(Vec<String>);

impl<'py> FromPyObject<'_, 'py> for Strings {
    type Error = PyErr;

    fn extract(object: pyo3::Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        if object.is_instance_of::<PyString>() {
            return Err(PyTypeError::new_err(
                "expected several str, such as a list, and not one",
            ));
        }
        let words = object.try_iter()?.map(|word| word?.extract());
        Ok(Self(words.collect::<PyResult<_>>()?))
    }
}

/// A mapping of directive names to iterables of `str`.
struct Directives(Vec<(String, Strings)>);

impl<'py> FromPyObject<'_, 'py> for Directives {
    type Error = PyErr;

    fn extract(object: pyo3::Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let items = object.cast::<PyMapping>()?.items()?;
        let pairs = items.iter().map(|item| item.extract());
        Ok(Self(pairs.collect::<PyResult<_>>()?))
    }
}
