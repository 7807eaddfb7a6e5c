//! Typed security header fields: each type parses, builds and prints one field.
//!
//! Reading is total and says what a browser would make of the bytes, with every [`Fault`] and its place; building refuses
//! what a browser would ignore or misread. Nothing here does I/O.

mod authority;
mod caching;
pub mod cookie;
mod cross_origin;
pub mod csp;
mod custom;
mod endpoint;
mod fault;
mod field;
pub mod forwarded;
mod framing;
mod hsts;
mod legacy;
mod malformed;
mod octets;
mod origin;
mod permissions;
mod referrer;
pub mod registry;
mod sf;
mod sniffing;
mod suggest;
#[cfg(test)]
mod testing;
mod token_field;
mod twin;

pub use authority::Authority;
pub use caching::{CacheControl, Coverage};
pub use cross_origin::{Coep, CoepReportOnly, Coop, CoopReportOnly, Corp, Embedder, Opener};
pub use csp::{Csp, CspReportOnly};
pub use custom::{CustomField, field_name, field_value};
pub use endpoint::Endpoint;
pub use fault::{Fault, Parsed, Refused, Severity};
pub use field::Field;
pub use framing::XFrameOptions;
pub use hsts::{Hsts, PRELOAD_MIN_AGE};
pub use legacy::{
    Server, XDnsPrefetchControl, XDownloadOptions, XPermittedCrossDomainPolicies, XPoweredBy,
    XXssProtection,
};
pub use malformed::Malformed;
pub use origin::{Origin, Scheme};
pub use permissions::{
    Allow, FEATURES, Permission, PermissionsPolicy, PermissionsPolicyReportOnly, PermittedOrigin,
    RETIRED_FEATURES,
};
pub use referrer::{Referrer, ReferrerPolicy};
pub use sniffing::XContentTypeOptions;
pub use suggest::suggest;
