//! Requests of other sites.

pub(crate) mod accepted;
