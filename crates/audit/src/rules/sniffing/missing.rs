//! No X-Content-Type-Options: nosniff.

use mantlet_headers::XContentTypeOptions;

use crate::rules::*;

pub(crate) static RULE: Rule = Rule {
    name: "sniffing.missing",
    title: "Browsers may guess the media type",
    severity: Severity::Medium,
    effect: "An uploaded picture or text that looks like script is taken for one.",
    remedy: "Send X-Content-Type-Options: nosniff with every response.",
    references: &["https://fetch.spec.whatwg.org/#x-content-type-options-header"],
    bad: "X-Content-Type-Options: none",
    good: "X-Content-Type-Options: nosniff",
    check,
};

fn check(subject: &Subject<'_>, found: &mut Vec<Finding>) {
    let fix = Fix::set("X-Content-Type-Options", "nosniff");
    match subject.parsed::<XContentTypeOptions>() {
        None => found.push(Finding::new(&RULE, "There is no X-Content-Type-Options.").fix(fix)),
        Some(parsed) if parsed.value.is_none() => {
            found.push(
                Finding::new(&RULE, "Browsers ignore it: it is not nosniff.")
                    .evidence(subject.evidence("X-Content-Type-Options", ""))
                    .fix(fix),
            );
        }
        Some(_) => {}
    }
}
