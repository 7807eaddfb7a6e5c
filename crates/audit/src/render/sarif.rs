//! SARIF 2.1.0 (<https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>), as code hosts read it.

use serde_json::{Value, json};

use crate::finding::{Finding, Severity};
use crate::registry::RULES;
use crate::report::Report;

/// The reports as one run; `artifact` is the file or URL that was scanned, `version` that of the program.
pub fn sarif(reports: &[Report], artifact: &str, version: &str) -> Value {
    let rules: Vec<Value> = RULES
        .iter()
        .map(|rule| {
            json!({
                "id": rule.name,
                "shortDescription": {"text": rule.title},
                "fullDescription": {"text": rule.effect},
                "help": {"text": rule.remedy},
                "helpUri": rule.references.first(),
                "defaultConfiguration": {"level": level(rule.severity)},
                "properties": {"tags": ["security"], "security-severity": score(rule.severity)},
            })
        })
        .collect();
    let mut results = Vec::new();
    for report in reports {
        for finding in &report.findings {
            results.push(result(report, finding, artifact));
        }
        for (finding, waiver) in &report.waived {
            let mut value = result(report, finding, artifact);
            value["suppressions"] = json!([{"kind": "external", "justification": waiver.reason}]);
            results.push(value);
        }
    }
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {"name": "mantlet", "version": version, "rules": rules}},
            "results": results,
        }],
    })
}

fn result(report: &Report, finding: &Finding, artifact: &str) -> Value {
    let place = finding
        .evidence
        .as_ref()
        .map_or(finding.rule.name, |evidence| &evidence.place);
    json!({
        "ruleId": finding.rule.name,
        "level": level(finding.severity),
        "message": {"text": format!("{}: {} {}", report.url, finding.message, finding.rule.remedy)},
        "locations": [{
            "physicalLocation": {
                "artifactLocation": {"uri": artifact},
                "region": {"startLine": 1},
            },
            "logicalLocations": [{"fullyQualifiedName": format!("{} {place}", report.url), "kind": "resource"}],
        }],
        "partialFingerprints": {"mantlet/v1": format!("{} {}", report.url, finding.identity())},
    })
}

const fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::High => "error",
        Severity::Medium | Severity::Low => "warning",
        Severity::Info => "note",
    }
}

/// The number by which code hosts sort security findings, 0 to 10.
const fn score(severity: Severity) -> &'static str {
    match severity {
        Severity::High => "8.0",
        Severity::Medium => "5.0",
        Severity::Low => "3.0",
        Severity::Info => "0.0",
    }
}
