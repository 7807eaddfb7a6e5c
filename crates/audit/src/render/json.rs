//! For programs. The names of keys stay; more may come.

use serde_json::{Value, json};

use crate::finding::Finding;
use crate::report::Report;

/// One report.
pub fn json(report: &Report) -> Value {
    let graded = &report.graded;
    let sum: Vec<Value> = graded
        .sum
        .iter()
        .map(|line| json!({"label": line.label, "points": line.points}))
        .collect();
    let waived = report.waived.iter().map(|(one, waiver)| {
        let mut value = finding(one);
        value["reason"] = Value::from(waiver.reason.as_str());
        value["expires"] = waiver.expires.map(|date| date.to_string()).into();
        value
    });
    let expired = report.expired.iter().map(|waiver| {
        json!({"rule": waiver.rule, "reason": waiver.reason, "expires": waiver.expires.map(|date| date.to_string())})
    });
    json!({
        "url": report.url,
        "profile": graded.profile.as_str(),
        "grade": graded.grade,
        "score": graded.score,
        "sum": sum,
        "findings": report.findings.iter().map(finding).collect::<Vec<_>>(),
        "waived": waived.collect::<Vec<_>>(),
        "expired_waivers": expired.collect::<Vec<_>>(),
        "observatory": {"grade": report.observatory.grade, "score": report.observatory.score, "error": report.observatory.error},
    })
}

fn finding(finding: &Finding) -> Value {
    let rule = finding.rule;
    let evidence = finding.evidence.as_ref().map(|evidence| {
        json!({"place": evidence.place, "text": evidence.text, "start": evidence.span.start, "end": evidence.span.end})
    });
    let fix = finding.fix.as_ref().map(|fix| {
        let snippets = fix.snippets().into_iter();
        let snippets: serde_json::Map<String, Value> = snippets
            .map(|(name, text)| (name.to_owned(), Value::from(text)))
            .collect();
        json!({"header": fix.header(), "snippets": snippets})
    });
    json!({
        "rule": rule.name,
        "severity": finding.severity.as_str(),
        "title": rule.title,
        "message": finding.message,
        "evidence": evidence,
        "effect": rule.effect,
        "remedy": rule.remedy,
        "fix": fix,
        "references": rule.references,
        "identity": finding.identity(),
    })
}

/// What two scans of a page differ in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The grade before; `None` if the older scan has none.
    pub before: Option<String>,
    /// Identities of findings that are new.
    pub new: Vec<String>,
    /// Identities of findings that are gone.
    pub gone: Vec<String>,
}

/// The older report on `url` in a JSON text of [`json()`], or in a list of them.
fn older<'v>(value: &'v Value, url: &str) -> Option<&'v Value> {
    match value {
        Value::Array(list) => list.iter().find(|one| one["url"] == url),
        one => Some(one).filter(|one| one["url"] == url || one["url"].is_null()),
    }
}

/// The identities of the findings that an older report on `url` holds, waived ones too.
pub fn identities(old: &Value, url: &str) -> Vec<String> {
    let Some(report) = older(old, url) else {
        return Vec::new();
    };
    let lists = ["findings", "waived"]
        .into_iter()
        .filter_map(|key| report[key].as_array());
    let each = lists
        .flatten()
        .filter_map(|finding| finding["identity"].as_str());
    each.map(str::to_owned).collect()
}

/// What is new in a report, and what is gone, beside an older one.
pub fn difference(old: &Value, report: &Report) -> Difference {
    let known = identities(old, &report.url);
    let now: Vec<String> = report.findings.iter().map(Finding::identity).collect();
    let grade = older(old, &report.url).and_then(|report| report["grade"].as_str());
    Difference {
        before: grade.map(str::to_owned),
        new: now
            .iter()
            .filter(|one| !known.contains(one))
            .cloned()
            .collect(),
        gone: known.into_iter().filter(|one| !now.contains(one)).collect(),
    }
}
