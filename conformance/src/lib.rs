//! Cases that every host of the policy replays: data in `*.toml` beside this crate, a [`Host`] for each adapter.
//!
//! The format is described in `conformance/README.md`. What runs a case is a [`Host`]; [`replay`] holds what it
//! observed against what the case expects and hands back every difference, by the name of the case.

mod case;
mod check;
mod expect;
mod host;
mod line;

pub use case::{Case, CaseError, HOSTS, NONCE, Request, Response, cases, read};
pub use check::differences;
pub use expect::{Expectation, Verdict, Wanted};
pub use host::{Fact, Failure, Host, Observed, Told, replay};
pub use line::Line;
