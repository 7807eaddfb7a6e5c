//! What a cache makes of a Cache-Control value.

use std::collections::HashMap;
use std::ops::Range;

use super::contradiction::{Contradiction, contradictions};
use super::{CacheControl, Coverage, Extension};
use crate::fault::{Fault, Parsed};
use crate::octets::{is_token, split, split_quoted};
use crate::suggest::suggest;

const KNOWN: [&str; 13] = [
    "no-store",
    "no-cache",
    "private",
    "public",
    "max-age",
    "s-maxage",
    "must-revalidate",
    "proxy-revalidate",
    "must-understand",
    "no-transform",
    "immutable",
    "stale-while-revalidate",
    "stale-if-error",
];

/// Directives of requests only (RFC 9111 section 5.2.1).
const OF_REQUESTS: [&str; 3] = ["max-stale", "min-fresh", "only-if-cached"];

pub(super) fn parse(input: &[u8]) -> Parsed<CacheControl> {
    let mut reader = Reader {
        input,
        value: CacheControl::default(),
        faults: Vec::new(),
        seen: HashMap::new(),
    };
    let parts = split_quoted(input, b',').unwrap_or_else(|at| {
        let message = "a quoted string never ends: caches disagree on what follows";
        let fault = Fault::error("cache-control.quote", at..input.len(), message);
        reader.faults.push(fault);
        split(input, b',').collect()
    });
    for span in parts {
        reader.directive(span);
    }
    if reader.seen.is_empty() {
        let message = "there is no directive: every cache decides for itself";
        let fault = Fault::warning("cache-control.empty", 0..input.len(), message);
        reader.faults.push(fault.hint("no-store"));
    }
    for Contradiction {
        dead,
        killer,
        effect,
    } in contradictions(&reader.value)
    {
        let span = reader.place(dead);
        let message = format!("{dead} is dead beside {killer}: {effect}");
        let fault = Fault::warning("cache-control.contradiction", span, message);
        reader.faults.push(fault);
    }
    reader.value.extensions.sort();
    reader.faults.sort_by_key(|fault| fault.span.start);
    Parsed {
        value: Some(reader.value),
        faults: reader.faults,
    }
}

struct Reader<'a> {
    input: &'a [u8],
    value: CacheControl,
    faults: Vec<Fault>,
    seen: HashMap<String, Range<usize>>,
}

impl Reader<'_> {
    fn place(&self, name: &str) -> Range<usize> {
        self.seen.get(name).cloned().unwrap_or(0..self.input.len())
    }

    fn error(&mut self, code: &'static str, span: Range<usize>, message: String) {
        self.faults.push(Fault::error(code, span, message));
    }

    fn directive(&mut self, span: Range<usize>) {
        let part = &self.input[span.clone()];
        if part.is_empty() {
            return;
        }
        let (name, argument) = match part.iter().position(|&b| b == b'=') {
            Some(at) => (&part[..at], Some(&part[at + 1..])),
            None => (part, None),
        };
        let name = String::from_utf8_lossy(name).to_ascii_lowercase();
        if !is_token(name.as_bytes()) {
            let message = format!("{name:?} is no directive: a cache ignores it");
            return self.error("cache-control.name", span, message);
        }
        let argument = match argument.map(unquoted) {
            None => None,
            Some(Some(argument)) => Some(argument),
            Some(None) => {
                let message =
                    format!("the argument of {name} is neither a token nor a quoted string");
                self.error("cache-control.argument", span.clone(), message);
                // a time that cannot be read makes the response stale, a list that cannot be read covers all
                None
            }
        };
        if self.seen.contains_key(&name) {
            let message = format!("{name} is given again: a cache takes the first one, or none");
            self.faults
                .push(Fault::warning("cache-control.repeated", span, message));
            return;
        }
        self.seen.insert(name.clone(), span.clone());
        match name.as_str() {
            "no-cache" => self.value.no_cache = Some(self.coverage(argument, span)),
            "private" => self.value.private = Some(self.coverage(argument, span)),
            "max-age" => self.value.max_age = Some(self.seconds(&name, argument, span)),
            "s-maxage" => self.value.s_maxage = Some(self.seconds(&name, argument, span)),
            "stale-while-revalidate" => {
                self.value.stale_while_revalidate = Some(self.seconds(&name, argument, span));
            }
            "stale-if-error" => {
                self.value.stale_if_error = Some(self.seconds(&name, argument, span));
            }
            _ => self.flag(name, argument, span),
        }
    }

    fn flag(&mut self, name: String, argument: Option<String>, span: Range<usize>) {
        let value = &mut self.value;
        let flag = match name.as_str() {
            "no-store" => &mut value.no_store,
            "public" => &mut value.public,
            "must-revalidate" => &mut value.must_revalidate,
            "proxy-revalidate" => &mut value.proxy_revalidate,
            "must-understand" => &mut value.must_understand,
            "no-transform" => &mut value.no_transform,
            "immutable" => &mut value.immutable,
            _ => {
                self.faults.push(unknown(&name, span));
                value.extensions.push(Extension { name, argument });
                return;
            }
        };
        *flag = true;
        if argument.is_some() {
            let message = format!("{name} takes no argument: a cache ignores it");
            self.faults
                .push(Fault::warning("cache-control.argument", span, message).hint(name));
        }
    }

    fn seconds(&mut self, name: &str, argument: Option<String>, span: Range<usize>) -> u64 {
        let digits = argument.unwrap_or_default();
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            let message = format!(
                "{name} is no whole number of seconds: a cache takes the response as stale"
            );
            let fault = Fault::error("cache-control.seconds", span, message);
            self.faults.push(fault.hint(format!("{name}=600")));
            return 0;
        }
        digits.bytes().fold(0u64, |sum, digit| {
            sum.saturating_mul(10)
                .saturating_add(u64::from(digit - b'0'))
        })
    }

    fn coverage(&mut self, argument: Option<String>, span: Range<usize>) -> Coverage {
        let Some(argument) = argument else {
            return Coverage::Response;
        };
        let names: Vec<&str> = argument
            .split(',')
            .map(|name| name.trim_matches([' ', '\t']))
            .filter(|name| !name.is_empty())
            .collect();
        Coverage::fields(&names).unwrap_or_else(|_| {
            let message =
                "not a list of field names: a cache takes the directive for the whole response";
            self.error("cache-control.fields", span, message.to_owned());
            Coverage::Response
        })
    }
}

