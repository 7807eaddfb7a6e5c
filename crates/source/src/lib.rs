//! What changes while a policy is in force. Plain threads, no runtime: a Rust service, a Python worker and the proxy use
//! the same.

mod policy_file;
mod sensors;

pub use policy_file::{Watch, WatchError, watch};
pub use sensors::Sensors;
