//! The limits of a policy, and what they have counted.
//!
//! Counts are this process's: [`mantlet_limit`] has the arithmetic. Limits in a store are asked in one batch, after those of
//! this process let the request through; what stands in front of the store, and in its place while it does not answer, is
//! here.
//!
//! Where it fails open: a limit whose `on_error` is `open` lets everything through while its store does not answer; a limit
//! that evicts keys forgives those of which least is used; pressure that cannot be read is no pressure.

mod applied;
mod ask;
mod fields;
mod key;
mod limiter;
mod state;
mod tally;
mod under_way;

pub use applied::Applied;
pub(crate) use ask::{Asked, Asking, Stopped};
pub(crate) use fields::seconds;
pub use key::CountedBy;
pub(crate) use limiter::Limiters;
pub use state::LimitState;
pub(crate) use tally::{Quotas, Tally};
pub(crate) use under_way::UnderWay;
