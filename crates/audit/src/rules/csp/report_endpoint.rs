//! Reports go to an endpoint that is not defined.

use mantlet_headers::ReportingEndpoints;
use mantlet_headers::csp::{DirectiveName, Value};

use crate::rules::*;

pub(crate) static RULE: Rule = Rule {
    name: "csp.report-endpoint",
    title: "Reports go nowhere",
    severity: Severity::Low,
    effect: "Violations, and with them attacks, are never heard of.",
    remedy: "Define the endpoint in Reporting-Endpoints.",
    references: &["https://www.w3.org/TR/reporting-1/#header"],
    bad: "Content-Security-Policy: default-src 'self'; report-to csp",
    good: "Content-Security-Policy: default-src 'self'; report-to csp\nReporting-Endpoints: csp=\"https://example.com/reports\"",
    check,
};

fn check(subject: &Subject<'_>, found: &mut Vec<Finding>) {
    let endpoints = subject
        .parsed::<ReportingEndpoints>()
        .and_then(|parsed| parsed.value)
        .unwrap_or_default();
    // the older field of the same purpose
    let old = subject.field("report-to").unwrap_or_default();
    for policy in &subject.policies {
        let Some(Value::Endpoint(name)) = policy
            .policy
            .get(DirectiveName::ReportTo)
            .map(|directive| directive.value())
        else {
            continue;
        };
        if endpoints.url(name).is_none() && !old.contains(&format!("\"{name}\"")) {
            found.push(
                Finding::new(&RULE, format!("No Reporting-Endpoints defines {name}."))
                    .evidence(policy.evidence(DirectiveName::ReportTo, name))
                    .fix(Fix::set(
                        "Reporting-Endpoints",
                        format!("{name}=\"/csp-reports\""),
                    )),
            );
        }
    }
}
