//! A source over plain http in the policy of an https page.

use mantlet_headers::csp::{DirectiveName, SourceExpression};

use crate::rules::*;

pub(crate) static RULE: Rule = Rule {
    name: "csp.plain-http",
    title: "A source is allowed over plain http",
    severity: Severity::Medium,
    effect: "Whoever sits on the way changes what is loaded, where the browser does not upgrade it.",
    remedy: "Write https://, or add upgrade-insecure-requests.",
    references: &[
        "https://www.w3.org/TR/mixed-content/",
        "https://www.w3.org/TR/upgrade-insecure-requests/",
    ],
    bad: "Content-Security-Policy: default-src 'self'; script-src http://cdn.example.com",
    good: "Content-Security-Policy: default-src 'self'; img-src http://cdn.example.com; upgrade-insecure-requests",
    check,
};

fn check(subject: &Subject<'_>, found: &mut Vec<Finding>) {
    if !subject.seen.tls.is_https() {
        return;
    }
    for policy in &subject.policies {
        if policy
            .policy
            .get(DirectiveName::UpgradeInsecureRequests)
            .is_some()
        {
            continue;
        }
        for directive in policy.policy.directives() {
            let Some(list) = directive.sources() else {
                continue;
            };
            for one in list.expressions() {
                let is_plain = match one {
                    SourceExpression::Scheme(scheme) => scheme.scheme() == "http",
                    SourceExpression::Host(host) => host.scheme() == Some("http"),
                    _ => false,
                };
                if is_plain {
                    let name = directive.name();
                    let severity = if name.governs_scripts() {
                        Severity::Medium
                    } else {
                        Severity::Low
                    };
                    found.push(
                        Finding::new(&RULE, format!("{name} allows {one}."))
                            .severity(severity)
                            .evidence(policy.evidence(name, &one.to_string()))
                            .fix(policy.with(DirectiveName::UpgradeInsecureRequests, Some(&[]))),
                    );
                }
            }
        }
    }
}
