//! Reading with one declaration: the code that reads a key also describes it for the JSON Schema.
//!
//! A [`Read`] reads a [`Node`] into a value, or reports what is wrong, and can describe what it takes. [`table`] makes one
//! from a function that asks [`Keys`] for each key; asked to describe, the same function runs over no table at all.

use std::time::Duration;

use serde_json::{Map, Value as Json, json};

use crate::error::{Diagnostic, Report};
use crate::node::{Node, Value};
use crate::source::{At, Place};

/// Reads a node and describes what it takes.
pub(crate) trait Read {
    type Out;

    /// The value, or `None` after a report.
    fn read(&self, key: &str, node: &Node, report: &mut Report) -> Option<Self::Out>;

    /// JSON Schema (2020-12) of what `read` takes.
    fn schema(&self) -> Json;
}

/// Reports that `node` is not what the key takes.
pub(crate) fn refuse<T>(key: &str, node: &Node, wants: &str, report: &mut Report) -> Option<T> {
    let message = format!("takes {wants}, not {}", node.kind());
    report.add(
        Diagnostic::error(key, message)
            .value(node.written())
            .at(node.place.as_ref()),
    );
    None
}

/// `true` or `false`.
pub(crate) struct Flag;

impl Read for Flag {
    type Out = bool;

    fn read(&self, key: &str, node: &Node, report: &mut Report) -> Option<bool> {
        match node.value {
            Value::Bool(flag) => Some(flag),
            _ => refuse(key, node, "true or false", report),
        }
    }

    fn schema(&self) -> Json {
        json!({ "type": "boolean" })
    }
}

/// A whole number of a range.
pub(crate) struct Whole(pub(crate) std::ops::RangeInclusive<u32>);

impl Read for Whole {
    type Out = At<u32>;

    fn read(&self, key: &str, node: &Node, report: &mut Report) -> Option<At<u32>> {
        let number = match node.value {
            Value::Integer(number) => u32::try_from(number).ok(),
            _ => None,
        };
        if let Some(value) = number.filter(|number| self.0.contains(number)) {
            let place = node.place.clone();
            return Some(At { value, place });
        }
        let (least, most) = (self.0.start(), self.0.end());
        let wants = format!("a whole number from {least} to {most}");
        if !matches!(node.value, Value::Integer(_)) {
            return refuse(key, node, &wants, report);
        }
        let diagnostic = Diagnostic::error(key, format!("takes {wants}, not {}", node.written()));
        report.add(diagnostic.value(node.written()).at(node.place.as_ref()));
        None
    }

    fn schema(&self) -> Json {
        json!({ "type": "integer", "minimum": self.0.start(), "maximum": self.0.end() })
    }
}

/// A number above 0, to 1: a part of a whole.
pub(crate) struct Part;

impl Read for Part {
    type Out = At<f64>;

    fn read(&self, key: &str, node: &Node, report: &mut Report) -> Option<At<f64>> {
        let number = match node.value {
            Value::Integer(1) => Some(1.0),
            Value::Float(number) if number > 0.0 && number <= 1.0 => Some(number),
            _ => None,
        };
        match number {
            Some(value) => Some(At {
                value,
                place: node.place.clone(),
            }),
            None => refuse(key, node, "a number above 0, and 1 at the most", report),
        }
    }

    fn schema(&self) -> Json {
        json!({ "type": "number", "exclusiveMinimum": 0, "maximum": 1 })
    }
}

/// A length of time: a whole number of the unit that the key has, or a text with a unit of its own, `"30s"`.
pub(crate) struct Span {
    /// What 1 without a unit is.
    pub(crate) unit: Duration,
}

/// The units of a text, and what they are in milliseconds.
const UNITS: &[(&str, u64)] = &[
    ("ms", 1),
    ("s", 1_000),
    ("m", 60_000),
    ("h", 3_600_000),
    ("d", 86_400_000),
];

/// `30s`, `100ms`, `1m`, `24h`, `7d`.
fn span(text: &str) -> Option<Duration> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let (_, unit) = UNITS.iter().find(|(name, _)| *name == unit)?;
    let number: u64 = number.parse().ok()?;
    Some(Duration::from_millis(number.checked_mul(*unit)?))
}

impl Read for Span {
    type Out = At<Duration>;

