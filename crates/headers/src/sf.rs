//! What the fields made of structured values share (RFC 9651): faults with places, members, the report-to parameter.

use std::collections::HashMap;
use std::ops::Range;

use sfv::{BareItem, FieldType, Parameters, Parser};

use crate::endpoint::Endpoint;
use crate::fault::Fault;
use crate::octets::split_quoted;

/// Reads a structured field.
///
/// # Errors
/// A fault at the place where the grammar breaks; a browser ignores the whole field then.
pub(crate) fn parse<T: FieldType>(input: &[u8], code: &'static str) -> Result<T, Fault> {
    Parser::new(input).parse::<T>().map_err(|error| {
        let span = match error.index() {
            Some(at) => at.min(input.len())..(at + 1).min(input.len()),
            None => 0..input.len(),
        };
        let message =
            format!("not a structured field, {error:#}: a browser ignores the whole field");
        Fault::error(code, span, message)
    })
}

/// A string as it is written: in quotes, with what needs it escaped. Only for printable ASCII.
pub(crate) fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// The place of a word, else that of the whole input.
pub(crate) fn place(input: &[u8], word: &str) -> Range<usize> {
    if word.is_empty() {
        return 0..input.len();
    }
    match input
        .windows(word.len())
        .position(|part| part == word.as_bytes())
    {
        Some(at) => at..at + word.len(),
        None => 0..input.len(),
    }
}

/// Where the members of a dictionary are, by key; of a repeated key the last member counts.
pub(crate) struct Members<'a> {
    whole: Range<usize>,
    places: HashMap<&'a [u8], Range<usize>>,
    replaced: Vec<Range<usize>>,
}

impl<'a> Members<'a> {
    /// Finds the members of a dictionary that is known to be one.
    pub(crate) fn find(input: &'a [u8]) -> Self {
        let mut members = Self {
            whole: 0..input.len(),
            places: HashMap::new(),
            replaced: Vec::new(),
        };
        for span in split_quoted(input, b',').unwrap_or_default() {
            let member = &input[span.clone()];
            let end = member
                .iter()
                .position(|b| matches!(b, b'=' | b';'))
                .unwrap_or(member.len());
            if let Some(earlier) = members.places.insert(&member[..end], span) {
                members.replaced.push(earlier);
            }
        }
        members
    }

    /// The place of a member.
    pub(crate) fn place(&self, key: &str) -> Range<usize> {
        self.places
            .get(key.as_bytes())
            .unwrap_or(&self.whole)
            .clone()
    }

    /// A warning for every member that a later one of the same key replaces.
    pub(crate) fn replaced(&self, code: &'static str) -> Vec<Fault> {
        let message = "the key is given again later: a browser takes the last one";
        self.replaced
            .iter()
            .map(|span| Fault::warning(code, span.clone(), message))
            .collect()
    }
}

/// How a field writes the name of an endpoint.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Writes {
    /// `report-to="ep"` only; a token is ignored.
    String,
    /// `report-to=ep` only; a string is ignored.
    Token,
    /// `report-to=ep`; a string is taken as well.
    Either,
}

/// The `report-to` parameter; faults for a value that names no endpoint and for every other parameter.
pub(crate) fn report_to(
    params: &Parameters,
    span: Range<usize>,
    writes: Writes,
    faults: &mut Vec<Fault>,
) -> Option<Endpoint> {
    let mut endpoint = None;
    for (key, value) in params {
        if key.as_str() != "report-to" {
            let message = format!(
                "{} is an unknown parameter: a browser ignores it",
                key.as_str()
            );
            faults.push(Fault::warning("report-to.parameter", span.clone(), message));
            continue;
        }
        let name = match (value, writes) {
            (BareItem::String(name), Writes::String | Writes::Either) => name.as_str(),
            (BareItem::Token(name), Writes::Token | Writes::Either) => name.as_str(),
            (BareItem::String(name), Writes::Token) => {
                let message = "report-to is no token: a browser ignores it";
                let hint = format!("report-to={}", name.as_str());
                faults.push(Fault::error("report-to.type", span.clone(), message).hint(hint));
                continue;
            }
            (BareItem::Token(name), Writes::String) => {
                let message = "report-to is no string: a browser ignores it";
                let hint = format!("report-to=\"{}\"", name.as_str());
                faults.push(Fault::error("report-to.type", span.clone(), message).hint(hint));
                continue;
            }
            _ => {
                let message = "report-to names no endpoint: a browser ignores it";
                faults.push(Fault::error("report-to.type", span.clone(), message));
                continue;
            }
        };
        match Endpoint::new(name) {
            Ok(name) => endpoint = Some(name),
            Err(malformed) => faults.push(Fault {
                span: span.clone(),
                ..malformed.into()
            }),
        }
    }
    endpoint
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_field_names_the_place() {
        let fault = parse::<sfv::Dictionary>(b"geolocation=('self')", "x.y")
            .expect_err("single quotes are no structured field");
        assert_eq!(fault.span, 13..14);
    }

    #[test]
    fn replaced_members_are_found() {
        let members = Members::find(br#"a=1, b="x, a", a=2"#);
        let faults = members.replaced("x.y");
        assert_eq!(faults.len(), 1);
        assert_eq!(faults[0].span, 0..3);
        assert_eq!(members.place("a"), 15..18);
        assert_eq!(members.place("c"), 0..18);
    }
}
