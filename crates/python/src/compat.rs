//! What the classes of `mantlet.secure`, `mantlet.headers` and `mantlet.middleware` ask of Rust.
//!
//! The builders keep their state in Python. Here are the grammar of values, the pipeline over header lists, and the two
//! middlewares that put the headers into responses.

mod asgi;
mod edits;
mod fields;
mod grammar;
mod headers;
mod pipeline;
mod wsgi;

use pyo3::prelude::*;

/// Adds the names of this part to the extension module.
pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<asgi::AsgiHeaders>()?;
    module.add_class::<wsgi::WsgiHeaders>()?;
    module.add_function(wrap_pyfunction!(edits::edited, module)?)?;
    module.add_function(wrap_pyfunction!(grammar::csp_token_problem, module)?)?;
    module.add_function(wrap_pyfunction!(grammar::structured_problem, module)?)?;
    module.add_function(wrap_pyfunction!(grammar::ignored_by_browsers, module)?)?;
    module.add_function(wrap_pyfunction!(pipeline::allowlist, module)?)?;
    module.add_function(wrap_pyfunction!(pipeline::deduplicate, module)?)?;
    module.add_function(wrap_pyfunction!(pipeline::validate, module)?)
}
