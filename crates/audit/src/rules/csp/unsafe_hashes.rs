//! `'unsafe-hashes'`: listed event handlers run wherever they are injected.

use mantlet_headers::csp::{DirectiveName, Keyword};

use crate::rules::*;

pub(crate) static RULE: Rule = Rule {
    name: "csp.unsafe-hashes",
    title: "Event handlers are allowed by hash",
    severity: Severity::Low,
    effect: "A handler that is harmless where it stands can be injected where it is not.",
    remedy: "Add listeners from a script file, and take 'unsafe-hashes' away.",
    references: &["https://www.w3.org/TR/CSP3/#unsafe-hashes-usage"],
    bad: "Content-Security-Policy: script-src 'unsafe-hashes' 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='",
    good: "Content-Security-Policy: script-src 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='",
    check,
};

fn check(subject: &Subject<'_>, found: &mut Vec<Finding>) {
    let name = DirectiveName::ScriptSrcAttr;
    let lets = |policy: &mantlet_headers::csp::Policy| {
        let list = policy
            .governing(name)
            .and_then(|directive| directive.sources());
        list.is_some_and(|list| list.has(Keyword::UnsafeHashes))
    };
    if let Some(policy) = subject
        .policies
        .first()
        .filter(|_| subject.every_policy(lets))
    {
        found.push(
            Finding::new(
                &RULE,
                "The policy lets event handlers run whose hash it lists.",
            )
            .evidence(policy.evidence(name, "'unsafe-hashes'"))
            .fix(policy.without_words(name, |word| word == "'unsafe-hashes'")),
        );
    }
}
