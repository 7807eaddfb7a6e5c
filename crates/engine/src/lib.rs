//! The policy engine: facts in, a verdict and edits out.
//!
//! A pure function over plain data: no socket, no runtime, no clock, no environment. A host adapter copies facts out of
//! its host, asks twice, and applies edits:
//!
//! 1. [`Engine::on_request`]: facts about the request -> a [`Verdict`] and an [`Exchange`], at once or, where a store has to be asked,
//!    after one trip ([`Step`]);
//! 2. [`Exchange::on_response`]: facts about the response -> [`Edits`] of its header section.
//!
//! Every response leaves by call two: denials, 404s, redirects, errors of the host itself.
//!
//! ```
//! use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
//! use mantlet_engine::policy::{Policy, Rule, Rules, Scoped};
//! use mantlet_engine::{Engine, OsEntropy, RequestHead, ResponseHead, Step, Verdict};
//!
//! let nosniff = Rule::set(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
//! let policy = Policy::new(Scoped::any(Rules { headers: vec![nosniff], ..Rules::default() }));
//! let engine = Engine::new(policy, OsEntropy);
//!
//! let mut headers = HeaderMap::new();
//! let step = engine.on_request(&RequestHead::new(&Method::GET, b"/", &headers));
//! let Step::Decided(verdict, exchange) = step else { unreachable!("no limit of a store") };
//! assert!(matches!(verdict, Verdict::Allow(_)));
//!
//! let edits = exchange.on_response(&ResponseHead::new(StatusCode::OK, &headers));
//! edits.apply(&mut headers);
//! assert_eq!(headers["x-content-type-options"], "nosniff");
//! ```

mod check;
mod client;
mod edit;
mod emit;
mod engine;
mod entropy;
mod evidence;
mod exchange;
mod head;
mod intern;
mod limit;
mod live;
mod nonce;
mod page;
mod permit;
pub mod policy;
mod reason;
pub mod route;
mod step;
mod transport;
mod verdict;

pub use client::UntrustedProxy;
pub use edit::{Edit, Edits};
pub use engine::{Checks, Engine};
pub use entropy::{Entropy, EntropyError, OsEntropy};
pub use evidence::Evidence;
pub use exchange::{Exchange, is_cache_field};
pub use head::{Fields, Now, RequestHead, ResponseHead, Single};
pub use limit::{Applied, CountedBy, LimitState};
pub use live::Live;
pub use nonce::Nonce;
pub use page::{Answer, Page, PagePath, Scheme};
pub use permit::Permit;
pub use policy::Op;
pub use reason::{REASONS, Reason};
pub use step::{Batch, Replies, Step, Store, StoreDown, StoreState, Trip, Waiting};
pub use verdict::{Denial, Form, Reply, Verdict};
