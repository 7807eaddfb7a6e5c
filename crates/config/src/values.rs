//! A header value in its TOML form -> the text of the field.
//!
//! Every field takes a string. Some also take what is more natural in TOML: a table of directives, a list. The text that
//! comes out is not trusted: the field's own grammar judges it like one written by hand.

use serde_json::{Map, Value as Json};

use crate::error::{Diagnostic, Report};
use crate::node::{Node, Value};
use crate::source::At;

/// The text of the field `name`, or `None` after a report.
pub(crate) fn text(key: &str, name: &str, node: &Node, report: &mut Report) -> Option<At<String>> {
    let text = match (name, &node.value) {
        (_, Value::Text(text)) => Ok(text.clone()),
        ("origin-agent-cluster", Value::Bool(true)) => Ok("?1".to_owned()),
        ("referrer-policy", Value::List(items)) => joined(items, ", ", |word| word.to_owned()),
        ("clear-site-data", Value::List(items)) => joined(items, ", ", quoted),
        ("connection-allowlist" | "connection-allowlist-report-only", Value::List(items)) => {
            let member = |word: &str| {
                if word == "response-origin" {
                    word.to_owned()
                } else {
                    quoted(word)
                }
            };
            joined(items, " ", member).map(|list| format!("({list})"))
        }
        ("strict-transport-security", Value::Table(entries)) => parameters(entries, "; "),
        ("cache-control", Value::Table(entries)) => parameters(entries, ", "),
        ("permissions-policy" | "permissions-policy-report-only", Value::Table(entries)) => {
            dictionary(entries, allowlist)
        }
        ("reporting-endpoints", Value::Table(entries)) => {
            dictionary(entries, |node| match &node.value {
                Value::Text(url) => Ok(quoted(url)),
                _ => Err(Misfit::new(node, "a URL")),
            })
        }
        ("integrity-policy" | "integrity-policy-report-only", Value::Table(entries)) => {
            dictionary(entries, |node| match &node.value {
                Value::List(items) => {
                    joined(items, " ", str::to_owned).map(|list| format!("({list})"))
                }
                _ => Err(Misfit::new(node, "a list of words")),
            })
        }
        ("nel" | "report-to", Value::Table(_)) => Ok(json(node).to_string()),
        ("nel" | "report-to", Value::List(items)) => Ok(items
            .iter()
            .map(|item| json(item).to_string())
            .collect::<Vec<_>>()
            .join(", ")),
        _ => Err(Misfit::new(node, takes(name))),
    };
    match text {
        Ok(value) => Some(At {
            value,
            place: node.place.clone(),
        }),
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

fn takes(name: &str) -> &'static str {
    match name {
        "strict-transport-security" | "cache-control" => "a string or a table of directives",
        "permissions-policy" | "permissions-policy-report-only" => {
            "a string or a table of features"
        }
        "referrer-policy" | "clear-site-data" => "a string or a list of strings",
        "reporting-endpoints" | "nel" | "report-to" | "integrity-policy" => "a string or a table",
        _ => "a string",
    }
}

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

fn joined<'n>(
    items: &'n [Node],
    separator: &str,
    write: impl Fn(&str) -> String,
) -> Result<String, Misfit<'n>> {
    let words: Result<Vec<String>, Misfit<'n>> = items
        .iter()
        .map(|item| match &item.value {
            Value::Text(word) => Ok(write(word)),
            _ => Err(Misfit::new(item, "a string")),
        })
        .collect();
    Ok(words?.join(separator))
}

/// `{ max-age = 1, no-store = true, private = false }` -> `max-age=1; no-store`
fn parameters<'n>(
    entries: &'n [(At<String>, Node)],
    separator: &str,
) -> Result<String, Misfit<'n>> {
    let mut parts = Vec::new();
    for (name, node) in entries {
        match &node.value {
            Value::Bool(true) => parts.push(name.value.clone()),
            Value::Bool(false) => {}
            Value::Integer(number) => parts.push(format!("{}={number}", name.value)),
            Value::Text(text) => parts.push(format!("{}={}", name.value, quoted(text))),
            _ => return Err(Misfit::new(node, "true, false, a number or a string")),
        }
    }
    Ok(parts.join(separator))
}

/// A structured-field dictionary (RFC 9651 section 3.2), a member a line; `false` leaves one out.
fn dictionary<'n>(
    entries: &'n [(At<String>, Node)],
    write: impl Fn(&'n Node) -> Result<String, Misfit<'n>>,
) -> Result<String, Misfit<'n>> {
    let mut members = Vec::new();
    for (name, node) in entries {
        if !matches!(node.value, Value::Bool(false)) {
            members.push(format!("{}={}", name.value, write(node)?));
        }
    }
    Ok(members.join(", "))
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
            let list = joined(items, " ", word)?;
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
