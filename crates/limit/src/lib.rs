//! How many requests, how often: the rules of rate limits, and the counting of one process.
//!
//! Pure: no clock, no socket, no thread. Time is a [`Moment`] that the host read once for the request; randomness is a secret
//! that the host drew once for the process.

mod adaptive;
mod gcra;
mod key;
mod law;
mod local;
mod log;
mod moment;
mod outcome;
pub mod pending;
mod pressure;
mod quota;
mod ratio;
mod rule;
mod samples;
mod sync;
mod table;
mod take;
mod thresholds;
mod window;

pub use key::{Key, RemoteKey, Secret};
pub use local::Local;
pub use moment::Moment;
pub use outcome::{Admission, Outcome};
pub use pending::{Concurrency, DenyMemo, Left, Ticket};
pub use pressure::{Level, Pressure, Reading};
pub use quota::{Quota, QuotaError};
pub use ratio::Ratio;
pub use rule::{Algorithm, Mode, Rule};
pub use take::Take;
pub use thresholds::{ThresholdError, Thresholds};
