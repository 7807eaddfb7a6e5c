//! A cross-site POST that is accepted.

use crate::rules::*;

pub(crate) static RULE: Rule = Rule {
    name: "csrf.accepted",
    title: "A cross-site POST is accepted",
    severity: Severity::High,
    effect: "Another site's form acts with the visitor's session.",
    remedy: "Refuse unsafe requests whose Sec-Fetch-Site or Origin is of another site.",
    references: &[
        "https://www.w3.org/TR/fetch-metadata/",
        "https://web.dev/articles/fetch-metadata",
    ],
    bad: "{\"url\": \"https://example.com/\", \"cross_site_post\": 200}",
    good: "{\"url\": \"https://example.com/\", \"cross_site_post\": 403}",
    check,
};

fn check(subject: &Subject<'_>, found: &mut Vec<Finding>) {
    let Some(status) = subject.seen.cross_site_post else {
        return;
    };
    if status < 400 {
        found.push(
            Finding::new(
                &RULE,
                format!("A POST with Sec-Fetch-Site: cross-site was answered {status}."),
            )
            .evidence(Evidence::whole("cross-site POST", status.to_string()))
            .fix(Fix::Policy {
                toml: "[cross_origin]\ndisposition = \"enforce\"",
            }),
        );
    }
}
