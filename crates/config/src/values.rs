//! A header value in its TOML form -> the text of the field.
//!
//! Every field takes a string. Some also take what is more natural in TOML: a table of directives, a list. The text that
//! comes out is not trusted: the field's own grammar judges it like one written by hand.

use std::ops::Range;

use serde_json::{Map, Value as Json, json};

use crate::error::{Diagnostic, Report};
use crate::node::{Node, Value};
use crate::source::{At, Place};

/// What a field takes beside a string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// Nothing.
    Text,
    /// `true`.
    Switch,
    /// A list of words.
    Words,
    /// A list of words that are printed in quotes.
    Quoted,
    /// A list of URL patterns and `response-origin`.
    Patterns,
    /// A table of directives, printed with this between them.
    Directives(&'static str),
    /// A table of features and their allowlists.
    Features,
    /// A table of endpoints and their URLs.
    Endpoints,
    /// A table of lists of words.
    WordLists,
    /// A table, or a list of them, printed as JSON.
    Json,
}

impl Form {
    /// That of a field, by its name in lower case.
    pub(crate) fn of(name: &str) -> Self {
        match name {
            "origin-agent-cluster" => Self::Switch,
            "referrer-policy" => Self::Words,
            "clear-site-data" => Self::Quoted,
            "connection-allowlist" | "connection-allowlist-report-only" => Self::Patterns,
            "strict-transport-security" => Self::Directives("; "),
            "cache-control" => Self::Directives(", "),
            "permissions-policy" | "permissions-policy-report-only" => Self::Features,
            "reporting-endpoints" => Self::Endpoints,
            "integrity-policy" | "integrity-policy-report-only" => Self::WordLists,
            "nel" | "report-to" => Self::Json,
            _ => Self::Text,
        }
    }

    /// Whether a table can be a value.
    pub(crate) fn takes_table(self) -> bool {
        matches!(
            self,
            Self::Directives(_) | Self::Features | Self::Endpoints | Self::WordLists | Self::Json
        )
    }

    fn takes(self) -> &'static str {
        match self {
            Self::Text => "a string",
            Self::Switch => "true or a string",
            Self::Words | Self::Quoted | Self::Patterns => "a string or a list of strings",
            Self::Directives(_) => "a string or a table of directives",
            Self::Features => "a string or a table of features",
            Self::Endpoints | Self::WordLists => "a string or a table",
            Self::Json => "a string, a table or a list of tables",
        }
    }

    /// JSON Schema of a value; a table of it has none of the keys `not`.
    pub(crate) fn schema(self, examples: &[&str], not: &[&str]) -> Json {
        let mut text = json!({ "type": "string" });
        if let (Some(object), false) = (text.as_object_mut(), examples.is_empty()) {
            object.insert("examples".to_owned(), Json::from(examples));
        }
        let words = || json!({ "type": "array", "items": { "type": "string" } });
        let table = |member: Json| {
            json!({
                "type": "object",
                "propertyNames": { "not": { "enum": not } },
                "additionalProperties": member,
            })
        };
        let other = match self {
            Self::Text => return text,
            Self::Switch => json!({ "const": true }),
            Self::Words | Self::Quoted | Self::Patterns => words(),
            Self::Directives(_) => table(json!({ "type": ["boolean", "integer", "string"] })),
            Self::Features => {
                table(json!({ "anyOf": [words(), { "const": "*" }, { "const": false }] }))
            }
            Self::Endpoints => {
                table(json!({ "anyOf": [{ "type": "string" }, { "const": false }] }))
            }
            Self::WordLists => table(json!({ "anyOf": [words(), { "const": false }] })),
            Self::Json => {
                let members = json!({ "type": "array" });
                return json!({ "anyOf": [text, table(Json::Bool(true)), members] });
            }
        };
        json!({ "anyOf": [text, other] })
    }
}

