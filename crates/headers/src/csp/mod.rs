//! Content-Security-Policy, level 3: what a page may load, run and be embedded in.
//!
//! ```text
//! Content-Security-Policy = 1#serialized-policy
//! serialized-policy       = serialized-directive *( ";" [ serialized-directive ] )
//! serialized-directive    = directive-name [ directive-value ]
//! directive-name          = 1*( ALPHA / DIGIT / "-" )
//! ```
//!
//! Specification: <https://www.w3.org/TR/CSP3/>, with Trusted Types, upgrade-insecure-requests and the sandbox of HTML.
//! The field is a comma list of policies; all of them hold. Names and keywords are case-insensitive, the first of two
//! directives with one name wins, and an unknown or non-ASCII directive is ignored.
//!
//! * [`Csp`] and [`CspReportOnly`] are the fields, [`Policy`] is one policy, [`Directive`] one directive of it.
//! * [`Nonce`] and [`Template`]: the word `'nonce'` is a slot that each exchange fills. Only building knows it.
//! * [`HashSource`] makes hash-sources of inline text and of files.
//! * [`Policy::allows`], [`Policy::allows_inline`]: whether a policy lets something pass.
//!
//! A source list that is empty is printed as `'none'`, which is what it means. Source expressions that a browser ignores
//! are left out of the value when read; building refuses them.
//!
//! ```
//! use mantlet_headers::{Field, csp::Csp};
//! let parsed = Csp::parse(b"default-src self; img-src *");
//! let fault = &parsed.faults[0];
//! assert_eq!((fault.span.clone(), fault.hint.as_deref()), (12..16, Some("'self'")));
//! assert_eq!(parsed.value.unwrap().to_string(), "default-src 'none'; img-src *");
//! ```

mod directive;
mod hash;
mod host;
mod inline;
mod keyword;
mod matching;
mod name;
mod nonce;
mod policy;
mod reader;
mod sandbox;
mod source;
mod token;
mod trusted_types;
mod words;

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;

use std::fmt;

use http::HeaderValue;

pub use directive::{Directive, DirectiveRefused, Value, ValueFault, Webrtc};
pub use hash::{Algorithm, HashSource};
pub use host::{HostSource, Port, SchemeSource};
pub use inline::{Inline, InlineKind};
pub use keyword::Keyword;
pub use matching::Fetch;
pub use name::{DirectiveName, Kind};
pub use nonce::{Nonce, Template};
pub use policy::{Disposition, Policy, PolicyBuilder, PolicyFault};
pub use sandbox::SandboxFlag;
pub use source::{SourceExpression, SourceList};
pub use trusted_types::{PolicyName, TrustedTypesExpression};

use crate::fault::{Fault, Parsed, Refused};
use crate::field::{Field, from_str_by_build};
use token::Mode;

/// A Content-Security-Policy value: policies that all hold, none of them empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Csp {
    policies: Vec<Policy>,
}

impl Csp {
    /// A value without policies.
    pub const fn new() -> Self {
        Self {
            policies: Vec::new(),
        }
    }

    /// Adds a policy; one without directives is left out, as a browser does.
    pub fn push(&mut self, policy: Policy) {
        if !policy.is_empty() {
            self.policies.push(policy);
        }
    }

    /// The policies in order.
    pub fn policies(&self) -> &[Policy] {
        &self.policies
    }

    /// Whether there is no policy, hence nothing to send.
    pub fn is_empty(&self) -> bool {
        self.policies.is_empty()
    }

    /// Whether a policy has a slot for a nonce.
    pub fn has_nonce_slot(&self) -> bool {
        self.policies.iter().any(Policy::has_nonce_slot)
    }

    /// The value with `nonce` in its slots.
    #[must_use]
    pub fn with_nonce(self, nonce: &Nonce) -> Self {
        let fill = |policy: Policy| policy.with_nonce(nonce);
        Self {
            policies: self.policies.into_iter().map(fill).collect(),
        }
    }

    /// The printed value, cut at the slots for a nonce.
    pub fn template(&self) -> Template {
        let mut template = Template::new();
        for (i, policy) in self.policies.iter().enumerate() {
            template.push(if i > 0 { ", " } else { "" });
            for (j, directive) in policy.directives().iter().enumerate() {
                template.push(if j > 0 { "; " } else { "" });
                match directive.sources() {
                    Some(list) if list.has_nonce_slot() => {
                        template.push(directive.name().as_str());
                        for expression in list.expressions() {
                            template.push(" ");
                            match expression {
                                SourceExpression::NonceSlot => template.push_slot(),
                                other => template.push(&other.to_string()),
                            }
                        }
                    }
                    _ => template.push(&directive.to_string()),
                }
            }
        }
        template
    }

