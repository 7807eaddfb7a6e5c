//! Clear-Site-Data (W3C): a browser forgets what it stores for the origin.
//!
//! ```text
//! Clear-Site-Data = 1#quoted-string                  ; the quotes are part of it, the case counts
//! ```
//!
//! Meant for one response, such as that of a logout: clearing is slow. Over plain http a browser ignores the field.
//! <https://w3c.github.io/webappsec-clear-site-data/#header>
//!
//! ```
//! use mantlet_headers::{ClearSiteData, SiteData};
//! let value = ClearSiteData::new([SiteData::Cookies, SiteData::Storage]);
//! assert_eq!(value.to_string(), r#""cookies", "storage""#);
//! ```

use std::fmt;

use crate::fault::{Fault, Parsed};
use crate::field::{Field, from_str_by_build};
use crate::octets::split;
use crate::suggest::suggest;

/// One kind of what a browser stores.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SiteData {
    /// The HTTP cache, and what else serves pages faster.
    Cache,
    /// Cookies of the whole site, subdomains too.
    Cookies,
    /// Local storage, databases, service workers.
    Storage,
    /// Reloads the open pages of the origin; browsers have dropped it.
    ExecutionContexts,
    /// Which client hints the origin has asked for.
    ClientHints,
    /// Responses fetched ahead.
    PrefetchCache,
    /// Pages rendered ahead.
    PrerenderCache,
    /// Everything, what future browsers will store too.
    Everything,
}

impl SiteData {
    /// Every kind.
    pub const ALL: [Self; 8] = [
        Self::Cache,
        Self::Cookies,
        Self::Storage,
        Self::ExecutionContexts,
        Self::ClientHints,
        Self::PrefetchCache,
        Self::PrerenderCache,
        Self::Everything,
    ];

    /// The word without its quotes.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cache => "cache",
            Self::Cookies => "cookies",
            Self::Storage => "storage",
            Self::ExecutionContexts => "executionContexts",
            Self::ClientHints => "clientHints",
            Self::PrefetchCache => "prefetchCache",
            Self::PrerenderCache => "prerenderCache",
            Self::Everything => "*",
        }
    }

    fn read(word: &[u8]) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str().as_bytes() == word)
    }
}

/// A Clear-Site-Data value: what is cleared, in order, each kind once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClearSiteData(Vec<SiteData>);

impl ClearSiteData {
    /// Clears these kinds; everything if there is none.
    pub fn new(kinds: impl IntoIterator<Item = SiteData>) -> Self {
        let mut list = Vec::new();
        for kind in kinds {
            if !list.contains(&kind) {
                list.push(kind);
            }
        }
        if list.is_empty() {
            list.push(SiteData::Everything);
        }
        Self(list)
    }

    /// What is cleared.
    pub fn kinds(&self) -> &[SiteData] {
        &self.0
    }

    /// Whether a kind is cleared, by name or with everything.
    pub fn clears(&self, kind: SiteData) -> bool {
        self.0.contains(&kind) || self.0.contains(&SiteData::Everything)
    }
}

impl Field for ClearSiteData {
    const NAME: &'static str = "Clear-Site-Data";
    const SPEC: &'static str = "https://w3c.github.io/webappsec-clear-site-data/#header";
    const SUMMARY: &'static str = "A browser deletes what it stores for the origin.";
    const EXAMPLES: &'static [&'static str] = &[
        "\"cookies\", \"storage\"",
        "\"cache\", \"cookies\", \"storage\"",
        "\"*\"",
    ];
    const REASON: &'static str = "After a logout nothing of the session should stay on the device; the cache is left out of the recommendation, since \
         clearing it can take seconds.";

    fn parse(input: &[u8]) -> Parsed<Self> {
        let mut kinds: Vec<SiteData> = Vec::new();
        let mut faults = Vec::new();
        for span in split(input, b',') {
            let word = &input[span.clone()];
            if word.is_empty() {
                continue;
            }
            let kind = match word {
                [b'"', inner @ .., b'"'] => SiteData::read(inner),
                _ => None,
            };
            match kind {
                None => faults.push(unknown(word, span)),
                Some(kind) if kinds.contains(&kind) => {
                    let message = format!("\"{}\" is repeated", kind.as_str());
                    faults.push(Fault::warning("clear-site-data.repeated", span, message));
                }
                Some(kind) => {
                    if kind == SiteData::ExecutionContexts {
                        let message = "browsers have dropped \"executionContexts\"";
                        faults.push(Fault::warning("clear-site-data.retired", span, message));
                    }
                    kinds.push(kind);
                }
            }
        }
        if kinds.len() > 1 && kinds.contains(&SiteData::Everything) {
            let message = "beside \"*\" every other word is dead";
            let fault = Fault::warning("clear-site-data.everything", 0..input.len(), message);
            faults.push(fault.hint("\"*\""));
        }
        if kinds.is_empty() {
            let message = "there is no known word: a browser clears nothing";
            let fault = Fault::error("clear-site-data.empty", 0..input.len(), message);
            faults.push(fault.hint("\"cookies\", \"storage\""));
            return Parsed {
                value: None,
                faults,
            };
        }
        Parsed {
            value: Some(Self(kinds)),
            faults,
        }
    }
}

fn unknown(word: &[u8], span: std::ops::Range<usize>) -> Fault {
    let text = String::from_utf8_lossy(word);
    let bare = text.trim_matches(['"', '\'']);
    let near = match SiteData::read(bare.as_bytes()) {
        Some(kind) => Some(kind.as_str()),
        None => suggest(bare, SiteData::ALL.into_iter().map(SiteData::as_str)),
    };
    let (code, message) = if text.starts_with('"') {
        let message = format!("{text} is an unknown word: a browser ignores it");
        ("clear-site-data.unknown", message)
    } else {
        let message = format!("{text} has no double quotes: a browser ignores it");
        ("clear-site-data.unquoted", message)
    };
    let fault = Fault::error(code, span, message);
    match near {
        Some(near) => fault.hint(format!("\"{near}\"")),
        None => fault.hint("\"cookies\", \"storage\""),
    }
}

from_str_by_build!(ClearSiteData);

impl fmt::Display for ClearSiteData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, kind) in self.0.iter().enumerate() {
            let comma = if i > 0 { ", " } else { "" };
            write!(f, "{comma}\"{}\"", kind.as_str())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::field_properties;

    field_properties!(
        properties,
        ClearSiteData,
        "(\"?(cache|cookies|\\*|x)\"?,? ?){0,4}"
    );

    #[test]
    fn the_quotes_are_part_of_the_word() {
        for (input, code, hint) in [
            ("cookies", "clear-site-data.unquoted", "\"cookies\""),
            ("'cookies'", "clear-site-data.unquoted", "\"cookies\""),
            ("\"Cookies\"", "clear-site-data.unknown", "\"cookies\""),
            ("\"cookie\"", "clear-site-data.unknown", "\"cookies\""),
        ] {
            let parsed = ClearSiteData::parse(input.as_bytes());
            assert_eq!(parsed.value, None, "{input}");
            assert_eq!(parsed.faults[0].code, code, "{input}");
            assert_eq!(parsed.faults[0].hint.as_deref(), Some(hint), "{input}");
        }
    }

    #[test]
    fn everything_includes_the_rest() {
        let parsed = ClearSiteData::parse(b"\"*\", \"cache\"");
        assert_eq!(parsed.faults[0].code, "clear-site-data.everything");
        let value = parsed.value.expect("a value");
        assert!(value.clears(SiteData::Storage));
        assert_eq!(ClearSiteData::new([]).to_string(), "\"*\"");
    }
}
