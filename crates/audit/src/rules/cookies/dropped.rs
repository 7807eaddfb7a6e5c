//! A cookie that browsers drop.

use crate::rules::*;

pub(crate) static RULE: Rule = Rule {
    name: "cookies.dropped",
    title: "Browsers drop the cookie",
    severity: Severity::Medium,
    effect: "What the cookie is for does not work, or only in browsers that do not look.",
    remedy: "Give it what its prefix, SameSite=None or Partitioned ask for: Secure; for __Host- also Path=/ and no Domain.",
    references: &[
        "https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis#section-4.1.3",
    ],
    bad: "Set-Cookie: __Host-id=a; Secure; HttpOnly; SameSite=Lax",
    good: "Set-Cookie: __Host-id=a; Secure; HttpOnly; SameSite=Lax; Path=/",
    check,
};

fn check(subject: &Subject<'_>, found: &mut Vec<Finding>) {
    for (value, cookie) in &subject.cookies {
        if !cookie.meets_its_requirements() {
            found.push(cookie_finding(
                &RULE,
                value,
                cookie,
                "breaks a rule of its prefix, of SameSite=None or of Partitioned",
            ));
        }
    }
}
