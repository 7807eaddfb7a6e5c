//! `--list`: a site a line in, a JSON object a line out, in the order in which sites are done.
//!
//! Each line out has `asked`, the line in, beside the report (or `error`), so that `--resume` knows what is done: the file
//! out is its own record. The line is brief; `--format json` writes whole reports. A last line that was cut off by a crash is dropped, and its site asked again.

use std::collections::HashSet;
use std::collections::hash_map::RandomState;
use std::fs::File;
use std::hash::BuildHasher;
use std::io::{self, BufRead, BufReader, BufWriter, IsTerminal, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::anyhow;
use mantlet_audit::Report;
use mantlet_scan::Seen;
use serde::Deserialize;
use serde_json::{Value, json};

use super::judged::Format;
use super::live::runtime;
use super::{Scan, unusable};
use crate::Failure;

/// How often progress is told on a terminal, and in a log.
const TERMINAL: Duration = Duration::from_millis(200);
const LOG: Duration = Duration::from_secs(30);

/// A line of a list is a URL; what is longer is none, and is not kept.
const MAX_LINE: u64 = 16 << 10;

/// What was done before, by the hash of its line: eight bytes a site. A wrong guess needs two sites of one hash.
struct Done {
    hashes: HashSet<u64>,
    hasher: RandomState,
}

#[derive(Deserialize)]
struct Record {
    asked: String,
}

impl Done {
    fn none() -> Self {
        Self {
            hashes: HashSet::new(),
            hasher: RandomState::new(),
        }
    }

    /// Reads what an earlier run wrote; the length of it that is whole.
    fn read(&mut self, file: &File) -> io::Result<u64> {
        let mut reader = BufReader::new(file);
        let mut whole = 0;
        let mut line = Vec::new();
        loop {
            line.clear();
            let length = reader.read_until(b'\n', &mut line)?;
            if line.last() != Some(&b'\n') {
                return Ok(whole);
            }
            whole += length as u64;
            let record: Record = serde_json::from_slice(&line)
                .map_err(|error| io::Error::other(format!("not of a bulk scan: {error}")))?;
            self.hashes.insert(self.hasher.hash_one(record.asked));
        }
    }

    fn has(&self, line: &str) -> bool {
        !self.hashes.is_empty() && self.hashes.contains(&self.hasher.hash_one(line))
    }
}

/// The lines of a list that name a site: comments (#) and empty ones do not.
struct Lines<R>(R);

impl<R: BufRead> Iterator for Lines<R> {
    type Item = io::Result<String>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let mut line = Vec::new();
            match self.0.by_ref().take(MAX_LINE).read_until(b'\n', &mut line) {
                Ok(0) => return None,
                Err(error) => return Some(Err(error)),
                Ok(_) => {}
            }
            if line.len() as u64 == MAX_LINE && line.last() != Some(&b'\n') {
                // the rest of it is no site of its own
                if let Err(error) = self.0.skip_until(b'\n') {
                    return Some(Err(error));
                }
                line.truncate(200);
                line.extend_from_slice(b"...");
            }
            let text = String::from_utf8_lossy(&line);
            let text = text.trim();
            if !text.is_empty() && !text.starts_with('#') {
                return Some(Ok(text.to_owned()));
            }
        }
    }
}

/// What the run came to.
#[derive(Default)]
struct Tally {
    done: u64,
    failed: u64,
    below: u64,
}

/// One site: its line, and what it counts for.
struct Line {
    text: String,
    failed: bool,
    below: bool,
}

/// What a line of a list says: of a million sites, nobody keeps the advice.
fn brief(report: &Report) -> Value {
    let findings = report.findings.iter().map(|finding| {
        json!({"rule": finding.rule.name, "severity": finding.severity.as_str(), "message": finding.message})
    });
    let waived = report.waived.iter().map(|(finding, _)| finding.rule.name);
    let peer = &report.observatory;
    json!({
        "url": report.url,
        "profile": report.graded.profile.as_str(),
        "grade": report.graded.grade,
        "score": report.graded.score,
        "findings": findings.collect::<Vec<_>>(),
        "waived": waived.collect::<Vec<_>>(),
        "observatory": {"grade": peer.grade, "score": peer.score},
    })
}

/// Progress on standard error.
struct Progress {
    began: Instant,
    told: Instant,
    every: Duration,
    end: &'static str,
}

impl Progress {
    fn new() -> Self {
        let now = Instant::now();
        let (every, end) = match io::stderr().is_terminal() {
            true => (TERMINAL, "\r"),
            false => (LOG, "\n"),
        };
        Self {
            began: now,
            told: now,
            every,
            end,
        }
    }

    fn tell(&mut self, tally: &Tally, is_last: bool) {
        if !is_last && self.told.elapsed() < self.every {
            return;
        }
        self.told = Instant::now();
        let seconds = self.began.elapsed().as_secs_f64().max(0.001);
        // counts of sites are far below what a float holds exactly
        #[allow(clippy::cast_precision_loss)]
        let rate = tally.done as f64 / seconds;
        let end = if is_last { "\n" } else { self.end };
        eprint!(
            "mantlet: {} sites, {} failed, {rate:.0} a second{end}",
            tally.done, tally.failed
        );
    }
}

