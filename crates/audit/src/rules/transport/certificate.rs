//! A certificate that browsers refuse.

use crate::observation::Tls;
use crate::rules::*;

pub(crate) static RULE: Rule = Rule {
    name: "transport.certificate",
    title: "Browsers refuse the certificate",
    severity: Severity::High,
    effect: "Visitors learn to click warnings away, and Strict-Transport-Security is ignored.",
    remedy: "Renew it, for the right names, with its chain.",
    references: &["https://www.rfc-editor.org/rfc/rfc6797#section-8.1"],
    bad: "{\"url\": \"https://example.com/\", \"verified\": false}",
    good: "{\"url\": \"https://example.com/\"}",
    check,
};

fn check(subject: &Subject<'_>, found: &mut Vec<Finding>) {
    if subject.seen.tls == Tls::Unverified {
        found.push(
            Finding::new(&RULE, "The certificate did not verify.")
                .evidence(Evidence::whole("url", subject.seen.url.as_str())),
        );
    }
}
