//! Scripts are allowed by host rather than by nonce or hash.

use mantlet_headers::csp::{DirectiveName, Keyword, SourceExpression};

use crate::rules::*;

pub(crate) static RULE: Rule = Rule {
    name: "csp.host-list",
    title: "Scripts are allowed by host",
    severity: Severity::Info,
    effect: "Nine of ten such lists can be undone by something that one of the hosts serves.",
    remedy: "Use nonces with 'strict-dynamic' where the page can carry them.",
    references: &[
        "https://research.google/pubs/pub45542/",
        "https://web.dev/articles/strict-csp",
    ],
    bad: "Content-Security-Policy: script-src 'self' https://cdn.example.com; object-src 'none'",
    good: "Content-Security-Policy: script-src 'self'; object-src 'none'",
    check,
};

fn check(subject: &Subject<'_>, found: &mut Vec<Finding>) {
    let name = DirectiveName::ScriptSrcElem;
    for policy in &subject.policies {
        let Some(list) = policy
            .policy
            .governing(name)
            .and_then(|directive| directive.sources())
        else {
            continue;
        };
        let hosts = |one: &&SourceExpression| matches!(one, SourceExpression::Host(_));
        if let Some(host) = list
            .expressions()
            .iter()
            .find(hosts)
            .filter(|_| !list.has(Keyword::StrictDynamic))
        {
            found.push(
                Finding::new(&RULE, format!("Whatever {host} serves may run."))
                    .evidence(policy.evidence(name, &host.to_string())),
            );
        }
    }
}
