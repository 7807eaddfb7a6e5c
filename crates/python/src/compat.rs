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

use mantlet_headers::pipeline::{COMMA_JOIN_OK, DEFAULT_ALLOWED_HEADERS, MULTI_OK};
use pyo3::prelude::*;
use pyo3::types::PyTuple;

/// Adds the names of this part to the extension module.
pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("_COMMA_JOIN_OK", PyTuple::new(module.py(), COMMA_JOIN_OK)?)?;
    module.add(
        "_DEFAULT_ALLOWED_HEADERS",
        PyTuple::new(module.py(), DEFAULT_ALLOWED_HEADERS)?,
    )?;
    module.add("_MULTI_OK", PyTuple::new(module.py(), MULTI_OK)?)?;
    module.add_class::<headers::Headers>()?;
    module.add_class::<asgi::AsgiHeaders>()?;
    module.add_class::<wsgi::WsgiHeaders>()?;
    module.add_function(wrap_pyfunction!(edits::edited, module)?)?;
    module.add_function(wrap_pyfunction!(edits::count, module)?)?;
    module.add_function(wrap_pyfunction!(grammar::csp_word_problem, module)?)?;
    module.add_function(wrap_pyfunction!(grammar::csp_meta, module)?)?;
    module.add_function(wrap_pyfunction!(grammar::structured_problem, module)?)?;
    module.add_function(wrap_pyfunction!(grammar::ignored_by_browsers, module)?)?;
    module.add_function(wrap_pyfunction!(pipeline::allowlist, module)?)?;
    module.add_function(wrap_pyfunction!(pipeline::deduplicate, module)?)?;
    module.add_function(wrap_pyfunction!(pipeline::validate, module)?)
}
