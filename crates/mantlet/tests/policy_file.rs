//! The policy file through the facade: what is wrong or odd about it is heard, and changes are followed.

#![allow(clippy::expect_used)]

use std::error::Error as _;
use std::io::Write;
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use mantlet::{FollowError, Live, Loaded, Report, Watch, follow_policy_file, policy_file};

const PATIENCE: Duration = Duration::from_secs(20);

/// Right, and odd: paths go to every site.
const ODD: &str = "[headers]\nreferrer-policy = \"unsafe-url\"\n";

/// Replaces the file, as editors do.
fn write(path: &Path, text: &str) {
    let fresh = path.with_extension("fresh");
    std::fs::write(&fresh, text).expect("written");
    std::fs::rename(&fresh, path).expect("renamed");
}

type Attempts = Receiver<Result<Loaded, Report>>;

fn follow(path: &Path) -> Result<(Live, Watch, Attempts), FollowError> {
    let (tell, told) = channel();
    let (live, watch) = follow_policy_file(path, move |attempt| {
        let _ = tell.send(attempt);
    })?;
    Ok((live, watch, told))
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("whole").write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn warnings_of_a_policy_file_are_logged() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("mantlet.toml");
    write(&path, ODD);
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_writer(move || writer.clone())
        .finish();
    tracing::subscriber::with_default(subscriber, || policy_file(&path).expect("right"));
    let log = String::from_utf8(log.0.lock().expect("whole").clone()).expect("text");
    assert!(
        log.contains("WARN") && log.contains("headers.referrer-policy"),
        "{log}"
    );
}

#[test]
fn a_followed_file_tells_the_first_load_each_change_and_each_mistake() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("mantlet.toml");
    write(&path, ODD);
    let (live, watch, told) = follow(&path).expect("followed");
    let first = told.try_recv().expect("told").expect("right");
    assert_eq!(
        first.warnings.diagnostics()[0].key,
        "headers.referrer-policy"
    );
    assert!(!live.load().uses_nonce());

    write(&path, "[csp]\nscript-src = [\"'nonce'\"]\n");
    told.recv_timeout(PATIENCE).expect("told").expect("right");
    assert!(live.load().uses_nonce());

    write(&path, "preset = \"no such\"\n");
    let report = told.recv_timeout(PATIENCE).expect("told");
    assert_eq!(report.expect_err("wrong").diagnostics()[0].key, "preset");
    assert!(live.load().uses_nonce(), "the policy in force stays");

    drop(watch);
    // the thread ends, and what it would tell with
    while told.recv_timeout(PATIENCE).is_ok() {}
    assert!(matches!(
        told.try_recv(),
        Err(std::sync::mpsc::TryRecvError::Disconnected)
    ));
}

#[test]
fn a_broken_file_is_told_once_in_a_chain_of_causes() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("mantlet.toml");
    write(&path, "preset = \"no such\"\n");
    let error = follow(&path).map(drop).expect_err("wrong");
    assert!(error.to_string().contains("preset"));
    assert!(error.source().is_none());
}
