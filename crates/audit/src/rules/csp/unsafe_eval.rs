//! Strings become code: every enforced policy lets eval() run.

use mantlet_headers::csp::DirectiveName;

use crate::rules::*;

pub(crate) static RULE: Rule = Rule {
    name: "csp.unsafe-eval",
    title: "eval is allowed",
    severity: Severity::Medium,
    effect: "Text that reaches eval(), setTimeout() or a template of a framework runs as script.",
    remedy: "Use a build of the framework that compiles its templates beforehand; 'wasm-unsafe-eval' is enough for WebAssembly.",
    references: &["https://www.w3.org/TR/CSP3/#can-compile-strings"],
    bad: "Content-Security-Policy: script-src 'self' 'unsafe-eval'; object-src 'none'",
    good: "Content-Security-Policy: script-src 'self' 'wasm-unsafe-eval'; object-src 'none'",
    check,
};

fn check(subject: &Subject<'_>, found: &mut Vec<Finding>) {
    let name = DirectiveName::ScriptSrc;
    if !subject.every_policy(|policy| policy.governing(name).is_some() && policy.allows_eval()) {
        return;
    }
    if let Some(policy) = subject.policies.first() {
        found.push(
            Finding::new(&RULE, "The policy lets strings be evaluated as script.")
                .evidence(policy.evidence(name, "'unsafe-eval'"))
                .fix(policy.without_words(name, |word| word == "'unsafe-eval'")),
        );
    }
}