fn unknown(name: &str, span: Range<usize>) -> Fault {
    let code = "cache-control.unknown-directive";
    if OF_REQUESTS.contains(&name) {
        let message = format!("{name} has a meaning in requests only: a cache ignores it");
        return Fault::warning(code, span, message);
    }
    let message = format!("{name} is an unknown directive: a cache ignores it");
    match suggest(name, KNOWN.into_iter()) {
        Some(near) => Fault::error(code, span, message).hint(near),
        None => Fault::warning(code, span, message),
    }
}

/// The text of a token or a quoted string; anything printable is taken for a token, as caches do.
fn unquoted(argument: &[u8]) -> Option<String> {
    let printable = |b: &u8| matches!(b, b'\t' | b' '..=b'~');
    let text = std::str::from_utf8(argument).ok()?;
    if !argument.iter().all(printable) {
        return None;
    }
    let Some(inner) = text.strip_prefix('"') else {
        return (!text.is_empty() && !text.contains(['"', '\\'])).then(|| text.to_owned());
    };
    let mut plain = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    loop {
        match chars.next()? {
            '"' => return chars.next().is_none().then_some(plain),
            '\\' => plain.push(chars.next()?),
            c => plain.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::field::Field;

    fn read(input: &str) -> (String, Vec<&'static str>) {
        let parsed = CacheControl::parse(input.as_bytes());
        let text = parsed.value.map(|value| value.to_string());
        let codes = parsed.faults.iter().map(|fault| fault.code).collect();
        (text.expect("always a value"), codes)
    }

    #[test]
    fn clean_values_are_read_in_any_case_and_order() {
        for (input, printed) in [
            ("MAX-AGE=60,, Public", "public, max-age=60"),
            ("max-age=\"60\"", "max-age=60"),
            ("private=\"Set-Cookie,x\"", "private=\"set-cookie, x\""),
            ("private=set-cookie", "private=\"set-cookie\""),
            (
                "no-store, no-cache, must-revalidate, max-age=0",
                "no-store, no-cache, max-age=0, must-revalidate",
            ),
            (
                "no-store, must-understand, max-age=60",
                "no-store, max-age=60, must-understand",
            ),
            (
                "max-age=99999999999999999999999",
                "max-age=18446744073709551615",
            ),
        ] {
            assert_eq!(read(input), (printed.to_owned(), vec![]), "{input}");
        }
    }

    #[test]
    fn contradictions_are_warned_of() {
        for input in [
            "no-store, public",
            "no-store, max-age=1",
            "private, public",
            "private, s-maxage=1",
            "no-cache, immutable",
            "must-revalidate, stale-if-error=1",
            "max-age=0, immutable",
        ] {
            let (_, codes) = read(input);
            assert_eq!(codes, ["cache-control.contradiction"], "{input}");
            assert!(CacheControl::build(input).is_ok(), "{input}");
        }
    }

    #[test]
    fn what_a_cache_misreads_is_an_error() {
        for (input, printed, code) in [
            ("max-age", "max-age=0", "cache-control.seconds"),
            ("max-age=-1", "max-age=0", "cache-control.seconds"),
            ("max-age=1.5", "max-age=0", "cache-control.seconds"),
            ("nostore", "nostore", "cache-control.unknown-directive"),
            ("no_cache", "no_cache", "cache-control.unknown-directive"),
            ("a b", "", "cache-control.name"),
            ("private=\"a b\"", "private", "cache-control.fields"),
        ] {
            let (text, codes) = read(input);
            assert_eq!((text.as_str(), codes[0]), (printed, code), "{input}");
            assert!(CacheControl::build(input).is_err(), "{input}");
        }
    }

    #[test]
    fn unknown_directives_are_kept() {
        let (text, codes) = read("surrogate=\"a \\\"b\", max-age=1, only-if-cached, max-age=2");
        assert_eq!(text, "max-age=1, only-if-cached, surrogate=\"a \\\"b\"");
        let unknown = "cache-control.unknown-directive";
        assert_eq!(codes, [unknown, unknown, "cache-control.repeated"]);
    }
}
