//! The policy file: told when its text changes.
//!
//! Folders are watched rather than the file, because editors and Kubernetes replace the file (by rename, by symlink) instead
//! of writing into it: the folder of the path, and the folder of every symbolic link on the way to the file, those of
//! folders (`current -> releases/7`) among them; links in the root folder are taken for the system's and not watched. What
//! counts is the text: an event that leaves it as it was is nobody's news.

use std::collections::{BTreeSet, VecDeque};
use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, Weak};
use std::thread;
use std::time::{Duration, Instant};

use notify::{RecommendedWatcher, RecursiveMode, Watcher};

/// How long the folders have to be quiet before the file is read: a replacement comes as several events.
const QUIET: Duration = Duration::from_millis(50);

/// When the file is read in folders that are never quiet, counted from the first event.
const LATEST: Duration = Duration::from_millis(500);

/// How many symbolic links are followed; Linux follows as many.
const LINKS: usize = 40;

/// The folder of the policy file cannot be watched.
#[derive(Debug, thiserror::Error)]
#[error("cannot watch {}: {cause}", folder.display())]
pub struct WatchError {
    folder: PathBuf,
    cause: notify::Error,
}

/// A watch under way; dropping it ends it.
#[derive(Debug)]
#[must_use = "dropping it ends the watch"]
pub struct Watch {
    _watcher: Arc<Mutex<RecommendedWatcher>>,
}

/// Calls `changed` from a thread of its own each time the text of the file at `path` changes. `loaded` is the text in use:
/// if the file says something else by now, `changed` is called at once.
///
/// A file that vanishes is no change: the policy in force stays.
///
/// # Errors
/// [`WatchError`] if the system cannot watch the folder.
pub fn watch(
    path: &Path,
    loaded: impl Into<Vec<u8>>,
    changed: impl FnMut() + Send + 'static,
) -> Result<Watch, WatchError> {
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
    let watcher = Arc::new(Mutex::new(watcher));
    let file = File {
        path: path.to_path_buf(),
        text: loaded.into(),
        watcher: Arc::downgrade(&watcher),
    };
    let run = move || file.follow(&told, changed);
    thread::Builder::new()
        .name("mantlet-policy-file".to_owned())
        .spawn(run)
        .map_err(|error| failed(notify::Error::io(error)))?;
    Ok(Watch { _watcher: watcher })
}

/// The file that is followed.
struct File {
    path: PathBuf,
    /// The text that was told of last.
    text: Vec<u8>,
    /// Not an [`Arc`]: the end of the [`Watch`] has to end the watcher, its channel and so the thread.
    watcher: Weak<Mutex<RecommendedWatcher>>,
}

impl File {
    fn follow(mut self, told: &Receiver<()>, mut changed: impl FnMut()) {
        loop {
            // before the file is read: what changes behind the reading is an event
            self.watch_links();
            if let Ok(now) = std::fs::read(&self.path)
                && now != self.text
            {
                self.text = now;
                changed();
            }
            if told.recv().is_err() || !settled(told) {
                return;
            }
        }
    }

    /// Watches the folders of the links as they are now. One that cannot be watched is left out, for that of the path is.
    /// None is ever given up: it may be that of the path by another name, and an event too many costs one reading.
    fn watch_links(&self) {
        let Some(watcher) = self.watcher.upgrade() else {
            return;
        };
        let Ok(mut watcher) = watcher.lock() else {
            return;
        };
        // again even if it was watched: a folder removed and made anew has lost its watch
        for folder in linked_folders(&self.path) {
            let _ = watcher.watch(&folder, RecursiveMode::NonRecursive);
        }
    }
}

/// Waits until the events pause, but no longer than [`LATEST`]; whether the watch goes on.
fn settled(told: &Receiver<()>) -> bool {
    let deadline = Instant::now() + LATEST;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return true;
        }
        match told.recv_timeout(QUIET.min(left)) {
            Ok(()) => {}
            Err(RecvTimeoutError::Timeout) => return true,
            Err(RecvTimeoutError::Disconnected) => return false,
        }
    }
}

