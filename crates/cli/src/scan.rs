//! `mantlet scan`: how good is a response, what is wrong with it, and what to send instead.
//!
//! Exit codes: 0 good enough, 1 a gate (`--fail-below`, `--fail-on`) or a capture failed, 2 what was given cannot be used.

mod input;
mod judged;
mod observatory;

use std::fs::File;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, anyhow};
use clap::{Args, ValueEnum};
use mantlet_audit::observatory::Algorithm;
use mantlet_audit::render::{self, Colour};
use mantlet_audit::{Date, Observation, PreloadList, Profile, Report, Severity, Waivers, repair};
use serde_json::Value;

use self::input::Pages;
pub(crate) use self::input::read_text;
use self::judged::{Format, Judged, Judgement};
use crate::Failure;

/// Grade a captured response, and say what to send instead
///
///     curl -i https://example.com/ | mantlet scan - --url https://example.com/
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Scan {
    /// A capture: JSON (an object or a list), the text of curl -i, or a HAR file; - is standard input
    #[arg(value_name = "FILE", required_unless_present_any = ["from_file", "csp"])]
    file: Option<PathBuf>,
    /// The same
    #[arg(long, value_name = "FILE", conflicts_with = "file")]
    from_file: Option<PathBuf>,
    /// A Content-Security-Policy in place of a capture
    #[arg(long, value_name = "POLICY", conflicts_with_all = ["file", "from_file"])]
    csp: Option<String>,
    /// The URL of a captured text that does not say its own
    #[arg(long, value_name = "URL", default_value = "https://example.com/")]
    url: url::Url,
    /// Whose judgement: mantlet, observatory, or presence (by six headers, approximately)
    #[arg(long, value_name = "NAME", default_value = "mantlet")]
    profile: ProfileName,
    /// Which of the Observatory's algorithms: 4 (its npm package 1.4) or 6
    #[arg(long, value_name = "NUMBER", default_value = "6")]
    algorithm: AlgorithmNumber,
    /// A preload list as JSON, of Chromium or of the Observatory
    #[arg(long, value_name = "FILE")]
    preload_list: Option<PathBuf>,
    /// text, json, sarif, junit, markdown or html
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Format,
    /// Write the report to a file
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Fail if a page is graded worse than this, such as A or B+
    #[arg(long, value_name = "GRADE", value_parser = grade)]
    fail_below: Option<String>,
    /// Fail on a finding of this severity or worse: high, medium, low or info
    #[arg(long, value_name = "SEVERITY")]
    fail_on: Option<Severity>,
    /// An older report in JSON: findings that it has do not make --fail-on fail
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
    /// Findings that are accepted, with reasons: a TOML file of waiver tables with rule, reason, expires and match
    #[arg(long, value_name = "FILE")]
    waivers: Option<PathBuf>,
    /// The day by which waivers are over [default: today]
    #[arg(long, value_name = "DATE")]
    today: Option<Date>,
    /// An older report in JSON: say what is new and what is gone
    #[arg(long, value_name = "FILE")]
    diff: Option<PathBuf>,
    /// Propose a policy that mends the findings, and the grade that it would have
    #[arg(long)]
    fix: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ProfileName {
    Mantlet,
    Observatory,
    Presence,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum AlgorithmNumber {
    #[value(name = "4")]
    Four,
    #[value(name = "6")]
    Six,
}

/// A grade of any profile.
fn grade(text: &str) -> Result<String, String> {
    let upper = text.to_ascii_uppercase();
    let is_grade = matches!(upper.as_bytes(), [b'A'..=b'F'] | [b'A'..=b'F', b'+' | b'-']);
    is_grade
        .then_some(upper)
        .ok_or_else(|| "a grade from A+ to F".to_owned())
}

/// Says why a file cannot be used.
fn unusable(file: &Path, error: impl std::fmt::Display) -> Failure {
    eprintln!("mantlet: {}: {error}", file.display());
    Failure::Unusable
}

impl Scan {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let preload = match &self.preload_list {
            None => PreloadList::default(),
            Some(file) => PreloadList::from_json(&read_text(file)?)
                .map_err(|error| unusable(file, format!("not a preload list: {error}")))?,
        };
        if let Some(policy) = &self.csp {
            let report = Report::of_policy(policy, self.url.clone());
            let judged = Judged {
                report,
                repair: None,
            };
            return self.tell(&Judgement {
                pages: vec![Ok(judged)],
                is_list: false,
                artifact: "policy".to_owned(),
            });
        }
        let file = self.file.as_ref().or(self.from_file.as_ref());
        let file = file.context("no file")?;
        let pages =
            Pages::read(&read_text(file)?, &self.url).map_err(|error| unusable(file, error))?;
        for error in pages.pages.iter().filter_map(|page| page.as_ref().err()) {
            eprintln!("mantlet: {}: {error}", file.display());
        }
        if self.profile == ProfileName::Observatory
            && matches!(self.format, Format::Text | Format::Json)
        {
            return self.tell_as_the_observatory(&pages, &preload);
        }
        let waivers = self.read_waivers()?;
        let profile = match self.profile {
            ProfileName::Mantlet => Profile::Mantlet,
            ProfileName::Observatory => Profile::Observatory,
            ProfileName::Presence => Profile::Presence,
        };
        let today = Some(self.day());
        let judged = |seen: &Observation| Judged {
            report: Report::new(seen, &preload, &waivers, today).graded_by(profile, seen),
            repair: self.fix.then(|| repair(seen)),
        };
        let each = pages.pages.iter();
        self.tell(&Judgement {
            pages: each
                .map(|page| page.as_ref().map(judged).map_err(ToString::to_string))
                .collect(),
            is_list: pages.is_list,
            artifact: file.display().to_string(),
        })
    }

    fn tell_as_the_observatory(&self, pages: &Pages, preload: &PreloadList) -> Result<(), Failure> {
        self.refuse_what_is_ours()?;
        let algorithm = match self.algorithm {
            AlgorithmNumber::Four => Algorithm::Four,
            AlgorithmNumber::Six => Algorithm::Six,
        };
        let told = observatory::told(pages, algorithm, preload, self.format == Format::Json);
        self.write(&told.out)?;
        let below = self
            .fail_below
            .as_ref()
            .filter(|limit| told.is_below(limit));
        let unread = pages.pages.iter().filter(|page| page.is_err()).count();
        finish(unread, below.map(|limit| format!("graded below {limit}")))
    }

    /// The Observatory knows neither our findings nor what is made of them.
    fn refuse_what_is_ours(&self) -> Result<(), Failure> {
        let ours = [
            ("--fail-on", self.fail_on.is_some()),
            ("--baseline", self.baseline.is_some()),
            ("--waivers", self.waivers.is_some()),
            ("--diff", self.diff.is_some()),
            ("--fix", self.fix),
        ];
        match ours.iter().find(|(_, given)| *given) {
            Some((flag, _)) => {
                eprintln!(
                    "mantlet: {flag} is about mantlet's findings: leave --profile observatory out"
                );
                Err(Failure::Unusable)
            }
            None => Ok(()),
        }
    }

    fn read_waivers(&self) -> Result<Waivers, Failure> {
        let Some(file) = &self.waivers else {
            return Ok(Waivers::default());
        };
        let text = read_text(file)?;
        Waivers::from_toml(&String::from_utf8_lossy(&text)).map_err(|error| unusable(file, error))
    }

    fn day(&self) -> Date {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        self.today
            .unwrap_or_else(|| Date::of_unix_time(now.as_secs()))
    }

    fn older(&self, file: Option<&PathBuf>) -> Result<Option<Value>, Failure> {
        let Some(file) = file else { return Ok(None) };
        let value = serde_json::from_slice(&read_text(file)?);
        value
            .map(Some)
            .map_err(|error| unusable(file, format!("not a report in JSON: {error}")))
    }

    /// Writes the reports, and says whether they pass.
    fn tell(&self, judgement: &Judgement) -> Result<(), Failure> {
        let baseline = self.older(self.baseline.as_ref())?;
        let older = self.older(self.diff.as_ref())?;
        self.write(&judgement.told(self.format, older.as_ref(), self.colour()))?;
        let unread = judgement.pages.iter().filter(|page| page.is_err()).count();
        finish(unread, self.gate(judgement.reports(), baseline.as_ref()))
    }

    /// Why the reports do not pass.
    fn gate<'r>(
        &self,
        reports: impl Iterator<Item = &'r Report>,
        baseline: Option<&Value>,
    ) -> Option<String> {
        for report in reports {
            let graded = &report.graded;
            if let Some(limit) = self.fail_below.as_ref()
                && graded.is_below(limit) == Some(true)
            {
                return Some(format!(
                    "{}: graded {}, below {limit}",
                    report.url, graded.grade
                ));
            }
            let known = baseline
                .map(|old| render::identities(old, &report.url))
                .unwrap_or_default();
            let counts = report
                .findings
                .iter()
                .filter(|finding| !known.contains(&finding.identity()));
            let worst = counts.max_by_key(|finding| finding.severity);
            if let (Some(limit), Some(worst)) = (self.fail_on, worst)
                && worst.severity >= limit
            {
                return Some(format!(
                    "{}: {} is {}",
                    report.url, worst.rule.name, worst.severity
                ));
            }
        }
        None
    }

    fn write(&self, text: &str) -> Result<(), Failure> {
        match &self.output {
            Some(file) => {
                let written =
                    File::create(file).and_then(|mut file| file.write_all(text.as_bytes()));
                written.map_err(|error| unusable(file, error))
            }
            None => Ok(std::io::stdout().lock().write_all(text.as_bytes())?),
        }
    }

    fn colour(&self) -> Colour {
        // https://no-color.org/
        let wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        match wanted && self.output.is_none() && std::io::stdout().is_terminal() {
            true => Colour::Ansi,
            false => Colour::Plain,
        }
    }
}

fn finish(unread: usize, failed: Option<String>) -> Result<(), Failure> {
    match (unread, failed) {
        (0, None) => Ok(()),
        (_, Some(message)) => Err(anyhow!(message).into()),
        (1, None) => Err(anyhow!("a capture could not be read").into()),
        (count, None) => Err(anyhow!("{count} captures could not be read").into()),
    }
}
