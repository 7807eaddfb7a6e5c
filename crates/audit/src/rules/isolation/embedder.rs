//! Other sites' resources are embedded without their consent.

use mantlet_headers::{Coep, Field};

use crate::rules::*;

pub(crate) static RULE: Rule = Rule {
    name: "isolation.embedder",
    title: "The page is not cross-origin isolated",
    severity: Severity::Info,
    effect: "Resources of other sites share the page's process.",
    remedy: "Send Cross-Origin-Embedder-Policy: require-corp, or credentialless, where nothing embedded breaks.",
    references: &["https://html.spec.whatwg.org/multipage/browsers.html#coep"],
    bad: "Content-Type: text/html",
    good: "Content-Type: text/html\nCross-Origin-Embedder-Policy: require-corp",
    check,
};

fn check(subject: &Subject<'_>, found: &mut Vec<Finding>) {
    if subject.is_document() && subject.field(Coep::NAME).is_none() {
        found.push(
            Finding::new(&RULE, "There is no Cross-Origin-Embedder-Policy.")
                .fix(Fix::set(Coep::NAME, "credentialless")),
        );
    }
}
