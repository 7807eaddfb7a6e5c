//! `mantlet limit`: how many requests, of whom, tried before it is in force.

mod json;
mod log_file;
mod plot;
mod svg;
mod text;
pub(crate) mod words;

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use clap::{Args, Subcommand};
use mantlet_config::{Config, load};
use mantlet_engine::policy::Policy;
use mantlet_trace::{Format, Replay, Summary};

use self::log_file::{LogFile, Unreadable};
use self::plot::Style;
use crate::Failure;
use crate::asked::Lenient;
use crate::policy::{self, DEFAULT_FILE};

/// Try the limits of a policy
#[derive(Args)]
pub(crate) struct Limit {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Simulate(Simulate),
}

impl Limit {
    pub(crate) fn run(self) -> Result<(), Failure> {
        match self.command {
            Command::Simulate(simulate) => simulate.run(),
        }
    }
}

/// Replay an access log through the limits of a policy, and say who would have been limited
///
/// The engine itself judges each line, at the time that the log tells; no other check of the policy is asked:
///
///     mantlet limit simulate --trace /var/log/nginx/access.log
#[derive(Args)]
#[command(verbatim_doc_comment)]
struct Simulate {
    /// The policy file
    #[arg(long, value_name = "FILE", default_value = DEFAULT_FILE)]
    policy: PathBuf,
    /// An access log, gzip or not, or - for standard input; several, the oldest first
    #[arg(long, value_name = "FILE", required = true, num_args = 1..)]
    trace: Vec<PathBuf>,
    /// auto, combined (nginx and Apache, common too) or caddy (its JSON lines)
    #[arg(long, value_name = "NAME", default_value_t)]
    format: Format,
    /// How many of those are shown that each limit denies the most
    #[arg(long, value_name = "NUMBER", default_value_t = 10)]
    top: usize,
    /// Draw the requests over time into this file too
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// Print JSON, for programs
    #[arg(long)]
    json: bool,
}

/// What was replayed: each log, and how many lines there were before its first.
struct Logs(Vec<(String, u64)>);

impl Logs {
    /// Their names.
    fn names(&self) -> String {
        let names: Vec<_> = self.0.iter().map(|(name, _)| name.as_str()).collect();
        names.join(", ")
    }

    /// The log and the number in it of the line with this number.
    fn place(&self, line: u64) -> (&str, u64) {
        let before = |(_, lines): &&(String, u64)| *lines < line;
        let log = self.0.iter().rev().find(before);
        log.map_or(("", line), |(name, lines)| (name, line - lines))
    }
}

impl Simulate {
    fn run(self) -> Result<(), Failure> {
        let policy = self.limits()?;
        let (summary, logs) = self.replay(policy)?;
        if summary.requests == 0 {
            eprintln!("mantlet: {} tells of no request", logs.names());
            for (line, why) in &summary.first_malformed {
                let (name, line) = logs.place(*line);
                eprintln!("  {name}:{line}: {why}");
            }
            return Err(Failure::Unusable);
        }
        if let Some(path) = &self.svg {
            let drawing = svg::drawing(&summary, &logs.names());
            std::fs::write(path, drawing)
                .with_context(|| format!("cannot write {}", path.display()))?;
        }
        let mut out = std::io::stdout().lock();
        if self.json {
            let json = json::summary(&summary, &logs);
            writeln!(out, "{}", serde_json::to_string_pretty(&json)?)?;
            return Ok(());
        }
        let colored =
            out.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|no| no.is_empty());
        let columns = terminal_size::terminal_size().map_or(80, |(width, _)| width.0.into());
        let style = Style { colored, columns };
        write!(out, "{}", text::summary(&summary, &logs, style))?;
        Ok(())
    }

    /// The limits of the policy, and no other check.
    fn limits(&self) -> Result<Policy, Failure> {
        let file = self.policy.display();
        let loaded = load(&self.policy, None).map_err(|report| {
            policy::print(&report);
            if self.policy == Path::new(DEFAULT_FILE) && !self.policy.exists() {
                eprintln!("--policy names another; mantlet init writes one");
            }
            Failure::Unusable
        })?;
        policy::print(&loaded.warnings);
        let source = loaded.source.ok_or_else(|| anyhow!("{file} has no text"))?;
        let config = Config::read(&source).map(|(config, _)| config);
        let alone = config.and_then(|config| config.limits_alone());
        let policy = alone.map_err(|report| anyhow!("{report}"))?;
        if policy.limits.is_empty() {
            eprintln!(
                "mantlet: {file} has no limit to try. One for each client:\n\n\
                 [limit]\nrequests = 100\nwindow = \"1m\""
            );
            return Err(Failure::Unusable);
        }
        Ok(policy)
    }

    fn replay(&self, policy: Policy) -> Result<(Summary, Logs), Failure> {
        let mut replay = Replay::new(policy, Lenient, self.format);
        let mut logs = Logs(Vec::new());
        for path in &self.trace {
            let mut log = LogFile::open(path).map_err(|error| unreadable(path, &error))?;
            logs.0.push((log.name().to_owned(), replay.lines()));
            loop {
                match log.line() {
                    Ok(Some(line)) => replay.line(line),
                    Ok(None) => break,
                    Err(Unreadable::TooLong) => replay.skip("it is longer than 64 KiB"),
                    Err(Unreadable::Io(error)) => return Err(unreadable(path, &error)),
                }
            }
        }
        Ok((replay.finish(self.top), logs))
    }
}

fn unreadable(path: &Path, error: &std::io::Error) -> Failure {
    eprintln!("mantlet: cannot read {}: {error}", path.display());
    Failure::Unusable
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Two requests a second for each client; one client that asks so often in each second.
    pub(crate) fn summary_of(seconds: &[usize]) -> Summary {
        let config = Config::parse("[limit]\nrequests = 2\nwindow = 1").expect("right");
        let policy = config.limits_alone().expect("right");
        let mut replay = Replay::new(policy, Lenient, Format::Combined);
        for (second, requests) in seconds.iter().enumerate() {
            let line = format!(
                "192.0.2.1 - - [22/Nov/2026:15:00:{second:02} +0000] \"GET / HTTP/1.1\" 200 5"
            );
            for _ in 0..*requests {
                replay.line(line.as_bytes());
            }
        }
        replay.finish(3)
    }

    #[test]
    fn a_line_is_found_in_its_log() {
        let logs = Logs(vec![
            ("old".to_owned(), 0),
            ("empty".to_owned(), 5),
            ("new".to_owned(), 5),
        ]);
        assert_eq!(logs.place(1), ("old", 1));
        assert_eq!(logs.place(5), ("old", 5));
        assert_eq!(logs.place(6), ("new", 1));
        assert_eq!(logs.names(), "old, empty, new");
    }
}
