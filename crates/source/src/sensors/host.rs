//! The files of the host (proc(5)).

use std::path::Path;

use super::{Seen, number, share, text};

/// CPU time of all processors since the host started, at the last reading.
#[derive(Debug, Default)]
pub(super) struct Cpu {
    last: Option<Times>,
}

#[derive(Clone, Copy, Debug)]
struct Times {
    idle: u64,
    all: u64,
}

impl Cpu {
    pub(super) fn read(&mut self, root: &Path) -> Option<Seen> {
        let stat = text(&root.join("proc/stat"))?;
        let fields = stat.lines().next()?.strip_prefix("cpu ")?;
        // user, nice, system, idle, iowait, irq, softirq, steal; what a guest uses is in `user` already
        let fields: Vec<u64> = fields
            .split_whitespace()
            .take(8)
            .map_while(|it| it.parse().ok())
            .collect();
        let idle = fields.get(3)?.saturating_add(*fields.get(4)?);
        let all = fields
            .iter()
            .fold(0, |sum: u64, it| sum.saturating_add(*it));
        let Some(before) = self.last.replace(Times { idle, all }) else {
            return Some(Seen::First);
        };
        let idle = idle.saturating_sub(before.idle) as f64;
        let all = all.saturating_sub(before.all) as f64;
        // no tick of the host's clock has passed
        Some(share(idle, all).map_or(Seen::First, |idle| Seen::Part(1.0 - idle)))
    }
}

/// The part of the memory that nobody can have.
pub(super) fn memory(root: &Path) -> Option<f64> {
    let info = text(&root.join("proc/meminfo"))?;
    let available = number(&info, "MemAvailable")? as f64;
    share(available, number(&info, "MemTotal")? as f64).map(|available| 1.0 - available)
}
