//! The answer to a preflight.

pub(crate) mod open;
