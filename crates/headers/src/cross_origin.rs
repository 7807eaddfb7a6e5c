//! Cross-Origin-Opener-Policy, -Embedder-Policy and -Resource-Policy (HTML sections 7.1.3 and 7.1.4, Fetch section 3.7).
//!
//! ```text
//! Cross-Origin-Opener-Policy   = sf-item             ; token, with ;report-to="endpoint"
//! Cross-Origin-Embedder-Policy = sf-item             ; token, with ;report-to="endpoint"
//! Cross-Origin-Resource-Policy = "same-origin" / "same-site" / "cross-origin"
//! ```
//!
//! All three compare in exact case. A value that is unknown, quoted or in another case protects from nothing: a browser
//! takes it as `unsafe-none`, or for the resource policy as none.
//! <https://html.spec.whatwg.org/multipage/browsers.html#the-coop-headers>,
//! <https://html.spec.whatwg.org/multipage/browsers.html#the-coep-headers>,
//! <https://fetch.spec.whatwg.org/#cross-origin-resource-policy-header>
//!
//! ```
//! use mantlet_headers::{Coop, Field, Opener};
//! let coop = Coop::new(Opener::SameOrigin);
//! assert_eq!(coop.to_string(), "same-origin");
//! assert!(Coop::build("Same-Origin").is_err());
//! ```

use std::fmt;

use crate::fault::{Fault, Parsed};
use crate::field::{Field, from_str_by_build};
use crate::octets::trimmed;
use crate::suggest::suggest;
use crate::token_field::{report_only_token, token_field};

token_field! {
    /// A Cross-Origin-Opener-Policy value.
    Coop, "Cross-Origin-Opener-Policy", "coop",
    spec: "https://html.spec.whatwg.org/multipage/browsers.html#the-coop-headers",
    summary: "Cuts the tie between this page and windows of other origins that opened it or that it opened.",
    examples: &["same-origin", "same-origin-allow-popups", "noopener-allow-popups", "unsafe-none"],
    reason: "same-origin keeps other sites from holding a handle to the window; same-origin-allow-popups where sign-in \
             happens in a popup.",
    otherwise: "a browser takes it as unsafe-none",
    /// Which windows share a browsing context group with the page.
    Opener {
        /// Pages of the same origin with the same policy.
        SameOrigin = "same-origin",
        /// The same, and popups the page opens that have no policy.
        SameOriginAllowPopups = "same-origin-allow-popups",
        /// Never the opener, not even of the same origin; popups as they like.
        NoopenerAllowPopups = "noopener-allow-popups",
        /// Everybody: the default.
        UnsafeNone = "unsafe-none",
    }
}

report_only_token! {
    /// Cross-Origin-Opener-Policy, reported and not enforced.
    CoopReportOnly(Coop), "Cross-Origin-Opener-Policy-Report-Only", "coop",
    summary: "Reports what Cross-Origin-Opener-Policy would cut, and cuts nothing.",
    examples: &["same-origin;report-to=\"coop\""],
    reason: "Shows which popups and openers would break before the policy is enforced.",
}

token_field! {
    /// A Cross-Origin-Embedder-Policy value.
    Coep, "Cross-Origin-Embedder-Policy", "coep",
    spec: "https://html.spec.whatwg.org/multipage/browsers.html#the-coep-headers",
    summary: "Keeps the page from loading resources of other origins that do not agree to it.",
    examples: &["require-corp", "credentialless", "unsafe-none"],
    reason: "With Cross-Origin-Opener-Policy: same-origin it isolates the page; require-corp breaks resources without \
             CORP or CORS, so it is on in the strict preset only.",
    otherwise: "a browser takes it as unsafe-none",
    /// What resources of other origins need to be loaded.
    Embedder {
        /// Cross-Origin-Resource-Policy or CORS.
        RequireCorp = "require-corp",
        /// Nothing, but they are asked for without credentials.
        Credentialless = "credentialless",
        /// Nothing: the default.
        UnsafeNone = "unsafe-none",
    }
}

report_only_token! {
    /// Cross-Origin-Embedder-Policy, reported and not enforced.
    CoepReportOnly(Coep), "Cross-Origin-Embedder-Policy-Report-Only", "coep",
    summary: "Reports what Cross-Origin-Embedder-Policy would block, and blocks nothing.",
    examples: &["require-corp;report-to=\"coep\""],
    reason: "Shows which resources lack CORP or CORS before the policy is enforced.",
}

