//! Addresses go to other sites.

use mantlet_headers::{Field, Referrer, ReferrerPolicy};

use crate::rules::*;

pub(crate) static RULE: Rule = Rule {
    name: "referrer.policy",
    title: "Addresses go to other sites",
    severity: Severity::Medium,
    effect: "Other sites, and whoever sits on the way, learn which page a visitor comes from, with what its address holds.",
    remedy: "Send Referrer-Policy: strict-origin-when-cross-origin, or no-referrer.",
    references: &["https://www.w3.org/TR/referrer-policy/"],
    bad: "Content-Type: text/html\nReferrer-Policy: unsafe-url",
    good: "Content-Type: text/html\nReferrer-Policy: no-referrer",
    check,
};

fn check(subject: &Subject<'_>, found: &mut Vec<Finding>) {
    let name = ReferrerPolicy::NAME;
    let fix = Fix::set(name, "strict-origin-when-cross-origin");
    let parsed = subject.parsed::<ReferrerPolicy>();
    let Some(parsed) = parsed else {
        if subject.is_document() && subject.page.referrer.is_none() {
            let message = "There is no Referrer-Policy: the browser's default counts, which others have changed before.";
            found.push(
                Finding::new(&RULE, message)
                    .severity(Severity::Low)
                    .fix(fix),
            );
        }
        return;
    };
    let Some(policy) = parsed.value else {
        found.push(
            Finding::new(&RULE, "No browser knows this policy.")
                .severity(Severity::Low)
                .evidence(subject.evidence(name, ""))
                .fix(fix),
        );
        return;
    };
    let effective = policy.effective();
    let severity = match effective {
        Referrer::UnsafeUrl => Severity::Medium,
        Referrer::NoReferrerWhenDowngrade => Severity::Low,
        Referrer::Origin | Referrer::OriginWhenCrossOrigin => Severity::Low,
        _ => return,
    };
    let message = match effective {
        Referrer::UnsafeUrl => "The whole address goes to everybody, over plain http too.",
        Referrer::NoReferrerWhenDowngrade => "The whole address goes to every https site.",
        _ => "The origin goes to others over plain http too.",
    };
    found.push(
        Finding::new(&RULE, message)
            .severity(severity)
            .evidence(subject.evidence(name, effective.as_str()))
            .fix(fix),
    );
}
