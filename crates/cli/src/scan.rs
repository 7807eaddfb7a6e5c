//! `mantlet scan`: how good is a response.

use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use clap::{Args, ValueEnum};
use mantlet_audit::capture::{self, Entry, MAX_BYTES, Unreadable};
use mantlet_audit::observatory::{self, Algorithm};
use mantlet_audit::{Observation, PreloadList};
use serde_json::{Value, json};

use crate::Failure;

/// Grade a captured response
#[derive(Args)]
pub(crate) struct Scan {
    /// A capture: JSON (an object or a list), the text of curl -i, or a HAR file; - is standard input
    #[arg(value_name = "FILE", required_unless_present = "from_file")]
    file: Option<PathBuf>,
    /// The same
    #[arg(long, value_name = "FILE", conflicts_with = "file")]
    from_file: Option<PathBuf>,
    /// The URL of a captured text that does not say its own
    #[arg(long, value_name = "URL", default_value = "https://example.com/")]
    url: url::Url,
    /// Whose judgement
    #[arg(long, value_name = "NAME", default_value = "observatory")]
    profile: Profile,
    /// Which of the Observatory's algorithms: 4 (its npm package 1.4) or 6
    #[arg(long, value_name = "NUMBER", default_value = "6")]
    algorithm: AlgorithmNumber,
    /// A preload list as JSON, of Chromium or of the Observatory
    #[arg(long, value_name = "FILE")]
    preload_list: Option<PathBuf>,
    /// How it is told
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Format,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Profile {
    /// The tests, score and grade of the HTTP Observatory
    Observatory,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum AlgorithmNumber {
    #[value(name = "4")]
    Four,
    #[value(name = "6")]
    Six,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
}

/// Reads a file, or standard input for `-`, as far as a capture may be long.
pub(crate) fn read_text(file: &Path) -> Result<Vec<u8>, Failure> {
    let mut text = Vec::new();
    let limit = MAX_BYTES as u64 + 1;
    let read = if file == Path::new("-") {
        std::io::stdin().lock().take(limit).read_to_end(&mut text)
    } else {
        File::open(file).and_then(|open| open.take(limit).read_to_end(&mut text))
    };
    match read {
        Ok(_) if text.len() > MAX_BYTES => {
            eprintln!(
                "mantlet: {}: longer than {} MiB",
                file.display(),
                MAX_BYTES >> 20
            );
            Err(Failure::Unusable)
        }
        Ok(_) => Ok(text),
        Err(error) => {
            eprintln!("mantlet: {}: {error}", file.display());
            Err(Failure::Unusable)
        }
    }
}

impl Scan {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let file = self.file.as_ref().or(self.from_file.as_ref());
        let file = file.context("no file")?;
        let text = read_text(file)?;
        let preload = match &self.preload_list {
            None => PreloadList::default(),
            Some(file) => PreloadList::from_json(&read_text(file)?).map_err(|error| {
                eprintln!("mantlet: {}: not a preload list: {error}", file.display());
                Failure::Unusable
            })?,
        };
        let (seen, is_list) = self.observations(&text).map_err(|error| {
            eprintln!("mantlet: {}: {error}", file.display());
            Failure::Unusable
        })?;
        let Profile::Observatory = self.profile;
        let algorithm = match self.algorithm {
            AlgorithmNumber::Four => Algorithm::Four,
            AlgorithmNumber::Six => Algorithm::Six,
        };
        let mut out = std::io::stdout().lock();
        let mut values = Vec::new();
        let mut unread = 0;
        for one in &seen {
            match (one, self.format) {
                (Ok(seen), Format::Json) => {
                    let mut value = observatory::scan(seen, algorithm, &preload).to_json();
                    value["url"] = Value::from(seen.url.as_str());
                    values.push(value);
                }
                (Ok(seen), Format::Text) => tell(
                    &mut out,
                    seen,
                    &observatory::scan(seen, algorithm, &preload),
                )?,
                (Err(error), format) => {
                    unread += 1;
                    eprintln!("mantlet: {}: {error}", file.display());
                    if format == Format::Json {
                        values.push(json!({"scan": {"error": error.to_string(), "score": null, "grade": null}, "tests": {}}));
                    }
                }
            }
        }
        if self.format == Format::Json {
            let value = match is_list {
                true => Value::Array(values),
                false => values.pop().unwrap_or_default(),
            };
            writeln!(out, "{value:#}")?;
        }
        match unread {
            0 => Ok(()),
            count => Err(anyhow!("{count} of {} captures could not be read", seen.len()).into()),
        }
    }

    /// The observations of a file, and whether it holds a list.
    fn observations(
        &self,
        text: &[u8],
    ) -> Result<(Vec<Result<Observation, Unreadable>>, bool), Unreadable> {
        if text.trim_ascii_start().starts_with(b"[")
            && let Entry::List(list) = capture::entries(text)?
        {
            return Ok((list, true));
        }
        let found = capture::any(text, &self.url)?;
        let is_list = found.len() > 1;
        Ok((found.into_iter().map(Ok).collect(), is_list))
    }
}

fn tell(out: &mut impl Write, seen: &Observation, scan: &observatory::Scan) -> std::io::Result<()> {
    writeln!(out, "{}", seen.url)?;
    for test in &scan.tests {
        writeln!(
            out,
            "  {:>4}  {:<30} {}",
            test.modifier, test.name, test.result
        )?;
    }
    match (&scan.error, scan.score, scan.grade) {
        (None, Some(score), Some(grade)) => writeln!(out, "  {score:>4}  {grade}\n"),
        (error, ..) => writeln!(out, "  {}\n", error.as_deref().unwrap_or("no grade")),
    }
}
