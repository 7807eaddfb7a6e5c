//! Markdown, for comments on merge requests.

use std::fmt::Write as _;

use super::line;
use crate::report::Report;

/// The reports, one after the other.
pub fn markdown(reports: &[Report]) -> String {
    let mut out = String::new();
    for report in reports {
        let graded = &report.graded;
        // writing to a string cannot fail
        let _ = writeln!(
            out,
            "## {}: {} ({})\n",
            code(&report.url),
            graded.grade,
            graded.score
        );
        if report.findings.is_empty() {
            out.push_str("Nothing found.\n\n");
        } else {
            out.push_str("| Severity | Finding | What to send |\n|---|---|---|\n");
            for finding in &report.findings {
                let send = finding.fix.as_ref().and_then(|fix| fix.header());
                let send = send.map_or_else(|| text(finding.rule.remedy), |header| code(&header));
                let _ = writeln!(
                    out,
                    "| {} | **{}** (`{}`)<br>{} | {send} |",
                    finding.severity,
                    text(finding.rule.title),
                    finding.rule.name,
                    text(&finding.message)
                );
            }
            out.push('\n');
        }
        for (finding, waiver) in &report.waived {
            let _ = writeln!(
                out,
                "* waived: `{}`: {}",
                finding.rule.name,
                text(&waiver.reason)
            );
        }
        let sum: Vec<String> = graded
            .sum
            .iter()
            .map(|line| format!("{} ({})", line.points, text(&line.label)))
            .collect();
        let _ = writeln!(
            out,
            "\n{} = {}, {}\n",
            sum.join(" "),
            graded.score,
            graded.grade
        );
    }
    out
}

/// Text that Markdown does not read as anything else.
fn text(text: &str) -> String {
    let mut out = String::new();
    for c in line(text, 500).chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '|' | '*' | '_' | '`' | '[' | ']' | '\\' | '#' | '~' => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    out
}

/// Text as code in a table: its own back ticks and bars would end it.
fn code(text: &str) -> String {
    let inner = line(text, 1000).replace('`', "'").replace('|', "\\|");
    format!("`{inner}`")
}
