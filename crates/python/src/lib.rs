//! The extension module `mantlet._mantlet`: what the Python package asks of the engine.

mod compat;

use pyo3::prelude::*;

/// The extension module.
#[pymodule]
mod _mantlet {
    use super::*;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        crate::compat::register(module)?;
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}
