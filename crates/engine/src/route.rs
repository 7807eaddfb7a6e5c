//! Which rules a path gets: whole segments, the longest prefix wins.
//!
//! A path that is not in normal form (dot segments, empty segments, an encoded slash or backslash, a bad escape) matches
//! no route: a server behind us might read it as another path, so it gets the root rules, and the checks of every route.
//!
//! A character that RFC 3986 does not allow in a path is the same path raw and percent-encoded: browsers encode most of
//! them, and a policy may spell them either way.

use std::borrow::Cow;
use std::fmt;

/// The path of a route or an exemption: absolute, in normal form, without query. `/docs` claims `/docs` and everything below it, but not
/// `/docs-internal`; `/docs/` claims only what is below.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RoutePath(String);

impl RoutePath {
    /// Checks a path as it stands in a policy; `/\u{fc}` is `/%C3%BC`, as browsers write it.
    ///
    /// # Errors
    /// A sentence that says what is wrong.
    pub fn new(path: &str) -> Result<Self, &'static str> {
        if !path.starts_with('/') {
            return Err("the path is absolute: it starts with /");
        }
        if path.contains(['?', '#']) {
            return Err("the path has no query and no fragment");
        }
        if path.contains('*') {
            return Err("the path has no wildcard: it claims everything below it");
        }
        match normal(path.as_bytes()) {
            Some(normal) => Ok(Self(String::from_utf8_lossy(&normal).into_owned())),
            None => Err(
                "the path is not in normal form: no //, no dot segment, no encoded slash, no bad escape",
            ),
        }
    }

    /// The path as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a path in [normal] form is this one or below it.
    pub(crate) fn claims(&self, path: &[u8]) -> bool {
        let own = self.0.as_bytes();
        path.strip_prefix(own)
            .is_some_and(|rest| rest.is_empty() || rest[0] == b'/' || own.ends_with(b"/"))
    }
}

impl fmt::Display for RoutePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The path with escapes of unreserved characters decoded (RFC 3986 section 6.2.2.2) and every byte that is of no path
/// (section 3.3) as `%XX`, or `None` if it is not in normal form.
pub fn normal(path: &[u8]) -> Option<Cow<'_, [u8]>> {
    let path = if path.iter().all(|&b| is_path(b)) {
        Cow::Borrowed(path)
    } else {
        Cow::Owned(canonical(path)?)
    };
    if path.first() != Some(&b'/') {
        return None;
    }
    let segments = path.split(|&b| b == b'/').skip(1);
    let last = segments.clone().count().saturating_sub(1);
    for (i, segment) in segments.enumerate() {
        let name = before_parameters(segment);
        let empty = segment.is_empty() && i != last;
        if empty || name == b"." || name == b".." {
            return None;
        }
    }
    Some(path)
}

/// RFC 3986 `pchar / "/"`, less the escapes.
fn is_path(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"/-._~!$&'()*+,;=:@".contains(&byte)
}

/// Some servers cut path parameters first, so `..;x` is `..` to them, and one in front of them may decode `..%3Bx`.
fn before_parameters(segment: &[u8]) -> &[u8] {
    let semicolon = |at: &usize| segment[*at] == b';' || segment[*at..].starts_with(b"%3B");
    let end = (0..segment.len()).find(semicolon);
    &segment[..end.unwrap_or(segment.len())]
}

/// A path in normal form without path parameters, as servlet containers see it; `None` if it has none. The result need not be
/// in normal form.
pub(crate) fn without_parameters(path: &[u8]) -> Option<Vec<u8>> {
    if !path.contains(&b';') && !path.windows(3).any(|part| part == b"%3B") {
        return None;
    }
    let segments = path.split(|&b| b == b'/').map(before_parameters);
    let named = |segment: &&[u8]| !segment.is_empty();
    let mut bare = Vec::with_capacity(path.len());
    for segment in segments.filter(named) {
        bare.push(b'/');
        bare.extend_from_slice(segment);
    }
    Some(bare)
}

/// Decodes `%41` to `A` and encodes a space to `%20`; `None` for a bad escape, an encoded slash or percent sign, and a
/// backslash or control character, encoded or not.
fn canonical(path: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(path.len() + 16);
    let mut rest = path;
    while let [first, tail @ ..] = rest {
        rest = tail;
        let byte = if *first == b'%' {
            let [high, low, tail @ ..] = rest else {
                return None;
            };
            rest = tail;
            let byte = (hex(*high)? << 4) | hex(*low)?;
            match byte {
                b'/' | b'%' => return None,
                b'-' | b'.' | b'_' | b'~' => out.push(byte),
                _ if byte.is_ascii_alphanumeric() => out.push(byte),
                _ => escape(byte, &mut out),
            }
            byte
        } else {
            match is_path(*first) {
                true => out.push(*first),
                false => escape(*first, &mut out),
            }
            *first
        };
        if byte == b'\\' || byte.is_ascii_control() {
            return None;
        }
    }
    Some(out)
}

