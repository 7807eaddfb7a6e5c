//! Rate limits.

pub(crate) mod headers;
