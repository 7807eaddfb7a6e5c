//! The octets of RFC 9110 that several fields share: tchar, OWS, comma lists with their places.

use std::ops::Range;

/// Whether an octet may be in a token: <https://www.rfc-editor.org/rfc/rfc9110#section-5.6.2>.
pub(crate) const fn is_tchar(b: u8) -> bool {
    b.is_ascii_alphanumeric()
        || matches!(
            b,
            b'!' | b'#'
                | b'$'
                | b'%'
                | b'&'
                | b'\''
                | b'*'
                | b'+'
                | b'-'
                | b'.'
                | b'^'
                | b'_'
                | b'`'
                | b'|'
                | b'~'
        )
}

/// Whether the octets are a token.
pub(crate) fn is_token(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().all(|&b| is_tchar(b))
}

/// Without optional whitespace at both ends: <https://www.rfc-editor.org/rfc/rfc9110#section-5.6.3>.
pub(crate) fn trim_ows(bytes: &[u8]) -> &[u8] {
    &bytes[trimmed(bytes, 0..bytes.len())]
}

/// The part of `range` without optional whitespace at both ends.
pub(crate) fn trimmed(bytes: &[u8], range: Range<usize>) -> Range<usize> {
    let ows = |b: &u8| matches!(b, b' ' | b'\t');
    let part = &bytes[range.clone()];
    let Some(first) = part.iter().position(|b| !ows(b)) else {
        return range.start..range.start;
    };
    let last = part.iter().rposition(|b| !ows(b)).unwrap_or(first);
    range.start + first..range.start + last + 1
}

/// Splits at a separator outside of quoted strings; the parts are trimmed ranges.
///
/// # Errors
/// The place of a quotation mark that never closes.
pub(crate) fn split_quoted(input: &[u8], separator: u8) -> Result<Vec<Range<usize>>, usize> {
    let mut parts = Vec::new();
    let mut quote: Option<usize> = None;
    let mut escaped = false;
    let mut start = 0;
    for (at, &b) in input.iter().enumerate() {
        match quote {
            Some(_) if escaped => escaped = false,
            Some(_) if b == b'\\' => escaped = true,
            Some(_) if b == b'"' => quote = None,
            Some(_) => {}
            None if b == b'"' => quote = Some(at),
            None if b == separator => {
                parts.push(trimmed(input, start..at));
                start = at + 1;
            }
            None => {}
        }
    }
    match quote {
        Some(at) => Err(at),
        None => {
            parts.push(trimmed(input, start..input.len()));
            Ok(parts)
        }
    }
}

/// Splits at a separator, wherever it is; the parts are trimmed ranges.
pub(crate) fn split(input: &[u8], separator: u8) -> impl Iterator<Item = Range<usize>> {
    let mut start = 0;
    input.split(move |&b| b == separator).map(move |part| {
        let range = start..start + part.len();
        start = range.end + 1;
        trimmed(input, range)
    })
}
