//! A form of https that posts to plain http.

use crate::rules::*;

pub(crate) static RULE: Rule = Rule {
    name: "content.insecure-form",
    title: "A form posts to plain http",
    severity: Severity::High,
    effect: "Everybody on the way reads what the visitor types.",
    remedy: "Write https:// in its action.",
    references: &["https://www.w3.org/TR/mixed-content/#requirements-forms"],
    bad: "Content-Type: text/html\n\n<form action=http://example.com/login></form>",
    good: "Content-Type: text/html\n\n<form action=/login></form>",
    check,
};

fn check(subject: &Subject<'_>, found: &mut Vec<Finding>) {
    for url in subject
        .page
        .insecure_forms
        .iter()
        .filter(|_| subject.seen.tls.is_https() && !subject.upgrades())
    {
        found.push(
            Finding::new(&RULE, format!("A form posts to {url}."))
                .evidence(Evidence::whole("body", url.as_str()))
                .fix(subject.upgrading()),
        );
    }
}
