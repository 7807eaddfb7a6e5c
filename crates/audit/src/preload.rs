//! Hosts that browsers ask by https only, because their makers ship the names (<https://hstspreload.org/>).
//!
//! The list of 150,000 names changes daily, so it is data that a host passes in: JSON, either an object of names as the
//! HTTP Observatory keeps it, or Chromium's `transport_security_state_static.json`. Built in are the top-level domains
//! that are preloaded as a whole and stay so.
//!
//! ```
//! use mantlet_audit::PreloadList;
//! let list = PreloadList::from_json(br#"{"example.com": {"mode": "force-https", "includeSubDomains": true}}"#)?;
//! assert!(list.covers("www.example.com") && list.covers("any.dev") && !list.covers("example.org"));
//! # Ok::<(), serde_json::Error>(())
//! ```

use std::collections::HashMap;

use serde::Deserialize;

/// Top-level domains that are on the list with all that is below them.
const TOP_LEVEL: &[&str] = &[
    "android",
    "app",
    "bank",
    "chrome",
    "dad",
    "day",
    "dev",
    "eat",
    "esq",
    "fly",
    "foo",
    "gle",
    "gmail",
    "google",
    "hangout",
    "how",
    "ing",
    "insurance",
    "meet",
    "meme",
    "mov",
    "new",
    "nexus",
    "page",
    "phd",
    "play",
    "prof",
    "rsvp",
    "search",
    "soy",
    "youtube",
    "zip",
];

/// A preload list.
#[derive(Clone, Debug, Default)]
pub struct PreloadList(HashMap<String, Covers>);

/// What an entry covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Covers {
    Host,
    Subdomains,
}

#[derive(Deserialize)]
struct Entry {
    #[serde(default)]
    name: String,
    #[serde(default)]
    mode: String,
    #[serde(default, rename = "includeSubDomains", alias = "include_subdomains")]
    include_subdomains: bool,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Shape {
    Chromium { entries: Vec<Entry> },
    Names(HashMap<String, Entry>),
}

impl PreloadList {
    /// Reads a list; comment lines (`//`) of Chromium's file are skipped, entries of another mode than `force-https` too.
    ///
    /// # Errors
    /// What serde_json says, if it is of neither shape.
    pub fn from_json(text: &[u8]) -> Result<Self, serde_json::Error> {
        let text = String::from_utf8_lossy(text);
        let plain: String = text
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"))
            .flat_map(|line| [line, "\n"])
            .collect();
        let entries: Vec<Entry> = match serde_json::from_str(&plain)? {
            Shape::Chromium { entries } => entries,
            Shape::Names(names) => names
                .into_iter()
                .map(|(name, entry)| Entry { name, ..entry })
                .collect(),
        };
        let forced = entries
            .into_iter()
            .filter(|entry| entry.mode == "force-https");
        let keyed = forced.map(|entry| {
            let covers = match entry.include_subdomains {
                true => Covers::Subdomains,
                false => Covers::Host,
            };
            (entry.name.to_ascii_lowercase(), covers)
        });
        Ok(Self(keyed.collect()))
    }

    /// Whether browsers ask `host` by https only.
    pub fn covers(&self, host: &str) -> bool {
        self.entry(host).is_some()
    }

    /// Whether the entry that covers `host` covers the names below it as well; `None` if none covers it.
    pub fn covers_subdomains(&self, host: &str) -> Option<bool> {
        self.entry(host).map(|covers| covers == Covers::Subdomains)
    }

    fn entry(&self, host: &str) -> Option<Covers> {
        let host = host.to_ascii_lowercase();
        if let Some(covers) = self.0.get(host.as_str()) {
            return Some(*covers);
        }
        let mut rest = host.as_str();
        while let Some((_, parent)) = rest.split_once('.') {
            if self.0.get(parent) == Some(&Covers::Subdomains) || TOP_LEVEL.contains(&parent) {
                return Some(Covers::Subdomains);
            }
            rest = parent;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_covers_subdomains_only_if_it_says_so() {
        let list = PreloadList::from_json(
            br#"// a comment
            {"entries": [
              {"name": "a.example", "policy": "custom", "mode": "force-https", "include_subdomains": true},
              {"name": "b.example", "mode": "force-https"},
              {"name": "pins.example"}
            ]}"#,
        )
        .expect("Chromium's shape");
        assert!(list.covers("x.y.A.example") && list.covers("a.example"));
        assert!(list.covers("b.example") && !list.covers("x.b.example"));
        assert!(!list.covers("pins.example") && !list.covers("example"));
        assert_eq!(list.covers_subdomains("b.example"), Some(false));
    }

    #[test]
    fn what_is_no_list_is_refused() {
        assert!(PreloadList::from_json(b"[1]").is_err());
        assert!(PreloadList::from_json(b"{").is_err());
    }
}
