//! A Strict-Transport-Security for the host alone.

use mantlet_headers::{Field, Hsts};

use crate::rules::*;

pub(crate) static RULE: Rule = Rule {
    name: "hsts.subdomains",
    title: "Subdomains are left out",
    severity: Severity::Low,
    effect: "A forged subdomain on plain http sets cookies for the whole site.",
    remedy: "Add includeSubDomains once every subdomain has https.",
    references: &["https://www.rfc-editor.org/rfc/rfc6797#section-14.4"],
    bad: "Strict-Transport-Security: max-age=31536000",
    good: "Strict-Transport-Security: max-age=31536000; includeSubDomains",
    check,
};

fn check(subject: &Subject<'_>, found: &mut Vec<Finding>) {
    let Some(hsts) = subject.parsed::<Hsts>().and_then(|parsed| parsed.value) else {
        return;
    };
    if !hsts.covers_subdomains() && hsts.max_age() > 0 {
        found.push(
            Finding::new(&RULE, "The field has no includeSubDomains.")
                .evidence(subject.evidence(Hsts::NAME, ""))
                .fix(Fix::set(
                    Hsts::NAME,
                    format!(
                        "max-age={}; includeSubDomains",
                        hsts.max_age().max(31_536_000)
                    ),
                )),
        );
    }
}
