//! Cookie, as a client sends it (RFC 6265bis, section 5.8.4).
//!
//! ```text
//! cookie = pair *( ";" pair )
//! pair   = name "=" value
//! ```

use crate::octets::trim_ows;

/// Each value of the cookie with this name, in the order of the lines of Cookie.
///
/// Only space and tab are trimmed and the name is compared byte by byte: a server that strips more takes U+2000 before
/// `__Host-` for the prefix, which a browser did not. A cookie that comes twice comes from two places, and the caller has
/// to refuse it.
///
/// ```
/// use mantlet_headers::cookie::sent;
/// let lines = [&b"a=1; id=2"[..], b"ID=3; id=4"];
/// assert!(sent(lines, b"id").eq([&b"2"[..], b"4"]));
/// ```
pub fn sent<'a>(
    lines: impl IntoIterator<Item = &'a [u8]>,
    name: &'a [u8],
) -> impl Iterator<Item = &'a [u8]> {
    lines
        .into_iter()
        .flat_map(|line| line.split(|&b| b == b';'))
        .filter_map(move |pair| {
            let at = pair.iter().position(|&b| b == b'=')?;
            (trim_ows(&pair[..at]) == name).then(|| trim_ows(&pair[at + 1..]))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_not_trimmed_of_more_than_space_and_tab() {
        let values = |line: &'static str| sent([line.as_bytes()], b"__Host-id").count();
        assert_eq!(values(" \t__Host-id = x"), 1);
        for line in [
            "\u{2000}__Host-id=x",
            "\u{a0}__Host-id=x",
            "__host-id=x",
            "__Host-id",
            "=__Host-id=x",
            "x__Host-id=x",
        ] {
            assert_eq!(values(line), 0, "{line}");
        }
    }
}
