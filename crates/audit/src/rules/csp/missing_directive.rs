//! A directive without which script still gets in.

use mantlet_headers::csp::DirectiveName;

use crate::rules::*;

pub(crate) static RULE: Rule = Rule {
    name: "csp.missing-directive",
    title: "A directive that matters is missing",
    severity: Severity::High,
    effect: "What no directive governs, the policy allows: scripts of anybody, or a base element that moves every relative script.",
    remedy: "Add the directive; default-src stands in for script-src and object-src, not for base-uri.",
    references: &[
        "https://www.w3.org/TR/CSP3/#directives-reporting",
        "https://www.w3.org/TR/CSP3/#directive-base-uri",
    ],
    bad: "Content-Security-Policy: img-src 'self'",
    good: "Content-Security-Policy: default-src 'self'; base-uri 'none'",
    check,
};

fn check(subject: &Subject<'_>, found: &mut Vec<Finding>) {
    use DirectiveName as N;
    let lacks = |name: N| subject.every_policy(|policy| policy.governing(name).is_none());
    let Some(policy) = subject.policies.first() else {
        return;
    };
    let mut add = |name: N, severity, value: &str, message: &str| {
        let finding = Finding::new(&RULE, message).severity(severity);
        let finding = finding.evidence(policy.evidence(name, ""));
        found.push(finding.fix(policy.with(name, Some(&[value]))));
    };
    if lacks(N::ScriptSrc) {
        add(
            N::ScriptSrc,
            Severity::High,
            "'self'",
            "Neither script-src nor default-src: scripts may come from anywhere.",
        );
    }
    if lacks(N::ObjectSrc) {
        add(
            N::ObjectSrc,
            Severity::Low,
            "'none'",
            "Neither object-src nor default-src: plugins may come from anywhere.",
        );
    }
    let marked = |one: &crate::subject::Enforced| {
        let list = one
            .policy
            .governing(N::ScriptSrc)
            .and_then(|directive| directive.sources());
        list.is_some_and(|list| list.has_nonce_or_hash())
    };
    // a policy that runs nothing has no script that a base element could move
    let runs = !subject.policies.iter().any(|one| {
        let list = one
            .policy
            .governing(N::ScriptSrc)
            .and_then(|directive| directive.sources());
        list.is_some_and(|list| list.is_none())
    });
    if lacks(N::BaseUri) && runs {
        let severity = if subject.policies.iter().any(marked) {
            Severity::Medium
        } else {
            Severity::Low
        };
        add(
            N::BaseUri,
            severity,
            "'none'",
            "No base-uri: an injected base element moves the page's relative scripts to another server.",
        );
    }
}
