//! Inline script runs: every enforced policy lets it.

use mantlet_headers::csp::{DirectiveName, Inline, InlineKind};

use crate::rules::*;

pub(crate) static RULE: Rule = Rule {
    name: "csp.unsafe-inline",
    title: "Inline script is allowed",
    severity: Severity::High,
    effect: "Injected markup brings its own script, which is what the policy is there to stop.",
    remedy: "Give the page's own inline scripts a nonce or a hash, and take 'unsafe-inline' away.",
    references: &[
        "https://www.w3.org/TR/CSP3/#directive-script-src",
        "https://web.dev/articles/strict-csp",
    ],
    bad: "Content-Security-Policy: script-src 'self' 'unsafe-inline'; object-src 'none'",
    good: "Content-Security-Policy: script-src 'unsafe-inline'\nContent-Security-Policy: script-src 'self'",
    check,
};

fn check(subject: &Subject<'_>, found: &mut Vec<Finding>) {
    for (kind, what) in [
        (InlineKind::Script, "scripts"),
        (InlineKind::ScriptAttribute, "event handlers"),
    ] {
        let injected = Inline {
            kind,
            text: "injected()",
            nonce: None,
        };
        let name = kind.directive();
        if !subject.every_policy(|policy| {
            policy.governing(name).is_some() && policy.allows_inline(&injected)
        }) {
            continue;
        }
        let Some(policy) = subject.policies.first() else {
            return;
        };
        let governing = policy
            .policy
            .governing(name)
            .map_or(DirectiveName::ScriptSrc, |directive| directive.name());
        let finding = Finding::new(&RULE, format!("{governing} lets inline {what} run."))
            .evidence(policy.evidence(name, "'unsafe-inline'"))
            .fix(policy.without_words(name, |word| word == "'unsafe-inline'"));
        // one word that stands in for both is one finding
        if found.iter().all(|other| other.evidence != finding.evidence) {
            found.push(finding);
        }
    }
}
