//! What is scanned without a network: files, standard input, a policy text.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use mantlet_audit::Observation;
use mantlet_audit::capture::{self, Entry, MAX_BYTES, Unreadable};
use url::Url;

use crate::Failure;

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
            let limit = MAX_BYTES >> 20;
            eprintln!("mantlet: {}: longer than {limit} MiB", file.display());
            Err(Failure::Unusable)
        }
        Ok(_) => Ok(text),
        Err(error) => {
            eprintln!("mantlet: {}: {error}", file.display());
            Err(Failure::Unusable)
        }
    }
}

/// Pages that were seen; one that could not be read leaves the others as they are.
pub(super) struct Pages {
    pub(super) pages: Vec<Result<Observation, String>>,
    /// Whether they came as a list, and are told as one.
    pub(super) is_list: bool,
}

impl Pages {
    pub(super) fn read(text: &[u8], url: &Url) -> Result<Self, Unreadable> {
        if text.trim_ascii_start().starts_with(b"[")
            && let Entry::List(pages) = capture::entries(text)?
        {
            let told =
                |page: Result<Observation, Unreadable>| page.map_err(|error| error.to_string());
            return Ok(Self {
                pages: pages.into_iter().map(told).collect(),
                is_list: true,
            });
        }
        let found = capture::any(text, url)?;
        Ok(Self {
            is_list: found.len() > 1,
            pages: found.into_iter().map(Ok).collect(),
        })
    }
}
