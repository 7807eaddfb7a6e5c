//! A field that no browser reads any more.

use mantlet_headers::registry;

use crate::rules::*;

pub(crate) static RULE: Rule = Rule {
    name: "field.dead",
    title: "A field that no browser reads any more",
    severity: Severity::Info,
    effect: "It protects nothing, and looks as if it did.",
    remedy: "Leave it out.",
    references: &["https://owasp.org/www-project-secure-headers/"],
    bad: "Feature-Policy: camera 'none'",
    good: "Permissions-Policy: camera=()",
    check,
};

fn check(subject: &Subject<'_>, found: &mut Vec<Finding>) {
    for (name, became, _) in registry::DEAD {
        if let Some(value) = subject.field(name) {
            found.push(
                Finding::new(&RULE, format!("{name}: {became}."))
                    .evidence(Evidence::whole(*name, value))
                    .fix(Fix::remove(*name)),
            );
        }
    }
}
