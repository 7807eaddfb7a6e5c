//! A nonce that can be guessed, or that does not change.

use mantlet_headers::Field;
use mantlet_headers::csp::{Csp, DirectiveName, SourceExpression};

use crate::rules::*;

pub(crate) static RULE: Rule = Rule {
    name: "csp.weak-nonce",
    title: "The nonce can be known beforehand",
    severity: Severity::High,
    effect: "Injected script that carries the nonce runs.",
    remedy: "Draw 128 bits of randomness for each response; in mantlet, the word 'nonce' does.",
    references: &["https://www.w3.org/TR/CSP3/#security-nonces"],
    bad: "Content-Security-Policy: script-src 'nonce-abc'; object-src 'none'; base-uri 'none'",
    good: "Content-Security-Policy: script-src 'nonce-4AEemGb0xJptoIGFP3Nd4w'; object-src 'none'; base-uri 'none'",
    check,
};

fn nonces(csp: &Csp) -> Vec<String> {
    let lists = csp
        .policies()
        .iter()
        .flat_map(|policy| policy.directives())
        .filter_map(|directive| directive.sources());
    let each = lists.flat_map(|list| list.expressions());
    let nonce = |one: &SourceExpression| match one {
        SourceExpression::Nonce(nonce) => Some(nonce.as_str().to_owned()),
        _ => None,
    };
    let mut found: Vec<String> = each.filter_map(nonce).collect();
    found.sort_unstable();
    found.dedup();
    found
}

fn check(subject: &Subject<'_>, found: &mut Vec<Finding>) {
    let again = subject
        .seen
        .again
        .as_ref()
        .and_then(|again| again.headers.combined(Csp::NAME));
    let again = again.map(|value| nonces(&Csp::parse(value.as_bytes()).value.unwrap_or_default()));
    let fix = Fix::Policy {
        toml: "[csp]\nscript-src = [\"'nonce'\", \"'strict-dynamic'\"]",
    };
    for policy in &subject.policies {
        for nonce in nonces(&policy.policy.clone().into()) {
            let evidence =
                policy.evidence(DirectiveName::ScriptSrcElem, &format!("'nonce-{nonce}'"));
            let finding = if again.as_ref().is_some_and(|again| again.contains(&nonce)) {
                Finding::new(&RULE, "A second request got the same nonce.")
            } else if nonce.len() < 16 {
                Finding::new(&RULE, "The nonce is shorter than 16 characters.")
                    .severity(Severity::Medium)
            } else {
                continue;
            };
            found.push(finding.evidence(evidence).fix(fix.clone()));
        }
    }
}