impl Scan {
    /// Scans a list.
    pub(super) fn bulk(self, list: &Path) -> Result<(), Failure> {
        self.refuse_what_is_of_one()?;
        let judge = self.judge()?;
        let retriever = self.live.retriever()?;
        let input: Box<dyn Read> = match list == Path::new("-") {
            true => Box::new(io::stdin().lock()),
            false => Box::new(File::open(list).map_err(|error| unusable(list, error))?),
        };
        let mut done = Done::none();
        let out = self.bulk_out(&mut done)?;
        let mut out = BufWriter::new(out);
        let mut broken = None;
        let sites = Lines(BufReader::new(input))
            .map_while(|line| line.map_err(|error| broken = Some(error)).ok())
            .filter(|line| !done.has(line));
        let limit = self.fail_below.clone();
        let whole = self.format == Format::Json;
        let mut tally = Tally::default();
        let mut progress = Progress::new();
        let line = move |asked: &str, seen: Result<Seen, mantlet_scan::Failure>| {
            let mut failed = false;
            let mut below = false;
            let mut value = json!({"asked": asked});
            let more = match seen {
                Ok(seen) => {
                    let judged = judge.judged(&seen.observation);
                    below = limit
                        .as_ref()
                        .is_some_and(|limit| judged.report.graded.is_below(limit) == Some(true));
                    let mut more = match whole {
                        true => judged.json(None),
                        false => brief(&judged.report),
                    };
                    more["remarks"] = seen.remarks.into();
                    more
                }
                Err(failure) => {
                    failed = true;
                    json!({"error": failure.to_string(), "grade": null, "score": null})
                }
            };
            if let (Value::Object(value), Value::Object(more)) = (&mut value, more) {
                value.extend(more);
            }
            Line {
                text: format!("{value}\n"),
                failed,
                below,
            }
        };
        let concurrency = self.live.concurrency.into();
        let run = mantlet_scan::each(retriever, sites, concurrency, line, |line| {
            out.write_all(line.text.as_bytes())?;
            tally.done += 1;
            tally.failed += u64::from(line.failed);
            tally.below += u64::from(line.below);
            progress.tell(&tally, false);
            io::Result::Ok(())
        });
        runtime()?.block_on(run)?;
        out.flush()?;
        progress.tell(&tally, true);
        if let Some(error) = broken {
            return Err(unusable(list, error));
        }
        match (tally.failed, tally.below, &self.fail_below) {
            (0, 0, _) | (0, _, None) => Ok(()),
            (0, below, Some(limit)) => Err(anyhow!("{below} sites graded below {limit}").into()),
            (failed, ..) => Err(anyhow!("{failed} sites could not be seen").into()),
        }
    }

    /// Where lines go: a new file, an old one after its whole lines, or standard output.
    fn bulk_out(&self, done: &mut Done) -> Result<Box<dyn Write>, Failure> {
        if let Some(file) = &self.resume {
            let opened = File::options()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .open(file);
            let resumed = opened.and_then(|mut open| {
                let whole = done.read(&open)?;
                open.set_len(whole)?;
                open.seek(SeekFrom::Start(whole))?;
                Ok(open)
            });
            let open = resumed.map_err(|error| unusable(file, error))?;
            return Ok(Box::new(open));
        }
        match &self.output {
            Some(file) => {
                let open = File::create(file).map_err(|error| unusable(file, error))?;
                Ok(Box::new(open))
            }
            None => Ok(Box::new(io::stdout().lock())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_empty_lines_are_no_sites_and_a_long_line_is_cut() {
        let long = "x".repeat(100_000);
        let text = format!("# sites\n\n a.example \n{long}\nb.example");
        let lines: Vec<String> = Lines(text.as_bytes())
            .map(|line| line.expect("memory"))
            .collect();
        assert_eq!(lines.len(), 3);
        assert_eq!(
            (lines[0].as_str(), lines[2].as_str()),
            ("a.example", "b.example")
        );
        assert_eq!(lines[1].len(), 203);
    }

    #[test]
    fn a_line_that_was_cut_off_is_not_done() {
        let mut file = tempfile::tempfile().expect("a file");
        let whole = b"{\"asked\":\"a.example\",\"grade\":\"A\"}\n";
        file.write_all(whole).expect("room");
        file.write_all(b"{\"asked\":\"b.exam").expect("room");
        file.rewind().expect("a file");
        let mut done = Done::none();
        assert_eq!(done.read(&file).expect("read"), whole.len() as u64);
        assert!(done.has("a.example") && !done.has("b.example"));
    }

    #[test]
    fn a_file_of_something_else_is_not_resumed() {
        let mut file = tempfile::tempfile().expect("a file");
        file.write_all(b"my diary\n").expect("room");
        file.rewind().expect("a file");
        assert!(Done::none().read(&file).is_err());
    }
}
