//! A request for the preload list that the list refuses.

use mantlet_headers::{Field, Hsts};

use crate::rules::*;

pub(crate) static RULE: Rule = Rule {
    name: "hsts.preload",
    title: "The preload list would refuse the site",
    severity: Severity::Low,
    effect: "The word preload does nothing, but lets anybody submit the site once it is eligible.",
    remedy: "Send max-age of a year or more and includeSubDomains with it, and redirect plain http to https on the same host; or leave preload out.",
    references: &["https://hstspreload.org/#submission-requirements"],
    bad: "Strict-Transport-Security: max-age=31536000; preload",
    good: "Strict-Transport-Security: max-age=31536000; includeSubDomains; preload",
    check,
};

fn check(subject: &Subject<'_>, found: &mut Vec<Finding>) {
    for (value, fault) in subject
        .faults(Hsts::NAME)
        .into_iter()
        .filter(|(_, fault)| fault.code.starts_with("hsts.preload"))
    {
        found.push(
            of_fault(&RULE, Hsts::NAME, value, fault)
                .severity(Severity::Low)
                .fix(Fix::set(
                    Hsts::NAME,
                    "max-age=31536000; includeSubDomains; preload",
                )),
        );
    }
}
