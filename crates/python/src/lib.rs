//! The extension module `mantlet._mantlet`: what the Python package asks of the engine.
//!
//! Everything here is plain data and the two calls: no thread, no runtime, no state that a fork would share.

mod compat;
mod exchange;
mod permit;
mod policy;
mod section;

use pyo3::prelude::*;

/// The extension module.
#[pymodule]
mod _mantlet {
    use super::*;

    #[pymodule_export]
    use crate::exchange::{Denial, Exchange};
    #[pymodule_export]
    use crate::permit::Permit;
    #[pymodule_export]
    use crate::policy::{Policy, PolicyError, PolicyWarning};

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        crate::compat::register(module)?;
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}
