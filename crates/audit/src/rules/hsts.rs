//! Strict-Transport-Security.

pub(crate) mod fault;
pub(crate) mod missing;
pub(crate) mod preload;
pub(crate) mod short;
pub(crate) mod subdomains;
