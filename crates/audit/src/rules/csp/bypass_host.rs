//! A host in the list serves what undoes the list.

use mantlet_headers::csp::{DirectiveName, Keyword, Policy, SourceExpression};

use crate::evaluator::bypass::{Bypass, bypass};
use crate::evaluator::words::host_of;
use crate::rules::*;

pub(crate) static RULE: Rule = Rule {
    name: "csp.bypass-host",
    title: "A listed host serves what undoes the policy",
    severity: Severity::High,
    effect: "The host answers with script of the attacker's choice: JSONP, an old AngularJS, or whatever anybody uploads.",
    remedy: "Serve the file from the site itself, or use nonces with 'strict-dynamic'.",
    references: &[
        "https://research.google/pubs/pub45542/",
        "https://csp-evaluator.withgoogle.com/",
    ],
    bad: "Content-Security-Policy: script-src 'self' https://cdn.jsdelivr.net; object-src 'none'",
    good: "Content-Security-Policy: script-src 'self' https://cdn.jsdelivr.net/npm/vue@3.5.0/dist/vue.min.js https://cdn.jsdelivr.net/npm/swagger-ui-dist@5/; object-src 'none'",
    check,
};

/// Hosts on which anybody publishes: any of their folders serves script of anybody.
const OPEN: &[&str] = &[
    "cdn.jsdelivr.net",
    "unpkg.com",
    "esm.sh",
    "cdn.skypack.dev",
    "jspm.dev",
    "raw.githack.com",
    "rawcdn.githack.com",
    "cdn.rawgit.com",
    "gitcdn.xyz",
    "cdn.statically.io",
    "raw.githubusercontent.com",
    "storage.googleapis.com",
    "s3.amazonaws.com",
    "cdnjs.cloudflare.com",
];

fn check(subject: &Subject<'_>, found: &mut Vec<Finding>) {
    let name = DirectiveName::ScriptSrcElem;
    if !subject.every_policy(|policy| !known(policy, name).is_empty()) {
        return;
    }
    let Some(policy) = subject.policies.first() else {
        return;
    };
    for (word, host) in known(&policy.policy, name) {
        found.push(
            Finding::new(
                &RULE,
                format!("{word} lets in {host}, which serves script of anybody's choice."),
            )
            .evidence(policy.evidence(name, &word))
            .fix(policy.without_words(name, |one| one == word)),
        );
    }
}

/// Whether a path covers what anybody publishes there: no file, and no folder of one package or bucket.
fn is_open(path: &str) -> bool {
    let folders = path.split('/').filter(|part| !part.is_empty()).count();
    path.ends_with('/') && (folders <= 1 || path == "/ajax/libs/")
}

/// Sources that let a known host in: the word, and the host.
fn known(policy: &Policy, name: DirectiveName) -> Vec<(String, String)> {
    let Some(list) = policy
        .governing(name)
        .and_then(|directive| directive.sources())
    else {
        return Vec::new();
    };
    if list.has(Keyword::StrictDynamic) {
        return Vec::new();
    }
    let evaluates = policy.allows_eval();
    let mut known = Vec::new();
    for one in list.expressions() {
        let SourceExpression::Host(source) = one else {
            continue;
        };
        let word = one.to_string();
        let path = source.path().unwrap_or("/");
        let listed = |kind, path| bypass(kind, source.host(), path);
        let open = OPEN.iter().find(|open| {
            let is_host = **open == source.host()
                || source
                    .host()
                    .strip_prefix('*')
                    .is_some_and(|rest| open.ends_with(rest));
            is_host && is_open(path)
        });
        let jsonp =
            || listed(Bypass::Jsonp, path).filter(|(_, needs_eval)| evaluates || !needs_eval);
        let found = open.copied().or_else(|| {
            listed(Bypass::Angular, path)
                .or_else(jsonp)
                .map(|(host, _)| host)
        });
        if let Some(host) = found.filter(|_| host_of(&word).is_some()) {
            known.push((word, host.to_owned()));
        }
    }
    known
}
