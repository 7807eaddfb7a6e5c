//! Error pages without the headers of the others.

use crate::rules::*;

pub(crate) static RULE: Rule = Rule {
    name: "errors.headers",
    title: "Error pages lack headers that the page has",
    severity: Severity::Medium,
    effect: "An error page shows what was asked, and is as good a place for injected script as any.",
    remedy: "Set the headers where every response passes: nginx needs always, middleware must be outermost.",
    references: &["https://nginx.org/en/docs/http/ngx_http_headers_module.html#add_header"],
    bad: "{\"url\": \"https://example.com/\", \"headers\": [[\"X-Content-Type-Options\", \"nosniff\"]], \"not_found\": {\"status\": 404, \"headers\": []}}",
    good: "{\"url\": \"https://example.com/\", \"headers\": [[\"X-Content-Type-Options\", \"nosniff\"]], \"not_found\": {\"status\": 404, \"headers\": [[\"X-Content-Type-Options\", \"nosniff\"]]}}",
    check,
};

const FIELDS: [&str; 5] = [
    "Content-Security-Policy",
    "Strict-Transport-Security",
    "X-Content-Type-Options",
    "X-Frame-Options",
    "Referrer-Policy",
];

fn check(subject: &Subject<'_>, found: &mut Vec<Finding>) {
    let others = [
        ("404", &subject.seen.not_found),
        ("error", &subject.seen.error),
    ];
    for (what, response) in others {
        let Some(response) = response else { continue };
        let is_lost =
            |name: &&str| subject.seen.response.headers.has(name) && !response.headers.has(name);
        let lost: Vec<&str> = FIELDS.into_iter().filter(|name| is_lost(name)).collect();
        if !lost.is_empty() {
            let message = format!(
                "The {what} page ({}) has no {}.",
                response.status,
                lost.join(", ")
            );
            found.push(
                Finding::new(&RULE, message)
                    .evidence(Evidence::whole(format!("{what} page"), lost.join(", "))),
            );
        }
    }
}
