//! Referrer-Policy.

pub(crate) mod policy;
