//! Every field this crate knows, by name: for the policy file, `mantlet explain` and the auditor.

use crate::fault::{Fault, Parsed, Refused};
use crate::field::Field;

/// When a field may be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// Over http and https.
    Any,
    /// Over https only: a browser ignores the field on plain http, and the specification forbids it there.
    Secure,
}

/// The strict reading of a value, printed, with its warnings.
pub type Build = fn(&str) -> Result<(String, Vec<Fault>), Refused>;

/// One known field.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// The field name in its customary spelling.
    pub name: &'static str,
    /// The defining document and section, as a URL.
    pub spec: &'static str,
    /// One sentence: what the field makes a browser do.
    pub summary: &'static str,
    /// Values that build, the recommended one first.
    pub examples: &'static [&'static str],
    /// Why the recommended value is what it is.
    pub reason: &'static str,
    /// When it may be sent.
    pub transport: Transport,
    /// Reads a value and prints what a browser makes of it.
    pub parse: fn(&[u8]) -> Parsed<String>,
    /// Reads a value that is to be sent, and prints it; the second part are warnings.
    pub build: Build,
}

impl Entry {
    const fn of<T: Field>() -> Self {
        Self {
            name: T::NAME,
            spec: T::SPEC,
            summary: T::SUMMARY,
            examples: T::EXAMPLES,
            reason: T::REASON,
            transport: Transport::Any,
            parse: |input| T::parse(input).map(|value| value.to_string()),
            build: |input| T::build(input).map(|(value, warnings)| (value.to_string(), warnings)),
        }
    }

    const fn secure(mut self) -> Self {
        self.transport = Transport::Secure;
        self
    }
}

/// The known fields, in the order in which they are sent.
pub static FIELDS: &[Entry] = &[
    Entry::of::<crate::CacheControl>(),
    Entry::of::<crate::Coep>(),
    Entry::of::<crate::CoepReportOnly>(),
    Entry::of::<crate::Coop>(),
    Entry::of::<crate::CoopReportOnly>(),
    Entry::of::<crate::Corp>(),
    Entry::of::<crate::Csp>(),
    Entry::of::<crate::CspReportOnly>(),
    Entry::of::<crate::Hsts>().secure(),
    Entry::of::<crate::PermissionsPolicy>(),
    Entry::of::<crate::PermissionsPolicyReportOnly>(),
    Entry::of::<crate::ReferrerPolicy>(),
    Entry::of::<crate::XPermittedCrossDomainPolicies>(),
    Entry::of::<crate::XDnsPrefetchControl>(),
    Entry::of::<crate::Server>(),
    Entry::of::<crate::XPoweredBy>(),
    Entry::of::<crate::XContentTypeOptions>(),
    Entry::of::<crate::XFrameOptions>(),
    Entry::of::<crate::XDownloadOptions>(),
    Entry::of::<crate::XXssProtection>(),
];

/// The entry of a field, by name in any case.
pub fn field(name: &str) -> Option<&'static Entry> {
    FIELDS
        .iter()
        .find(|entry| entry.name.eq_ignore_ascii_case(name))
}
