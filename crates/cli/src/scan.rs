//! `mantlet scan`: how good is a response, what is wrong with it, and what to send instead.
//!
//! Exit codes: 0 good enough, 1 a gate (`--fail-below`, `--fail-on`), a capture or a site failed, 2 what was given cannot be
//! used.

mod bulk;
mod input;
mod judged;
mod live;
mod observatory;

use std::fs::File;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::anyhow;
use clap::{Args, ValueEnum};
use mantlet_audit::observatory::Algorithm;
use mantlet_audit::render::{self, Colour};
use mantlet_audit::{Date, PreloadList, Profile, Report, Severity, Waivers};
use serde_json::Value;

use self::input::Pages;
pub(crate) use self::input::read_text;
use self::judged::{Format, Judge, Judged, Judgement};
use self::live::Live;
use crate::Failure;

/// What `--assume-https` stands for.
const ASSUME_HTTPS: &str = "\n[[waiver]]\nrule = \"transport.no-https\"\nreason = \"--assume-https: TLS ends in front of what was scanned\"\n";
/// What `--insecure` stands for.
const INSECURE: &str = "\n[[waiver]]\nrule = \"transport.certificate\"\nreason = \"--insecure: the certificate is known to be no good\"\n";

/// Grade a site or a captured response, and say what to send instead
///
///     mantlet scan https://example.com/
///     curl -i https://example.com/ | mantlet scan - --url https://example.com/
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Scan {
    /// URLs of http or https; or a capture: JSON (an object or a list), the text of curl -i, or a HAR file; - is standard input
    #[arg(value_name = "URL|FILE", required_unless_present_any = ["from_file", "csp", "list"])]
    target: Vec<String>,
    /// A capture
    #[arg(long, value_name = "FILE", conflicts_with = "target")]
    from_file: Option<PathBuf>,
    /// Many sites, a line each; a JSON object a line comes out. - is standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = ["target", "from_file", "csp"])]
    list: Option<PathBuf>,
    /// Go on with the lines of an earlier --list: what they have is not asked again
    #[arg(
        long,
        value_name = "FILE",
        requires = "list",
        conflicts_with = "output"
    )]
    resume: Option<PathBuf>,
    /// A Content-Security-Policy in place of a capture
    #[arg(long, value_name = "POLICY", conflicts_with_all = ["target", "from_file"])]
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
    /// TLS ends in front of what is scanned: its plain http is not held against it
    #[arg(long)]
    assume_https: bool,
    #[command(flatten)]
    live: Live,
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
        if let Some(list) = self.list.clone() {
            return self.bulk(&list);
        }
        if self.resume.is_some() {
            eprintln!("mantlet: --resume goes on with a --list, and there is none");
            return Err(Failure::Unusable);
        }
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
        let (pages, artifact) = self.pages()?;
        if self.profile == ProfileName::Observatory
            && matches!(self.format, Format::Text | Format::Json)
        {
            return self.tell_as_the_observatory(&pages, &self.read_preload_list()?);
        }
        let judge = self.judge()?;
        let each = pages.pages.iter();
        self.tell(&Judgement {
            pages: each
                .map(|page| {
                    page.as_ref()
                        .map(|seen| judge.judged(seen))
                        .map_err(Clone::clone)
                })
                .collect(),
            is_list: pages.is_list,
            artifact,
        })
    }

    /// What is scanned, and its name.
    fn pages(&self) -> Result<(Pages, String), Failure> {
        if !self.target.is_empty() && self.target.iter().all(|text| live::is_site(text)) {
            return Ok((self.live.pages(&self.target)?, self.target.join(" ")));
        }
        let file = match (self.target.as_slice(), &self.from_file) {
            ([], Some(file)) => file.clone(),
            ([file], _) if !live::is_site(file) => PathBuf::from(file),
            _ => {
                eprintln!("mantlet: give URLs of http or https, or one file");
                return Err(Failure::Unusable);
            }
        };
        let pages =
            Pages::read(&read_text(&file)?, &self.url).map_err(|error| unusable(&file, error))?;
        for error in pages.pages.iter().filter_map(|page| page.as_ref().err()) {
            eprintln!("mantlet: {}: {error}", file.display());
        }
        Ok((pages, file.display().to_string()))
    }

    fn judge(&self) -> Result<Judge, Failure> {
        Ok(Judge {
            preload: self.read_preload_list()?,
            waivers: self.read_waivers()?,
            today: self.day(),
            profile: match self.profile {
                ProfileName::Mantlet => Profile::Mantlet,
                ProfileName::Observatory => Profile::Observatory,
                ProfileName::Presence => Profile::Presence,
            },
            fix: self.fix,
        })
    }

    fn read_preload_list(&self) -> Result<PreloadList, Failure> {
        match &self.preload_list {
            None => Ok(PreloadList::default()),
            Some(file) => PreloadList::from_json(&read_text(file)?)
                .map_err(|error| unusable(file, format!("not a preload list: {error}"))),
        }
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
            ("--assume-https", self.assume_https),
            ("--insecure", self.live.insecure),
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

    /// A list has a line a site: what compares or draws one report has no place in it.
    fn refuse_what_is_of_one(&self) -> Result<(), Failure> {
        let of_one = [
            (
                "--format",
                !matches!(self.format, Format::Text | Format::Json),
            ),
            ("--fail-on", self.fail_on.is_some()),
            ("--baseline", self.baseline.is_some()),
            ("--diff", self.diff.is_some()),
            ("--fix", self.fix),
        ];
        match of_one.iter().find(|(_, given)| *given) {
            Some((flag, _)) => {
                eprintln!(
                    "mantlet: {flag} does not go with --list, which writes a JSON object a line"
                );
                Err(Failure::Unusable)
            }
            None => Ok(()),
        }
    }

    /// Those of the file, and those that flags stand for: each is told in the report, with its reason.
    fn read_waivers(&self) -> Result<Waivers, Failure> {
        let mut text = match &self.waivers {
            None => String::new(),
            Some(file) => String::from_utf8_lossy(&read_text(file)?).into_owned(),
        };
        let flags = [
            (self.assume_https, ASSUME_HTTPS),
            (self.live.insecure, INSECURE),
        ];
        for (_, waiver) in flags.iter().filter(|(given, _)| *given) {
            text.push_str(waiver);
        }
        let file = self.waivers.as_deref().unwrap_or(Path::new("waivers"));
        Waivers::from_toml(&text).map_err(|error| unusable(file, error))
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
        (1, None) => Err(anyhow!("a page could not be had").into()),
        (count, None) => Err(anyhow!("{count} pages could not be had").into()),
    }
}