    /// The value to send, unless it lacks something.
    fn ready(&self) -> Result<HeaderValue, Refused> {
        let text = self.to_string();
        let fault = if self.has_nonce_slot() {
            let message = "the slot for a nonce is not filled";
            Fault::error("csp.nonce-slot", 0..text.len(), message).hint("fill the template")
        } else if self.is_empty() {
            Fault::error("csp.empty", 0..0, "there is no policy")
        } else {
            match HeaderValue::from_str(&text) {
                Ok(value) => return Ok(value),
                Err(_) => Fault::error("field.value", 0..text.len(), "not a field value"),
            }
        };
        Err(fault.into())
    }
}

impl From<Policy> for Csp {
    fn from(policy: Policy) -> Self {
        let mut csp = Self::new();
        csp.push(policy);
        csp
    }
}

impl FromIterator<Policy> for Csp {
    fn from_iter<I: IntoIterator<Item = Policy>>(policies: I) -> Self {
        let mut csp = Self::new();
        csp.extend(policies);
        csp
    }
}

impl Extend<Policy> for Csp {
    fn extend<I: IntoIterator<Item = Policy>>(&mut self, policies: I) {
        for policy in policies {
            self.push(policy);
        }
    }
}

impl fmt::Display for Csp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, policy) in self.policies.iter().enumerate() {
            if i > 0 {
                f.write_str(", ")?;
            }
            policy.fmt(f)?;
        }
        Ok(())
    }
}

fn read(input: &[u8], mode: Mode, disposition: Disposition) -> Parsed<Csp> {
    reader::read(input, mode, disposition).map(|policies| Csp { policies })
}

impl Field for Csp {
    const NAME: &'static str = "Content-Security-Policy";
    const SPEC: &'static str = "https://www.w3.org/TR/CSP3/#csp-header";
    const SUMMARY: &'static str =
        "A browser loads, runs and embeds only what the policy lists, and reports what it blocked.";
    const EXAMPLES: &'static [&'static str] = &[
        "default-src 'self'; script-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'self'",
        "script-src 'nonce' 'strict-dynamic'; object-src 'none'; base-uri 'none'",
        "default-src 'none'; frame-ancestors 'none'",
    ];
    const REASON: &'static str = "Injected script is not of the page's own files, so it does not run. base-uri, form-action and frame-ancestors are \
         written out because default-src does not cover them.";

    fn parse(input: &[u8]) -> Parsed<Self> {
        read(input, Mode::Read, Disposition::Enforce)
    }

    fn build(input: &str) -> Result<(Self, Vec<Fault>), Refused> {
        read(input.as_bytes(), Mode::Build, Disposition::Enforce).strict()
    }

    fn to_value(&self) -> Result<HeaderValue, Refused> {
        self.ready()
    }
}

from_str_by_build!(Csp);

/// A Content-Security-Policy-Report-Only value: the same policies, which a browser only reports by.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct CspReportOnly(Csp);

impl CspReportOnly {
    /// The policies.
    pub const fn csp(&self) -> &Csp {
        &self.0
    }

    /// The policies, to be enforced.
    pub fn into_csp(self) -> Csp {
        self.0
    }
}

impl From<Csp> for CspReportOnly {
    fn from(csp: Csp) -> Self {
        Self(csp)
    }
}

impl From<Policy> for CspReportOnly {
    fn from(policy: Policy) -> Self {
        Self(policy.into())
    }
}

impl fmt::Display for CspReportOnly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Field for CspReportOnly {
    const NAME: &'static str = "Content-Security-Policy-Report-Only";
    const SPEC: &'static str = "https://www.w3.org/TR/CSP3/#cspro-header";
    const SUMMARY: &'static str =
        "A browser reports what the policy would block, and blocks nothing.";
    const EXAMPLES: &'static [&'static str] = &[
        "default-src 'self'; report-uri /csp-reports",
        "script-src 'nonce' 'strict-dynamic' 'report-sample'; report-to csp",
    ];
    const REASON: &'static str = "A stricter policy beside the enforced one shows what would break before it does. \
         sandbox and upgrade-insecure-requests have no effect here.";

    fn parse(input: &[u8]) -> Parsed<Self> {
        read(input, Mode::Read, Disposition::Report).map(Self)
    }

    fn build(input: &str) -> Result<(Self, Vec<Fault>), Refused> {
        let (csp, warnings) = read(input.as_bytes(), Mode::Build, Disposition::Report).strict()?;
        Ok((Self(csp), warnings))
    }

    fn to_value(&self) -> Result<HeaderValue, Refused> {
        self.0.ready()
    }
}

from_str_by_build!(CspReportOnly);
