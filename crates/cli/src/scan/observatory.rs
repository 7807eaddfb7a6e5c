//! The Observatory's judgement, in its JSON shape or as a table.

use std::fmt::Write as _;

use mantlet_audit::observatory::{self, Algorithm, Scan};
use mantlet_audit::{Graded, Line, PreloadList, Profile};
use serde_json::{Value, json};

use super::input::Pages;

/// What is written, and the grades in it.
pub(super) struct Told {
    pub(super) out: String,
    grades: Vec<Option<&'static str>>,
}

impl Told {
    /// Whether a page is graded worse than `limit`, or not at all.
    pub(super) fn is_below(&self, limit: &str) -> bool {
        self.grades.iter().any(|grade| {
            let graded = grade.map(|grade| Graded {
                profile: Profile::Observatory,
                score: 0,
                grade,
                sum: Vec::<Line>::new(),
            });
            graded.is_none_or(|graded| graded.is_below(limit) == Some(true))
        })
    }
}

pub(super) fn told(
    pages: &Pages,
    algorithm: Algorithm,
    preload: &PreloadList,
    as_json: bool,
) -> Told {
    let mut grades = Vec::new();
    let mut values = Vec::new();
    let mut out = String::new();
    for page in &pages.pages {
        match page {
            Ok(seen) => {
                let scan = observatory::scan(seen, algorithm, preload);
                grades.push(scan.grade);
                if as_json {
                    let mut value = scan.to_json();
                    // beside the Observatory's own keys
                    value["url"] = Value::from(seen.url.as_str());
                    value["grade"] = scan.grade.into();
                    value["score"] = scan.score.into();
                    values.push(value);
                } else {
                    table(&mut out, seen.url.as_str(), &scan);
                }
            }
            Err(error) => {
                let head = json!({"error": error.to_string(), "score": null, "grade": null});
                values.push(json!({"scan": head, "tests": {}}));
            }
        }
    }
    if as_json {
        let value = match pages.is_list {
            true => Value::Array(values),
            false => values.pop().unwrap_or_default(),
        };
        out = format!("{value:#}\n");
    }
    Told { out, grades }
}

fn table(out: &mut String, url: &str, scan: &Scan) {
    // writing to a string cannot fail
    let _ = writeln!(out, "{url}\n\n   100  start");
    for test in &scan.tests {
        let _ = writeln!(
            out,
            "  {:>4}  {:<30} {}",
            test.modifier, test.name, test.result
        );
    }
    let base: i32 = scan.tests.iter().map(|test| test.modifier.min(0)).sum();
    let every: i32 = scan.tests.iter().map(|test| test.modifier.max(0)).sum();
    if base < -10 && every > 0 {
        let _ = writeln!(out, "  {:>4}  bonuses do not count below 90", -every);
    }
    let _ = match (&scan.error, scan.score, scan.grade) {
        (None, Some(score), Some(grade)) => writeln!(out, "  {score:>4}  {grade}\n"),
        (error, ..) => writeln!(out, "  {}\n", error.as_deref().unwrap_or("no grade")),
    };
}
