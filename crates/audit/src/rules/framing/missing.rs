//! Anybody may embed the page.

use mantlet_headers::XFrameOptions;
use mantlet_headers::csp::DirectiveName;

use crate::rules::*;

pub(crate) static RULE: Rule = Rule {
    name: "framing.missing",
    title: "Anybody may embed the page",
    severity: Severity::Medium,
    effect: "Another site lays the page under its own and has the visitor click it.",
    remedy: "Add frame-ancestors 'self' to the policy, and X-Frame-Options for what does not know it.",
    references: &[
        "https://www.w3.org/TR/CSP3/#directive-frame-ancestors",
        "https://html.spec.whatwg.org/multipage/document-lifecycle.html#the-x-frame-options-header",
    ],
    bad: "Content-Type: text/html\nX-Frame-Options: ALLOW-FROM https://a.example",
    good: "Content-Type: text/html\nX-Frame-Options: DENY",
    check,
};

fn check(subject: &Subject<'_>, found: &mut Vec<Finding>) {
    let limits = subject
        .policies
        .iter()
        .any(|one| one.place != "meta" && one.policy.get(DirectiveName::FrameAncestors).is_some());
    let option = subject.parsed::<XFrameOptions>();
    if limits || option.as_ref().is_some_and(|parsed| parsed.value.is_some()) {
        return;
    }
    let finding = match option {
        Some(_) => Finding::new(&RULE, "Browsers ignore this X-Frame-Options.")
            .evidence(subject.evidence("X-Frame-Options", "")),
        None => Finding::new(
            &RULE,
            "Neither frame-ancestors nor X-Frame-Options is sent.",
        ),
    };
    let severity = if subject.is_document() {
        Severity::Medium
    } else {
        Severity::Info
    };
    found.push(
        finding
            .severity(severity)
            .fix(Fix::set("X-Frame-Options", "SAMEORIGIN")),
    );
}
