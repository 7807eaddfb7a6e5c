//! No https at all.

use crate::rules::*;

pub(crate) static RULE: Rule = Rule {
    name: "transport.no-https",
    title: "No https",
    severity: Severity::High,
    effect: "Everybody on the way reads and changes every page.",
    remedy: "Serve the site by https; certificates are free.",
    references: &["https://www.rfc-editor.org/rfc/rfc9110#section-4.2.2"],
    bad: "{\"url\": \"http://example.com/\"}",
    good: "{\"url\": \"https://example.com/\"}",
    check,
};

fn check(subject: &Subject<'_>, found: &mut Vec<Finding>) {
    if !subject.seen.tls.is_https() {
        found.push(
            Finding::new(&RULE, "The page came over plain http.")
                .evidence(Evidence::whole("url", subject.seen.url.as_str()))
                .fix(https()),
        );
    }
}
