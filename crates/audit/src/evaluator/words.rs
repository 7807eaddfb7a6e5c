//! Words of a policy: keywords, schemes, nonces, hashes, and the hosts in sources.

use std::borrow::Cow;

use mantlet_headers::csp::{DirectiveName, Keyword};
use url::{Host, Url};

/// Words that csp-evaluator knows and CSP 3 does not.
const OLD_KEYWORDS: [&str; 5] = [
    "'none'",
    "'wasm-eval'",
    "'unsafe-hashed-attributes'",
    "'block'",
    "'allow'",
];
const OLD_DIRECTIVES: [&str; 1] = ["disown-opener"];
/// Words that csp-evaluator misses when they have no quotes.
const NEW_KEYWORDS: [Keyword; 5] = [
    Keyword::TrustedTypesEval,
    Keyword::ReportSha256,
    Keyword::ReportSha384,
    Keyword::ReportSha512,
    Keyword::UnsafeWebtransportHashes,
];

pub(super) fn is_keyword(word: &str) -> bool {
    OLD_KEYWORDS.contains(&word) || Keyword::ALL.iter().any(|keyword| keyword.as_str() == word)
}

/// Whether it is a keyword whose quotes are missing.
pub(super) fn is_bare_keyword(word: &str) -> bool {
    if !word.bytes().all(|b| b.is_ascii_lowercase() || b == b'-') {
        return false;
    }
    let is = |quoted: &str| quoted.len() == word.len() + 2 && &quoted[1..=word.len()] == word;
    let known = Keyword::ALL
        .iter()
        .filter(|keyword| !NEW_KEYWORDS.contains(keyword));
    OLD_KEYWORDS.iter().any(|old| is(old)) || known.map(|keyword| keyword.as_str()).any(is)
}

pub(super) fn is_directive(name: &str) -> bool {
    // most words are none, and are seen not to be by their first character
    if !name.bytes().all(|b| b.is_ascii_lowercase() || b == b'-') {
        return false;
    }
    DirectiveName::from_name(name).is_some_and(|directive| directive.as_str() == name)
        || OLD_DIRECTIVES.contains(&name)
}

/// A scheme and nothing else: `https:`.
pub(super) fn is_scheme(word: &str) -> bool {
    let Some(scheme) = word.strip_suffix(':') else {
        return false;
    };
    scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"+.-".contains(&b))
}

/// A nonce in the characters of base64.
pub(super) fn is_nonce(word: &str) -> bool {
    word.strip_prefix("'nonce-").is_some_and(is_base64)
}

/// A hash in the characters of base64.
pub(super) fn is_hash(word: &str) -> bool {
    ["'sha256-", "'sha384-", "'sha512-"]
        .iter()
        .any(|start| word.strip_prefix(start).is_some_and(is_base64))
}

/// Base64 of either alphabet, with the quote after it.
fn is_base64(rest: &str) -> bool {
    let Some(text) = rest.strip_suffix('\'') else {
        return false;
    };
    let digits = text.trim_end_matches('=');
    text.len() - digits.len() <= 2
        && !digits.is_empty()
        && digits
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"+/_-".contains(&b))
}

/// What is between `'nonce-` and the last quote.
pub(super) fn nonce_value(word: &str) -> Option<&str> {
    let value = word.strip_prefix("'nonce-")?.strip_suffix('\'')?;
    (!value.is_empty()).then_some(value)
}

/// The source without its scheme and `//`.
pub(super) fn without_scheme(source: &str) -> &str {
    let after = source.find("://").filter(|&at| {
        let scheme = &source[..at];
        let is_word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
        scheme.bytes().next().is_some_and(is_word)
            && scheme.bytes().all(|b| is_word(b) || b"+.-".contains(&b))
    });
    let rest = after.map_or(source, |at| &source[at + 3..]);
    rest.strip_prefix("//").unwrap_or(rest)
}

const PLACEHOLDER: &str = "wildcard_placeholder";

/// The host and the path of a source, as a URL parser sees them, a `*` in the host kept; `None` if it sees none.
pub(crate) fn host_of(source: &str) -> Option<(Cow<'_, str>, Cow<'_, str>)> {
    let rest = without_scheme(source);
    let start = rest.find(|c| c != '/' && c != '\\').unwrap_or(rest.len());
    let bare = &rest[start..];
    let end = bare.find('/').unwrap_or(bare.len());
    let (host, path) = bare.split_at(end);
    let host = host.strip_suffix(":*").unwrap_or(host);
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-.*_'".contains(&b);
    let last = host
        .strip_suffix('.')
        .unwrap_or(host)
        .rsplit('.')
        .next()
        .unwrap_or_default();
    let simple_path = |b: u8| b.is_ascii_alphanumeric() || b"/_-~".contains(&b) || b == b'.';
    // a name of plain letters needs no parser; a path with dots might have dot segments
    if !host.is_empty()
        && host.bytes().all(plain)
        && !last.starts_with(|c: char| c.is_ascii_digit())
        && !last.is_empty()
        && path.bytes().all(simple_path)
        && !path.contains("/.")
        && !host.contains("xn--")
    {
        return Some((
            Cow::Borrowed(host),
            Cow::Borrowed(if path.is_empty() { "/" } else { path }),
        ));
    }
    let text = format!(
        "https://{}",
        rest.replacen(":*", "", 1).replacen('*', PLACEHOLDER, 1)
    );
    let url = Url::parse(&text).ok()?;
    let host = match url.host()? {
        Host::Ipv6(address) => format!("[{address}]"),
        host => host.to_string(),
    };
    Some((
        Cow::Owned(host.replacen(PLACEHOLDER, "*", 1)),
        Cow::Owned(url.path().to_owned()),
    ))
}

/// Whether the host of a source might be an IP address: a quick look that never says no wrongly.
pub(super) fn may_hold_ip(word: &str) -> bool {
    let quoted = word.starts_with('\'') && !word.contains('@');
    !quoted
        && word
            .bytes()
            .any(|b| b.is_ascii_digit() || matches!(b, b'[' | b'%') || !b.is_ascii())
}

/// Whether a host looks like an IP address.
pub(crate) fn is_ip(host: &str) -> bool {
    if host.starts_with('[') && host.ends_with(']') {
        return true;
    }
    let mut parts = 0;
    let numeric = host.split('.').all(|part| {
        parts += 1;
        (1..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit())
    });
    numeric && parts == 4
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_seen_as_a_url_parser_sees_them() {
        for (source, host, path) in [
            ("https://A.example/x", "a.example", "/x"),
            ("*.example.com:*", "*.example.com", "/"),
            ("a.example:443/b/../c/", "a.example", "/c/"),
            ("https:", "https", "/"),
            ("'self'", "'self'", "/"),
            ("/csp/report", "csp", "/report"),
            ("0x7f.1", "127.0.0.1", "/"),
            ("[::1]:80", "[::1]", "/"),
            ("*", "*", "/"),
            ("http://*", "*", "/"),
        ] {
            let found = host_of(source).unwrap_or_else(|| panic!("{source}"));
            assert_eq!((&*found.0, &*found.1), (host, path), "{source}");
        }
        for source in ["https://h:99999", "999.999.999.999", "//", "a%zz"] {
            assert_eq!(host_of(source), None, "{source}");
        }
    }

    #[test]
    fn nonces_and_hashes_are_of_base64() {
        assert!(
            is_nonce("'nonce-aB_-+/=='") && !is_nonce("'nonce-a===''") && !is_nonce("'nonce-a b'")
        );
        assert!(is_hash("'sha256-abc='") && !is_hash("'sha1-abc='") && !is_hash("'sha256-'"));
    }
}
