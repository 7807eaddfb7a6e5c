//! What changes while a policy is in force: its file, the time, the pressure on the host. Plain threads, no runtime: a Rust
//! service, a Python worker and the proxy use the same.

mod clock;
mod outage;
#[cfg(feature = "watch")]
mod policy_file;
mod sense;
mod sensors;

pub use clock::now;
pub use outage::hear;
#[cfg(feature = "watch")]
pub use policy_file::{Watch, WatchError, watch};
pub use sense::sense;
pub use sensors::Sensors;