    fn read(&self, key: &str, node: &Node, report: &mut Report) -> Option<At<Duration>> {
        let value = match &node.value {
            Value::Integer(number) => u32::try_from(*number).ok().map(|number| self.unit * number),
            Value::Text(text) => span(text),
            _ => None,
        };
        match value.filter(|value| !value.is_zero()) {
            Some(value) => Some(At {
                value,
                place: node.place.clone(),
            }),
            None => {
                let unit = match self.unit.as_millis() {
                    1 => "milliseconds",
                    _ => "seconds",
                };
                let wants = format!(
                    "a time: {unit} as a whole number, or \"100ms\", \"30s\", \"1m\", \"24h\", \"7d\""
                );
                let message = format!("takes {wants}, not {}", node.written());
                let diagnostic = Diagnostic::error(key, message).value(node.written());
                report.add(diagnostic.at(node.place.as_ref()));
                None
            }
        }
    }

    fn schema(&self) -> Json {
        json!({ "anyOf": [
            { "type": "integer", "minimum": 1 },
            { "type": "string", "pattern": "^[0-9]+(ms|s|m|h|d)$" },
        ] })
    }
}

/// A string.
pub(crate) struct Text;

impl Read for Text {
    type Out = At<String>;

    fn read(&self, key: &str, node: &Node, report: &mut Report) -> Option<At<String>> {
        node.as_text()
            .or_else(|| refuse(key, node, "a string", report))
    }

    fn schema(&self) -> Json {
        json!({ "type": "string" })
    }
}

