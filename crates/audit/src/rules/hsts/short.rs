//! A Strict-Transport-Security that is forgotten soon.

use mantlet_headers::{Field, Hsts};

use crate::rules::*;

pub(crate) static RULE: Rule = Rule {
    name: "hsts.short",
    title: "Strict-Transport-Security is short",
    severity: Severity::High,
    effect: "Between two visits the browser forgets, and asks by plain http.",
    remedy: "Raise max-age to a year, 31536000 seconds.",
    references: &["https://www.rfc-editor.org/rfc/rfc6797#section-11.2"],
    bad: "Strict-Transport-Security: max-age=86400",
    good: "Strict-Transport-Security: max-age=31536000",
    check,
};

/// Days, from which on it is no longer that bad.
const DAY: u64 = 86_400;

fn check(subject: &Subject<'_>, found: &mut Vec<Finding>) {
    let Some(hsts) = subject.parsed::<Hsts>().and_then(|parsed| parsed.value) else {
        return;
    };
    let severity = match hsts.max_age() {
        0 => Severity::High,
        age if age < 180 * DAY => Severity::Medium,
        age if age < 365 * DAY => Severity::Low,
        _ => return,
    };
    let message = match hsts.max_age() {
        0 => "max-age=0 makes browsers forget the site.".to_owned(),
        age => format!("Browsers remember for {} days.", age / DAY),
    };
    let mut value = "max-age=31536000".to_owned();
    if hsts.covers_subdomains() {
        value.push_str("; includeSubDomains");
    }
    found.push(
        Finding::new(&RULE, message)
            .severity(severity)
            .evidence(subject.evidence(Hsts::NAME, &format!("max-age={}", hsts.max_age())))
            .fix(Fix::set(Hsts::NAME, value)),
    );
}
