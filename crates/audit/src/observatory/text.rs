//! Text as the Observatory's language cuts it: white space, lower case.

/// What counts as white space there.
pub(super) fn is_space(c: char) -> bool {
    (c.is_whitespace() && c != '\u{85}') || c == '\u{feff}'
}

/// The text without white space around it.
pub(super) fn trim(text: &str) -> &str {
    text.trim_matches(is_space)
}

/// The start of a text, `length` characters of it.
pub(super) fn start(text: &str, length: usize) -> &str {
    let end = text.char_indices().nth(length);
    &text[..end.map_or(text.len(), |(at, _)| at)]
}

/// Trimmed and in lower case, of the first `length` characters.
pub(super) fn plain(text: &str, length: usize) -> String {
    trim(start(text, length)).to_lowercase()
}
