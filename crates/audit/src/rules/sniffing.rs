//! X-Content-Type-Options.

pub(crate) mod missing;
