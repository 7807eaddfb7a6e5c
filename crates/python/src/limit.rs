//! A limit of `mantlet.RateLimitConfig`, compiled where a limit of a policy file is.

use mantlet_config::Config;
use mantlet_engine::LimitState;
use mantlet_engine::policy::{Limit as Compiled, LimitFields};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::cost::{Costs, cost_of};

/// How a client is told what limits leave, by the words of the policy file.
pub(crate) const LIMIT_HEADERS: &[(&str, LimitFields)] = &[
    ("ietf-10", LimitFields::Ietf10),
    ("ietf-7", LimitFields::Ietf7),
    ("ietf-6", LimitFields::Ietf6),
    ("legacy", LimitFields::Legacy),
    ("legacy-epoch", LimitFields::LegacyEpoch),
    ("off", LimitFields::Off),
];

/// A limit by the keys of `[[limit]]`.
#[pyclass(frozen, module = "mantlet._mantlet", name = "_Limit")]
pub(crate) struct Limit {
    limit: Compiled,
    /// What a request takes, where a function says it.
    cost: Option<Py<PyAny>>,
}

#[pymethods]
impl Limit {
    /// `keys` is an object in JSON.
    #[new]
    fn new(keys: &str, cost: Option<Py<PyAny>>) -> PyResult<Self> {
        let keys = serde_json::from_str(keys);
        let keys = keys.map_err(|error| PyValueError::new_err(error.to_string()))?;
        let limit = Config::limit_of(&keys);
        let limit = limit.map_err(|report| PyValueError::new_err(report.to_string()))?;
        Ok(Self { limit, cost })
    }
}

/// The limits of a policy, with the functions that say what requests take.
///
/// # Errors
/// `TypeError` for what is no `RateLimitConfig`; the names that two of them have.
pub(crate) fn limits(
    given: &[Bound<'_, PyAny>],
) -> PyResult<Result<(Vec<Compiled>, Costs), String>> {
    let (mut limits, mut costs): (Vec<Compiled>, Vec<_>) = (Vec::new(), Vec::new());
    for given in given {
        let own = given.getattr("_limit").ok();
        let own = own.as_ref().and_then(|own| own.cast::<Limit>().ok());
        let Some(own) = own.map(Bound::get) else {
            let message =
                "limits are RateLimitConfig: RateLimitConfig.token_bucket(requests=100, window=60)";
            return Err(pyo3::exceptions::PyTypeError::new_err(message));
        };
        let mut limit = own.limit.clone();
        if limits.iter().any(|other| other.name == limit.name) {
            return Ok(Err(format!(
                "two of them have the name \"{}\": each needs one of its own, name=\"per-client\"",
                limit.name
            )));
        }
        if let Some(cost) = &own.cost {
            limit.cost_of = Some(cost_of(costs.len()));
            costs.push(cost.clone_ref(given.py()));
        }
        limits.push(limit);
    }
    Ok(Ok((limits, costs.into())))
}

/// A limit as metrics show it.
pub(crate) fn state<'py>(py: Python<'py>, state: &LimitState) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("name", &state.name)?;
    dict.set_item("admitted", state.admitted)?;
    dict.set_item("exceeded", state.exceeded)?;
    dict.set_item("shed", state.shed)?;
    dict.set_item("reported", state.reported)?;
    dict.set_item("remembered", state.remembered)?;
    dict.set_item("fallback", state.fallback)?;
    dict.set_item("unavailable", state.unavailable)?;
    dict.set_item("evicted", state.evicted)?;
    dict.set_item("capacity", state.capacity)?;
    dict.set_item("ratio", state.ratio)?;
    let level = state.level;
    let latency = level.and_then(|level| level.latency);
    dict.set_item("cpu", level.and_then(|level| level.cpu))?;
    dict.set_item("memory", level.and_then(|level| level.memory))?;
    dict.set_item("latency", latency.map(|latency| latency.as_secs_f64()))?;
    dict.set_item("under_way", state.under_way)?;
    Ok(dict)
}
