//! Every rule, in the order in which findings are told.

use crate::rule::Rule;
use crate::rules::*;

/// The rules.
pub static RULES: &[&Rule] = &[
    &transport::certificate::RULE,
    &transport::no_https::RULE,
    &transport::redirect::RULE,
    &hsts::missing::RULE,
    &hsts::fault::RULE,
    &hsts::preload::RULE,
    &hsts::short::RULE,
    &hsts::subdomains::RULE,
    &csp::missing::RULE,
    &csp::broad_source::RULE,
    &csp::bypass_host::RULE,
    &csp::fault::RULE,
    &csp::form_action::RULE,
    &csp::host_list::RULE,
    &csp::ip_source::RULE,
    &csp::meta_ignored::RULE,
    &csp::missing_directive::RULE,
    &csp::plain_http::RULE,
    &csp::report_endpoint::RULE,
    &csp::trusted_types::RULE,
    &csp::unsafe_eval::RULE,
    &csp::unsafe_hashes::RULE,
    &csp::unsafe_inline::RULE,
    &csp::unsafe_style::RULE,
    &csp::weak_nonce::RULE,
    &framing::missing::RULE,
    &framing::broad::RULE,
    &sniffing::missing::RULE,
    &referrer::policy::RULE,
    &permissions::missing::RULE,
    &isolation::embedder::RULE,
    &isolation::opener::RULE,
    &isolation::resource::RULE,
    &cookies::dropped::RULE,
    &cookies::http_only::RULE,
    &cookies::prefix::RULE,
    &cookies::same_site::RULE,
    &cookies::secure::RULE,
    &cors::open::RULE,
    &csrf::accepted::RULE,
    &caching::private::RULE,
    &content::insecure_form::RULE,
    &content::integrity::RULE,
    &content::mixed::RULE,
    &errors::headers::RULE,
    &field::dead::RULE,
    &field::fault::RULE,
    &field::leak::RULE,
    &field::xss_filter::RULE,
    &limits::headers::RULE,
];

/// The rule of that name.
pub fn rule(name: &str) -> Option<&'static Rule> {
    RULES.iter().copied().find(|rule| rule.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluator::Type;
    use crate::finding::Finding;
    use crate::subject::Subject;
    use crate::{Headers, Observation, Response, capture};

    /// The observation of an example: a capture, or field lines and a body.
    fn example(text: &str) -> Observation {
        if text.starts_with('{') {
            return capture::json(text.as_bytes()).expect(text).remove(0);
        }
        let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
        let fields = head.lines().filter_map(|line| line.split_once(": "));
        let headers: Headers = fields.collect();
        assert_eq!(headers.len(), head.lines().count(), "{text}");
        let url = "https://example.com/".parse().expect("a URL");
        Observation::new(url, Response::new(200, headers).body(body))
    }

    fn found(rule: &'static Rule, text: &str) -> Vec<Finding> {
        let seen = example(text);
        let mut found = Vec::new();
        (rule.check)(&Subject::new(&seen), &mut found);
        found
    }

    #[test]
    fn every_rule_finds_its_bad_example_and_not_its_good_one() {
        for rule in RULES {
            let bad = found(rule, rule.bad);
            assert!(!bad.is_empty(), "{rule:?} finds nothing in its bad example");
            assert_eq!(
                found(rule, rule.good),
                [],
                "{rule:?} finds something in its good example"
            );
            for finding in bad {
                assert_eq!(finding.rule, *rule);
                assert!(
                    finding.severity <= rule.severity,
                    "{rule:?} is worse than it says"
                );
                assert!(
                    finding.message.ends_with('.'),
                    "{rule:?}: {}",
                    finding.message
                );
                if let Some(evidence) = finding.evidence {
                    assert!(
                        evidence.text.get(evidence.span.clone()).is_some(),
                        "{rule:?}: {evidence:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn every_fix_mends_what_it_is_for() {
        for rule in RULES {
            let mut seen = example(rule.bad);
            for finding in found(rule, rule.bad) {
                if let Some(crate::Fix::Set { name, value }) = finding.fix {
                    seen.response.headers.remove(name);
                    seen.response.headers.push(name, value);
                }
            }
            let before = found(rule, rule.bad).len();
            let mut after = Vec::new();
            (rule.check)(&Subject::new(&seen), &mut after);
            let mended = found(rule, rule.bad)
                .iter()
                .filter(|one| matches!(one.fix, Some(crate::Fix::Set { .. })))
                .count();
            assert!(mended == 0 || after.len() < before, "{rule:?}: {after:?}");
        }
    }

    #[test]
    fn names_are_unique_and_texts_are_sentences() {
        for (i, rule) in RULES.iter().enumerate() {
            assert!(
                RULES[i + 1..].iter().all(|other| other.name != rule.name),
                "{rule:?}"
            );
            assert!(
                rule.effect.ends_with('.') && rule.remedy.ends_with('.'),
                "{rule:?}"
            );
            assert!(
                !rule.references.is_empty()
                    && rule
                        .references
                        .iter()
                        .all(|url| url.starts_with("https://"))
            );
        }
    }

    #[test]
    fn the_types_of_csp_evaluator_name_rules_that_exist() {
        for kind in Type::ALL {
            assert!(
                kind.rule().is_empty() || rule(kind.rule()).is_some(),
                "{kind}"
            );
        }
    }
}
