//! The DOM's script sinks take any string.

use mantlet_headers::csp::DirectiveName;

use crate::rules::*;

pub(crate) static RULE: Rule = Rule {
    name: "csp.trusted-types",
    title: "Trusted Types are not required",
    severity: Severity::Info,
    effect: "innerHTML and its like take whatever a script puts together, injected text too.",
    remedy: "Add require-trusted-types-for 'script', report-only first.",
    references: &["https://www.w3.org/TR/trusted-types/"],
    bad: "Content-Security-Policy: default-src 'self'",
    good: "Content-Security-Policy: default-src 'self'; require-trusted-types-for 'script'",
    check,
};

fn check(subject: &Subject<'_>, found: &mut Vec<Finding>) {
    let name = DirectiveName::RequireTrustedTypesFor;
    let runs = |policy: &mantlet_headers::csp::Policy| {
        let list = policy
            .governing(DirectiveName::ScriptSrc)
            .and_then(|directive| directive.sources());
        policy.get(name).is_none() && !list.is_some_and(|list| list.is_none())
    };
    if let Some(policy) = subject
        .policies
        .first()
        .filter(|_| subject.every_policy(runs))
    {
        found.push(
            Finding::new(&RULE, "The policy does not require Trusted Types.")
                .evidence(policy.evidence(name, ""))
                .fix(policy.with(name, Some(&["'script'"]))),
        );
    }
}
