//! The judgement of csp-evaluator on one policy: its finding types, severities, directives and values.
//!
//! For tools that read its findings. The policy is read as it reads it (`;` alone separates, the first directive of a name
//! counts) and judged as a browser of CSP 3 enforces it; its checks for strict policies look at the policy as written.
//!
//! Differences, all deliberate: a text that makes csp-evaluator throw (`https://host:99999`, `'nonce-a%zz'`) is judged
//! here; a comma separates policies, each judged by itself; directives and keywords of today's CSP
//! (`fenced-frame-src`, `'trusted-types-eval'`, `'report-sha256'`) are known. The rules of the profile `mantlet` go further.
//!
//! ```
//! use mantlet_audit::evaluator::{Severity, Type, evaluate};
//! let findings = evaluate("script-src 'unsafe-inline'; object-src 'none'");
//! assert_eq!((findings[1].kind, findings[1].severity), (Type::ScriptUnsafeInline, Severity::High));
//! assert_eq!(&"script-src 'unsafe-inline'"[findings[1].span.clone()], "'unsafe-inline'");
//! ```

pub(crate) mod bypass;
mod checks;
pub(crate) mod policy;
pub(crate) mod words;

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

macro_rules! kinds {
    ($($variant:ident = $name:literal, $rule:literal, $doc:literal;)+) => {
        /// What a finding is about, in csp-evaluator's names.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Type {
            $(#[doc = $doc] $variant,)+
        }

        impl Type {
            /// Every type.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// csp-evaluator's name: `SCRIPT_UNSAFE_INLINE`.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }

            /// The rule of this crate that sees the same fault.
            pub const fn rule(self) -> &'static str {
                match self {
                    $(Self::$variant => $rule,)+
                }
            }

            const fn meaning(self) -> &'static str {
                match self {
                    $(Self::$variant => $doc,)+
                }
            }
        }
    };
}

kinds! {
    MissingSemicolon = "MISSING_SEMICOLON", "csp.fault",
        "A directive's name stands among the values of another: a semicolon is missing.";
    UnknownDirective = "UNKNOWN_DIRECTIVE", "csp.fault",
        "No browser knows the directive.";
    InvalidKeyword = "INVALID_KEYWORD", "csp.fault",
        "A word that only works in quotes lacks them, or a quoted word is no keyword.";
    NonceCharset = "NONCE_CHARSET", "csp.fault",
        "A nonce has characters beyond base64.";
    MissingDirectives = "MISSING_DIRECTIVES", "csp.missing-directive",
        "A directive without which script still gets in is missing.";
    ScriptUnsafeInline = "SCRIPT_UNSAFE_INLINE", "csp.unsafe-inline",
        "Injected inline script runs.";
    ScriptUnsafeEval = "SCRIPT_UNSAFE_EVAL", "csp.unsafe-eval",
        "Strings become code by eval.";
    ScriptUnsafeHashes = "SCRIPT_UNSAFE_HASHES", "csp.unsafe-hashes",
        "Event handlers whose hash is listed run wherever they are injected.";
    PlainUrlSchemes = "PLAIN_URL_SCHEMES", "csp.broad-source",
        "A whole scheme is allowed, so anybody's script is.";
    PlainWildcard = "PLAIN_WILDCARD", "csp.broad-source",
        "Every host is allowed.";
    ScriptAllowlistBypass = "SCRIPT_ALLOWLIST_BYPASS", "csp.bypass-host",
        "A listed host may serve what undoes the list: JSONP, AngularJS, uploads.";
    ObjectAllowlistBypass = "OBJECT_ALLOWLIST_BYPASS", "csp.broad-source",
        "Plugins are allowed from somewhere.";
    NonceLength = "NONCE_LENGTH", "csp.weak-nonce",
        "A nonce shorter than eight characters can be guessed.";
    IpSource = "IP_SOURCE", "csp.ip-source",
        "An IP address is listed, which browsers ignore but for 127.0.0.1.";
    DeprecatedDirective = "DEPRECATED_DIRECTIVE", "csp.fault",
        "No browser reads the directive any more.";
    SrcHttp = "SRC_HTTP", "csp.plain-http",
        "A source is allowed over plain http.";
    StrictDynamic = "STRICT_DYNAMIC", "csp.host-list",
        "Scripts are allowed by host, without 'strict-dynamic'.";
    StrictDynamicNotStandalone = "STRICT_DYNAMIC_NOT_STANDALONE", "csp.fault",
        "'strict-dynamic' without a nonce or a hash blocks every script.";
    UnsafeInlineFallback = "UNSAFE_INLINE_FALLBACK", "",
        "Browsers that know no nonces would need 'unsafe-inline' beside them.";
    AllowlistFallback = "ALLOWLIST_FALLBACK", "",
        "Browsers that do not know 'strict-dynamic' would need https: beside it.";
    Ignored = "IGNORED", "",
        "Browsers ignore the word beside the nonces, hashes or 'strict-dynamic' that are there.";
    RequireTrustedTypes = "REQUIRE_TRUSTED_TYPES_FOR_SCRIPTS", "csp.trusted-types",
        "The DOM's script sinks take any string.";
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How bad it is, in csp-evaluator's words; the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Severity {
    /// A certain bypass.
    High,
    /// The policy does not say what was meant.
    Syntax,
    /// A certain weakness.
    Medium,
    /// A bypass where more comes together.
    HighMaybe,
    /// In the way of a strict policy.
    StrictCsp,
    /// A weakness where more comes together.
    MediumMaybe,
    /// Worth knowing.
    Info,
    /// Nothing to do.
    None,
}