/// Appends `%XX`, in upper case.
fn escape(byte: u8, out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    out.extend_from_slice(&[
        b'%',
        DIGITS[usize::from(byte >> 4)],
        DIGITS[usize::from(byte & 15)],
    ]);
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn claimed<'r>(routes: &[&'r str], path: &str) -> Option<&'r str> {
        let path = normal(path.as_bytes())?;
        let claims = |route: &&&str| RoutePath::new(route).expect("normal").claims(&path);
        let claiming = routes.iter().filter(claims);
        claiming.max_by_key(|route| route.len()).copied()
    }

    #[test]
    fn whole_segments() {
        let routes = ["/docs", "/docs/api", "/hook/"];
        assert_eq!(claimed(&routes, "/docs"), Some("/docs"));
        assert_eq!(claimed(&routes, "/docs/"), Some("/docs"));
        assert_eq!(claimed(&routes, "/docs/api/x"), Some("/docs/api"));
        assert_eq!(claimed(&routes, "/docs-internal"), None);
        assert_eq!(claimed(&routes, "/Docs"), None);
        assert_eq!(claimed(&routes, "/hook"), None);
        assert_eq!(claimed(&routes, "/hook/x"), Some("/hook/"));
    }

    #[test]
    fn escapes_of_unreserved_characters_are_the_same_path() {
        assert_eq!(claimed(&["/hook"], "/%68ook/x"), Some("/hook"));
    }

    #[test]
    fn a_character_that_browsers_encode_is_the_same_path_raw_and_encoded() {
        for (raw, encoded) in [
            ("/\u{fc}", "/%C3%BC"),
            ("/a b", "/a%20b"),
            ("/a\"b", "/a%22b"),
            ("/a|b[c]", "/a%7Cb%5Bc%5D"),
        ] {
            assert_eq!(RoutePath::new(raw).expect("normal").as_str(), encoded);
            for route in [raw, encoded] {
                let routes = [route];
                for request in [raw, encoded, encoded.to_lowercase().as_str()] {
                    let below = format!("{request}/x");
                    assert_eq!(claimed(&routes, request), Some(route), "{request}");
                    assert_eq!(claimed(&routes, &below), Some(route), "{below}");
                }
            }
        }
    }

    #[test]
    fn a_path_not_in_normal_form_is_claimed_by_nothing() {
        let routes = ["/hook"];
        for path in [
            "/hook/../admin",
            "/hook/..%2fadmin",
            "/hook/..%5cadmin",
            "/hook/%2e%2e/admin",
            "/hook/..;/admin",
            "/hook/%252e%252e/admin",
            "//hook/x",
            "/hook//x",
            "/hook/./x",
            "/hook/%",
            "/hook/%zz",
            "/hook\\x",
            "/hook/%00",
            "/hook/..%3B/admin",
            "/hook/%2e%2e%3bx/admin",
            "/hook/..%3b",
            "hook",
            "",
            "*",
        ] {
            assert_eq!(claimed(&routes, path), None, "{path}");
        }
    }

    #[test]
    fn parameters_and_the_empty_segments_they_leave_are_taken_away() {
        let bare = |path: &str| without_parameters(path.as_bytes());
        let text = |path: &str| bare(path).and_then(|path| String::from_utf8(path).ok());
        assert_eq!(bare("/api/x"), None);
        for path in ["/api;v=1/x", "/;a/api/x", "/api%3Bv=1/x;y", "/api/x;"] {
            assert_eq!(text(path).as_deref(), Some("/api/x"), "{path}");
        }
    }

    #[test]
    fn a_route_that_could_never_match_is_refused() {
        for path in [
            "docs", "/a?b", "/a#b", "/a/*", "//a", "/a/../b", "/a%2fb", "/%",
        ] {
            assert!(RoutePath::new(path).is_err(), "{path}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_judged_without_panic(path in proptest::collection::vec(any::<u8>(), 0..80)) {
            if let Some(once) = normal(&path) {
                let twice = normal(&once);
                prop_assert_eq!(twice.as_deref(), Some(&*once));
            }
        }
    }
}
