//! The extension module `mantlet._mantlet`: what the Python package asks of the engine.
//!
//! Everything here is plain data and the two calls: no thread, no runtime, no state that a fork would share.

mod asgi;
mod asgi_scope;
mod audit;
mod compat;
mod cross_origin;
mod edits;
mod exchange;
mod follow;
mod isolation;
mod log;
mod middleware;
mod permit;
#[cfg(feature = "conformance")]
mod pinned;
mod policy;
mod section;
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
    use crate::middleware::Middleware;
    #[pymodule_export]
    use crate::permit::Permit;
    #[cfg(feature = "conformance")]
    #[pymodule_export]
    use crate::pinned::pinned;
    #[pymodule_export]
    use crate::policy::{Policy, PolicyError, PolicyWarning};

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        crate::compat::register(module)?;
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}
