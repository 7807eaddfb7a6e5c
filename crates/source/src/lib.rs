//! What changes while a policy is in force: its file, the time, the pressure on the host. Plain threads, no runtime: a Rust
//! service, a Python worker and the proxy use the same.

mod clock;
mod policy_file;
mod sense;

pub use clock::now;
pub use policy_file::{Watch, WatchError, watch};
pub use sense::sense;
