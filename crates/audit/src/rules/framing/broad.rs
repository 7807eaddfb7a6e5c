//! frame-ancestors that lists everybody.

use mantlet_headers::csp::{DirectiveName, SourceExpression};

use crate::rules::*;

pub(crate) static RULE: Rule = Rule {
    name: "framing.broad",
    title: "frame-ancestors lists everybody",
    severity: Severity::Medium,
    effect: "Another site lays the page under its own and has the visitor click it; X-Frame-Options does not count beside it.",
    remedy: "List the origins that embed the page, or 'none'.",
    references: &["https://www.w3.org/TR/CSP3/#directive-frame-ancestors"],
    bad: "Content-Security-Policy: default-src 'self'; frame-ancestors https:\nX-Frame-Options: DENY",
    good: "Content-Security-Policy: default-src 'self'; frame-ancestors https://a.example",
    check,
};

fn check(subject: &Subject<'_>, found: &mut Vec<Finding>) {
    let name = DirectiveName::FrameAncestors;
    let is_broad = |one: &&SourceExpression| match one {
        SourceExpression::Scheme(_) => true,
        SourceExpression::Host(host) => host.host() == "*",
        _ => false,
    };
    let mut broad = Vec::new();
    for policy in subject
        .policies
        .iter()
        .filter(|policy| policy.place != "meta")
    {
        let Some(list) = policy
            .policy
            .get(name)
            .and_then(|directive| directive.sources())
        else {
            continue;
        };
        match list.expressions().iter().find(is_broad) {
            Some(word) => broad.push((policy, word.to_string())),
            // the narrowest counts
            None => return,
        }
    }
    if let Some((policy, word)) = broad.first() {
        found.push(
            Finding::new(&RULE, format!("frame-ancestors allows {word}."))
                .evidence(policy.evidence(name, word))
                .fix(policy.with(name, Some(&["'self'"]))),
        );
    }
}
