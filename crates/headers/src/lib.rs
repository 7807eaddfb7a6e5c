//! Typed security header fields: each type parses, builds and prints one field.
//!
//! Reading is total and says what a browser would make of the bytes, with every [`Fault`] and its place; building refuses
//! what a browser would ignore or misread. Nothing here does I/O.

mod authority;
mod caching;
mod clear_site_data;
pub mod cookie;
mod cross_origin;
pub mod csp;
mod custom;
mod endpoint;
mod fault;
mod field;
pub mod forwarded;
mod framing;
mod host_pattern;
mod hsts;
mod integrity;
mod isolation;
mod legacy;
mod malformed;
mod octets;
mod origin;
mod permissions;
pub mod pipeline;
mod referrer;
pub mod registry;
mod reporting;
mod sf;
mod sniffing;
mod suggest;
#[cfg(test)]
mod testing;
mod token_field;
mod twin;

pub use authority::Authority;
pub use caching::{CacheControl, Coverage};
pub use clear_site_data::{ClearSiteData, SiteData};
pub use cross_origin::{Coep, CoepReportOnly, Coop, CoopReportOnly, Corp, Embedder, Opener};
pub use csp::{Csp, CspReportOnly};
pub use custom::{CustomField, field_name, field_value};
pub use endpoint::Endpoint;
pub use fault::{Fault, Parsed, Refused, Severity};
pub use field::Field;
pub use framing::XFrameOptions;
pub use host_pattern::{HostName, HostPattern};
pub use hsts::{Hsts, PRELOAD_MIN_AGE};
pub use integrity::{BlockedDestination, IntegrityPolicy, IntegrityPolicyReportOnly};
pub use isolation::{
    Access, ConnectionAllowlist, ConnectionAllowlistReportOnly, Destination, DocumentIsolation,
    DocumentIsolationPolicy, DocumentIsolationPolicyReportOnly, OriginAgentCluster, Pattern,
};
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
pub use reporting::json::{Nel, ReportGroup, ReportTo};
pub use reporting::{ReportUrl, ReportingEndpoints};
pub use sniffing::XContentTypeOptions;
pub use suggest::{misspelled, suggest};
