//! Hosts that undo a list which names them, from kept data (`data/csp-bypass.txt`; its licence is in `NOTICE`).

use std::collections::HashMap;
use std::sync::LazyLock;

/// What a host serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Bypass {
    /// A script that calls what the URL names.
    Jsonp,
    /// AngularJS, whose templates are code.
    Angular,
    /// A Flash file that runs script.
    Flash,
}

struct Entry {
    host: &'static str,
    path: &'static str,
    needs_eval: bool,
}

struct Table {
    entries: Vec<Entry>,
    by_host: HashMap<&'static str, Vec<usize>>,
}

static TABLES: LazyLock<[Table; 3]> = LazyLock::new(|| {
    let text = include_str!("../../data/csp-bypass.txt");
    let table = |kind: &str| {
        let mut entries = Vec::new();
        let mut by_host: HashMap<&'static str, Vec<usize>> = HashMap::new();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let mut words = line.split(' ');
            let (Some(own), Some(host), Some(path)) = (words.next(), words.next(), words.next())
            else {
                continue;
            };
            if own == kind {
                by_host.entry(host).or_default().push(entries.len());
                let needs_eval = words.next() == Some("eval");
                entries.push(Entry {
                    host,
                    path,
                    needs_eval,
                });
            }
        }
        Table { entries, by_host }
    };
    [table("jsonp"), table("angular"), table("flash")]
});

/// The first known host that a source of `host` and `path` lets in, and whether it needs `'unsafe-eval'` to do harm.
///
/// `*.` matches every name that ends so; a path that ends in `/` matches what begins so, another one itself.
pub(crate) fn bypass(kind: Bypass, host: &str, path: &str) -> Option<(&'static str, bool)> {
    let [jsonp, angular, flash] = &*TABLES;
    let table = match kind {
        Bypass::Jsonp => jsonp,
        Bypass::Angular => angular,
        Bypass::Flash => flash,
    };
    let fits = |entry: &Entry| match path {
        "/" => true,
        path if path.ends_with('/') => entry.path.starts_with(path),
        path => entry.path == path,
    };
    let found = match host.strip_prefix('*').filter(|rest| rest.starts_with('.')) {
        Some(suffix) => table
            .entries
            .iter()
            .find(|entry| entry.host.ends_with(suffix) && fits(entry)),
        None => {
            let places = table.by_host.get(host)?;
            let mut entries = places.iter().map(|&place| &table.entries[place]);
            entries.find(|entry| fits(entry))
        }
    };
    found.map(|entry| (entry.host, entry.needs_eval))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kept_data_is_whole() {
        let counts = TABLES.each_ref().map(|table| table.entries.len());
        assert_eq!(counts, [123, 41, 2]);
        assert_eq!(
            TABLES[0]
                .entries
                .iter()
                .filter(|entry| entry.needs_eval)
                .count(),
            5
        );
    }
}
