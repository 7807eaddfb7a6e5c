//! No Strict-Transport-Security on https.

use crate::rules::*;

pub(crate) static RULE: Rule = Rule {
    name: "hsts.missing",
    title: "No Strict-Transport-Security",
    severity: Severity::High,
    effect: "Whoever sits on the way of the first plain request answers it in the site's place.",
    remedy: "Send it over https, with a year or more.",
    references: &[
        "https://www.rfc-editor.org/rfc/rfc6797",
        "https://hstspreload.org/",
    ],
    bad: "Content-Type: text/html",
    good: "Strict-Transport-Security: max-age=31536000",
    check,
};

fn check(subject: &Subject<'_>, found: &mut Vec<Finding>) {
    if subject.seen.tls.is_https() && subject.field("strict-transport-security").is_none() {
        found.push(
            Finding::new(&RULE, "Browsers may still ask the site by plain http.").fix(Fix::set(
                "Strict-Transport-Security",
                "max-age=31536000; includeSubDomains",
            )),
        );
    }
    // a browser that is redirected elsewhere learns it from the redirect or never
    let hops = subject
        .seen
        .hops
        .iter()
        .filter(|hop| hop.url.scheme() == "https");
    for hop in
        hops.filter(|hop| !hop.headers.is_empty() && !hop.headers.has("strict-transport-security"))
    {
        found.push(
            Finding::new(&RULE, format!("The redirect at {} has none.", hop.url))
                .severity(Severity::Low)
                .evidence(Evidence::whole("redirect", hop.url.as_str())),
        );
    }
}
