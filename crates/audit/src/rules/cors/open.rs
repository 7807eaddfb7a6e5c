//! Other origins may read the page.

use crate::rules::*;

pub(crate) static RULE: Rule = Rule {
    name: "cors.open",
    title: "Other origins may read the page",
    severity: Severity::High,
    effect: "Any site reads what the visitor sees here, with the visitor's session.",
    remedy: "Compare Origin with a list, and send Access-Control-Allow-Credentials to those on it only.",
    references: &[
        "https://fetch.spec.whatwg.org/#http-cors-protocol",
        "https://portswigger.net/web-security/cors",
    ],
    bad: "{\"url\": \"https://example.com/\", \"cors\": {\"origin\": \"https://evil.example\", \"headers\": [[\"Access-Control-Allow-Origin\", \"https://evil.example\"], [\"Access-Control-Allow-Credentials\", \"true\"]]}}",
    good: "{\"url\": \"https://example.com/\", \"cors\": {\"origin\": \"https://evil.example\", \"headers\": [[\"Access-Control-Allow-Origin\", \"https://app.example\"]]}}",
    check,
};

fn check(subject: &Subject<'_>, found: &mut Vec<Finding>) {
    let answers = [
        Some(&subject.seen.response.headers),
        subject.seen.cors.as_ref().map(|cors| &cors.headers),
    ];
    for headers in answers.into_iter().flatten() {
        let name = "Access-Control-Allow-Origin";
        let Some(allowed) = headers.first(name) else {
            continue;
        };
        let with_credentials = headers
            .first("Access-Control-Allow-Credentials")
            .is_some_and(|value| value == "true");
        let origin = subject
            .seen
            .cors
            .as_ref()
            .and_then(|cors| cors.origin.as_deref());
        let (severity, message) = match allowed {
            "null" => (
                Severity::Medium,
                "Every sandboxed frame has the origin null, and may read the page.",
            ),
            "*" => (
                Severity::Info,
                "Every origin may read the page, without credentials.",
            ),
            _ if origin == Some(allowed) && with_credentials => (
                Severity::High,
                "The Origin that asked was sent back, with credentials: every site may read the page.",
            ),
            _ if origin == Some(allowed) => (
                Severity::Low,
                "The Origin that asked was sent back: every site may read the page.",
            ),
            _ => continue,
        };
        let finding = Finding::new(&RULE, message)
            .severity(severity)
            .evidence(Evidence::whole(name, allowed))
            .fix(Fix::remove(name));
        if found.iter().all(|other| other.message != finding.message) {
            found.push(finding);
        }
    }
}
