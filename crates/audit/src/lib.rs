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
//! assert_eq!(scan.tests["x-frame-options"].result, "x-frame-options-sameorigin-or-deny");
//! # Ok::<(), mantlet_audit::capture::Unreadable>(())
//! ```

pub mod capture;
pub mod evaluator;

mod headers;
mod html;
mod observation;
pub mod observatory;
mod preload;
mod site;

pub use headers::Headers;
pub use observation::{Cors, Hop, Http, Observation, Response, Session, Tls};
pub use preload::PreloadList;
