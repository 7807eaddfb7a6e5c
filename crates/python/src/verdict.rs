//! Call one, as every host of this package makes it: the clock, the sensors, what the request costs, and what the log hears.

use mantlet_engine::{Exchange, Form, RequestHead, Step, Verdict};
use pyo3::prelude::*;

use crate::cost;
use crate::exchange::Denial;
use crate::log;
use crate::policy::Policy;

/// Judges. `request` is what the cost functions of limits are given: a scope, an environ, or a framework's own.
pub(crate) fn ask(
    policy: &Policy,
    head: &mut RequestHead<'_>,
    request: Option<&Bound<'_, PyAny>>,
    py: Python<'_>,
) -> Step {
    let engine = &policy.engine;
    if engine.reads_clock() {
        head.now = mantlet_source::now();
        mantlet_source::sense(engine, head.now);
    }
    let head = &*head;
    if policy.costs.is_empty() {
        return engine.on_request(head);
    }
    let judge = || engine.on_request(head);
    cost::asking(py, &policy.costs, request, judge, || engine.on_unreadable())
}

/// What is known of a request once it has its verdict.
pub(crate) struct Known<'h, P> {
    /// Its path may be left out: `path` has it then.
    pub(crate) head: RequestHead<'h>,
    pub(crate) form: Form,
    pub(crate) path: P,
}

/// The verdict as a permit, or as the whole answer of a denial; the log hears what the checks said.
pub(crate) fn told<P: Fn() -> PyResult<Vec<u8>>>(
    py: Python<'_>,
    verdict: Verdict,
    exchange: &Exchange,
    known: &Known<'_, P>,
) -> PyResult<Result<mantlet_engine::Permit, Denial>> {
    let tell = |what, code, fix, limits: &[String]| -> PyResult<()> {
        let path = (known.path)()?;
        let mut head = known.head;
        head.path = &path;
        log::verdict(py, what, code, fix, limits, &head);
        Ok(())
    };
    match verdict {
        Verdict::Allow(permit) => {
            for reason in permit.reported() {
                tell("would be denied", reason.code, Some(reason.fix), &[])?;
            }
            Ok(Ok(permit))
        }
        verdict => {
            let denial = Denial::new(verdict, exchange, known.head.method, known.form);
            tell("denied", denial.reason, denial.fix, &denial.limits)?;
            Ok(Err(denial))
        }
    }
}
