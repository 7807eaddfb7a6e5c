//! Directives that a meta element cannot set.

use mantlet_headers::Field;
use mantlet_headers::csp::Csp;

use crate::rules::*;

pub(crate) static RULE: Rule = Rule {
    name: "csp.meta-ignored",
    title: "A meta element cannot set the directive",
    severity: Severity::Medium,
    effect: "Browsers ignore frame-ancestors, sandbox and reporting in a meta element: what looks set is not.",
    remedy: "Send the policy as a header.",
    references: &["https://www.w3.org/TR/CSP3/#meta-element"],
    bad: "Content-Type: text/html\n\n<meta http-equiv=Content-Security-Policy content=\"default-src 'self'; frame-ancestors 'none'\">",
    good: "Content-Type: text/html\n\n<meta http-equiv=Content-Security-Policy content=\"default-src 'self'\">",
    check,
};

fn check(subject: &Subject<'_>, found: &mut Vec<Finding>) {
    for value in &subject.page.policies {
        let csp = Csp::parse(value.as_bytes()).value.unwrap_or_default();
        for policy in csp.policies() {
            for name in policy.clone().for_meta().1 {
                let start = value.find(name.as_str()).unwrap_or(0);
                let end = (start + name.as_str().len()).min(value.len());
                let evidence = Evidence {
                    place: "meta".to_owned(),
                    text: value.clone(),
                    span: start..end,
                };
                found.push(
                    Finding::new(&RULE, format!("Browsers ignore {name} here.")).evidence(evidence),
                );
            }
        }
    }
}
