//! A policy that does not say what was meant: words that browsers ignore or read otherwise.

use mantlet_headers::Field;
use mantlet_headers::csp::Csp;

use crate::rules::*;

pub(crate) static RULE: Rule = Rule {
    name: "csp.fault",
    title: "The policy does not say what was meant",
    severity: Severity::Medium,
    effect: "A directive or a word that a browser ignores protects nothing, or blocks what should work.",
    remedy: "Write what the message says.",
    references: &[
        "https://www.w3.org/TR/CSP3/#framework-policy",
        "https://www.w3.org/TR/CSP3/#framework-directive-source-list",
    ],
    bad: "Content-Security-Policy: default-src self; scrip-src 'none'",
    good: "Content-Security-Policy: default-src 'self'; script-src 'none'",
    check,
};

/// Remarks of the parser that other rules make, with more to say; and words for browsers that know less, there on purpose.
const SKIPPED: [&str; 6] = [
    "csp.weak-nonce",
    "csp.fixed-nonce",
    "csp.ip-address",
    "csp.unsafe-inline-ignored",
    "csp.host-ignored",
    "csp.report-uri-ignored",
];

fn check(subject: &Subject<'_>, found: &mut Vec<Finding>) {
    let is_told = |code: &str| !SKIPPED.contains(&code);
    for (value, fault) in subject.faults(Csp::NAME) {
        if is_told(fault.code) {
            found.push(of_fault(&RULE, Csp::NAME, value, fault));
        }
    }
    for value in &subject.page.policies {
        for fault in Csp::parse(value.as_bytes()).faults {
            if is_told(fault.code) {
                found.push(of_fault(&RULE, "meta", value.clone(), fault));
            }
        }
    }
}
