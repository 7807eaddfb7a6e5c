//! A private page that caches may keep.

use mantlet_headers::{CacheControl, Field};

use crate::rules::*;

pub(crate) static RULE: Rule = Rule {
    name: "caching.private",
    title: "Caches may keep a private response",
    severity: Severity::Medium,
    effect: "A shared cache, or the next user of the computer, gets the page, or the session that it sets.",
    remedy: "Send Cache-Control: no-store, or private, with what belongs to one visitor.",
    references: &[
        "https://www.rfc-editor.org/rfc/rfc9111#section-7.3",
        "https://www.rfc-editor.org/rfc/rfc9111#section-5.2.2",
    ],
    bad: "Content-Type: text/html\nSet-Cookie: sessionid=a; Secure; HttpOnly\nCache-Control: public, max-age=600",
    good: "Content-Type: text/html\nSet-Cookie: sessionid=a; Secure; HttpOnly\nCache-Control: no-store",
    check,
};

fn check(subject: &Subject<'_>, found: &mut Vec<Finding>) {
    let sets_session = subject
        .cookies
        .iter()
        .any(|(_, cookie)| is_session(cookie) && !is_deleted(cookie));
    if !sets_session && !subject.page.asks_password {
        return;
    }
    let fix = Fix::set(CacheControl::NAME, "no-store");
    let cache = subject
        .parsed::<CacheControl>()
        .and_then(|parsed| parsed.value);
    match cache {
        Some(cache) if cache.is_no_store() || cache.is_private() || cache.is_no_cache() => {}
        Some(cache) => {
            let severity = if cache.invites_shared_caches() && sets_session {
                Severity::Medium
            } else {
                Severity::Low
            };
            found.push(
                Finding::new(&RULE, "Its Cache-Control lets caches keep it.")
                    .severity(severity)
                    .evidence(subject.evidence(CacheControl::NAME, ""))
                    .fix(fix),
            );
        }
        None => {
            let message = "The response is of one visitor, and has no Cache-Control.";
            found.push(
                Finding::new(&RULE, message)
                    .severity(Severity::Low)
                    .fix(fix),
            );
        }
    }
}
