//! A page of https that loads over plain http.

use crate::rules::*;

pub(crate) static RULE: Rule = Rule {
    name: "content.mixed",
    title: "The page loads over plain http",
    severity: Severity::Medium,
    effect: "Browsers block it or upgrade it; those that do neither let anybody on the way change the page.",
    remedy: "Write https:// in the page, or send upgrade-insecure-requests.",
    references: &["https://www.w3.org/TR/mixed-content/"],
    bad: "Content-Type: text/html\n\n<script src=http://cdn.example.com/a.js></script>",
    good: "Content-Type: text/html\n\n<script src=https://cdn.example.com/a.js></script>",
    check,
};

fn check(subject: &Subject<'_>, found: &mut Vec<Finding>) {
    if !subject.seen.tls.is_https() || subject.upgrades() {
        return;
    }
    for (element, url) in &subject.page.insecure {
        let is_active = matches!(*element, "script" | "link" | "iframe" | "object" | "embed");
        let severity = if is_active {
            Severity::Medium
        } else {
            Severity::Low
        };
        found.push(
            Finding::new(&RULE, format!("A {element} element loads {url}."))
                .severity(severity)
                .evidence(Evidence::whole("body", url.as_str()))
                .fix(subject.upgrading()),
        );
    }
}
