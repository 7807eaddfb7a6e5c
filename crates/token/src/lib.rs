//! JSON Web Tokens: keys in, verified claims out (RFC 7519, RFC 7515, RFC 8725).
//!
//! Pure: no socket, no clock, no file. `now` is an argument, in seconds since the epoch. [`Verifier`] is the example to
//! read first.

mod algorithm;
mod cache;
mod challenge;
mod claims;
mod demand;
mod error;
mod issuing;
pub mod jwk;
pub mod jws;
mod key;
mod keyset;
mod pem;
pub mod presented;
mod profile;
pub mod refresh;
mod reject;
mod revoked;
mod signing;
mod strict;
pub mod verify;

pub use algorithm::{Algorithm, Algorithms, Ec, Hs, Rsa};
pub use cache::Cache;
pub use challenge::Challenge;
pub use demand::{Demand, RequiredClaim};
pub use error::ConfigError;
pub use issuing::{EXPIRATION, Issuing};
pub use key::{EcKey, Ed25519Key, HsKey, Key, Material, RsaKey};
pub use keyset::{Generation, KeySet};
pub use presented::Bearer;
pub use profile::{LEEWAY, MAX_LEEWAY, Profile, Settings};
pub use reject::{Answer, Reject};
pub use revoked::{Full, Revocation, Revoked};
pub use signing::SigningKey;
pub use verify::{Verified, Verifier};
