//! Inline styles apply.

use mantlet_headers::csp::{Inline, InlineKind};

use crate::rules::*;

pub(crate) static RULE: Rule = Rule {
    name: "csp.unsafe-style",
    title: "Inline styles are allowed",
    severity: Severity::Info,
    effect: "Injected styles deface the page, and can read some of it through selectors that load images.",
    remedy: "Give the page's own style elements a nonce or a hash.",
    references: &["https://www.w3.org/TR/CSP3/#directive-style-src"],
    bad: "Content-Security-Policy: default-src 'self'; style-src 'self' 'unsafe-inline'",
    good: "Content-Security-Policy: default-src 'self'",
    check,
};

fn check(subject: &Subject<'_>, found: &mut Vec<Finding>) {
    let kind = InlineKind::Style;
    let injected = Inline {
        kind,
        text: "a{}",
        nonce: None,
    };
    let lets = |policy: &mantlet_headers::csp::Policy| policy.allows_inline(&injected);
    if let Some(policy) = subject
        .policies
        .first()
        .filter(|_| subject.every_policy(lets))
    {
        found.push(
            Finding::new(&RULE, "The policy lets inline styles apply.")
                .evidence(policy.evidence(kind.directive(), "'unsafe-inline'"))
                .fix(policy.without_words(kind.directive(), |word| word == "'unsafe-inline'")),
        );
    }
}
