//! One policy: directives, each name once, in the order in which they were written (CSP3 section 2.2).
//!
//! ```
//! use mantlet_headers::csp::Policy;
//! let policy = Policy::builder()
//!     .default_src(["'self'"])
//!     .script_src(["'self'", "'nonce'"])
//!     .frame_ancestors(["'none'"])
//!     .upgrade_insecure_requests()
//!     .build()?;
//! assert_eq!(
//!     policy.to_string(),
//!     "default-src 'self'; script-src 'self' 'nonce'; frame-ancestors 'none'; upgrade-insecure-requests",
//! );
//! # Ok::<(), mantlet_headers::Refused>(())
//! ```

use std::fmt;

use super::directive::Directive;
use super::keyword::Keyword;
use super::name::DirectiveName;
use super::nonce::Nonce;
use super::source::{SourceExpression, SourceList};
use crate::fault::{Fault, Refused};

/// What a browser does with a violation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Disposition {
    /// Blocks and reports: Content-Security-Policy.
    Enforce,
    /// Reports only: Content-Security-Policy-Report-Only.
    Report,
}

/// A serialized policy: a list of directives without a repeated name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Policy {
    directives: Vec<Directive>,
}

/// A fault that lies between directives, each of them being right by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyFault {
    /// The directive at fault; `None` for the policy as a whole.
    pub directive: Option<DirectiveName>,
    /// The word of its value at fault, as it is printed; `None` for the directive as a whole.
    pub word: Option<String>,
    /// The fault; its span is empty, since there is no text.
    pub fault: Fault,
}

impl Policy {
    /// A policy without directives, which allows everything.
    pub const fn new() -> Self {
        Self {
            directives: Vec::new(),
        }
    }

    /// Collects directives from words, and every fault.
    pub fn builder() -> PolicyBuilder {
        PolicyBuilder::default()
    }

    /// The policy with `directive`, in the place of the one of that name or at the end.
    #[must_use]
    pub fn directive(mut self, directive: Directive) -> Self {
        self.set(directive);
        self
    }

    /// Puts `directive` in the place of the one of that name, or at the end.
    pub fn set(&mut self, directive: Directive) {
        let name = directive.name();
        match self.directives.iter_mut().find(|one| one.name() == name) {
            Some(place) => *place = directive,
            None => self.directives.push(directive),
        }
    }

    /// The policy without the directive of that name.
    #[must_use]
    pub fn without(mut self, name: impl AsRef<str>) -> Self {
        let name = name.as_ref();
        self.directives
            .retain(|one| !one.name().as_str().eq_ignore_ascii_case(name));
        self
    }

    /// The directive of that name, in any case; fallbacks do not count.
    pub fn get(&self, name: impl AsRef<str>) -> Option<&Directive> {
        let name = name.as_ref();
        self.directives
            .iter()
            .find(|one| one.name().as_str().eq_ignore_ascii_case(name))
    }

    /// The directive that governs `name`: itself, else the nearest fallback that the policy has.
    pub fn governing(&self, name: DirectiveName) -> Option<&Directive> {
        std::iter::once(&name)
            .chain(name.fallbacks())
            .find_map(|one| self.get(one))
    }

    /// The directives in order.
    pub fn directives(&self) -> &[Directive] {
        &self.directives
    }

    /// The policy as a `<meta http-equiv="Content-Security-Policy">` can say it, and what it cannot: directives that a browser
    /// ignores there (CSP 3 section 3.3).
    ///
    /// ```
    /// use mantlet_headers::csp::Policy;
    ///
    /// let policy = Policy::builder().img_src(["'self'"]).frame_ancestors(["'none'"]).build()?;
    /// let (meta, left_out) = policy.for_meta();
    /// assert_eq!(meta.to_string(), "img-src 'self'");
    /// assert_eq!(left_out[0].as_str(), "frame-ancestors");
    /// # Ok::<(), mantlet_headers::Refused>(())
    /// ```
    pub fn for_meta(self) -> (Self, Vec<DirectiveName>) {
        let names = self.directives.iter().map(Directive::name);
        let left_out: Vec<_> = names.filter(|name| !name.works_in_meta()).collect();
        let policy = left_out.iter().fold(self, Self::without);
        (policy, left_out)
    }

    /// Whether it has no directive.
    pub fn is_empty(&self) -> bool {
        self.directives.is_empty()
    }

