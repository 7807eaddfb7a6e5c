//! How good is a response: observation in, findings out.
//!
//! An [`Observation`] is what was seen of a page: its URL, its headers, and as much more as was asked (the plain-http
//! session, a CORS probe, an error page, a second fetch). Nothing here asks: a host retrieves, this crate judges, and
//! equal observations give equal reports. No socket, clock, file or environment.
//!
//! * [`observatory`]: the tests, score and grade of the MDN HTTP Observatory, for teams that move over.
//! * [`evaluator`]: the findings of csp-evaluator for one policy.
//! * [`capture`]: observations from JSON, from the text of `curl -i`, and from HAR files.
//!
//! ```
//! use mantlet_audit::capture;
//! use mantlet_audit::observatory::{self, Algorithm};
//!
//! let seen = capture::json(br#"{"url": "https://example.com/", "headers": [["X-Frame-Options", "DENY"]]}"#)?;
//! let scan = observatory::scan(&seen[0], Algorithm::Six, &Default::default());
//! assert_eq!(scan.test("x-frame-options").map(|test| test.modifier), Some(5));
//! # Ok::<(), mantlet_audit::capture::Unreadable>(())
//! ```

pub mod capture;
pub mod evaluator;

mod finding;
mod fix;
mod headers;
mod html;
mod observation;
pub mod observatory;
mod preload;
pub mod registry;
mod rule;
mod rules;
mod site;
mod subject;

pub use finding::{Evidence, Finding, Severity};
pub use fix::Fix;
pub use headers::Headers;
pub use observation::{Cors, Hop, Http, Observation, Response, Session, Tls};
pub use preload::PreloadList;
pub use rule::Rule;
