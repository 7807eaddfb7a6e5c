//! Sessions: id, record, sealed cookie.
//!
//! Pure: no socket, no clock, no file. `now` is an argument, in seconds since the epoch; randomness is a closure. Stores are
//! asked by data ([`Command`], [`Reply`]). [`Sessions`] keeps sessions in a store, [`SealedSessions`] in the cookie itself;
//! start with the example of [`sessions`].

mod command;
pub mod conformance;
mod cookie;
mod error;
mod id;
pub mod import;
mod lifetime;
mod local;
mod outcome;
mod record;
mod ring;
mod seal;
mod session;
pub mod sessions;

pub use command::{Command, Reply, Store, StoreError};
pub use cookie::{Cookie, CookieSettings, Sent, Warning};
pub use error::ConfigError;
pub use id::{IdSeal, Proof, RowKey, SessionId};
pub use lifetime::Lifetimes;
pub use local::Local;
pub use outcome::{CloseError, Event, NoRandom, Outcome, Random, SaveError};
pub use record::{Data, Previous, Record, Retired};
pub use ring::{KeyId, MAX_SECRETS, MIN_SECRET, Ring, Secret};
pub use seal::{MAX_COOKIE, SealedSessions};
pub use session::Session;
pub use sessions::{Closing, Found, MAX_DATA, Opened, Sessions, Settled};
