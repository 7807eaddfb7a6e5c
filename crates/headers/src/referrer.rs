//! Referrer-Policy (W3C): how much of its address a page gives away.
//!
//! ```text
//! Referrer-Policy = 1#( policy-token / extension-token )
//! policy-token    = "no-referrer" / "no-referrer-when-downgrade" / "strict-origin" / "strict-origin-when-cross-origin"
//!                 / "same-origin" / "origin" / "origin-when-cross-origin" / "unsafe-url"
//! ```
//!
//! The last token that a browser knows counts; those before it are for browsers that do not know it.
//! <https://www.w3.org/TR/referrer-policy/#parse-referrer-policy-from-header>
//!
//! ```
//! use mantlet_headers::{Referrer, ReferrerPolicy};
//! let policy: ReferrerPolicy = "no-referrer, strict-origin-when-cross-origin".parse()?;
//! assert_eq!(policy.effective(), Referrer::StrictOriginWhenCrossOrigin);
//! # Ok::<(), mantlet_headers::Refused>(())
//! ```

use std::fmt;

use crate::fault::{Fault, Parsed};
use crate::field::{Field, from_str_by_build};
use crate::octets::split;
use crate::suggest::suggest;

/// A referrer policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Referrer {
    /// Nothing, to nobody.
    NoReferrer,
    /// The whole address, except from https to http.
    NoReferrerWhenDowngrade,
    /// The whole address to the same origin, nothing to others.
    SameOrigin,
    /// The origin.
    Origin,
    /// The origin, except from https to http.
    StrictOrigin,
    /// The whole address to the same origin, the origin to others.
    OriginWhenCrossOrigin,
    /// The whole address to the same origin, the origin to others, nothing from https to http.
    StrictOriginWhenCrossOrigin,
    /// The whole address, to everybody.
    UnsafeUrl,
}

impl Referrer {
    /// Every policy of the specification.
    pub const ALL: [Self; 8] = [
        Self::NoReferrer,
        Self::NoReferrerWhenDowngrade,
        Self::SameOrigin,
        Self::Origin,
        Self::StrictOrigin,
        Self::OriginWhenCrossOrigin,
        Self::StrictOriginWhenCrossOrigin,
        Self::UnsafeUrl,
    ];

    /// The token.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoReferrer => "no-referrer",
            Self::NoReferrerWhenDowngrade => "no-referrer-when-downgrade",
            Self::SameOrigin => "same-origin",
            Self::Origin => "origin",
            Self::StrictOrigin => "strict-origin",
            Self::OriginWhenCrossOrigin => "origin-when-cross-origin",
            Self::StrictOriginWhenCrossOrigin => "strict-origin-when-cross-origin",
            Self::UnsafeUrl => "unsafe-url",
        }
    }
}

impl fmt::Display for Referrer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A Referrer-Policy value: the policy in force, and fallbacks for browsers that do not know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReferrerPolicy {
    fallbacks: Vec<Referrer>,
    effective: Referrer,
}

impl ReferrerPolicy {
    /// One policy.
    pub const fn new(effective: Referrer) -> Self {
        Self {
            fallbacks: Vec::new(),
            effective,
        }
    }

    /// For browsers that do not know the policies after it; the last fallback given stands nearest to the policy.
    #[must_use]
    pub fn fallback(mut self, policy: Referrer) -> Self {
        self.fallbacks.push(policy);
        self
    }

    /// The policy in force.
    pub const fn effective(&self) -> Referrer {
        self.effective
    }

    /// The policies that stand before it.
    pub fn fallbacks(&self) -> &[Referrer] {
        &self.fallbacks
    }
}

impl Field for ReferrerPolicy {
    const NAME: &'static str = "Referrer-Policy";
    const SPEC: &'static str = "https://www.w3.org/TR/referrer-policy/#referrer-policy-header";
    const SUMMARY: &'static str =
        "Decides how much of the page's address goes out with its requests.";
    const EXAMPLES: &'static [&'static str] = &[
        "strict-origin-when-cross-origin",
        "no-referrer",
        "same-origin",
        "no-referrer, strict-origin-when-cross-origin",
    ];
    const REASON: &'static str = "Paths and queries carry secrets; other sites see the origin at most, and nothing over http. Written out, since a \
         browser's default can be changed.";

    fn parse(input: &[u8]) -> Parsed<Self> {
        let mut known = Vec::new();
        let mut faults = Vec::new();
        let mut effective_span = 0..0;
        for span in split(input, b',') {
            let word = &input[span.clone()];
            if word.is_empty() {
                continue;
            }
            let policy = Referrer::ALL
                .into_iter()
                .find(|policy| policy.as_str().as_bytes().eq_ignore_ascii_case(word));
            match policy {
                Some(policy) => {
                    known.push(policy);
                    effective_span = span;
                }
                None => {
                    let word = String::from_utf8_lossy(word);
                    let message = format!("{word:?} is no referrer policy: a browser skips it");
                    let fault = Fault::warning("referrer-policy.unknown", span, message);
                    let names = Referrer::ALL.into_iter().map(Referrer::as_str);
                    faults.push(match suggest(&word, names) {
                        Some(near) => fault.hint(near),
                        None => fault,
                    });
                }
            }
        }
        let Some(effective) = known.pop() else {
            let message = "there is no known policy: a browser ignores the field";
            let fault = Fault::error("referrer-policy.empty", 0..input.len(), message);
            faults.push(fault.hint("strict-origin-when-cross-origin"));
            return Parsed {
                value: None,
                faults,
            };
        };
        if effective == Referrer::UnsafeUrl {
            let message = "unsafe-url gives path and query to every site, over http too";
            faults.push(Fault::warning(
                "referrer-policy.unsafe-url",
                effective_span,
                message,
            ));
        }
        Parsed {
            value: Some(Self {
                fallbacks: known,
                effective,
            }),
            faults,
        }
    }
}

from_str_by_build!(ReferrerPolicy);

impl fmt::Display for ReferrerPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for fallback in &self.fallbacks {
            write!(f, "{fallback}, ")?;
        }
        self.effective.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::field_properties;

    field_properties!(
        properties,
        ReferrerPolicy,
        "((no-referrer|origin|unsafe-url|x|)[, ]{0,2}){0,4}"
    );

    #[test]
    fn the_last_known_token_counts() {
        let parsed = ReferrerPolicy::parse(b"no-referrer, SAME-origin, future-policy,");
        let value = parsed.value.expect("a policy");
        assert_eq!(value.effective(), Referrer::SameOrigin);
        assert_eq!(value.to_string(), "no-referrer, same-origin");
        assert_eq!(parsed.faults.len(), 1);
        assert_eq!(parsed.faults[0].span, 26..39);
        assert!(!parsed.faults[0].is_error());
    }

    #[test]
    fn nothing_known_is_ignored() {
        for input in ["", " , ", "x", "strict-origin when-cross-origin"] {
            let parsed = ReferrerPolicy::parse(input.as_bytes());
            assert_eq!(parsed.value, None, "{input}");
        }
        let parsed = ReferrerPolicy::parse(b"no-referer");
        assert_eq!(parsed.faults[0].hint.as_deref(), Some("no-referrer"));
    }
}