/// The folders of the symbolic links on the way from `path` to the file, and the file's own; none where there is no link.
fn linked_folders(path: &Path) -> BTreeSet<PathBuf> {
    let mut folders = BTreeSet::new();
    let Ok(path) = std::path::absolute(path) else {
        return folders;
    };
    let steps = |path: &Path| -> Vec<OsString> {
        path.components()
            .map(|step| step.as_os_str().to_owned())
            .collect()
    };
    let mut links = 0;
    let mut at = PathBuf::new();
    let mut ahead = VecDeque::from(steps(&path));
    while let Some(step) = ahead.pop_front() {
        if step == Component::ParentDir.as_os_str() {
            at.pop();
            continue;
        }
        // an absolute step, the root, starts anew
        let next = at.join(&step);
        match std::fs::read_link(&next) {
            Ok(target) if links < LINKS => {
                links += 1;
                folders.insert(at.clone());
                for step in steps(&target).into_iter().rev() {
                    ahead.push_front(step);
                }
            }
            _ => at = next,
        }
    }
    if links > 0 {
        folders.extend(at.parent().map(Path::to_path_buf));
    }
    folders.retain(|folder| folder.parent().is_some());
    folders
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::Sender;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(20);

    /// A watch of `path` that tells each text it is told of. The first is behind: what comes next is told by an event.
    fn texts(path: &Path) -> (Watch, Receiver<String>) {
        let (tell, told) = channel();
        let read = path.to_path_buf();
        let watch = watch(path, "before", move || {
            let _ = tell.send(std::fs::read_to_string(&read).expect("readable"));
        })
        .expect("watched");
        assert_eq!(told.recv_timeout(PATIENCE).expect("told"), "one");
        (watch, told)
    }

    #[test]
    fn a_replaced_file_is_a_change_and_a_touched_one_is_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("mantlet.toml");
        std::fs::write(&path, "one").expect("written");
        let (_watch, told) = texts(&path);
        std::fs::write(&path, "one").expect("written");
        let fresh = folder.path().join("fresh");
        std::fs::write(&fresh, "two").expect("written");
        std::fs::rename(&fresh, &path).expect("renamed");
        assert_eq!(told.recv_timeout(PATIENCE).expect("told"), "two");
        let again = folder.path().join("again");
        std::fs::write(&again, "three").expect("written");
        std::fs::rename(&again, &path).expect("renamed");
        assert_eq!(told.recv_timeout(PATIENCE).expect("told"), "three");
    }

    #[test]
    fn a_change_between_loading_and_watching_is_told() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("mantlet.toml");
        std::fs::write(&path, "newer").expect("written");
        let (tell, told) = channel();
        let _watch = watch(&path, "loaded", move || tell.send(()).expect("heard"));
        told.recv_timeout(PATIENCE).expect("told");
    }

    #[test]
    fn a_busy_neighbour_does_not_hide_a_change() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("mantlet.toml");
        std::fs::write(&path, "one").expect("written");
        let (_watch, told) = texts(&path);
        let neighbour = folder.path().join("service.log");
        let (stop, stopped): (Sender<()>, _) = channel();
        let (begin, begun) = channel();
        let noise = thread::spawn(move || {
            while stopped.recv_timeout(QUIET / 10) == Err(RecvTimeoutError::Timeout) {
                std::fs::write(&neighbour, "a line").expect("written");
                let _ = begin.send(());
            }
        });
        begun.recv_timeout(PATIENCE).expect("noise");
        let fresh = folder.path().join("fresh");
        std::fs::write(&fresh, "two").expect("written");
        std::fs::rename(&fresh, &path).expect("renamed");
        let heard = told.recv_timeout(PATIENCE);
        drop(stop);
        noise.join().expect("ended");
        assert_eq!(heard.expect("told while it is noisy"), "two");
    }

    #[cfg(unix)]
    #[test]
    fn a_swapped_link_is_a_change_as_kubernetes_does_it() {
        use std::os::unix::fs::symlink;
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        for (version, text) in [("..1", "one"), ("..2", "two")] {
            std::fs::create_dir(at(version)).expect("made");
            std::fs::write(at(version).join("mantlet.toml"), text).expect("written");
        }
        symlink("..1", at("..data")).expect("linked");
        symlink("..data/mantlet.toml", at("mantlet.toml")).expect("linked");
        let (_watch, told) = texts(&at("mantlet.toml"));
        symlink("..2", at("..data_tmp")).expect("linked");
        std::fs::rename(at("..data_tmp"), at("..data")).expect("renamed");
        assert_eq!(told.recv_timeout(PATIENCE).expect("told"), "two");
    }

    #[cfg(unix)]
    #[test]
    fn the_target_of_a_link_is_watched_in_its_own_folder_also_after_a_swap() {
        use std::os::unix::fs::symlink;
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        for name in ["etc", "srv", "srv/1", "srv/2"] {
            std::fs::create_dir(at(name)).expect("made");
        }
        std::fs::write(at("srv/1/mantlet.toml"), "one").expect("written");
        std::fs::write(at("srv/2/mantlet.toml"), "two").expect("written");
        symlink("1", at("srv/current")).expect("linked");
        symlink("../srv/current/mantlet.toml", at("etc/mantlet.toml")).expect("linked");
        let (_watch, told) = texts(&at("etc/mantlet.toml"));
        symlink("2", at("srv/next")).expect("linked");
        std::fs::rename(at("srv/next"), at("srv/current")).expect("renamed");
        assert_eq!(told.recv_timeout(PATIENCE).expect("told"), "two");
        std::fs::write(at("fresh"), "three").expect("written");
        std::fs::rename(at("fresh"), at("srv/2/mantlet.toml")).expect("renamed");
        assert_eq!(told.recv_timeout(PATIENCE).expect("told"), "three");
    }

    #[cfg(unix)]
    #[test]
    fn a_link_replaced_by_a_plain_file_is_followed_on() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("target"), "one").expect("written");
        std::os::unix::fs::symlink("target", at("mantlet.toml")).expect("linked");
        let (_watch, told) = texts(&at("mantlet.toml"));
        for text in ["two", "three"] {
            std::fs::write(at("fresh"), text).expect("written");
            std::fs::rename(at("fresh"), at("mantlet.toml")).expect("renamed");
            assert_eq!(told.recv_timeout(PATIENCE).expect("told"), text);
        }
    }

    #[test]
    fn a_folder_that_is_not_there_is_an_error() {
        assert!(watch(Path::new("/nowhere/at/all/mantlet.toml"), "", || {}).is_err());
    }
}
