//! No Permissions-Policy on a page.

use crate::rules::*;

pub(crate) static RULE: Rule = Rule {
    name: "permissions.missing",
    title: "No Permissions-Policy",
    severity: Severity::Low,
    effect: "Injected script, and what is embedded, may ask for camera, microphone and place in the site's name.",
    remedy: "Switch off what the page does not use.",
    references: &["https://www.w3.org/TR/permissions-policy/"],
    bad: "Content-Type: text/html",
    good: "Content-Type: text/html\nPermissions-Policy: camera=()",
    check,
};

fn check(subject: &Subject<'_>, found: &mut Vec<Finding>) {
    if subject.is_document() && subject.field("permissions-policy").is_none() {
        found.push(
            Finding::new(&RULE, "There is no Permissions-Policy.").fix(Fix::set(
                "Permissions-Policy",
                "geolocation=(), microphone=(), camera=()",
            )),
        );
    }
}
