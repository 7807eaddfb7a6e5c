//! Retrieves what the auditor judges: a live site becomes an [`Observation`](mantlet_audit::Observation).
//!
//! A site is asked as a browser asks (RFC 9110, RFC 9112; HTTP/1.1): redirects are followed hop by hop, over https and over
//! plain http, with a cookie jar for each (RFC 6265). Then come the [`Probes`]: a preflight of another origin, the same page
//! again, a path that does not exist, and, if it is wanted, a cross-site POST. This crate has the sockets and no opinion:
//! what was seen is judged in `mantlet-audit`.
//!
//! Everything is bounded by [`Options`]: time, redirects, header section, body. Where it is lenient:
//!
//! 1. a certificate that does not verify is noted and the site asked without verification;
//! 2. a body that is too long is cut, and [`Seen::remarks`] says so;
//! 3. a probe that fails is not seen, which costs the site nothing.
//!
//! ```no_run
//! use mantlet_scan::{Options, Retriever};
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let retriever = Retriever::new(Options::default())?;
//! let seen = retriever.observe(&mantlet_scan::site("example.com")?).await?;
//! println!("{}", mantlet_audit::audit(&seen.observation).graded.grade);
//! # Ok(())
//! # }
//! ```

mod body;
mod bulk;
mod connect;
mod exchange;
mod failure;
mod options;
mod retriever;
mod session;
mod tls;

pub use bulk::each;
pub use failure::{Failure, Unusable};
pub use options::{Identity, Options, Probes, Proxy, site};
pub use retriever::{ORIGIN, Retriever, Seen};
