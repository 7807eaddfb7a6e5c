//! No form-action: an injected form posts elsewhere.

use mantlet_headers::csp::DirectiveName;

use crate::rules::*;

pub(crate) static RULE: Rule = Rule {
    name: "csp.form-action",
    title: "Forms may post anywhere",
    severity: Severity::Low,
    effect: "An injected form, or a changed one, sends what the visitor or the password manager fills in to another site.",
    remedy: "Add form-action 'self'; default-src does not cover it.",
    references: &["https://www.w3.org/TR/CSP3/#directive-form-action"],
    bad: "Content-Type: text/html\nContent-Security-Policy: default-src 'self'\n\n<form><input type=password></form>",
    good: "Content-Type: text/html\nContent-Security-Policy: default-src 'self'; form-action 'self'\n\n<form><input type=password></form>",
    check,
};

fn check(subject: &Subject<'_>, found: &mut Vec<Finding>) {
    let name = DirectiveName::FormAction;
    if !subject.is_document() || !subject.every_policy(|policy| policy.governing(name).is_none()) {
        return;
    }
    let Some(policy) = subject.policies.first() else {
        return;
    };
    let asks = subject.page.forms > 0 || subject.page.asks_password;
    let severity = if asks { Severity::Low } else { Severity::Info };
    found.push(
        Finding::new(&RULE, "The policy has no form-action.")
            .severity(severity)
            .evidence(policy.evidence(name, ""))
            .fix(policy.with(name, Some(&["'self'"]))),
    );
}
