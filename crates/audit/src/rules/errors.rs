//! Error pages.

pub(crate) mod headers;
