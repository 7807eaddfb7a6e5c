//! A cookie without SameSite.

use mantlet_headers::cookie::SameSite;

use crate::rules::*;

pub(crate) static RULE: Rule = Rule {
    name: "cookies.same-site",
    title: "A cookie goes with requests of other sites",
    severity: Severity::Medium,
    effect: "Another site's form or script acts with the visitor's session.",
    remedy: "Add SameSite=Lax, or Strict.",
    references: &[
        "https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis#section-5.6.7",
    ],
    bad: "Set-Cookie: sessionid=a; Secure; HttpOnly",
    good: "Set-Cookie: sessionid=a; Secure; HttpOnly; SameSite=Lax",
    check,
};

fn check(subject: &Subject<'_>, found: &mut Vec<Finding>) {
    for (value, cookie) in &subject.cookies {
        if is_deleted(cookie) {
            continue;
        }
        let (severity, message) = match (cookie.same_site(), is_session(cookie)) {
            (None, true) => (Severity::Medium, "has no SameSite that a browser knows"),
            (None, false) => (Severity::Low, "has no SameSite that a browser knows"),
            // said on purpose, and sometimes needed
            (Some(SameSite::None), _) => (Severity::Info, "goes with requests of other sites"),
            _ => continue,
        };
        found.push(
            cookie_finding(&RULE, value, cookie, message)
                .severity(severity)
                .fix(harden(value, cookie)),
        );
    }
}
