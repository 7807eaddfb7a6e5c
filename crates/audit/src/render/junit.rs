//! JUnit's XML: a suite for each page, a case for each rule; a finding above info is a failure.

use std::fmt::Write as _;

use super::escaped;
use crate::finding::{Finding, Severity};
use crate::registry::RULES;
use crate::report::Report;

/// The reports as one document.
pub fn junit(reports: &[Report]) -> String {
    let mut out =
        String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"mantlet\">\n");
    for report in reports {
        let of = |name: &str| -> Vec<&Finding> {
            let findings = report.findings.iter();
            findings
                .filter(|finding| finding.rule.name == name && finding.severity > Severity::Info)
                .collect()
        };
        let is_waived = |name: &str| {
            report
                .waived
                .iter()
                .any(|(finding, _)| finding.rule.name == name)
        };
        let failures = RULES
            .iter()
            .filter(|rule| !of(rule.name).is_empty())
            .count();
        let skipped = RULES
            .iter()
            .filter(|rule| of(rule.name).is_empty() && is_waived(rule.name))
            .count();
        // writing to a string cannot fail
        let _ = writeln!(
            out,
            "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{failures}\" skipped=\"{skipped}\">",
            escaped(&report.url),
            RULES.len()
        );
        for rule in RULES {
            let found = of(rule.name);
            let _ = write!(
                out,
                "    <testcase classname=\"mantlet\" name=\"{}\"",
                rule.name
            );
            if let Some(first) = found.first() {
                let _ = writeln!(
                    out,
                    ">\n      <failure type=\"{}\" message=\"{}\">",
                    first.severity,
                    escaped(&first.message)
                );
                for finding in &found {
                    let _ = writeln!(out, "{}", escaped(&finding.message));
                }
                let _ = writeln!(out, "{}</failure>\n    </testcase>", escaped(rule.remedy));
            } else if let Some((_, waiver)) = report
                .waived
                .iter()
                .find(|(finding, _)| finding.rule.name == rule.name)
            {
                let _ = writeln!(
                    out,
                    ">\n      <skipped message=\"{}\"/>\n    </testcase>",
                    escaped(&waiver.reason)
                );
            } else {
                out.push_str("/>\n");
            }
        }
        out.push_str("  </testsuite>\n");
    }
    out.push_str("</testsuites>\n");
    out
}
