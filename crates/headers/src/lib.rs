//! Typed security header fields: each type parses, builds and prints one field.
//!
//! Reading is total and says what a browser would make of the bytes, with every [`Fault`] and its place; building refuses
//! what a browser would ignore or misread. Nothing here does I/O.

pub mod csp;
mod fault;
mod field;
mod hsts;
pub mod registry;
mod suggest;

pub use csp::{Csp, CspReportOnly};
pub use fault::{Fault, Parsed, Refused, Severity};
pub use field::Field;
pub use hsts::{Hsts, PRELOAD_MIN_AGE};
pub use suggest::suggest;