impl Severity {
    /// csp-evaluator's name: `HIGH_MAYBE`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::High => "HIGH",
            Self::Syntax => "SYNTAX",
            Self::Medium => "MEDIUM",
            Self::HighMaybe => "HIGH_MAYBE",
            Self::StrictCsp => "STRICT_CSP",
            Self::MediumMaybe => "MEDIUM_MAYBE",
            Self::Info => "INFO",
            Self::None => "NONE",
        }
    }

    /// csp-evaluator's number, 10 to 100.
    pub const fn number(self) -> u8 {
        match self {
            Self::High => 10,
            Self::Syntax => 20,
            Self::Medium => 30,
            Self::HighMaybe => 40,
            Self::StrictCsp => 45,
            Self::MediumMaybe => 50,
            Self::Info => 60,
            Self::None => 100,
        }
    }
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding<'a> {
    /// What it is about.
    pub kind: Type,
    /// How bad it is.
    pub severity: Severity,
    /// The directive, in lower case; that which stands in, if the one in question is not there.
    pub directive: Cow<'a, str>,
    /// The word of its value, keywords and schemes in lower case; `None` for the directive as a whole.
    pub value: Option<Cow<'a, str>>,
    /// Bytes of the text that are at fault: the word, or the directive's name; empty at the end for what is missing.
    pub span: Range<usize>,
    /// The place of the policy in a list of several.
    pub policy: usize,
    /// The host that is known to undo the policy.
    pub host: Option<&'static str>,
}

impl Finding<'_> {
    /// What it means, in a sentence.
    pub fn message(&self) -> String {
        let meaning = self.kind.meaning();
        match (&self.host, self.kind) {
            (Some(host), _) => format!("{host} is known to serve what undoes the list."),
            (None, Type::MissingDirectives) => {
                format!("{} is missing: script still gets in.", self.directive)
            }
            _ => meaning.to_owned(),
        }
    }
}

/// Judges a policy, or several with commas between them. Any text will do.
pub fn evaluate(text: &str) -> Vec<Finding<'_>> {
    let mut findings = Vec::with_capacity(8);
    let mut start = 0;
    for (index, part) in text.split(',').enumerate() {
        // an empty part is no policy, unless the text has no other
        if !part.trim().is_empty() || !text.contains(',') {
            checks::run(policy::Policy::read(part), &mut |mut finding| {
                finding.span = finding.span.start + start..finding.span.end + start;
                finding.policy = index;
                findings.push(finding);
            });
        }
        start += part.len() + 1;
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Vec<(&'static str, &'static str, String)> {
        let findings = evaluate(text);
        let told = |finding: &Finding<'_>| {
            let value = finding
                .value
                .as_deref()
                .map(|value| format!(" {value}"))
                .unwrap_or_default();
            (
                finding.kind.as_str(),
                finding.severity.as_str(),
                format!("{}{value}", finding.directive),
            )
        };
        findings.iter().map(told).collect()
    }

    #[test]
    fn a_strict_policy_has_little_to_find() {
        let found = of(
            "script-src 'nonce-abcdefgh' 'strict-dynamic' https: 'unsafe-inline'; object-src 'none'; \
                        base-uri 'none'; require-trusted-types-for 'script'",
        );
        assert!(
            found.iter().all(|(kind, ..)| *kind == "IGNORED"),
            "{found:?}"
        );
    }

    #[test]
    fn known_hosts_are_found_by_host_wildcard_and_path() {
        for (source, known) in [
            ("www.google.com", true),
            ("*.google.com", true),
            ("*.com", true),
            ("https://www.google.com/tools/feedback/", true),
            ("www.google.com/none", false),
            ("www.google-analytics.com", false),
            ("google.example", false),
        ] {
            let text = format!("script-src {source}; object-src 'none'");
            let found = of(&text);
            let severity = if known { "HIGH" } else { "MEDIUM_MAYBE" };
            let expected = (
                "SCRIPT_ALLOWLIST_BYPASS",
                severity,
                format!("script-src {source}"),
            );
            assert!(found.contains(&expected), "{found:?}");
        }
        let found = of("script-src www.google-analytics.com 'unsafe-eval'; object-src 'none'");
        assert!(
            found.iter().any(
                |(kind, severity, _)| (*kind, *severity) == ("SCRIPT_ALLOWLIST_BYPASS", "HIGH")
            )
        );
    }

    #[test]
    fn policies_with_a_comma_between_them_are_judged_apart() {
        let findings = evaluate("script-src 'none', object-src *");
        let second: Vec<_> = findings.iter().filter(|one| one.policy == 1).collect();
        let wildcard = second
            .iter()
            .find(|one| one.kind == Type::PlainWildcard)
            .expect("found");
        assert_eq!(wildcard.span, 30..31);
    }

    #[test]
    fn any_text_is_judged() {
        for text in [
            "",
            ",",
            ";",
            "script-src https://h:99999 999.999.999.999 'nonce-a%zz' //",
            "\u{feff}",
            "a:",
            "[::1]",
        ] {
            evaluate(text);
        }
    }
}
