//! Access logs, replayed through a policy's limits: who would have been limited, had it been in force.
//!
//! The lines are judged by the engine itself ([`mantlet_engine::Engine`]), with the time that the log tells. No clock, no file
//! and no socket: the caller gives the lines, one by one, in memory that does not grow with their number.
//!
//! Read are the `combined` and `common` formats of nginx and Apache, and the JSON lines of Caddy ([`Line`] says how).
//!
//! What a log cannot tell: how many requests were under way at once, and what pressure there was. Limits of concurrency are
//! left out, and adaptive limits count by what they give without pressure. A limit of a store is counted here, whole.
//!
//! ```
//! use mantlet_config::Config;
//! use mantlet_engine::OsEntropy;
//! use mantlet_trace::{Format, Replay};
//!
//! let policy = Config::parse("[limit]\nrequests = 1\nwindow = '1m'")?.limits_alone()?;
//! let mut replay = Replay::new(policy, OsEntropy, Format::Auto);
//! for second in 1..=3 {
//!     let line = format!("192.0.2.1 - - [22/Nov/2026:15:00:0{second} +0000] \"GET / HTTP/1.1\" 200 5 \"-\" \"curl/8\"");
//!     replay.line(line.as_bytes());
//! }
//! let summary = replay.finish(10);
//! assert_eq!((summary.requests, summary.denied), (3, 2));
//! assert_eq!(summary.limits[0].top[0].who, "192.0.2.1");
//! assert_eq!(summary.limits[0].enough, Some(3));
//! # Ok::<(), mantlet_config::Report>(())
//! ```

mod caddy;
mod clock;
mod combined;
mod keys;
mod line;
mod replay;
mod summary;
mod timeline;

pub use line::{Format, Line, Skipped};
pub use replay::Replay;
pub use summary::{LimitSummary, Summary, TopKey};
pub use timeline::{Slot, Timeline};
