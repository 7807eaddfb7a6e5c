//! What a request takes of a limit, by a function of the application.
//!
//! The engine asks while it judges, and knows no Python: what the function is given waits at the thread. A function that fails
//! has said nothing, and nobody knows what the request costs: it is denied (500), whatever the limit does with those above it.

use std::cell::RefCell;
use std::sync::Arc;

use http::StatusCode;
use mantlet_engine::policy::CostOf;
use mantlet_engine::{Denial, Step, Verdict};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyInt};

use crate::log;

/// The functions of a policy.
pub(crate) type Costs = Arc<[Py<PyAny>]>;

/// The request that is judged on this thread.
struct Asked {
    costs: Costs,
    request: Py<PyAny>,
    failure: Option<PyErr>,
}

thread_local! {
    static ASKED: RefCell<Option<Asked>> = const { RefCell::new(None) };
}

/// The cost by the function of this index in the policy.
pub(crate) fn cost_of(index: usize) -> CostOf {
    CostOf(Arc::new(move |_| Python::attach(|py| cost(py, index))))
}

fn cost(py: Python<'_>, index: usize) -> u32 {
    let asked = ASKED.with_borrow(|asked| {
        let asked = asked.as_ref()?;
        let function = asked.costs.get(index)?.clone_ref(py);
        Some((function, asked.request.clone_ref(py)))
    });
    let Some((function, request)) = asked else {
        return u32::MAX;
    };
    let told = function
        .bind(py)
        .call1((request,))
        .and_then(|told| whole(&told));
    match told {
        Ok(cost) => cost,
        Err(failure) => {
            ASKED.with_borrow_mut(|asked| {
                if let Some(asked) = asked {
                    asked.failure.get_or_insert(failure);
                }
            });
            // more than any limit has: nothing is taken
            u32::MAX
        }
    }
}

fn whole(told: &Bound<'_, PyAny>) -> PyResult<u32> {
    let number = told.is_instance_of::<PyInt>() && !told.is_instance_of::<PyBool>();
    match told.extract() {
        Ok(cost) if number => Ok(cost),
        _ => {
            let told = told.repr()?;
            let message =
                format!("the cost of a request is an int from 0 to 4294967295, not {told}");
            Err(PyValueError::new_err(message))
        }
    }
}

/// Calls `judge`, during which the functions are given `request`; the denial in place of its step where one has failed.
pub(crate) fn asking(
    py: Python<'_>,
    costs: &Costs,
    request: Option<&Bound<'_, PyAny>>,
    judge: impl FnOnce() -> Step,
    exchange: impl FnOnce() -> mantlet_engine::Exchange,
) -> Step {
    let asked = Asked {
        costs: Arc::clone(costs),
        request: request.map_or_else(|| py.None(), |request| request.clone().unbind()),
        failure: None,
    };
    // a function may call another application of ours
    let before = ASKED.replace(Some(asked));
    let step = judge();
    let asked = ASKED.replace(before);
    match asked.and_then(|asked| asked.failure) {
        None => step,
        Some(failure) => {
            log::failed(py, "the cost function of a limit failed", failure);
            let mut denial = Denial::new(
                "limit.cost",
                StatusCode::INTERNAL_SERVER_ERROR,
                "The service cannot answer this request.",
            );
            denial.fix = Some(
                "the cost function of a limit raises, or returns no int: the traceback is in the log",
            );
            Step::Decided(Verdict::Deny(denial), exchange())
        }
    }
}
