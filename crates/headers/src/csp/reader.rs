//! Bytes to policies, as a browser splits them (CSP3 section 2.2.1, <https://www.w3.org/TR/CSP3/#parse-serialized-policy>).

use std::ops::Range;

use super::directive::{Directive, Findings};
use super::name::DirectiveName;
use super::policy::{Disposition, Policy};
use super::token::{Mode, Token, non_ascii};
use crate::fault::{Fault, Parsed};

/// Reads the comma list; `None` if no directive is left.
pub(crate) fn read(input: &[u8], mode: Mode, disposition: Disposition) -> Parsed<Vec<Policy>> {
    let mut faults = Vec::new();
    let mut policies = Vec::new();
    for (count, part) in split(input, 0..input.len(), b',').enumerate() {
        let policy = read_policy(input, part, mode, disposition, count > 0, &mut faults);
        if !policy.is_empty() {
            policies.push(policy);
        }
    }
    if policies.is_empty() && faults.is_empty() {
        let message = "no directive: a browser ignores the field";
        faults.push(Fault::error("csp.empty", 0..input.len(), message));
    }
    faults.sort_by_key(|fault| (fault.span.start, fault.span.end));
    Parsed {
        value: (!policies.is_empty()).then_some(policies),
        faults,
    }
}

/// A directive that was kept, and the places of its words.
struct Kept<'a> {
    name: DirectiveName,
    span: Range<usize>,
    words: Vec<Token<'a>>,
}

fn read_policy(
    input: &[u8],
    part: Range<usize>,
    mode: Mode,
    disposition: Disposition,
    follows_comma: bool,
    faults: &mut Vec<Fault>,
) -> Policy {
    let mut policy = Policy::new();
    let mut kept: Vec<Kept<'_>> = Vec::new();
    for (count, directive) in split(input, part.clone(), b';').enumerate() {
        let span = trimmed(input, directive);
        if span.is_empty() {
            continue;
        }
        let Some(text) = ascii(input, &span, faults) else {
            continue;
        };
        let mut words = words(text, span.start);
        let name = words.remove(0);
        if let Some(earlier) = kept.iter().find(|kept| name.is(kept.name.as_str())) {
            let message = format!(
                "{} is given twice: a browser ignores the later one",
                earlier.name
            );
            faults.push(Fault::error("csp.repeated-directive", span, message));
            continue;
        }
        let mut findings = Findings::new(mode);
        let directive = Directive::read(&name, &words, &mut findings);
        for mut found in findings.found {
            if follows_comma && count == 0 && found.fault.code == "csp.unknown-directive" {
                let hint =
                    "a comma begins another policy; separate words by spaces, directives by `;`";
                found.fault = found.fault.hint(hint);
            }
            faults.push(found.fault);
        }
        let Some(directive) = directive else {
            // The name is taken all the same: a browser keeps a known directive whose value says nothing.
            if let Some(name) = DirectiveName::from_name(name.text) {
                kept.push(Kept { name, span, words });
            }
            continue;
        };
        kept.push(Kept {
            name: directive.name(),
            span,
            words,
        });
        policy.set(directive);
    }
    if !policy.is_empty() {
        place(&policy, disposition, &kept, trimmed(input, part), faults);
    }
    policy
}

/// Gives the faults between directives their places.
fn place(
    policy: &Policy,
    disposition: Disposition,
    kept: &[Kept<'_>],
    whole: Range<usize>,
    faults: &mut Vec<Fault>,
) {
    for found in policy.review(disposition) {
        let directive = kept.iter().find(|kept| Some(kept.name) == found.directive);
        let word = |kept: &Kept<'_>| {
            let wanted = found.word.as_deref()?;
            let word = kept.words.iter().find(|word| word.is(wanted))?;
            Some(word.span.clone())
        };
        let mut fault = found.fault.clone();
        fault.span = match directive {
            Some(kept) => word(kept).unwrap_or_else(|| kept.span.clone()),
            None => whole.clone(),
        };
        faults.push(fault);
    }
}

/// The text of a directive, or the fault of its first run of words outside of ASCII.
fn ascii<'a>(input: &'a [u8], span: &Range<usize>, faults: &mut Vec<Fault>) -> Option<&'a str> {
    let bytes = &input[span.clone()];
    match std::str::from_utf8(bytes) {
        Ok(text) if text.is_ascii() => Some(text),
        _ => {
            let word = split_words(bytes)
                .find(|word| !bytes[word.clone()].is_ascii())
                .unwrap_or(0..bytes.len());
            let text = String::from_utf8_lossy(&bytes[word.clone()]);
            faults.push(non_ascii(
                &text,
                word.start + span.start..word.end + span.start,
            ));
            None
        }
    }
}

fn words(text: &str, offset: usize) -> Vec<Token<'_>> {
    split_words(text.as_bytes())
        .map(|span| Token {
            text: &text[span.clone()],
            span: span.start + offset..span.end + offset,
        })
        .collect()
}

/// The words between ASCII whitespace.
fn split_words(bytes: &[u8]) -> impl Iterator<Item = Range<usize>> {
    let mut at = 0;
    bytes
        .split(u8::is_ascii_whitespace)
        .map(move |word| {
            let span = at..at + word.len();
            at = span.end + 1;
            span
        })
        .filter(|span| !span.is_empty())
}

/// The parts of `range` between the delimiters.
fn split(input: &[u8], range: Range<usize>, delimiter: u8) -> impl Iterator<Item = Range<usize>> {
    let mut at = range.start;
    input[range]
        .split(move |&b| b == delimiter)
        .map(move |part| {
            let span = at..at + part.len();
            at = span.end + 1;
            span
        })
}

fn trimmed(input: &[u8], range: Range<usize>) -> Range<usize> {
    let part = &input[range.clone()];
    let start = range.start + part.len() - part.trim_ascii_start().len();
    start..start + part.trim_ascii().len()
}
