//! A field other than the policy that browsers ignore or read otherwise.

use mantlet_headers::registry;

use crate::rules::*;

pub(crate) static RULE: Rule = Rule {
    name: "field.fault",
    title: "A field does not say what was meant",
    severity: Severity::Medium,
    effect: "A field that a browser ignores protects nothing.",
    remedy: "Write what the message says; mantlet explain NAME tells what a field takes.",
    references: &["https://www.rfc-editor.org/rfc/rfc9651"],
    bad: "Cross-Origin-Embedder-Policy: Require-Corp",
    good: "Cross-Origin-Embedder-Policy: require-corp",
    check,
};

/// Fields that have rules of their own, or that are no defence.
const ELSEWHERE: [&str; 9] = [
    "Content-Security-Policy",
    "Strict-Transport-Security",
    "X-Content-Type-Options",
    "Referrer-Policy",
    "Server",
    "X-Powered-By",
    "X-XSS-Protection",
    "X-Frame-Options",
    "Cache-Control",
];

fn check(subject: &Subject<'_>, found: &mut Vec<Finding>) {
    for entry in registry::FIELDS
        .iter()
        .filter(|entry| !ELSEWHERE.contains(&entry.name))
    {
        for (value, fault) in subject.faults(entry.name) {
            let ignored = fault.is_error();
            let finding = of_fault(&RULE, entry.name, value, fault);
            let fix = entry
                .examples
                .first()
                .map(|example| Fix::set(entry.name, *example));
            found.push(if ignored { finding.fix(fix) } else { finding });
        }
    }
}
