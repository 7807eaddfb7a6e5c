//! A Strict-Transport-Security that browsers ignore.

use mantlet_headers::{Field, Hsts};

use crate::rules::*;

pub(crate) static RULE: Rule = Rule {
    name: "hsts.fault",
    title: "Strict-Transport-Security does not say what was meant",
    severity: Severity::High,
    effect: "A browser that cannot read the field ignores it, and asks by plain http again.",
    remedy: "Write max-age=31536000; includeSubDomains.",
    references: &["https://www.rfc-editor.org/rfc/rfc6797#section-6.1"],
    bad: "Strict-Transport-Security: includeSubDomains",
    good: "Strict-Transport-Security: max-age=31536000; includeSubDomains",
    check,
};

fn check(subject: &Subject<'_>, found: &mut Vec<Finding>) {
    let ignored = subject
        .parsed::<Hsts>()
        .is_some_and(|parsed| parsed.value.is_none());
    for (value, fault) in subject
        .faults(Hsts::NAME)
        .into_iter()
        .filter(|(_, fault)| !fault.code.starts_with("hsts.preload"))
    {
        let severity = if ignored {
            Severity::High
        } else {
            Severity::Low
        };
        found.push(
            of_fault(&RULE, Hsts::NAME, value, fault)
                .severity(severity)
                .fix(Fix::set(Hsts::NAME, "max-age=31536000; includeSubDomains")),
        );
    }
}