/// The text of a field, and where the members stand that it was made of.
#[derive(Clone, Debug)]
pub(crate) struct Printed {
    /// The text, and where the whole value stands.
    pub(crate) text: At<String>,
    members: Vec<(Range<usize>, Option<Place>)>,
}

impl Printed {
    /// Where the bytes `span` of the text come from: a member, or the whole value.
    pub(crate) fn place(&self, span: &Range<usize>) -> Option<Place> {
        let member = self
            .members
            .iter()
            .find(|(range, _)| range.start <= span.start && span.end <= range.end)
            .and_then(|(_, place)| place.clone());
        let whole = || Some(self.text.place.as_ref()?.within(&self.text.value, span));
        member.or_else(whole)
    }
}

/// The text of the field `name`, or `None` after a report.
pub(crate) fn text(key: &str, name: &str, node: &Node, report: &mut Report) -> Option<Printed> {
    match printed(Form::of(name), node) {
        Ok(printed) => Some(printed),
        Err(misfit) => {
            let message = format!("takes {}, not {}", misfit.wants, misfit.node.kind());
            report.add(
                Diagnostic::error(key, message)
                    .value(misfit.node.written())
                    .at(misfit.node.place.as_ref()),
            );
            None
        }
    }
}

fn printed(form: Form, node: &Node) -> Result<Printed, Misfit<'_>> {
    let (open, members, separator, close) = match (form, &node.value) {
        (_, Value::Text(text)) => ("", vec![(text.clone(), None)], "", ""),
        (Form::Switch, Value::Bool(true)) => ("", vec![("?1".to_owned(), None)], "", ""),
        (Form::Words, Value::List(items)) => ("", words(items, str::to_owned)?, ", ", ""),
        (Form::Quoted, Value::List(items)) => ("", words(items, quoted)?, ", ", ""),
        (Form::Patterns, Value::List(items)) => {
            let member = |word: &str| match word {
                "response-origin" => word.to_owned(),
                pattern => quoted(pattern),
            };
            ("(", words(items, member)?, " ", ")")
        }
        (Form::Directives(separator), Value::Table(entries)) => {
            ("", parameters(entries)?, separator, "")
        }
        (Form::Features, Value::Table(entries)) => ("", dictionary(entries, allowlist)?, ", ", ""),
        (Form::Endpoints, Value::Table(entries)) => ("", dictionary(entries, url)?, ", ", ""),
        (Form::WordLists, Value::Table(entries)) => ("", dictionary(entries, list)?, ", ", ""),
        (Form::Json, Value::Table(_)) => ("", vec![(json(node).to_string(), None)], "", ""),
        (Form::Json, Value::List(items)) => {
            let member = |item: &Node| (json(item).to_string(), item.place.clone());
            ("", items.iter().map(member).collect(), ", ", "")
        }
        _ => return Err(Misfit::new(node, form.takes())),
    };
    let mut value = open.to_owned();
    let mut places = Vec::new();
    for (i, (member, place)) in members.into_iter().enumerate() {
        if i > 0 {
            value.push_str(separator);
        }
        let start = value.len();
        value.push_str(&member);
        places.push((start..value.len(), place));
    }
    value.push_str(close);
    Ok(Printed {
        text: At {
            value,
            place: node.place.clone(),
        },
        members: places,
    })
}

/// The text of one member and where it stands.
type Member = (String, Option<Place>);

/// A value of the wrong kind.
struct Misfit<'n> {
    node: &'n Node,
    wants: &'static str,
}

impl<'n> Misfit<'n> {
    fn new(node: &'n Node, wants: &'static str) -> Self {
        Self { node, wants }
    }
}

fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        if c == '"' || c == '\\' {
            out.push('\\');
        }
        out.push(c);
    }
    out.push('"');
    out
}

