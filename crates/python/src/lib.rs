//! The extension module `mantlet._mantlet`: what the Python package asks of the engine.

mod asgi_scope;
mod cross_origin;
mod isolation;

use pyo3::prelude::*;

/// The extension module.
#[pymodule]
mod _mantlet {
    use super::*;

    #[pymodule_export]
    use crate::cross_origin::CrossOriginProtection;
    #[pymodule_export]
    use crate::isolation::CrossOriginIsolation;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}
