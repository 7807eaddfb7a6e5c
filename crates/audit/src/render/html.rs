//! One page that holds all it needs: no script, its styles by hash, readable on a phone.

use std::fmt::Write as _;

use mantlet_headers::csp::{Algorithm, HashSource};

use super::escaped;
use crate::finding::Finding;
use crate::report::Report;

const STYLE: &str = "\
:root{color-scheme:light dark;--soft:#8883}\
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:0 auto;padding:1rem}\
h1{font-size:1.4rem;overflow-wrap:anywhere}\
.grade{font-size:3rem;font-weight:700;line-height:1}\
.a{color:#1a7f37}.b,.c{color:#b26a00}.d,.e,.f{color:#c62828}\
article{border:1px solid var(--soft);border-left-width:.4rem;border-radius:.3rem;margin:1rem 0;padding:.5rem 1rem}\
article h2{font-size:1.05rem;margin:.2rem 0}\
.high{border-left-color:#c62828}.medium{border-left-color:#b26a00}.low{border-left-color:#0277bd}.info{border-left-color:#888}\
pre{background:var(--soft);padding:.6rem;white-space:pre-wrap;overflow-wrap:anywhere}\
code{overflow-wrap:anywhere}\
mark{background:#f004;color:inherit;text-decoration:underline wavy #c62828}\
table{border-collapse:collapse}td{padding:.1rem .6rem .1rem 0}td:first-child{text-align:right}\
small{opacity:.75}";

/// The reports as one page.
pub fn html(reports: &[Report]) -> String {
    let hash = HashSource::of_inline(Algorithm::Sha256, STYLE);
    let mut out = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src {hash}; base-uri 'none'; form-action 'none'\">\n\
         <meta name=\"referrer\" content=\"no-referrer\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>mantlet scan</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
    );
    for report in reports {
        page(&mut out, report);
    }
    out.push_str("</body>\n</html>\n");
    out
}

fn page(out: &mut String, report: &Report) {
    let graded = &report.graded;
    let letter: String = graded
        .grade
        .chars()
        .take(1)
        .flat_map(char::to_lowercase)
        .collect();
    // writing to a string cannot fail
    let _ = writeln!(
        out,
        "<header>\n<h1>{}</h1>\n<p><span class=\"grade {letter}\">{}</span> {} points, profile {}</p>\n</header>",
        escaped(&report.url),
        graded.grade,
        graded.score,
        graded.profile
    );
    out.push_str("<details>\n<summary>How the score comes about</summary>\n<table>\n");
    for line in &graded.sum {
        let _ = writeln!(
            out,
            "<tr><td>{}</td><td>{}</td></tr>",
            line.points,
            escaped(&line.label)
        );
    }
    out.push_str("</table>\n</details>\n");
    if report.findings.is_empty() {
        out.push_str("<p>Nothing found.</p>\n");
    }
    for finding in &report.findings {
        article(out, finding);
    }
    for (finding, waiver) in &report.waived {
        let _ = writeln!(
            out,
            "<p><small>Waived: <code>{}</code>: {}</small></p>",
            finding.rule.name,
            escaped(&waiver.reason)
        );
    }
    if let (Some(score), Some(grade)) = (report.observatory.score, report.observatory.grade) {
        let _ = writeln!(
            out,
            "<p><small>The HTTP Observatory would say {grade}, {score}.</small></p>"
        );
    }
}

fn article(out: &mut String, finding: &Finding) {
    let rule = finding.rule;
    let _ = writeln!(
        out,
        "<article class=\"{0}\">\n<h2>{1}</h2>\n<p><small>{0}, <code>{2}</code></small><br>{3}</p>",
        finding.severity,
        escaped(rule.title),
        rule.name,
        escaped(&finding.message)
    );
    if let Some(evidence) = &finding.evidence {
        let text = &evidence.text;
        let (before, after) = (
            text.get(..evidence.span.start),
            text.get(evidence.span.end..),
        );
        let _ = writeln!(
            out,
            "<pre>{}: {}<mark>{}</mark>{}</pre>",
            escaped(&evidence.place),
            escaped(before.unwrap_or_default()),
            escaped(evidence.part()),
            escaped(after.unwrap_or_default())
        );
    }
    let _ = writeln!(
        out,
        "<p>{} {}</p>",
        escaped(rule.effect),
        escaped(rule.remedy)
    );
    if let Some(fix) = &finding.fix {
        if let Some(header) = fix.header() {
            let _ = writeln!(out, "<pre>{}</pre>", escaped(&header));
        }
        out.push_str(
            "<details>\n<summary>For mantlet.toml, nginx, Caddy, Apache, Express</summary>\n",
        );
        for (server, snippet) in fix.snippets() {
            let _ = writeln!(out, "<p>{server}</p>\n<pre>{}</pre>", escaped(&snippet));
        }
        out.push_str("</details>\n");
    }
    let references: Vec<String> = rule
        .references
        .iter()
        .map(|url| format!("<a href=\"{0}\" rel=\"noreferrer\">{0}</a>", escaped(url)))
        .collect();
    let _ = writeln!(
        out,
        "<p><small>{}</small></p>\n</article>",
        references.join("<br>")
    );
}
