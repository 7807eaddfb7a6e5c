//! For a terminal.

use std::fmt::Write as _;

use super::line;
use crate::finding::{Evidence, Finding, Severity};
use crate::report::Report;

/// Whether the terminal shows colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    /// ANSI escape sequences.
    Ansi,
    /// None.
    Plain,
}

impl Colour {
    fn paint(self, code: &str, text: &str) -> String {
        match self {
            Self::Ansi => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
            Self::Plain => text.to_owned(),
        }
    }

    fn severity(self, severity: Severity) -> String {
        let code = match severity {
            Severity::High => "1;31",
            Severity::Medium => "33",
            Severity::Low => "36",
            Severity::Info => "2",
        };
        self.paint(code, &format!("{severity:<6}"))
    }

    fn grade(self, grade: &str) -> String {
        let code = match grade.as_bytes().first() {
            Some(b'A') => "1;32",
            Some(b'B' | b'C') => "1;33",
            _ => "1;31",
        };
        self.paint(code, grade)
    }
}

/// One report.
pub fn terminal(report: &Report, colour: Colour) -> String {
    let mut out = String::new();
    let graded = &report.graded;
    // writing to a string cannot fail
    let _ = writeln!(
        out,
        "{}  {}  {}\n",
        line(&report.url, 200),
        colour.grade(graded.grade),
        graded.score
    );
    for finding in &report.findings {
        tell(&mut out, finding, colour);
    }
    for (finding, waiver) in &report.waived {
        let name = finding.rule.name;
        let _ = writeln!(
            out,
            "  {}  {name}: {}",
            colour.paint("2", "waived"),
            line(&waiver.reason, 200)
        );
    }
    for waiver in &report.expired {
        let expires = waiver
            .expires
            .map(|date| date.to_string())
            .unwrap_or_default();
        let _ = writeln!(
            out,
            "  {}  the waiver of {} was over on {expires}",
            colour.paint("33", "over  "),
            waiver.rule
        );
    }
    let _ = writeln!(out, "  {:>4}  start", 100);
    for sum in graded.sum.iter().skip(1) {
        let _ = writeln!(out, "  {:>4}  {}", sum.points, sum.label);
    }
    let _ = writeln!(
        out,
        "  {:>4}  {} ({})",
        graded.score,
        colour.grade(graded.grade),
        graded.profile
    );
    let observatory = &report.observatory;
    if let (Some(score), Some(grade)) = (observatory.score, observatory.grade) {
        let _ = writeln!(out, "\n  The HTTP Observatory would say {grade}, {score}.");
        let unseen: Vec<&str> = unseen(report);
        if !unseen.is_empty() {
            let _ = writeln!(
                out,
                "  It does not look at, or forgives: {}.",
                unseen.join(", ")
            );
        }
    }
    out
}

/// Rules with a finding above info whose subject the Observatory passes, or does not test.
fn unseen(report: &Report) -> Vec<&'static str> {
    let mut names = Vec::new();
    for finding in report
        .findings
        .iter()
        .filter(|finding| finding.severity > Severity::Info)
    {
        let name = finding.rule.name;
        let tested = match name.split('.').next().unwrap_or_default() {
            "csp" => Some("content-security-policy"),
            "hsts" => Some("strict-transport-security"),
            "transport" => Some("redirection"),
            "framing" => Some("x-frame-options"),
            "sniffing" => Some("x-content-type-options"),
            "referrer" => Some("referrer-policy"),
            "cookies" => Some("cookies"),
            "cors" => Some("cross-origin-resource-sharing"),
            _ if name == "content.integrity" => Some("subresource-integrity"),
            _ => None,
        };
        let test = tested.and_then(|test| report.observatory.test(test));
        if test.is_none_or(|test| test.modifier >= 0) && !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

fn tell(out: &mut String, finding: &Finding, colour: Colour) {
    let rule = finding.rule;
    let title = colour.paint("1", rule.title);
    let _ = writeln!(
        out,
        "  {}  {title}  {}",
        colour.severity(finding.severity),
        colour.paint("2", rule.name)
    );
    let _ = writeln!(out, "          {}", line(&finding.message, 300));
    if let Some(evidence) = &finding.evidence {
        show(out, evidence, colour);
    }
    if finding.severity > Severity::Info {
        let _ = writeln!(out, "          {}", rule.effect);
        match finding.fix.as_ref().and_then(|fix| fix.header()) {
            Some(header) => {
                let _ = writeln!(
                    out,
                    "          {} {}",
                    colour.paint("32", "send"),
                    line(&header, 2000)
                );
            }
            None => {
                let _ = writeln!(out, "          {}", rule.remedy);
            }
        }
    }
    out.push('\n');
}

/// The text around the place, and a line under it.
fn show(out: &mut String, evidence: &Evidence, colour: Colour) {
    const BEFORE: usize = 40;
    const AFTER: usize = 60;
    let clean = |text: &str| text.replace(char::is_control, "\u{fffd}");
    let (before, rest) = evidence
        .text
        .split_at_checked(evidence.span.start)
        .unwrap_or((&evidence.text, ""));
    let part: String = clean(evidence.part()).chars().take(AFTER).collect();
    let count = before.chars().count();
    let before: String = clean(before)
        .chars()
        .skip(count.saturating_sub(BEFORE))
        .collect();
    let cut = if count > BEFORE { "..." } else { "" };
    let after = rest.get(evidence.part().len()..).unwrap_or_default();
    let more = if after.chars().count() > AFTER {
        "..."
    } else {
        ""
    };
    let after: String = clean(after).chars().take(AFTER).collect();
    let lead = format!("{}: {cut}{before}", evidence.place);
    let _ = writeln!(out, "          {lead}{part}{after}{more}");
    let width = lead.chars().count();
    let marks = "^".repeat(part.chars().count().max(1));
    let _ = writeln!(
        out,
        "          {}{}",
        " ".repeat(width),
        colour.paint("31", &marks)
    );
}
