//! Rate-limit fields that clients cannot read.

use crate::rules::*;

pub(crate) static RULE: Rule = Rule {
    name: "limits.headers",
    title: "Rate-limit fields are not the standard's",
    severity: Severity::Info,
    effect: "Clients guess what X-RateLimit-Reset counts, and come too early.",
    remedy: "Send RateLimit and RateLimit-Policy beside them, and Retry-After with 429.",
    references: &["https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/"],
    bad: "X-RateLimit-Remaining: 3",
    good: "X-RateLimit-Remaining: 3\nRateLimit: \"default\";r=3;t=60",
    check,
};

fn check(subject: &Subject<'_>, found: &mut Vec<Finding>) {
    let headers = &subject.seen.response.headers;
    let old = headers
        .iter()
        .find(|(name, _)| name.to_ascii_lowercase().starts_with("x-ratelimit-"));
    if let Some((name, value)) = old.filter(|_| !headers.has("ratelimit")) {
        found.push(
            Finding::new(&RULE, format!("{name} has no RateLimit beside it."))
                .evidence(Evidence::whole(name, value)),
        );
    }
    if subject.seen.response.status == 429 && !headers.has("retry-after") {
        found.push(Finding::new(&RULE, "A 429 without Retry-After."));
    }
}
