//! The keys of the policy file, out of its JSON Schema.

use mantlet_config::json_schema;
use mantlet_headers::csp::DirectiveName;
use mantlet_headers::registry;
use serde_json::Value as Json;

/// One key.
pub(super) struct Key {
    /// Dotted, as in messages; `NAME` stands for a name of the user's.
    pub(super) name: String,
    /// What it does.
    pub(super) summary: String,
    /// The words it takes, if it takes only some.
    pub(super) words: Vec<String>,
}

impl Key {
    /// The last part of its name: what stands before the `=`.
    pub(super) fn last(&self) -> &str {
        self.name.rsplit('.').next().unwrap_or_default()
    }
}

/// Every key but those of header fields and directives, which are explained as such.
pub(super) fn keys() -> Vec<Key> {
    let schema = json_schema();
    let mut keys = Vec::new();
    collect("", &schema, &schema, &mut keys);
    keys
}

/// The keys that `word` names: by the whole name, or else by the last part of it.
pub(super) fn named(word: &str) -> Vec<Key> {
    let (whole, part): (Vec<Key>, Vec<Key>) = keys()
        .into_iter()
        .filter(|key| key.name == word || key.last() == word)
        .partition(|key| key.name == word);
    if whole.is_empty() { part } else { whole }
}

fn collect(prefix: &str, schema: &Json, root: &Json, keys: &mut Vec<Key>) {
    let text = |json: &Json| json.as_str().unwrap_or_default().to_owned();
    let children = schema["properties"].as_object().into_iter().flatten();
    for (part, child) in children {
        let explained_elsewhere =
            DirectiveName::from_name(part).is_some() || registry::field(part).is_some();
        // a route takes most keys of the root
        let of_root = prefix == "route." && root["properties"].get(part).is_some();
        let name = format!("{prefix}{part}");
        if explained_elsewhere || of_root || keys.iter().any(|key| key.name == name) {
            continue;
        }
        let words = child["enum"].as_array();
        keys.push(Key {
            summary: text(&child["description"]),
            words: words.into_iter().flatten().map(text).collect(),
            name: name.clone(),
        });
        collect(&format!("{name}."), child, root, keys);
    }
    if let Some(any) = schema.get("additionalProperties") {
        collect(&format!("{prefix}NAME."), any, root, keys);
    }
    if let Some(item) = schema.get("items") {
        collect(prefix, item, root, keys);
    }
    for one in schema["anyOf"].as_array().into_iter().flatten() {
        collect(prefix, one, root, keys);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_there_once_and_says_what_it_does() {
        let keys = keys();
        for name in [
            "preset",
            "trusted_proxies",
            "nonce_upstream",
            "csp_report_only",
            "csp.mode",
            "headers.NAME.danger",
            "cookies.samesite",
            "cookies.exceptions.NAME.httponly",
            "cache.default",
            "route",
            "route.overlay",
        ] {
            let same = keys.iter().filter(|key| key.name == name).count();
            assert_eq!(same, 1, "{name}");
        }
        for key in &keys {
            assert!(
                key.summary.ends_with('.') || key.summary.contains(':'),
                "{}",
                key.name
            );
            assert!(!key.name.starts_with("route.csp"), "{}", key.name);
        }
    }

    #[test]
    fn a_key_is_found_by_its_last_part() {
        let names = |word| -> Vec<String> {
            let keys = named(word).into_iter();
            keys.map(|key| key.name).collect()
        };
        assert_eq!(names("overlay"), ["route.overlay"]);
        assert_eq!(names("cookies.secure"), ["cookies.secure"]);
        assert_eq!(names("mode").len(), 4);
        assert!(names("no-such").is_empty());
    }
}
