//! A policy file that is followed, on the way of the requests.
//!
//! A request that comes late enough after the last look asks the system about the file; one that has changed is read. There is
//! no thread: it would be gone in the workers that a server forks. What the file says then is in force for the next request,
//! and the one under way keeps the policy it was opened with. A file that is wrong, or empty, is told to the log once and
//! leaves the policy as it is, and so does one that is gone.
//!
//! `ConfigMap` volumes and editors replace the file or a link to it: the file at the end of the path is what is looked at.

use std::fs::Metadata;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant, SystemTime};

use mantlet_engine::Live;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;

use crate::log;
use crate::policy::Policy;

/// A policy file and the policy in force.
pub(crate) struct Followed {
    path: PathBuf,
    /// At least so long between two looks.
    every: Duration,
    began: Instant,
    /// When to look next, in nanoseconds since `began`.
    next: AtomicU64,
    seen: Mutex<Option<Stamp>>,
    policy: RwLock<Py<Policy>>,
    /// What asks the store in our place.
    client: Option<Py<PyAny>>,
}

impl Followed {
    /// Reads the file.
    ///
    /// # Errors
    /// `PolicyError` for a policy with errors, and for a file that cannot be read.
    pub(crate) fn new(
        py: Python<'_>,
        path: PathBuf,
        every: Duration,
        client: Option<Py<PyAny>>,
    ) -> PyResult<Self> {
        // before it is read: a change that comes in between is seen at the next look
        let seen = Stamp::of(&path);
        let policy = Py::new(py, Policy::of_file(py, &path, None, client.as_ref())?)?;
        Ok(Self {
            path,
            every,
            began: Instant::now(),
            next: AtomicU64::new(nanoseconds(every)),
            seen: Mutex::new(seen),
            policy: RwLock::new(policy),
            client,
        })
    }

    pub(crate) fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.client)?;
        match self.policy.try_read() {
            Ok(policy) => visit.call(&*policy),
            Err(_) => Ok(()),
        }
    }

    /// The policy for a request that comes now.
    pub(crate) fn policy<'py>(&self, py: Python<'py>) -> Bound<'py, Policy> {
        if self.is_due() {
            self.look(py);
        }
        self.in_force(py)
    }

    /// The policy, without a look at the file.
    pub(crate) fn in_force<'py>(&self, py: Python<'py>) -> Bound<'py, Policy> {
        // held for a clone or a swap, never while Python code runs: a poisoned one is sound
        let policy = self.policy.read().unwrap_or_else(PoisonError::into_inner);
        policy.bind(py).clone()
    }

    /// Whether it is time to look, for one of the threads that ask.
    fn is_due(&self) -> bool {
        let now = nanoseconds(self.began.elapsed());
        let next = self.next.load(Ordering::Relaxed);
        let then = now.saturating_add(nanoseconds(self.every));
        now >= next
            && self
                .next
                .compare_exchange(next, then, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok()
    }

    fn look(&self, py: Python<'_>) {
        // who finds another at it goes on with the policy in force; logging may run Python code, which may call us
        let Ok(mut seen) = self.seen.try_lock() else {
            return;
        };
        let stamp = Stamp::of(&self.path);
        if stamp.is_none() || stamp == *seen {
            return;
        }
        *seen = stamp;
        let before = self.in_force(py);
        let engine = before.get().engine.clone();
        let loaded = match mantlet_config::reload(&self.path, None, &Live::new(engine), Ok) {
            Ok(loaded) => loaded,
            Err(report) => {
                let message = format!("the policy in force stays: {report}");
                return log::said(py, "error", &message);
            }
        };
        for warning in loaded.warnings.diagnostics() {
            log::said(py, "warning", &warning.to_string());
        }
        let ready = Policy::ready(py, loaded, self.client.as_ref(), Some(before.get()));
        let ready = match ready {
            Ok(ready) => ready,
            Err(error) => {
                let message = format!("the policy in force stays: {}", error.value(py));
                return log::said(py, "error", &message);
            }
        };
        match Py::new(py, ready) {
            Ok(policy) => {
                let mut held = self.policy.write().unwrap_or_else(PoisonError::into_inner);
                let old = std::mem::replace(&mut *held, policy);
                drop(held);
                drop(old);
                let message = format!("{} has changed and is in force", self.path.display());
                log::said(py, "info", &message);
            }
            Err(error) => error.write_unraisable(py, None),
        }
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// What tells one state of a file from the next without reading it.
#[derive(Debug, PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    length: u64,
    place: Place,
}

impl Stamp {
    /// That of the file at the end of the path; `None` where there is none.
    fn of(path: &std::path::Path) -> Option<Self> {
        let metadata = std::fs::metadata(path).ok()?;
        Some(Self {
            modified: metadata.modified().ok(),
            length: metadata.len(),
            place: place(&metadata),
        })
    }
}

/// The number of the file and the time its entry changed: another file may be as long and as old.
#[cfg(unix)]
type Place = (u64, u64, i64, i64);

#[cfg(unix)]
fn place(metadata: &Metadata) -> Place {
    use std::os::unix::fs::MetadataExt;
    (
        metadata.dev(),
        metadata.ino(),
        metadata.ctime(),
        metadata.ctime_nsec(),
    )
}

#[cfg(not(unix))]
type Place = ();

#[cfg(not(unix))]
fn place(_metadata: &Metadata) -> Place {}
