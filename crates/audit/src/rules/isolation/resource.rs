//! Other sites may embed the response.

use mantlet_headers::{Corp, Field};

use crate::rules::*;

pub(crate) static RULE: Rule = Rule {
    name: "isolation.resource",
    title: "Other sites may embed the response",
    severity: Severity::Info,
    effect: "Another site loads the response into its process, where a side channel can read it.",
    remedy: "Send Cross-Origin-Resource-Policy: same-origin; cross-origin for what is public.",
    references: &["https://fetch.spec.whatwg.org/#cross-origin-resource-policy-header"],
    bad: "Content-Type: text/html",
    good: "Content-Type: text/html\nCross-Origin-Resource-Policy: same-origin",
    check,
};

fn check(subject: &Subject<'_>, found: &mut Vec<Finding>) {
    if subject.field(Corp::NAME).is_none() {
        found.push(
            Finding::new(&RULE, "There is no Cross-Origin-Resource-Policy.")
                .fix(Fix::set(Corp::NAME, "same-origin")),
        );
    }
}
