//! Fields of any name.

pub(crate) mod dead;
pub(crate) mod fault;
pub(crate) mod leak;
pub(crate) mod xss_filter;
