//! A session cookie that scripts can read.

use crate::rules::*;

pub(crate) static RULE: Rule = Rule {
    name: "cookies.http-only",
    title: "Scripts can read a session cookie",
    severity: Severity::High,
    effect: "Injected script sends the session elsewhere.",
    remedy: "Add HttpOnly.",
    references: &[
        "https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis#section-5.6.6",
    ],
    bad: "Set-Cookie: sessionid=a; Secure",
    good: "Set-Cookie: sessionid=a; Secure; HttpOnly\nSet-Cookie: theme=dark; Secure",
    check,
};

fn check(subject: &Subject<'_>, found: &mut Vec<Finding>) {
    for (value, cookie) in &subject.cookies {
        if is_session(cookie) && !cookie.is_http_only() && !is_deleted(cookie) {
            found.push(
                cookie_finding(&RULE, value, cookie, "is not HttpOnly").fix(harden(value, cookie)),
            );
        }
    }
}