    /// Whether a directive has a slot for a nonce.
    pub fn has_nonce_slot(&self) -> bool {
        self.directives.iter().any(Directive::has_nonce_slot)
    }

    /// The policy with `nonce` in its slots.
    #[must_use]
    pub fn with_nonce(self, nonce: &Nonce) -> Self {
        let fill = |directive: Directive| directive.with_nonce(nonce);
        Self {
            directives: self.directives.into_iter().map(fill).collect(),
        }
    }

    /// What is odd about directives that are each right by themselves. All are warnings.
    pub fn review(&self, disposition: Disposition) -> Vec<PolicyFault> {
        let mut faults = Vec::new();
        let mut warn = |directive, word, code, message: &str, hint: &str| {
            faults.push(PolicyFault {
                directive,
                word,
                fault: Fault::warning(code, 0..0, message).hint(hint),
            });
        };
        let has = |name: DirectiveName| self.get(name).is_some();
        let reports = has(DirectiveName::ReportUri) || has(DirectiveName::ReportTo);
        if has(DirectiveName::ReportUri) && has(DirectiveName::ReportTo) {
            let message =
                "report-uri is ignored beside report-to, and report-to is silent on plain http";
            let hint = "on plain http, send report-uri alone";
            let name = Some(DirectiveName::ReportUri);
            warn(name, None, "csp.report-uri-ignored", message, hint);
        }
        for directive in &self.directives {
            for keyword in keywords(directive.sources()) {
                let (name, word) = (Some(directive.name()), Some(keyword.to_string()));
                if keyword == Keyword::TrustedTypesEval
                    && !has(DirectiveName::RequireTrustedTypesFor)
                {
                    let message =
                        "'trusted-types-eval' without require-trusted-types-for allows no eval";
                    let hint = "add require-trusted-types-for 'script'";
                    warn(name, word, "csp.trusted-types-eval-alone", message, hint);
                } else if keyword.reports_hashes() && !has(DirectiveName::ReportTo) {
                    let message = "hashes of scripts are reported to report-to only";
                    warn(
                        name,
                        word,
                        "csp.report-hash-unheard",
                        message,
                        "add report-to",
                    );
                }
            }
        }
        if disposition == Disposition::Report {
            for name in [
                DirectiveName::Sandbox,
                DirectiveName::UpgradeInsecureRequests,
            ] {
                if has(name) {
                    let message = format!("{name} has no effect in a report-only policy");
                    warn(
                        Some(name),
                        None,
                        "csp.report-only-ignored",
                        &message,
                        "leave it out",
                    );
                }
            }
            if !reports {
                let message = "a report-only policy that reports nowhere has no effect";
                warn(
                    None,
                    None,
                    "csp.report-only-silent",
                    message,
                    "add report-uri or report-to",
                );
            }
        }
        faults
    }
}

fn keywords(list: Option<&SourceList>) -> impl Iterator<Item = Keyword> {
    list.map(SourceList::expressions)
        .unwrap_or_default()
        .iter()
        .filter_map(|one| match one {
            SourceExpression::Keyword(keyword) => Some(*keyword),
            _ => None,
        })
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, directive) in self.directives.iter().enumerate() {
            if i > 0 {
                f.write_str("; ")?;
            }
            directive.fmt(f)?;
        }
        Ok(())
    }
}

/// Collects directives from words; [`PolicyBuilder::build`] gives the policy, or every fault at once.
#[derive(Clone, Debug, Default)]
pub struct PolicyBuilder {
    policy: Policy,
    faults: Vec<Fault>,
}

macro_rules! fluent {
    ($($method:ident = $name:ident;)+) => {
        impl PolicyBuilder {
            $(
                #[doc = concat!("Sets the directive [`DirectiveName::", stringify!($name), "`].")]
                #[must_use]
                pub fn $method<I>(self, values: I) -> Self
                where
                    I: IntoIterator,
                    I::Item: AsRef<str>,
                {
                    self.directive(DirectiveName::$name, values)
                }
            )+
        }
    };
}

fluent! {
    default_src = DefaultSrc;
    script_src = ScriptSrc;
    script_src_elem = ScriptSrcElem;
    script_src_attr = ScriptSrcAttr;
    style_src = StyleSrc;
    style_src_elem = StyleSrcElem;
    style_src_attr = StyleSrcAttr;
    img_src = ImgSrc;
    font_src = FontSrc;
    connect_src = ConnectSrc;
    media_src = MediaSrc;
    object_src = ObjectSrc;
    frame_src = FrameSrc;
    child_src = ChildSrc;
    worker_src = WorkerSrc;
    manifest_src = ManifestSrc;
    fenced_frame_src = FencedFrameSrc;
    base_uri = BaseUri;
    form_action = FormAction;
    frame_ancestors = FrameAncestors;
    sandbox = Sandbox;
    trusted_types = TrustedTypes;
    report_uri = ReportUri;
}

