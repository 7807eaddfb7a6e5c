//! Server and X-Powered-By: what the answer says about who made it.

use std::fmt;

use crate::fault::{Fault, Parsed};
use crate::field::{Field, from_str_by_build};
use crate::octets::{is_tchar, is_token, trimmed};

/// A Server value: products and comments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server(String);

impl Server {
    /// Products and comments, one space between them.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Field for Server {
    const NAME: &'static str = "Server";
    const SPEC: &'static str = "https://www.rfc-editor.org/rfc/rfc9110#section-10.2.4";
    const SUMMARY: &'static str = "Names the software that answered.";
    const EXAMPLES: &'static [&'static str] = &["web", "mantlet (front)"];
    const REASON: &'static str =
        "The name and version of a server help to pick an attack; best is to remove the field.";

    fn parse(input: &[u8]) -> Parsed<Self> {
        let whole = trimmed(input, 0..input.len());
        if whole.is_empty() {
            let message = "an empty Server field is not valid, and some servers then send two";
            let fault = Fault::error("server.empty", 0..input.len(), message);
            return Parsed::ignored(fault.hint("mode = \"remove\""));
        }
        let mut words: Vec<&str> = Vec::new();
        let mut faults = Vec::new();
        let mut at = whole.start;
        while at < whole.end {
            let rest = &input[at..whole.end];
            let length = match rest[0] {
                b' ' | b'\t' => {
                    at += 1;
                    continue;
                }
                b'(' if !words.is_empty() => comment(rest),
                _ => product(rest),
            };
            let word = length.and_then(|length| std::str::from_utf8(&rest[..length]).ok());
            let ends = |word: &str| matches!(rest.get(word.len()), None | Some(b' ' | b'\t'));
            let Some(word) = word.filter(|word| ends(word)) else {
                let message =
                    "neither a product such as name/1.0 nor, after one, a comment in parentheses";
                let fault = Fault::error("server.grammar", at..whole.end, message);
                return Parsed::ignored(fault.hint("a word of letters, digits and hyphens"));
            };
            if word.contains('/') && !word.starts_with('(') {
                let message = format!("{word} tells the version, which helps to pick an attack");
                let span = at..at + word.len();
                faults.push(Fault::warning("server.version", span, message));
            }
            at += word.len();
            words.push(word);
        }
        Parsed {
            value: Some(Self(words.join(" "))),
            faults,
        }
    }
}

/// The length of `token [ "/" token ]`.
fn product(input: &[u8]) -> Option<usize> {
    let end = input
        .iter()
        .position(|&b| !is_tchar(b) && b != b'/')
        .unwrap_or(input.len());
    let mut parts = input[..end].splitn(2, |&b| b == b'/');
    parts.all(is_token).then_some(end)
}

/// The length of a comment, with comments and quoted pairs in it.
fn comment(input: &[u8]) -> Option<usize> {
    let mut depth = 0usize;
    let mut escaped = false;
    for (at, &b) in input.iter().enumerate() {
        if !matches!(b, b'\t' | b' '..=b'~') {
            return None;
        }
        match b {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'(' => depth += 1,
            b')' => {
                depth -= 1;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
    }
    None
}

from_str_by_build!(Server);

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An X-Powered-By value: any printable text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct XPoweredBy(String);

impl XPoweredBy {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Field for XPoweredBy {
    const NAME: &'static str = "X-Powered-By";
    const SPEC: &'static str = "https://owasp.org/www-project-secure-headers/#prevent-information-disclosure-via-http-headers";
    const SUMMARY: &'static str = "Names the framework that answered; no browser reads it.";
    const EXAMPLES: &'static [&'static str] = &["web"];
    const REASON: &'static str =
        "The name and version of a framework help to pick an attack; best is to remove the field.";

    fn parse(input: &[u8]) -> Parsed<Self> {
        let span = trimmed(input, 0..input.len());
        let text = &input[span.clone()];
        if text.is_empty() {
            let message = "an empty field says nothing and still takes its place";
            let fault = Fault::error("x-powered-by.empty", 0..input.len(), message);
            return Parsed::ignored(fault.hint("mode = \"remove\""));
        }
        match std::str::from_utf8(text) {
            Ok(text) if text.bytes().all(|b| matches!(b, b' '..=b'~')) => {
                Parsed::clean(Self(text.to_owned()))
            }
            _ => {
                let message = "the text has other octets than printable ASCII";
                Parsed::ignored(Fault::error("x-powered-by.text", span, message))
            }
        }
    }
}

from_str_by_build!(XPoweredBy);

impl fmt::Display for XPoweredBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_and_comments_are_read() {
        for (input, printed, warnings) in [
            ("nginx", "nginx", 0),
            (
                " Apache/2.4.1  (Unix (x\\)))  mod_x/1 ",
                "Apache/2.4.1 (Unix (x\\))) mod_x/1",
                2,
            ),
            ("a (see x/1)", "a (see x/1)", 0),
        ] {
            let parsed = Server::parse(input.as_bytes());
            assert_eq!(parsed.faults.len(), warnings, "{input}");
            let text = parsed.value.map(|value| value.to_string());
            assert_eq!(text.as_deref(), Some(printed));
        }
    }

    #[test]
    fn what_is_no_product_is_refused() {
        for input in [
            "", "  ", "(a)", "a/", "/1", "a/1/2", "a(b)", "a (b", "a (b)c", "a, b", "\u{e4}",
        ] {
            let parsed = Server::parse(input.as_bytes());
            assert_eq!(parsed.value, None, "{input}");
        }
        let refused = Server::build("").expect_err("empty is refused");
        assert!(refused.to_string().contains("mode = \"remove\""));
    }

    #[test]
    fn powered_by_is_printable_and_not_empty() {
        assert!(XPoweredBy::build("PHP/8.3 (x)").is_ok());
        for input in ["", " ", "a\tb", "\u{e4}", "a\nb"] {
            assert!(XPoweredBy::build(input).is_err(), "{input:?}");
        }
    }
}
