//! An IP address in a source list.

use mantlet_headers::csp::DirectiveName;

use crate::evaluator::words::{host_of, is_ip};
use crate::rules::*;

pub(crate) static RULE: Rule = Rule {
    name: "csp.ip-source",
    title: "An IP address is listed",
    severity: Severity::Info,
    effect: "Browsers ignore it, but for 127.0.0.1, which belongs in no public policy.",
    remedy: "Name the host.",
    references: &["https://www.w3.org/TR/CSP3/#match-hosts"],
    bad: "Content-Security-Policy: default-src 'self'; img-src 192.0.2.1",
    good: "Content-Security-Policy: default-src 'self'; img-src cdn.example.com",
    check,
};

fn check(subject: &Subject<'_>, found: &mut Vec<Finding>) {
    for policy in &subject.policies {
        let raw = crate::evaluator::policy::Policy::read(&policy.text);
        for directive in &raw.directives {
            let Some(name) = DirectiveName::from_name(&directive.name) else {
                continue;
            };
            let is_list = !matches!(name, DirectiveName::ReportUri);
            for word in directive.words.iter().filter(|_| is_list) {
                if host_of(&word.text).is_some_and(|(host, _)| is_ip(&host)) {
                    found.push(
                        Finding::new(&RULE, format!("{name} lists {}.", word.text))
                            .evidence(policy.evidence(name, &word.text))
                            .fix(policy.without_words(name, |one| one == word.text)),
                    );
                }
            }
        }
    }
}
