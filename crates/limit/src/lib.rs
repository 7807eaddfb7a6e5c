//! How many requests, how often: the rules of rate limits, and the counting of one process.
//!
//! Pure: no clock, no socket, no thread. Time is a [`Moment`] that the host read once for the request; randomness is a secret
//! that the host drew once for the process.
//!
//! * [`Rule`]: a [`Quota`] and the [`Algorithm`] it is counted by. [`Local`] counts it for many keys in fixed memory.
//! * [`Pressure`] finds the [`Ratio`] of an adaptive limit from [`Reading`]s of the host and the latency of its answers;
//!   [`Concurrency`] how many requests an upstream bears at once.
//! * [`Take`] is what is asked of a store that several processes share; [`DenyMemo`] and [`Leases`] answer in its stead where
//!   they can, and [`Rule::share`] is what one process counts by while the store is down.

mod adaptive;
mod concurrency;
mod gcra;
mod key;
mod law;
mod leases;
mod local;
mod log;
mod memo;
mod moment;
mod outcome;
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

pub use concurrency::{Concurrency, Left, Ticket};
pub use key::{Key, RemoteKey, Secret};
pub use leases::{Leases, Unspent};
pub use local::Local;
pub use memo::DenyMemo;
pub use moment::Moment;
pub use outcome::{Admission, Outcome};
pub use pressure::{Level, Pressure, Reading};
pub use quota::{Quota, QuotaError};
pub use ratio::Ratio;
pub use rule::{Algorithm, Mode, Rule};
pub use take::Take;
pub use thresholds::{ThresholdError, Thresholds};
