//! Script of another site without a hash.

use crate::rules::*;
use crate::site;

pub(crate) static RULE: Rule = Rule {
    name: "content.integrity",
    title: "Script of another site has no integrity",
    severity: Severity::Medium,
    effect: "Whoever breaks into that site, or buys its name, runs script here.",
    remedy: "Add integrity with the hash of the file and crossorigin, or serve it from the site itself.",
    references: &[
        "https://www.w3.org/TR/sri-2/",
        "https://www.w3.org/TR/sri-2/#integrity-policy-section",
    ],
    bad: "Content-Type: text/html\n\n<script src=https://cdn.other.example/a.js></script>",
    good: "Content-Type: text/html\n\n<script src=https://cdn.other.example/a.js integrity=sha384-oqVuAfXRKap7fdgcCY5uykM6+R9GqQ8K/uxy9rx7HNQlGYl1kPzQho1wx4JwY8wC crossorigin></script>",
    check,
};

fn check(subject: &Subject<'_>, found: &mut Vec<Finding>) {
    let own = site::registrable_domain(subject.seen.host());
    let scripts = subject
        .page
        .scripts
        .iter()
        .filter(|script| !script.inert)
        .map(|script| (Severity::Medium, script));
    let sheets = subject
        .page
        .stylesheets
        .iter()
        .map(|sheet| (Severity::Info, sheet));
    for (severity, one) in scripts.chain(sheets) {
        let Ok(url) = subject.seen.url.join(&one.url) else {
            continue;
        };
        let Some(host) = url.host_str() else { continue };
        let is_own =
            host == subject.seen.host() || (own.is_some() && site::registrable_domain(host) == own);
        // what is no hash is ignored, and the file runs whatever it holds
        let has_hash = one.integrity.as_deref().is_some_and(|text| {
            let is_hash = |word: &str| {
                ["sha256-", "sha384-", "sha512-"]
                    .iter()
                    .any(|start| word.starts_with(start) && word.len() > start.len() + 40)
            };
            text.split_ascii_whitespace().any(is_hash)
        });
        if !is_own && !has_hash {
            found.push(
                Finding::new(&RULE, format!("{url} is loaded without a hash."))
                    .severity(severity)
                    .evidence(Evidence::whole("body", one.url.as_str())),
            );
        }
    }
}