/// One of a few words.
pub(crate) struct Choice<T: 'static>(pub(crate) &'static [(&'static str, T)]);

impl<T: Copy> Read for Choice<T> {
    type Out = At<T>;

    fn read(&self, key: &str, node: &Node, report: &mut Report) -> Option<At<T>> {
        let text = Text.read(key, node, report)?;
        if let Some((_, value)) = self.0.iter().find(|(word, _)| *word == text.value) {
            return Some(At {
                value: *value,
                place: text.place,
            });
        }
        let words: Vec<&str> = self.0.iter().map(|(word, _)| *word).collect();
        let message = format!("{:?} is not one of {}", text.value, words.join(", "));
        let mut diagnostic = Diagnostic::error(key, message)
            .value(&text.value)
            .at(node.place.as_ref());
        let begins = |word: &&str| word.starts_with(&text.value) || text.value.starts_with(word);
        let near = mantlet_headers::suggest(&text.value, words.iter().copied());
        let near = near.or_else(|| words.iter().copied().find(begins));
        if let Some(near) = near.filter(|_| !text.value.is_empty()) {
            diagnostic = diagnostic.hint(format!("did you mean {near:?}?"));
        }
        report.add(diagnostic);
        None
    }

    fn schema(&self) -> Json {
        json!({ "enum": self.0.iter().map(|(word, _)| *word).collect::<Vec<_>>() })
    }
}

/// A list of things; a bad element is reported and left out.
pub(crate) struct List<R>(pub(crate) R);

impl<R: Read> Read for List<R> {
    type Out = Vec<R::Out>;

    fn read(&self, key: &str, node: &Node, report: &mut Report) -> Option<Self::Out> {
        match &node.value {
            Value::List(items) => Some(
                items
                    .iter()
                    .filter_map(|item| self.0.read(key, item, report))
                    .collect(),
            ),
            _ => refuse(key, node, "a list", report),
        }
    }

    fn schema(&self) -> Json {
        json!({ "type": "array", "items": self.0.schema() })
    }
}

/// A table, read by a function over its [`Keys`].
pub(crate) fn table<T, F: Fn(&mut Keys<'_>) -> T>(read: F) -> TableOf<F> {
    TableOf(read)
}

/// See [`table`].
pub(crate) struct TableOf<F>(F);

impl<T, F: Fn(&mut Keys<'_>) -> T> Read for TableOf<F> {
    type Out = T;

    fn read(&self, key: &str, node: &Node, report: &mut Report) -> Option<T> {
        let Some(entries) = node.as_table() else {
            return refuse(key, node, "a table", report);
        };
        let mut keys = Keys {
            prefix: key,
            place: node.place.as_ref(),
            entries,
            known: Vec::new(),
            unlisted: Vec::new(),
            elsewhere: |_| None,
            open: false,
            written: None,
            report,
        };
        let value = (self.0)(&mut keys);
        keys.refuse_unknown();
        Some(value)
    }

    fn schema(&self) -> Json {
        let mut keys = Keys {
            prefix: "",
            place: None,
            entries: &[],
            known: Vec::new(),
            unlisted: Vec::new(),
            elsewhere: |_| None,
            open: false,
            written: Some(Written {
                properties: Map::new(),
                others: Json::Bool(false),
            }),
            report: &mut Report::default(),
        };
        (self.0)(&mut keys);
        let written = keys.written.unwrap_or_default();
        json!({
            "type": "object",
            "properties": written.properties,
            "additionalProperties": written.others,
        })
    }
}

/// The keys of one table, asked for one by one.
pub(crate) struct Keys<'t> {
    prefix: &'t str,
    place: Option<&'t Place>,
    entries: &'t [(At<String>, Node)],
    known: Vec<String>,
    /// Keys that are taken and that nobody is told of.
    unlisted: Vec<String>,
    /// Where a key belongs that is known, but not to this table.
    elsewhere: fn(&str) -> Option<String>,
    /// Whether the table takes other keys.
    open: bool,
    /// The schema so far, if it is being written: reading a file does not pay for it.
    written: Option<Written>,
    report: &'t mut Report,
}

/// The schema of a table.
#[derive(Default)]
struct Written {
    properties: Map<String, Json>,
    /// That of keys with free names.
    others: Json,
}

impl Keys<'_> {
    /// Reads a key if it is there; `doc` is what an editor shows.
    pub(crate) fn key<R: Read>(&mut self, name: &str, doc: &str, read: &R) -> Option<R::Out> {
        if let Some(written) = &mut self.written {
            let mut schema = read.schema();
            if let Some(object) = schema.as_object_mut() {
                object.insert("description".to_owned(), Json::from(doc));
            }
            written.properties.insert(name.to_owned(), schema);
        }
        self.known.push(name.to_owned());
        let (_, node) = self.entries.iter().find(|(key, _)| key.value == name)?;
        read.read(&self.dotted(name), node, self.report)
    }

    /// The same for a key of old: no hint names it, and the schema calls it deprecated.
    pub(crate) fn old_key<R: Read>(&mut self, name: &str, doc: &str, read: &R) -> Option<R::Out> {
        let value = self.key(name, doc, read);
        self.unlisted.extend(self.known.pop());
        if let Some(written) = &mut self.written
            && let Some(object) = written
                .properties
                .get_mut(name)
                .and_then(Json::as_object_mut)
        {
            object.insert("deprecated".to_owned(), Json::Bool(true));
        }
        value
    }

    /// Says where keys belong that are known, but not to this table: the hint for one.
    pub(crate) fn elsewhere(&mut self, hint: fn(&str) -> Option<String>) {
        self.elsewhere = hint;
    }

    /// Reads every key not asked for yet: for tables with free names. Says so in the schema.
    pub(crate) fn rest<R: Read>(&mut self, read: &R) -> Vec<(At<String>, R::Out)> {
        self.open = true;
        if let Some(written) = &mut self.written {
            written.others = read.schema();
        }
        let known = std::mem::take(&mut self.known);
        let free = self
            .entries
            .iter()
            .filter(|(key, _)| !known.contains(&key.value));
        let found = free
            .filter_map(|(key, node)| {
                Some((
                    key.clone(),
                    read.read(&self.dotted(&key.value), node, self.report)?,
                ))
            })
            .collect();
        self.known = known;
        found
    }

    /// Where the key stands, if it does.
    pub(crate) fn place(&self, name: &str) -> Option<&At<String>> {
        self.entries
            .iter()
            .map(|(key, _)| key)
            .find(|key| key.value == name)
    }

    /// Where the table stands.
    pub(crate) fn own_place(&self) -> Option<&Place> {
        self.place
    }

    pub(crate) fn dotted(&self, name: &str) -> String {
        if self.prefix.is_empty() {
            name.to_owned()
        } else {
            format!("{}.{name}", self.prefix)
        }
    }

    pub(crate) fn report(&mut self) -> &mut Report {
        self.report
    }

    fn refuse_unknown(&mut self) {
        if self.open {
            return;
        }
        for (key, _) in self.entries {
            let names = || self.known.iter().map(String::as_str);
            if names().any(|name| name == key.value) || self.unlisted.contains(&key.value) {
                continue;
            }
            let folded = |name: &str| name.to_ascii_lowercase().replace('_', "-");
            let same = names().find(|name| folded(name) == folded(&key.value));
            let meant = |name: &str| format!("did you mean {name}?");
            let near = || mantlet_headers::suggest(&key.value, names()).map(meant);
            let hint = same
                .map(meant)
                .or_else(|| (self.elsewhere)(&key.value))
                .or_else(near)
                .unwrap_or_else(|| {
                    format!("known here: {}", names().collect::<Vec<_>>().join(", "))
                });
            let in_capitals = |name: &str| name.eq_ignore_ascii_case(&key.value);
            let message = match same {
                Some(name) if in_capitals(name) => "is written in lower case here",
                Some(_) => {
                    "is spelled differently: a standard's names keep their hyphens, our own have underscores"
                }
                None => "is not a key here",
            };
            let dotted = self.dotted(&key.value);
            self.report.add(
                Diagnostic::error(dotted, message)
                    .hint(hint)
                    .at(key.place.as_ref()),
            );
        }
    }
}
