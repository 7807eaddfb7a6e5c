//! How hard this host works: what adaptive limits read each quarter of a second.
//!
//! Linux only. The control group (v2) of this process is asked first, since a neighbour on the same machine is no reason to
//! deny our clients; the files of the host are asked where there is none. For each of the two, the first that can be read:
//!
//! | | CPU | memory |
//! |---|---|---|
//! | 1 | where it or a group above has a quota: the used part of it, or the part of its periods in which it was throttled, whichever is more | where there is a limit: used without what the kernel can drop (`inactive_file`), by the limit |
//! | 2 | the part of the last 10 seconds in which something of the group waited for a CPU (`cpu.pressure`) | in which something waited for memory (`memory.pressure`) |
//! | 3 | the part of the host's CPU time that was not idle (`/proc/stat`) | the part of the host's memory that is not available (`/proc/meminfo`) |
//!
//! **Fails open**: what cannot be read is `None`, which is no pressure; it is logged once.
//!
//! No thread and no open file: each reading opens what it reads, so a fork changes nothing. Meant to be read one at a time, by
//! the caller whom [`Pressure::wants_reading`](mantlet_limit::Pressure::wants_reading) chose.

mod cgroup;
mod host;

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use mantlet_limit::Reading;

use cgroup::Cgroup;

/// Readings closer than this are the same: in so short a time a share of CPU time means nothing.
const SHORTEST: Duration = Duration::from_millis(50);

/// Bytes that are read of a file: more than any of them has, save `/proc/stat` on very large hosts, whose first line counts.
const LONGEST: u64 = 64 * 1024;

/// The sensors of this host, or of the control group of this process.
#[derive(Debug)]
pub struct Sensors {
    root: PathBuf,
    cgroup: Option<Cgroup>,
    host: host::Cpu,
    last: Option<(Instant, Reading)>,
    cpu_told: bool,
    memory_told: bool,
}

impl Sensors {
    /// Those of this host.
    pub fn new() -> Self {
        Self::below(Path::new("/"))
    }

    /// Those of the host whose `/proc` and `/sys` are below `root`.
    pub fn below(root: &Path) -> Self {
        Self {
            root: root.to_path_buf(),
            cgroup: Cgroup::find(root),
            host: host::Cpu::default(),
            last: None,
            cpu_told: false,
            memory_told: false,
        }
    }

    /// Reads them. The first reading knows no CPU where that takes two; one within 50 milliseconds of the last is the last.
    pub fn read(&mut self) -> Reading {
        self.read_at(Instant::now())
    }

    fn read_at(&mut self, now: Instant) -> Reading {
        if let Some((at, reading)) = self.last
            && now.saturating_duration_since(at) < SHORTEST
        {
            return reading;
        }
        let cpu = match self.cgroup.as_mut().and_then(|it| it.cpu(now)) {
            Some(seen) => Some(seen),
            None => self.host.read(&self.root),
        };
        let memory = match self.cgroup.as_ref().and_then(Cgroup::memory) {
            Some(used) => Some(used),
            None => host::memory(&self.root),
        };
        tell_once("CPU", cpu.is_none(), &mut self.cpu_told);
        tell_once("memory", memory.is_none(), &mut self.memory_told);
        let part = |it: f64| it.clamp(0.0, 1.0);
        let reading = Reading {
            cpu: cpu.and_then(Seen::part).map(part),
            memory: memory.map(part),
        };
        self.last = Some((now, reading));
        reading
    }
}

impl Default for Sensors {
    fn default() -> Self {
        Self::new()
    }
}

fn tell_once(what: &str, missing: bool, told: &mut bool) {
    if missing && !*told {
        *told = true;
        tracing::warn!(
            "the {what} of this host cannot be read: adaptive limits take no notice of it"
        );
    }
}

/// What a sensor saw.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Seen {
    /// A counter for the first time: the next reading will tell.
    First,
    /// This part of the whole.
    Part(f64),
}

impl Seen {
    fn part(self) -> Option<f64> {
        match self {
            Self::First => None,
            Self::Part(part) => Some(part),
        }
    }
}

/// The text of a file, if it can be read.
fn text(path: &Path) -> Option<String> {
    let mut text = String::new();
    let file = File::open(path).ok()?;
    file.take(LONGEST).read_to_string(&mut text).ok()?;
    Some(text)
}

/// The number after `name` at the start of a line.
fn number(text: &str, name: &str) -> Option<u64> {
    text.lines()
        .filter_map(|line| line.split_once(' '))
        .find(|(key, _)| key.trim_end_matches(':') == name)
        .and_then(|(_, value)| value.split_whitespace().next()?.parse().ok())
}

/// `part` of `whole`, if there is a whole.
fn share(part: f64, whole: f64) -> Option<f64> {
    (whole > 0.0).then(|| part / whole)
}

#[cfg(test)]
mod tests;
