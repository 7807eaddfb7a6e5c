//! docs/audit.md says what the code does: every rule is listed, and its examples are read.

#![allow(clippy::expect_used)]

use mantlet_audit::{Waivers, capture, registry};

const PAGE: &str = include_str!("../../../docs/audit.md");

/// The blocks of a language.
fn blocks(language: &str) -> Vec<&'static str> {
    let open = format!("```{language}\n");
    let starts = PAGE.match_indices(&open);
    starts
        .filter_map(|(at, _)| PAGE[at + open.len()..].split("```").next())
        .collect()
}

#[test]
fn every_rule_is_listed_with_its_severity_and_title() {
    let missing: Vec<String> = registry::RULES
        .iter()
        .map(|rule| format!("| `{}` | {} | {} |", rule.name, rule.severity, rule.title))
        .filter(|line| !PAGE.contains(line.as_str()))
        .collect();
    assert!(missing.is_empty(), "{}", missing.join("\n"));
    assert_eq!(
        PAGE.lines().filter(|line| line.starts_with("| `")).count(),
        registry::RULES.len()
    );
}

#[test]
fn examples_are_read() {
    let captures: Vec<_> = blocks("json");
    assert!(!captures.is_empty());
    for text in captures {
        let seen = capture::json(text.as_bytes()).expect(text);
        assert!(!seen.is_empty());
    }
    let waivers: Vec<_> = blocks("toml");
    assert!(!waivers.is_empty());
    for text in waivers {
        Waivers::from_toml(text).expect(text);
    }
}