fn words<'n>(items: &'n [Node], write: impl Fn(&str) -> String) -> Result<Vec<Member>, Misfit<'n>> {
    items
        .iter()
        .map(|item| match &item.value {
            Value::Text(word) => Ok((write(word), item.place.clone())),
            _ => Err(Misfit::new(item, "a string")),
        })
        .collect()
}

fn joined<'n>(items: &'n [Node], write: impl Fn(&str) -> String) -> Result<String, Misfit<'n>> {
    let words = words(items, write)?.into_iter().map(|(word, _)| word);
    Ok(words.collect::<Vec<_>>().join(" "))
}

/// `{ max-age = 1, no-store = true, private = false }` -> `max-age=1`, `no-store`
fn parameters(entries: &[(At<String>, Node)]) -> Result<Vec<Member>, Misfit<'_>> {
    let mut parts = Vec::new();
    for (name, node) in entries {
        let part = match &node.value {
            Value::Bool(true) => name.value.clone(),
            Value::Bool(false) => continue,
            Value::Integer(number) => format!("{}={number}", name.value),
            Value::Float(number) => format!("{}={number}", name.value),
            Value::Text(text) => format!("{}={}", name.value, quoted(text)),
            _ => return Err(Misfit::new(node, "true, false, a number or a string")),
        };
        parts.push((part, name.place.clone()));
    }
    Ok(parts)
}

/// The members of a structured-field dictionary (RFC 9651 section 3.2); `false` leaves one out.
fn dictionary<'n>(
    entries: &'n [(At<String>, Node)],
    write: impl Fn(&'n Node) -> Result<String, Misfit<'n>>,
) -> Result<Vec<Member>, Misfit<'n>> {
    let mut members = Vec::new();
    for (name, node) in entries {
        if !matches!(node.value, Value::Bool(false)) {
            let member = format!("{}={}", name.value, write(node)?);
            members.push((member, name.place.clone()));
        }
    }
    Ok(members)
}

/// `"https://a.example/r"` -> the same in quotes of the field's own
fn url(node: &Node) -> Result<String, Misfit<'_>> {
    match &node.value {
        Value::Text(url) => Ok(quoted(url)),
        _ => Err(Misfit::new(node, "a URL")),
    }
}

/// `["script", "style"]` -> `(script style)`
fn list(node: &Node) -> Result<String, Misfit<'_>> {
    match &node.value {
        Value::List(items) => joined(items, str::to_owned).map(|list| format!("({list})")),
        _ => Err(Misfit::new(node, "a list of words")),
    }
}

/// `[]` -> `()`, `["self", "https://a.example"]` -> `(self "https://a.example")`, `["*"]` -> `*`
fn allowlist(node: &Node) -> Result<String, Misfit<'_>> {
    let word = |word: &str| match word {
        "self" | "*" | "src" => word.to_owned(),
        url => quoted(url),
    };
    match &node.value {
        Value::Text(text) if text == "*" => Ok("*".to_owned()),
        Value::List(items) => {
            let list = joined(items, word)?;
            Ok(if list == "*" {
                list
            } else {
                format!("({list})")
            })
        }
        _ => Err(Misfit::new(
            node,
            "a list: [] for nobody, [\"self\"], [\"self\", \"https://a.example\"], [\"*\"]",
        )),
    }
}

fn json(node: &Node) -> Json {
    match &node.value {
        Value::Bool(flag) => Json::from(*flag),
        Value::Integer(number) => Json::from(*number),
        Value::Float(number) => Json::from(*number),
        // TOML floats arrive as text: JSON fields such as success_fraction are numbers
        Value::Text(text) => match text.parse::<f64>() {
            Ok(number) if text.contains('.') => Json::from(number),
            _ => Json::from(text.as_str()),
        },
        Value::List(items) => Json::Array(items.iter().map(json).collect()),
        Value::Table(entries) => Json::Object(
            entries
                .iter()
                .map(|(key, node)| (key.value.clone(), json(node)))
                .collect::<Map<_, _>>(),
        ),
    }
}
