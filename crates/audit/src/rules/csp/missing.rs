//! No enforced Content-Security-Policy on a page.

use crate::rules::*;

pub(crate) static RULE: Rule = Rule {
    name: "csp.missing",
    title: "No Content-Security-Policy",
    severity: Severity::High,
    effect: "Script that slips into the page runs with everything that the visitor may do.",
    remedy: "Send a policy; start with a report-only one where the page loads from many places.",
    references: &[
        "https://www.w3.org/TR/CSP3/",
        "https://developer.mozilla.org/docs/Web/HTTP/Guides/CSP",
    ],
    bad: "Content-Type: text/html\nContent-Security-Policy-Report-Only: default-src 'self'",
    good: "Content-Type: text/html\nContent-Security-Policy: default-src 'self'",
    check,
};

const VALUE: &str = "default-src 'self'; script-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'self'";

fn check(subject: &Subject<'_>, found: &mut Vec<Finding>) {
    if !subject.policies.is_empty() {
        return;
    }
    let fix = Fix::set("Content-Security-Policy", VALUE);
    let name = "Content-Security-Policy-Report-Only";
    let finding = match subject.field(name) {
        Some(value) => Finding::new(&RULE, "The policy is report-only: nothing is blocked.")
            .evidence(Evidence::whole(name, value)),
        None => Finding::new(&RULE, "The response has no policy that a browser enforces."),
    };
    found.push(match subject.is_document() {
        true => finding.fix(fix),
        // data runs nothing, unless a browser can be made to show it
        false => finding.severity(Severity::Info).fix(Fix::set(
            "Content-Security-Policy",
            "default-src 'none'; frame-ancestors 'none'",
        )),
    });
}
