//! A session cookie that a subdomain can overwrite.

use crate::rules::*;

pub(crate) static RULE: Rule = Rule {
    name: "cookies.prefix",
    title: "A subdomain can overwrite a session cookie",
    severity: Severity::Info,
    effect: "A subdomain that is not yours any more plants its own session.",
    remedy: "Name it __Host-..., with Secure, Path=/ and no Domain.",
    references: &[
        "https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis#section-4.1.3.2",
    ],
    bad: "Set-Cookie: sessionid=a; Secure; HttpOnly; SameSite=Lax",
    good: "Set-Cookie: __Host-sessionid=a; Secure; HttpOnly; SameSite=Lax; Path=/",
    check,
};

fn check(subject: &Subject<'_>, found: &mut Vec<Finding>) {
    for (value, cookie) in &subject.cookies {
        if is_session(cookie) && cookie.prefix().is_none() && !is_deleted(cookie) {
            found.push(cookie_finding(&RULE, value, cookie, "has no prefix"));
        }
    }
}