/// A Cross-Origin-Resource-Policy value: who may load this resource without CORS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Corp {
    /// Pages of the same origin.
    SameOrigin,
    /// Pages of the same site.
    SameSite,
    /// Pages of any origin.
    CrossOrigin,
}

impl Corp {
    const ALL: [Self; 3] = [Self::SameOrigin, Self::SameSite, Self::CrossOrigin];

    /// The word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SameOrigin => "same-origin",
            Self::SameSite => "same-site",
            Self::CrossOrigin => "cross-origin",
        }
    }
}

impl Field for Corp {
    const NAME: &'static str = "Cross-Origin-Resource-Policy";
    const SPEC: &'static str = "https://fetch.spec.whatwg.org/#cross-origin-resource-policy-header";
    const SUMMARY: &'static str =
        "A browser hands the resource to no page of another origin or site, unless by CORS.";
    const EXAMPLES: &'static [&'static str] = &["same-origin", "same-site", "cross-origin"];
    const REASON: &'static str = "Keeps responses out of the processes of other sites; assets for other sites need cross-origin.";

    fn parse(input: &[u8]) -> Parsed<Self> {
        let span = trimmed(input, 0..input.len());
        let word = &input[span.clone()];
        let value = Self::ALL
            .into_iter()
            .find(|value| value.as_str().as_bytes() == word);
        if let Some(value) = value {
            return Parsed::clean(value);
        }
        let text = String::from_utf8_lossy(word);
        let message = format!(
            "{text:?} is no value of {}: a browser ignores the field",
            Self::NAME
        );
        let near = suggest(&text, Self::ALL.into_iter().map(Self::as_str));
        Parsed::ignored(
            Fault::error("corp.value", span, message)
                .hint(near.unwrap_or("same-origin, same-site or cross-origin")),
        )
    }
}

from_str_by_build!(Corp);

impl fmt::Display for Corp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::field_properties;

    field_properties!(
        opener,
        Coop,
        "(same-origin|unsafe-none|Same-Origin|x)?( ?; ?report-to=\"?[a-zA-Z]{0,3}\"?)?"
    );
    field_properties!(
        opener_report_only,
        CoopReportOnly,
        "(same-origin|x)(; ?report-to=\"?[a-z]{0,3}\"?)?"
    );
    field_properties!(
        embedder,
        Coep,
        "(require-corp|credentialless)?( ?; ?[a-z-]{1,9}(=\"?[a-z]{0,3}\"?)?)?"
    );
    field_properties!(
        embedder_report_only,
        CoepReportOnly,
        "(require-corp|x)(; ?report-to=\"?[a-z]{0,3}\"?)?"
    );
    field_properties!(
        resource,
        Corp,
        " ?(same-origin|same-site|cross-origin|x)? ?"
    );

    #[test]
    fn another_case_protects_from_nothing() {
        for input in [
            "Same-Origin",
            "same-origin-plus-coep",
            "\"same-origin\"",
            "",
            "a, b",
            "1",
        ] {
            let parsed = Coop::parse(input.as_bytes());
            assert_eq!(parsed.value, None, "{input}");
        }
        let parsed = Coop::parse(b"Same-Origin");
        assert_eq!(parsed.faults[0].hint.as_deref(), Some("same-origin"));
        assert!(parsed.faults[0].message.contains("unsafe-none"));
        assert_eq!(Corp::parse(b"Same-Site").value, None);
        assert_eq!(Corp::parse(b" same-site\t").value, Some(Corp::SameSite));
    }

    #[test]
    fn an_endpoint_is_a_string() {
        let (coop, warnings) =
            Coop::build("same-origin;report-to=\"ep\"").expect("a string is read");
        assert_eq!(coop.to_string(), "same-origin;report-to=\"ep\"");
        assert_eq!(warnings, []);
        let parsed = Coop::parse(b"same-origin;report-to=ep");
        assert_eq!(parsed.value, Some(Coop::new(Opener::SameOrigin)));
        assert_eq!(parsed.faults[0].hint.as_deref(), Some("report-to=\"ep\""));
    }

    #[test]
    fn a_twin_without_an_endpoint_is_unheard() {
        let (_, warnings) = CoepReportOnly::build("require-corp").expect("it builds");
        assert_eq!(warnings[0].code, "coep-report-only.unheard");
    }
}
