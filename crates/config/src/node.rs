//! A TOML text as a tree whose every value knows its place.

use std::ops::Range;
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::error::{Diagnostic, Report};
use crate::source::{At, Place, Source};

/// A value and its place.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    /// The value.
    pub(crate) value: Value,
    /// Where it stands; none for what code has set.
    pub(crate) place: Option<Place>,
}

/// The kinds of value that a policy uses.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Integer(i64),
    /// Any other number.
    Float(f64),
    /// A string.
    Text(String),
    /// An array.
    List(Vec<Node>),
    /// A table, in the order of writing.
    Table(Vec<(At<String>, Node)>),
}

impl Node {
    /// A value that stands in no file.
    pub(crate) fn code(value: Value) -> Self {
        Self { value, place: None }
    }

    /// Data that stands in no file.
    pub(crate) fn of_json(json: &serde_json::Value) -> Self {
        use serde_json::Value as Json;
        Self::code(match json {
            Json::Bool(flag) => Value::Bool(*flag),
            Json::Number(number) => match number.as_i64() {
                Some(number) => Value::Integer(number),
                None => Value::Float(number.as_f64().unwrap_or(f64::NAN)),
            },
            Json::String(text) => Value::Text(text.clone()),
            Json::Array(items) => Value::List(items.iter().map(Self::of_json).collect()),
            Json::Object(entries) => Value::Table(
                entries
                    .iter()
                    .map(|(key, value)| (At::code(key.clone()), Self::of_json(value)))
                    .collect(),
            ),
            // no key takes one: as text it meets the error of the key
            Json::Null => Value::Text("null".to_owned()),
        })
    }

    /// What the value is, for messages.
    pub(crate) fn kind(&self) -> &'static str {
        match self.value {
            Value::Bool(_) => "a boolean",
            Value::Integer(_) | Value::Float(_) => "a number",
            Value::Text(_) => "a string",
            Value::List(_) => "a list",
            Value::Table(_) => "a table",
        }
    }

    /// The value as it was written, for messages; cut when long.
    pub(crate) fn written(&self) -> String {
        match (&self.value, &self.place) {
            (Value::Text(text), _) => text.clone(),
            (Value::Bool(flag), _) => flag.to_string(),
            (Value::Integer(number), _) => number.to_string(),
            (Value::Float(number), _) => number.to_string(),
            (_, Some(place)) => {
                let text = place
                    .source
                    .text
                    .get(place.range.clone())
                    .unwrap_or_default();
                text.lines()
                    .next()
                    .unwrap_or_default()
                    .chars()
                    .take(60)
                    .collect()
            }
            (_, None) => self.kind().to_owned(),
        }
    }

    pub(crate) fn as_text(&self) -> Option<At<String>> {
        match &self.value {
            Value::Text(text) => Some(At {
                value: text.clone(),
                place: self.place.clone(),
            }),
            _ => None,
        }
    }

    pub(crate) fn as_table(&self) -> Option<&[(At<String>, Node)]> {
        match &self.value {
            Value::Table(entries) => Some(entries),
            _ => None,
        }
    }
}

/// Reads a whole text; what TOML itself refuses goes into `report`, and the rest is read all the same.
pub(crate) fn parse(source: &Arc<Source>, report: &mut Report) -> Node {
    let (table, errors) = DeTable::parse_recoverable(&source.text);
    let whole = Place {
        source: source.clone(),
        range: 0..source.text.len().min(1),
    };
    for error in errors {
        let place = error
            .span()
            .map_or_else(|| whole.clone(), |range| whole.at(range));
        report.add(Diagnostic::error("toml", error.message()).at(Some(&place)));
    }
    let entries = table
        .into_inner()
        .into_iter()
        .map(|(key, value)| entry(key, value, &whole, report))
        .collect();
    Node {
        value: Value::Table(entries),
        place: Some(whole),
    }
}

impl Place {
    fn at(&self, range: Range<usize>) -> Self {
        let end = range.end.min(self.source.text.len());
        Self {
            source: self.source.clone(),
            range: range.start.min(end)..end,
        }
    }
}

fn entry<'i>(
    key: Spanned<std::borrow::Cow<'i, str>>,
    value: Spanned<DeValue<'i>>,
    whole: &Place,
    report: &mut Report,
) -> (At<String>, Node) {
    let place = whole.at(key.span());
    (
        At::new(key.into_inner().into_owned(), &place),
        node(value, whole, report),
    )
}

fn node(value: Spanned<DeValue<'_>>, whole: &Place, report: &mut Report) -> Node {
    let place = whole.at(value.span());
    let value = match value.into_inner() {
        DeValue::String(text) => Value::Text(text.into_owned()),
        DeValue::Boolean(flag) => Value::Bool(flag),
        DeValue::Integer(number) => {
            match i64::from_str_radix(&number.as_str().replace('_', ""), number.radix()) {
                Ok(number) => Value::Integer(number),
                Err(_) => {
                    let message = format!("{} is no number that fits 64 bits", number.as_str());
                    report.add(Diagnostic::error("toml", message).at(Some(&place)));
                    Value::Integer(0)
                }
            }
        }
        DeValue::Array(items) => Value::List(
            items
                .into_iter()
                .map(|item| node(item, whole, report))
                .collect(),
        ),
        DeValue::Table(table) => Value::Table(
            table
                .into_iter()
                .map(|(key, value)| entry(key, value, whole, report))
                .collect(),
        ),
        DeValue::Float(number) => match number.as_str().replace('_', "").parse() {
            Ok(number) => Value::Float(number),
            Err(_) => Value::Text(number.as_str().to_owned()),
        },
        // no key takes one: as text it meets the error of the key
        DeValue::Datetime(time) => Value::Text(time.to_string()),
    };
    Node {
        value,
        place: Some(place),
    }
}