impl PolicyBuilder {
    /// Sets a directive by name; a later one of the same name replaces the earlier.
    #[must_use]
    pub fn directive<I>(mut self, name: impl AsRef<str>, values: I) -> Self
    where
        I: IntoIterator,
        I::Item: AsRef<str>,
    {
        let values: Vec<I::Item> = values.into_iter().collect();
        let values: Vec<&str> = values.iter().map(AsRef::as_ref).collect();
        match Directive::build(name.as_ref(), &values) {
            Ok((directive, _)) => self.policy.set(directive),
            Err(refused) => self.faults.extend(Refused::from(refused).faults),
        }
        self
    }

    /// Sets `upgrade-insecure-requests`.
    #[must_use]
    pub fn upgrade_insecure_requests(self) -> Self {
        self.directive(DirectiveName::UpgradeInsecureRequests, [""; 0])
    }

    /// Sets `require-trusted-types-for 'script'`.
    #[must_use]
    pub fn require_trusted_types(self) -> Self {
        self.directive(DirectiveName::RequireTrustedTypesFor, ["'script'"])
    }

    /// Sets `report-to` to the name of an endpoint.
    #[must_use]
    pub fn report_to(self, endpoint: &str) -> Self {
        self.directive(DirectiveName::ReportTo, [endpoint])
    }

    /// The policy. Warnings are dropped; reading the printed policy gives them.
    ///
    /// # Errors
    /// [`Refused`] with the faults of all directives, if a browser would ignore or misread one. The spans lie in the
    /// words.
    pub fn build(self) -> Result<Policy, Refused> {
        if self.faults.is_empty() {
            return Ok(self.policy);
        }
        Err(Refused {
            faults: self.faults,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn directive(name: &str, values: &[&str]) -> Directive {
        Directive::build(name, values).unwrap().0
    }

    #[test]
    fn setting_replaces_in_place_and_removing_takes_any_case() {
        let mut policy = Policy::new()
            .directive(directive("img-src", &["'self'"]))
            .directive(directive("upgrade-insecure-requests", &[]));
        policy.set(directive("IMG-SRC", &[]));
        assert_eq!(
            policy.to_string(),
            "img-src 'none'; upgrade-insecure-requests"
        );
        assert_eq!(
            policy.without("Upgrade-Insecure-Requests").to_string(),
            "img-src 'none'"
        );
    }

    #[test]
    fn builder_gives_every_fault_at_once() {
        let refused = Policy::builder()
            .default_src(["self"])
            .directive("scirpt-src", ["'self'"])
            .report_to("a b")
            .build()
            .unwrap_err();
        let codes: Vec<_> = refused.faults.iter().map(|f| f.code).collect();
        assert_eq!(
            codes,
            ["csp.unquoted-keyword", "csp.unknown-directive", "csp.space"]
        );
    }

    #[test]
    fn governing_directive_is_the_nearest_fallback() {
        let policy = Policy::builder()
            .default_src(["'none'"])
            .script_src(["'self'"])
            .build()
            .unwrap();
        let governs = |name| policy.governing(name).map(Directive::name);
        assert_eq!(
            governs(DirectiveName::WorkerSrc),
            Some(DirectiveName::ScriptSrc)
        );
        assert_eq!(
            governs(DirectiveName::FrameSrc),
            Some(DirectiveName::DefaultSrc)
        );
        assert_eq!(governs(DirectiveName::FormAction), None);
    }

    #[test]
    fn nonce_fills_every_slot() {
        let nonce = Nonce::of_bytes(&[0; 16]);
        let policy = Policy::builder()
            .script_src(["'nonce'", "'strict-dynamic'"])
            .style_src(["'nonce'"])
            .build()
            .unwrap();
        assert!(policy.has_nonce_slot());
        let filled = policy.with_nonce(&nonce);
        assert!(!filled.has_nonce_slot());
        assert_eq!(
            filled.to_string(),
            format!("script-src 'nonce-{nonce}' 'strict-dynamic'; style-src 'nonce-{nonce}'")
        );
    }
}
