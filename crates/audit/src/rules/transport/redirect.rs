//! Plain http that does not lead to https at once.

use crate::observation::Http;
use crate::rules::*;

pub(crate) static RULE: Rule = Rule {
    name: "transport.redirect",
    title: "Plain http does not lead to https",
    severity: Severity::High,
    effect: "A visitor who types the name stays, or passes, where anybody on the way reads along.",
    remedy: "Redirect every plain request to https on the same host first (301 or 308), then elsewhere.",
    references: &[
        "https://www.rfc-editor.org/rfc/rfc6797#section-7.2",
        "https://hstspreload.org/#submission-requirements",
    ],
    bad: "{\"url\": \"https://example.com/\", \"http\": [{\"url\": \"http://example.com/\", \"status\": 200}]}",
    good: "{\"url\": \"https://example.com/\", \"http\": [\"http://example.com/\", \"https://example.com/\"]}",
    check,
};

fn check(subject: &Subject<'_>, found: &mut Vec<Finding>) {
    let Http::Answered(session) = &subject.seen.http else {
        return;
    };
    if !subject.seen.tls.is_https() {
        // told by transport.no-https
        return;
    }
    let urls: Vec<_> = session.hops.iter().map(|hop| &hop.url).collect();
    let (severity, message) = match urls.as_slice() {
        [] => return,
        [.., last] if last.scheme() != "https" => (
            Severity::High,
            "Plain http is answered, not redirected to https.",
        ),
        [_, second, ..] if second.scheme() != "https" => {
            (Severity::Medium, "The first redirect stays on plain http.")
        }
        [first, second, ..] if first.host_str() != second.host_str() => (
            Severity::Low,
            "Plain http redirects to another host, so this one never gets Strict-Transport-Security.",
        ),
        _ => return,
    };
    let route: Vec<&str> = urls.iter().map(|url| url.as_str()).collect();
    found.push(
        Finding::new(&RULE, message)
            .severity(severity)
            .evidence(Evidence::whole("redirects", route.join(" -> ")))
            .fix(https()),
    );
}
