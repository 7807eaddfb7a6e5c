//! Every field this crate knows, by name: for the policy file, `mantlet explain` and the auditor.

use crate::fault::{Fault, Parsed, Refused};
use crate::field::Field;
use crate::{
    CacheControl, ClearSiteData, Coep, CoepReportOnly, ConnectionAllowlist,
    ConnectionAllowlistReportOnly, Coop, CoopReportOnly, Corp, Csp, CspReportOnly,
    DocumentIsolationPolicy, DocumentIsolationPolicyReportOnly, Hsts, IntegrityPolicy,
    IntegrityPolicyReportOnly, Nel, OriginAgentCluster, PermissionsPolicy,
    PermissionsPolicyReportOnly, ReferrerPolicy, ReportTo, ReportingEndpoints, Server,
    XContentTypeOptions, XDnsPrefetchControl, XDownloadOptions, XFrameOptions,
    XPermittedCrossDomainPolicies, XPoweredBy, XXssProtection,
};

/// When a field may be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// Over http and https.
    Any,
    /// Over https only: a browser ignores the field on plain http, from localhost too.
    Secure,
}

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
    /// Reads a value that is to be sent.
    pub build: fn(&str) -> Result<Built, Refused>,
}

/// A value that may be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Built {
    /// The value as it is printed.
    pub text: String,
    /// What is dead, weak or surprising in it.
    pub warnings: Vec<Fault>,
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
            build: |input| {
                let (value, warnings) = T::build(input)?;
                Ok(Built {
                    text: value.to_string(),
                    warnings,
                })
            },
        }
    }

    const fn secure(mut self) -> Self {
        self.transport = Transport::Secure;
        self
    }
}

/// The known fields, in the order in which they are sent.
pub static FIELDS: &[Entry] = &[
    Entry::of::<CacheControl>(),
    Entry::of::<Coep>(),
    Entry::of::<CoepReportOnly>(),
    Entry::of::<Coop>(),
    Entry::of::<CoopReportOnly>(),
    Entry::of::<Corp>(),
    Entry::of::<Csp>(),
    Entry::of::<CspReportOnly>(),
    Entry::of::<Hsts>().secure(),
    Entry::of::<PermissionsPolicy>(),
    Entry::of::<PermissionsPolicyReportOnly>(),
    Entry::of::<ReferrerPolicy>(),
    Entry::of::<XPermittedCrossDomainPolicies>(),
    Entry::of::<XDnsPrefetchControl>(),
    Entry::of::<Server>(),
    Entry::of::<XPoweredBy>(),
    Entry::of::<XContentTypeOptions>(),
    Entry::of::<XFrameOptions>(),
    Entry::of::<OriginAgentCluster>(),
    Entry::of::<XDownloadOptions>(),
    Entry::of::<XXssProtection>(),
    Entry::of::<IntegrityPolicy>(),
    Entry::of::<IntegrityPolicyReportOnly>(),
    Entry::of::<DocumentIsolationPolicy>(),
    Entry::of::<DocumentIsolationPolicyReportOnly>(),
    Entry::of::<ConnectionAllowlist>(),
    Entry::of::<ConnectionAllowlistReportOnly>(),
    Entry::of::<ReportingEndpoints>().secure(),
    Entry::of::<ReportTo>().secure(),
    Entry::of::<Nel>().secure(),
    // works from http://localhost, so it is not for https only
    Entry::of::<ClearSiteData>(),
];

/// Fields of old that are of no use any more, in lower case: the name, what became of it, and what to do instead.
pub static DEAD: &[(&str, &str, &str)] = &[
    (
        "expect-ct",
        "no browser reads it any more: all of them require Certificate Transparency by themselves",
        "leave it out",
    ),
    (
        "feature-policy",
        "is the old name and grammar of Permissions-Policy, which took its place",
        "permissions-policy",
    ),
    (
        "public-key-pins",
        "no browser reads it any more: a wrong pin locked visitors out",
        "leave it out; CAA records of the DNS limit who issues certificates",
    ),
    (
        "public-key-pins-report-only",
        "no browser reads it any more: key pinning was given up",
        "leave it out; Certificate Transparency logs show who issues certificates",
    ),
    (
        "x-content-security-policy",
        "no browser reads it any more: Content-Security-Policy took its place",
        "content-security-policy",
    ),
    (
        "x-webkit-csp",
        "no browser reads it any more: Content-Security-Policy took its place",
        "content-security-policy",
    ),
];

/// The entry of a field, by name in any case.
pub fn field(name: &str) -> Option<&'static Entry> {
    FIELDS
        .iter()
        .find(|entry| entry.name.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_example_builds_and_prints_itself() {
        for entry in FIELDS {
            assert!(!entry.examples.is_empty(), "{}", entry.name);
            for example in entry.examples {
                let printed = (entry.build)(example).expect(example).text;
                assert_eq!(printed, *example, "{}", entry.name);
                // 'nonce' is a word for building only: a browser ignores it
                if !printed.contains("'nonce'") {
                    let again = (entry.parse)(printed.as_bytes()).value;
                    assert_eq!(again.as_deref(), Some(*example), "{}", entry.name);
                }
            }
        }
    }

    #[test]
    fn dead_fields_are_in_lower_case_and_not_known() {
        for (name, ..) in DEAD {
            assert_eq!(*name, name.to_ascii_lowercase());
            assert!(field(name).is_none(), "{name}");
        }
    }

    #[test]
    fn recommended_values_have_no_warning() {
        for entry in FIELDS.iter().filter(|entry| entry.name != "Report-To") {
            let built = (entry.build)(entry.examples[0]).expect(entry.name);
            assert_eq!(built.warnings, [], "{}", entry.name);
        }
    }

    #[test]
    fn names_are_unique_and_found_in_any_case() {
        for (i, entry) in FIELDS.iter().enumerate() {
            let name = entry.name.to_ascii_uppercase();
            let found = field(&name).map(|found| found.name);
            assert_eq!(found, Some(entry.name));
            let same = |other: &&Entry| other.name.eq_ignore_ascii_case(entry.name);
            assert_eq!(FIELDS.iter().filter(same).count(), 1, "{}", entry.name);
            assert!(entry.spec.starts_with("https://"), "entry {i}");
            assert!(
                entry.summary.ends_with('.') && entry.reason.ends_with('.'),
                "{}",
                entry.name
            );
        }
        assert!(field("X-Unknown").is_none());
    }
}
