//! `mantlet csp evaluate`: what is wrong with a Content-Security-Policy, in csp-evaluator's terms and in ours.

use std::collections::HashSet;
use std::io::Write;
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use mantlet_audit::evaluator::{Finding, evaluate};
use serde_json::{Value, json};

use crate::Failure;
use crate::scan::read_text;

/// Judge a Content-Security-Policy
#[derive(Args)]
pub(crate) struct Csp {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    Evaluate(Evaluate),
}

/// Say what csp-evaluator says of a policy, with the place of each finding
#[derive(Args)]
struct Evaluate {
    /// The policy, as in the header
    #[arg(
        value_name = "POLICY",
        required_unless_present = "from_file",
        conflicts_with = "from_file"
    )]
    policy: Option<String>,
    /// A file of policies: one a line, or a JSON list of texts; - is standard input
    #[arg(long, value_name = "LIST")]
    from_file: Option<PathBuf>,
    /// text or json
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Format,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
}

impl Csp {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let Verb::Evaluate(evaluate) = self.verb;
        evaluate.run()
    }
}

impl Evaluate {
    fn run(self) -> Result<(), Failure> {
        let mut out = std::io::stdout().lock();
        let (policies, is_list) = match (self.policy, self.from_file) {
            (Some(policy), _) => (vec![policy], false),
            (None, Some(file)) => (list(&read_text(&file)?)?, true),
            (None, None) => return Err(Failure::Unusable),
        };
        match self.format {
            Format::Json => {
                let mut judged = policies.iter().map(|policy| judged(policy));
                let value = match is_list {
                    true => judged.collect(),
                    false => judged.next().unwrap_or_default(),
                };
                writeln!(out, "{value:#}")?;
            }
            Format::Text => {
                for (i, policy) in policies.iter().enumerate() {
                    if i > 0 {
                        writeln!(out)?;
                    }
                    tell(&mut out, policy)?;
                }
            }
        }
        Ok(())
    }
}

/// The policies of a file: a JSON list, or lines that are not blank.
fn list(text: &[u8]) -> Result<Vec<String>, Failure> {
    let text = String::from_utf8_lossy(text);
    if text.trim_start().starts_with('[') {
        return serde_json::from_str(&text).map_err(|error| {
            eprintln!("mantlet: not a JSON list of texts: {error}");
            Failure::Unusable
        });
    }
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    Ok(lines.map(str::to_owned).collect())
}

fn judged(policy: &str) -> Value {
    let told = |finding: &Finding<'_>| {
        json!({
            "type": finding.kind.as_str(),
            "severity": finding.severity.as_str(),
            "directive": finding.directive,
            "value": finding.value,
            "rule": Some(finding.kind.rule()).filter(|rule| !rule.is_empty()),
            "message": finding.message(),
            "policy": finding.policy,
            "start": finding.span.start,
            "end": finding.span.end,
        })
    };
    let findings: Vec<Value> = evaluate(policy).iter().map(told).collect();
    json!({"policy": policy, "findings": findings})
}

fn tell(out: &mut impl Write, policy: &str) -> std::io::Result<()> {
    writeln!(out, "{policy}\n")?;
    let mut findings = evaluate(policy);
    findings.sort_by_key(|finding| finding.severity);
    let mut told = HashSet::new();
    for finding in &findings {
        let value = finding.value.as_deref().unwrap_or_default();
        let line = format!("{} {value}", finding.directive);
        // a list that stands in for three directives is judged three times
        if told.insert((finding.kind, line.clone())) {
            let severity = finding.severity.as_str();
            writeln!(
                out,
                "  {severity:<12} {:<32} {}",
                finding.kind.as_str(),
                line.trim_end()
            )?;
            writeln!(out, "               {}", finding.message())?;
        }
    }
    if findings.is_empty() {
        writeln!(out, "  Nothing found.")?;
    }
    Ok(())
}
