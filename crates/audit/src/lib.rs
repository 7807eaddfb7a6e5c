//! How good is a response: observation in, findings out.
//!
//! An [`Observation`] is what was seen of a page: its URL, its headers, and as much more as was asked (the plain-http
//! session, a CORS probe, an error page, a second fetch). Nothing here asks: a host retrieves, this crate judges, and
//! equal observations give equal reports. No socket, clock, file or environment.
//!
//! * [`audit`]: our own judgement: [`Finding`]s of the rules in [`registry`], a score and a grade, the sum shown.
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
mod grade;
mod headers;
mod html;
mod observation;
pub mod observatory;
mod preload;
pub mod registry;
pub mod render;
mod repair;
mod report;
mod rule;
mod rules;
mod site;
mod subject;
mod waiver;

pub use finding::{Evidence, Finding, Severity};
pub use fix::Fix;
pub use grade::{Graded, Line, Profile};
pub use headers::Headers;
pub use observation::{Cors, Hop, Http, Observation, Response, Session, Tls};
pub use preload::PreloadList;
pub use repair::{Repair, repair};
pub use report::{Report, audit};
pub use rule::Rule;
pub use waiver::{Date, Unusable, Waiver, Waivers};
