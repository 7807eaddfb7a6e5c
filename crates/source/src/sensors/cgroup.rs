//! The control group of this process (<https://docs.kernel.org/admin-guide/cgroup-v2.html>), and those above it: each of their
//! limits binds us too, so the one that is nearest to its end counts.

use std::path::{Path, PathBuf};
use std::time::Instant;

use super::{Seen, number, share, text};

const MOUNT: &str = "sys/fs/cgroup";

#[derive(Debug)]
pub(super) struct Cgroup {
    /// The folders of the group and of those above it, the group's own first.
    folders: Vec<PathBuf>,
    /// What was used of each quota at the last reading, in the order of the folders.
    used: Vec<Option<Used>>,
}

#[derive(Clone, Copy, Debug)]
struct Used {
    at: Instant,
    micros: u64,
    periods: u64,
    throttled: u64,
}

impl Cgroup {
    /// The group of this process, if the host has cgroup v2 and nothing else.
    pub(super) fn find(root: &Path) -> Option<Self> {
        let mount = root.join(MOUNT);
        if !mount.join("cgroup.controllers").is_file() {
            return None;
        }
        let groups = text(&root.join("proc/self/cgroup"))?;
        let path = groups.lines().find_map(|line| line.strip_prefix("0::/"))?;
        // a group above the root of this namespace is told as `/../name`, and is not in our sight
        let own = match path.split('/').any(|it| it == "..") {
            true => mount.clone(),
            false => mount.join(path),
        };
        let own = if own.is_dir() { own } else { mount.clone() };
        let folders: Vec<_> = own
            .ancestors()
            .take_while(|it| it.starts_with(&mount))
            .map(Path::to_path_buf)
            .collect();
        Some(Self {
            used: vec![None; folders.len()],
            folders,
        })
    }

    pub(super) fn cpu(&mut self, now: Instant) -> Option<Seen> {
        let mut most: Option<Seen> = None;
        for (folder, used) in self.folders.iter().zip(&mut self.used) {
            let Some(seen) = quota_used(folder, used, now) else {
                continue;
            };
            most = Some(match (most, seen) {
                (Some(Seen::Part(one)), Seen::Part(other)) => Seen::Part(one.max(other)),
                (Some(Seen::Part(one)), Seen::First) => Seen::Part(one),
                (_, seen) => seen,
            });
        }
        most.or_else(|| stalled(&self.folders[0].join("cpu.pressure")).map(Seen::Part))
    }

    pub(super) fn memory(&self) -> Option<f64> {
        let used = |folder: &PathBuf| {
            // `max`, where there is no limit, is no number
            let limit: u64 = text(&folder.join("memory.max"))?.trim().parse().ok()?;
            let current: u64 = text(&folder.join("memory.current"))?.trim().parse().ok()?;
            let droppable = number(&text(&folder.join("memory.stat"))?, "inactive_file")?;
            share(current.saturating_sub(droppable) as f64, limit as f64)
        };
        self.folders
            .iter()
            .filter_map(used)
            .reduce(f64::max)
            .or_else(|| stalled(&self.folders[0].join("memory.pressure")))
    }
}

/// The part of its quota that the group of `folder` has used since `last`; `None` where there is no quota.
fn quota_used(folder: &Path, last: &mut Option<Used>, now: Instant) -> Option<Seen> {
    let max = text(&folder.join("cpu.max"))?;
    let (quota, period) = max.trim().split_once(' ')?;
    // `max`, where there is no quota, is no number
    let (quota, period): (f64, f64) = (quota.parse().ok()?, period.parse().ok()?);
    let processors = share(quota, period)?;
    let stat = text(&folder.join("cpu.stat"))?;
    let used = Used {
        at: now,
        micros: number(&stat, "usage_usec")?,
        periods: number(&stat, "nr_periods").unwrap_or(0),
        throttled: number(&stat, "nr_throttled").unwrap_or(0),
    };
    let Some(before) = last.replace(used) else {
        return Some(Seen::First);
    };
    let elapsed = now.saturating_duration_since(before.at).as_secs_f64() * 1e6;
    let micros = used.micros.saturating_sub(before.micros) as f64;
    let busy = share(micros, elapsed * processors).unwrap_or(0.0);
    let periods = used.periods.saturating_sub(before.periods) as f64;
    let throttled = used.throttled.saturating_sub(before.throttled) as f64;
    Some(Seen::Part(
        busy.max(share(throttled, periods).unwrap_or(0.0)),
    ))
}

/// The part of the last ten seconds in which something waited (pressure stall information).
fn stalled(path: &Path) -> Option<f64> {
    let text = text(path)?;
    let some = text.lines().find_map(|line| line.strip_prefix("some "))?;
    let average = some
        .split(' ')
        .find_map(|field| field.strip_prefix("avg10="))?;
    let percent: f64 = average.parse().ok()?;
    Some(percent / 100.0)
}
