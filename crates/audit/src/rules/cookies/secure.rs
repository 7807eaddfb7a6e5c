//! A cookie that goes over plain http.

use crate::rules::*;

pub(crate) static RULE: Rule = Rule {
    name: "cookies.secure",
    title: "A cookie goes over plain http",
    severity: Severity::High,
    effect: "One plain request, which anybody on the way can provoke, gives the cookie away.",
    remedy: "Add Secure.",
    references: &[
        "https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis#section-5.6.5",
    ],
    bad: "Set-Cookie: sessionid=a; HttpOnly",
    good: "Set-Cookie: sessionid=a; HttpOnly; Secure",
    check,
};

fn check(subject: &Subject<'_>, found: &mut Vec<Finding>) {
    for (value, cookie) in &subject.cookies {
        if !cookie.is_secure() && !is_deleted(cookie) {
            let severity = if is_session(cookie) {
                Severity::High
            } else {
                Severity::Medium
            };
            found.push(
                cookie_finding(&RULE, value, cookie, "is not Secure")
                    .severity(severity)
                    .fix(harden(value, cookie)),
            );
        }
    }
}
