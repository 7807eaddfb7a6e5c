//! Scripts, plugins or the base URL may come from nearly anywhere.

use mantlet_headers::csp::{DirectiveName, Keyword, Policy, SourceExpression};

use crate::rules::*;

pub(crate) static RULE: Rule = Rule {
    name: "csp.broad-source",
    title: "Scripts may come from nearly anywhere",
    severity: Severity::High,
    effect: "An attacker's own server, or a data: URL, is on the list.",
    remedy: "List the hosts that the page loads from, or use nonces with 'strict-dynamic'.",
    references: &[
        "https://www.w3.org/TR/CSP3/#framework-directive-source-list",
        "https://research.google/pubs/pub45542/",
    ],
    bad: "Content-Security-Policy: script-src 'self' https:; object-src 'none'",
    good: "Content-Security-Policy: script-src 'nonce-4AEemGb0xJptoIGFP3Nd' 'strict-dynamic' https:; object-src 'none'; img-src *",
    check,
};

fn check(subject: &Subject<'_>, found: &mut Vec<Finding>) {
    use DirectiveName as N;
    for name in [N::ScriptSrcElem, N::ObjectSrc, N::BaseUri] {
        if !subject.every_policy(|policy| broad(policy, name).is_some()) {
            continue;
        }
        let Some(policy) = subject.policies.first() else {
            return;
        };
        let Some(word) = broad(&policy.policy, name) else {
            continue;
        };
        let governing = policy
            .policy
            .governing(name)
            .map_or(name, |directive| directive.name());
        let severity = match name {
            N::ScriptSrcElem => Severity::High,
            // plugins are gone from browsers
            N::ObjectSrc => Severity::Low,
            _ => Severity::Medium,
        };
        let finding = Finding::new(&RULE, format!("{governing} allows {word}."))
            .severity(severity)
            .evidence(policy.evidence(name, &word))
            .fix(policy.without_words(name, is_broad_word));
        if found.iter().all(|other| other.evidence != finding.evidence) {
            found.push(finding);
        }
    }
}

fn is_broad_word(word: &str) -> bool {
    matches!(
        word,
        "*" | "https:" | "http:" | "data:" | "blob:" | "https://*" | "http://*"
    )
}

/// The first source that is nearly everything, as it is printed; `None` if there is no list.
fn broad(policy: &Policy, name: DirectiveName) -> Option<String> {
    let list = policy.governing(name)?.sources()?;
    if name == DirectiveName::ScriptSrcElem && list.has(Keyword::StrictDynamic) {
        return None;
    }
    let is_broad = |one: &&SourceExpression| match one {
        SourceExpression::Scheme(scheme) => matches!(scheme.scheme(), "https" | "http" | "data"),
        SourceExpression::Host(host) => host.host() == "*",
        _ => false,
    };
    list.expressions()
        .iter()
        .find(is_broad)
        .map(ToString::to_string)
}
