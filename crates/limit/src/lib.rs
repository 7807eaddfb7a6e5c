//! How many requests, how often: the rules of rate limits, and the counting of one process.
//!
//! Pure: no clock, no socket, no thread. Time is a [`Moment`] that the host read once for the request; randomness is a secret
//! that the host drew once for the process.

mod key;
mod moment;
mod outcome;
mod quota;
mod rule;
mod take;

pub use key::{Key, RemoteKey, Secret};
pub use moment::Moment;
pub use outcome::{Admission, Outcome};
pub use quota::{Quota, QuotaError};
pub use rule::{Algorithm, Mode, Rule};
pub use take::Take;
