//! The policy file: told when its text changes.
//!
//! The folder is watched rather than the file, because editors and Kubernetes replace the file (by rename, by symlink)
//! instead of writing into it. What counts is the text: an event that leaves it as it was is nobody's news.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use notify::{RecommendedWatcher, RecursiveMode, Watcher};

/// How long the folder has to be quiet before the file is read: a replacement comes as several events.
const QUIET: Duration = Duration::from_millis(50);

/// The folder of the policy file cannot be watched.
#[derive(Debug, thiserror::Error)]
#[error("cannot watch {}: {cause}", folder.display())]
pub struct WatchError {
    folder: PathBuf,
    cause: notify::Error,
}

/// A watch under way; dropping it ends it.
#[derive(Debug)]
pub struct Watch {
    _watcher: RecommendedWatcher,
}

/// Calls `changed` from a thread of its own each time the text of the file at `path` changes.
///
/// A file that vanishes is no change: the policy in force stays.
///
/// # Errors
/// [`WatchError`] if the system cannot watch the folder.
pub fn watch(path: &Path, changed: impl FnMut() + Send + 'static) -> Result<Watch, WatchError> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_path_buf(),
        _ => PathBuf::from("."),
    };
    let failed = |cause| WatchError {
        folder: folder.clone(),
        cause,
    };
    let (events, told) = channel();
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        // an error of the watcher (an overflow, say) may hide a change: look all the same
        if event.is_ok_and(|event| event.kind.is_access()) {
            return;
        }
        // the receiver is gone only once the watch is being dropped
        let _ = events.send(());
    })
    .map_err(failed)?;
    watcher
        .watch(&folder, RecursiveMode::NonRecursive)
        .map_err(failed)?;
    let path = path.to_path_buf();
    let text = std::fs::read(&path).ok();
    let name = "mantlet-policy-file".to_owned();
    let run = move || follow(&path, text, &told, changed);
    thread::Builder::new()
        .name(name)
        .spawn(run)
        .map_err(|error| failed(notify::Error::io(error)))?;
    Ok(Watch { _watcher: watcher })
}

fn follow(path: &Path, mut text: Option<Vec<u8>>, told: &Receiver<()>, mut changed: impl FnMut()) {
    while told.recv().is_ok() {
        loop {
            match told.recv_timeout(QUIET) {
                Ok(()) => {}
                Err(RecvTimeoutError::Timeout) => break,
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
        let now = std::fs::read(path).ok();
        if now.is_some() && now != text {
            text = now;
            changed();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(20);

    #[test]
    fn a_replaced_file_is_a_change_and_a_touched_one_is_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("mantlet.toml");
        std::fs::write(&path, "one").expect("written");
        let (tell, told) = channel();
        let read = path.clone();
        let _watch = watch(&path, move || {
            tell.send(std::fs::read_to_string(&read).expect("readable"))
                .expect("heard");
        })
        .expect("watched");
        std::fs::write(&path, "one").expect("written");
        let fresh = folder.path().join("fresh");
        std::fs::write(&fresh, "two").expect("written");
        std::fs::rename(&fresh, &path).expect("renamed");
        assert_eq!(told.recv_timeout(PATIENCE).expect("told"), "two");
        std::fs::write(&path, "three").expect("written");
        assert_eq!(told.recv_timeout(PATIENCE).expect("told"), "three");
    }

    #[test]
    fn a_folder_that_is_not_there_is_an_error() {
        assert!(watch(Path::new("/nowhere/at/all/mantlet.toml"), || {}).is_err());
    }
}
