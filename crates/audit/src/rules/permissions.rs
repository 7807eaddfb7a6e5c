//! Permissions-Policy.

pub(crate) mod missing;
