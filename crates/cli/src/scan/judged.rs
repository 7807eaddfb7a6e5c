//! Judged pages, as text of any format.

use std::fmt::Write as _;

use clap::ValueEnum;
use mantlet_audit::render::{self, Colour};
use mantlet_audit::{
    Date, Observation, PreloadList, Profile, Repair, Report, Severity, Waivers, repair,
};
use serde_json::{Value, json};

/// How it is told.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    Text,
    Json,
    Sarif,
    Junit,
    Markdown,
    Html,
}

/// How pages are judged.
pub(super) struct Judge {
    pub(super) preload: PreloadList,
    pub(super) waivers: Waivers,
    pub(super) today: Date,
    pub(super) profile: Profile,
    pub(super) fix: bool,
}

impl Judge {
    pub(super) fn judged(&self, seen: &Observation) -> Judged {
        let report = Report::new(seen, &self.preload, &self.waivers, Some(self.today));
        Judged {
            report: report.graded_by(self.profile, seen),
            repair: self.fix.then(|| repair(seen)),
        }
    }
}

/// A page, and what would mend it if that was asked.
pub(super) struct Judged {
    pub(super) report: Report,
    pub(super) repair: Option<Repair>,
}

/// Pages in order; in the place of one that could not be read, why.
pub(super) struct Judgement {
    pub(super) pages: Vec<Result<Judged, String>>,
    /// Whether they came as a list, and are told as one.
    pub(super) is_list: bool,
    /// What was scanned.
    pub(super) artifact: String,
}

impl Judgement {
    pub(super) fn reports(&self) -> impl Iterator<Item = &Report> {
        self.pages.iter().flatten().map(|judged| &judged.report)
    }

    /// The text; `older` is a report in JSON to compare with.
    pub(super) fn told(&self, format: Format, older: Option<&Value>, colour: Colour) -> String {
        let reports = || -> Vec<Report> { self.reports().cloned().collect() };
        match format {
            Format::Text => {
                let each = self.pages.iter().flatten();
                each.map(|judged| judged.text(older, colour)).collect()
            }
            Format::Json => {
                let value = |page: &Result<Judged, String>| match page {
                    Ok(judged) => judged.json(older),
                    Err(error) => json!({"error": error, "grade": null, "score": null}),
                };
                let mut values = self.pages.iter().map(value);
                let value = match self.is_list {
                    true => values.collect(),
                    false => values.next().unwrap_or_default(),
                };
                format!("{value:#}\n")
            }
            Format::Sarif => {
                let version = env!("CARGO_PKG_VERSION");
                let value = render::sarif(&reports(), &self.artifact, version);
                format!("{value:#}\n")
            }
            Format::Junit => render::junit(&reports()),
            Format::Markdown => render::markdown(&reports()),
            Format::Html => render::html(&reports()),
        }
    }
}

impl Judged {
    fn text(&self, older: Option<&Value>, colour: Colour) -> String {
        let mut text = render::terminal(&self.report, colour);
        if let Some(older) = older {
            changes(&mut text, older, &self.report);
        }
        if let Some(repair) = &self.repair {
            proposal(&mut text, repair);
        }
        text.push('\n');
        text
    }

    pub(super) fn json(&self, older: Option<&Value>) -> Value {
        let mut value = render::json(&self.report);
        if let Some(older) = older {
            let change = render::difference(older, &self.report);
            value["diff"] =
                json!({"before": change.before, "new": change.new, "gone": change.gone});
        }
        if let Some(repair) = &self.repair {
            let after = &repair.after.graded;
            value["repair"] =
                json!({"policy": repair.toml(), "grade": after.grade, "score": after.score});
        }
        value
    }
}

/// What is new, and what is gone. Writing to a string cannot fail.
fn changes(out: &mut String, older: &Value, report: &Report) {
    let change = render::difference(older, report);
    let before = change.before.as_deref();
    let _ = writeln!(
        out,
        "\n  Before: {}",
        before.unwrap_or("no report on this page")
    );
    for (sign, list) in [('+', &change.new), ('-', &change.gone)] {
        for one in list {
            let _ = writeln!(out, "  {sign} {}", one.replace(char::is_control, " "));
        }
    }
}

/// A policy that mends the findings, and what it is worth.
fn proposal(out: &mut String, repair: &Repair) {
    let after = &repair.after.graded;
    let _ = writeln!(
        out,
        "\n  A policy that mends this ({}, {} when scanned again):\n",
        after.grade, after.score
    );
    for line in repair.toml().lines() {
        let _ = writeln!(out, "    {line}");
    }
    let findings = repair.after.findings.iter();
    for finding in findings.filter(|finding| finding.severity > Severity::Info) {
        let _ = writeln!(
            out,
            "\n  By hand: {}: {}",
            finding.rule.name, finding.rule.remedy
        );
    }
}
