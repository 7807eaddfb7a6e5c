//! The extension module `mantlet._mantlet`: what the Python package asks of the engine.
//!
//! Everything here is plain data and the two calls: no runtime, and no state that a fork would share. What a store is asked
//! over the wire waits in `mantlet/_store.py`, or here with the interpreter let go.

mod asgi;
mod asgi_scope;
mod audit;
mod compat;
mod cost;
mod cross_origin;
mod edits;
mod exchange;
mod follow;
mod hook;
mod isolation;
mod limit;
mod line;
mod log;
mod middleware;
mod permit;
#[cfg(feature = "conformance")]
mod pinned;
mod policy;
mod section;
mod store;
mod verdict;
mod waiting;
mod wsgi;

use pyo3::prelude::*;

/// The extension module.
#[pymodule]
mod _mantlet {
    use super::*;

    #[pymodule_export]
    use crate::audit::{Audit, Finding, Grade, ObservatoryTest, audit, check};
    #[pymodule_export]
    use crate::cross_origin::CrossOriginProtection;
    #[pymodule_export]
    use crate::exchange::{Denial, Exchange};
    #[pymodule_export]
    use crate::isolation::CrossOriginIsolation;
    #[pymodule_export]
    use crate::limit::Limit;
    #[pymodule_export]
    use crate::line::Line;
    #[pymodule_export]
    use crate::middleware::Middleware;
    #[pymodule_export]
    use crate::permit::Permit;
    #[cfg(feature = "conformance")]
    #[pymodule_export]
    use crate::pinned::pinned;
    #[pymodule_export]
    use crate::policy::{Policy, PolicyError, PolicyWarning};
    #[pymodule_export]
    use crate::store::Store;
    #[pymodule_export]
    use crate::waiting::Waiting;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        crate::compat::register(module)?;
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}
