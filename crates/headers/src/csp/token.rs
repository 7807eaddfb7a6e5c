//! A word of a policy with its place, and the checks that every word goes through.

use std::ops::Range;

use super::name::DirectiveName;
use crate::fault::Fault;

/// Who reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// A browser's view of what was received.
    Read,
    /// What is to be sent; the nonce slot is allowed.
    Build,
}

/// One word and where it stands.
#[derive(Clone, Debug)]
pub(crate) struct Token<'a> {
    pub(crate) text: &'a str,
    pub(crate) span: Range<usize>,
}

impl<'a> Token<'a> {
    /// A word that stands alone: its span is its own.
    pub(crate) fn alone(text: &'a str) -> Self {
        Self {
            text,
            span: 0..text.len(),
        }
    }

    pub(crate) fn is(&self, word: &str) -> bool {
        self.text.eq_ignore_ascii_case(word)
    }

    pub(crate) fn error(&self, code: &'static str, message: impl Into<String>) -> Fault {
        Fault::error(code, self.span.clone(), message)
    }

    pub(crate) fn warning(&self, code: &'static str, message: impl Into<String>) -> Fault {
        Fault::warning(code, self.span.clone(), message)
    }

    /// What no word of any directive may be: empty, split by a delimiter, or outside of printable ASCII.
    pub(crate) fn misfit(&self) -> Option<Fault> {
        let text = self.text;
        if text.is_empty() {
            return Some(
                self.error("csp.empty-word", "an empty word")
                    .hint("leave it out"),
            );
        }
        if !text.is_ascii() {
            return Some(non_ascii(text, self.span.clone()));
        }
        if let Some(control) = text
            .bytes()
            .find(|b| b.is_ascii_control() && !matches!(b, b'\t'))
        {
            let message = format!("control character 0x{control:02x} inside a word");
            return Some(self.error("csp.control", message));
        }
        if text.contains([' ', '\t']) {
            let message = format!("{text:?} is several words");
            let hint = "write each source expression as a value of its own";
            return Some(self.error("csp.space", message).hint(hint));
        }
        if text.contains(';') {
            let message = format!("{text:?}: `;` ends the directive, the rest becomes another one");
            let hint = "percent-encode it as %3B in a path";
            return Some(self.error("csp.semicolon", message).hint(hint));
        }
        if text.contains(',') {
            let message = format!("{text:?}: `,` ends the policy, the rest becomes another one");
            let hint = "separate words by spaces; percent-encode it as %2C in a path";
            return Some(self.error("csp.comma", message).hint(hint));
        }
        None
    }
}

/// A directive name where a value should be: the `;` before it was forgotten.
pub(crate) fn missing_semicolon(token: &Token<'_>) -> Option<Fault> {
    let name = DirectiveName::from_name(token.text).filter(|name| name.as_str().contains('-'))?;
    let message = format!("{name} is a value here, not a directive of its own");
    let fault = token.error("csp.missing-semicolon", message);
    Some(fault.hint(format!("; {name}")))
}

/// The fault of a word outside of ASCII, with the ASCII spelling where there is one.
pub(crate) fn non_ascii(text: &str, span: Range<usize>) -> Fault {
    let message = format!(
        "{text:?} is not ASCII: a browser ignores the whole directive (CSP3 section 2.2.1)"
    );
    let fault = Fault::error("csp.non-ascii", span, message);
    match ascii_spelling(text) {
        Some(spelling) => fault.hint(spelling),
        None => fault,
    }
}

/// Typographic quotes as plain ones; else the host as punycode and the rest percent-encoded.
fn ascii_spelling(text: &str) -> Option<String> {
    let plain = text.replace(['\u{2018}', '\u{2019}', '\u{201c}', '\u{201d}'], "'");
    if plain.is_ascii() {
        return Some(plain);
    }
    let (scheme, rest) = match text.split_once("://") {
        Some((scheme, rest)) => (format!("{scheme}://"), rest),
        None => (String::new(), text),
    };
    let end = rest.find(['/', ':']).unwrap_or(rest.len());
    let (host, tail) = rest.split_at(end);
    let (wildcard, name) = match host.strip_prefix("*.") {
        Some(name) => ("*.", name),
        None => ("", host),
    };
    let name = idna::domain_to_ascii(name).ok()?;
    if !name
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b))
        || name.is_empty()
    {
        return None;
    }
    let mut spelling = format!("{scheme}{wildcard}{name}");
    for byte in tail.bytes() {
        if byte.is_ascii() {
            spelling.push(char::from(byte));
        } else {
            spelling.push_str(&format!("%{byte:02X}"));
        }
    }
    spelling.is_ascii().then_some(spelling)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn non_ascii_host_is_hinted_as_punycode() {
        let hint = |text| Token::alone(text).misfit().and_then(|fault| fault.hint);
        assert_eq!(
            hint("b\u{fc}cher.example").as_deref(),
            Some("xn--bcher-kva.example")
        );
        assert_eq!(
            hint("https://*.b\u{fc}cher.example:8443/\u{fc}").as_deref(),
            Some("https://*.xn--bcher-kva.example:8443/%C3%BC")
        );
        assert_eq!(hint("\u{2018}self\u{2019}").as_deref(), Some("'self'"));
        assert_eq!(hint("\u{fc} \u{0}"), None);
    }

    #[test]
    fn delimiters_and_controls_are_refused() {
        for (text, code) in [
            ("", "csp.empty-word"),
            ("a b", "csp.space"),
            ("a\tb", "csp.space"),
            ("a;b", "csp.semicolon"),
            ("a,b", "csp.comma"),
            ("a\r\nb", "csp.control"),
            ("a\u{0}", "csp.control"),
        ] {
            assert_eq!(
                Token::alone(text).misfit().map(|f| f.code),
                Some(code),
                "{text:?}"
            );
        }
        assert_eq!(Token::alone("https://a.example/x").misfit(), None);
    }
}
