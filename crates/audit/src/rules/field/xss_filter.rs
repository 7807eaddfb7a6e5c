//! The XSS filter of old browsers is switched on.

use crate::rules::*;

pub(crate) static RULE: Rule = Rule {
    name: "field.xss-filter",
    title: "The XSS filter of old browsers is switched on",
    severity: Severity::Low,
    effect: "The filter can be made to cut the page's own script out, which opens holes.",
    remedy: "Send X-XSS-Protection: 0, or nothing.",
    references: &["https://owasp.org/www-project-secure-headers/#x-xss-protection"],
    bad: "X-XSS-Protection: 1; mode=block",
    good: "X-XSS-Protection: 0",
    check,
};

fn check(subject: &Subject<'_>, found: &mut Vec<Finding>) {
    let name = "X-XSS-Protection";
    if subject
        .field(name)
        .is_some_and(|value| !value.trim_start().starts_with('0'))
    {
        found.push(
            Finding::new(&RULE, "The filter is switched on.")
                .evidence(subject.evidence(name, ""))
                .fix(Fix::remove(name)),
        );
    }
}
