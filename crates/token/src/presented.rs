//! Where a request carries its token: in one place, once.
//!
//! Two fields, or a field and a cookie, are an error and not "first wins": a proxy in front may have read the other one.
//! The query is not read: it is logged, kept in histories and sent on in Referer (RFC 6750 section 5.3).
//!
//! ```
//! use mantlet_token::{Bearer, Reject};
//! let bearer = Bearer::default();
//! let token: &[u8] = b"Bearer eyJh.e30.c2ln";
//! assert_eq!(bearer.read([token]), Ok(Some(&b"eyJh.e30.c2ln"[..])));
//! assert_eq!(bearer.read([token, token]), Err(Reject::Repeated));
//! assert_eq!(bearer.read([&b"Basic YTpi"[..]]), Ok(None));
//! ```

use crate::reject::Reject;

/// Reads a token from a field such as Authorization.
#[derive(Clone, Debug)]
pub struct Bearer {
    prefix: Box<str>,
}

impl Default for Bearer {
    fn default() -> Self {
        Self::new("Bearer")
    }
}

impl Bearer {
    /// With this word before the token, compared in any case (RFC 9110 section 11.1); empty: the value is the token.
    pub fn new(prefix: &str) -> Self {
        Self {
            prefix: prefix.into(),
        }
    }

    /// The token of these lines of the field; none if there is no line, or another scheme.
    ///
    /// # Errors
    /// [`Reject::Repeated`] of two lines, [`Reject::Malformed`] if nothing follows the prefix.
    pub fn read<'a>(
        &self,
        lines: impl IntoIterator<Item = &'a [u8]>,
    ) -> Result<Option<&'a [u8]>, Reject> {
        let mut lines = lines.into_iter();
        let Some(line) = lines.next() else {
            return Ok(None);
        };
        if lines.next().is_some() {
            return Err(Reject::Repeated);
        }
        let line = line.trim_ascii();
        if self.prefix.is_empty() {
            return Ok(Some(line).filter(|line| !line.is_empty()));
        }
        let prefix = self.prefix.as_bytes();
        let Some((scheme, rest)) = line.split_at_checked(prefix.len()) else {
            return Ok(None);
        };
        if !scheme.eq_ignore_ascii_case(prefix) {
            return Ok(None);
        }
        match rest.first() {
            None => Err(Reject::Malformed),
            Some(b' ') => Ok(Some(rest.trim_ascii())),
            // another scheme that begins alike
            Some(_) => Ok(None),
        }
    }
}

/// The token of the cookie of this name, from the lines of Cookie; the name is compared byte by byte.
///
/// # Errors
/// [`Reject::Repeated`] if the cookie is there twice: one of them was set by a sibling host or over plain http.
pub fn cookie<'a>(
    lines: impl IntoIterator<Item = &'a [u8]>,
    name: &'a str,
) -> Result<Option<&'a [u8]>, Reject> {
    let mut values = mantlet_headers::cookie::sent(lines, name.as_bytes());
    match (values.next(), values.next()) {
        (_, Some(_)) => Err(Reject::Repeated),
        (value, None) => Ok(value.filter(|value| !value.is_empty())),
    }
}

/// The one token of these places, such as a field and a cookie.
///
/// # Errors
/// [`Reject::Repeated`] if two places have one: which of them counts is not ours to guess.
pub fn single<'a>(
    places: impl IntoIterator<Item = Option<&'a [u8]>>,
) -> Result<Option<&'a [u8]>, Reject> {
    let mut tokens = places.into_iter().flatten();
    match (tokens.next(), tokens.next()) {
        (_, Some(_)) => Err(Reject::Repeated),
        (token, None) => Ok(token),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<'a>(bearer: &Bearer, line: &'a str) -> Result<Option<&'a str>, Reject> {
        bearer
            .read([line.as_bytes()])
            .map(|token| token.map(|token| std::str::from_utf8(token).expect("ASCII")))
    }

    #[test]
    fn the_scheme_is_compared_in_any_case_and_as_a_word() {
        let bearer = Bearer::default();
        for (line, token) in [
            ("Bearer a.b.c", Ok(Some("a.b.c"))),
            ("bEARER   a.b.c  ", Ok(Some("a.b.c"))),
            ("Bearer", Err(Reject::Malformed)),
            ("Bearera.b.c", Ok(None)),
            ("BearerX a.b.c", Ok(None)),
            ("Bea", Ok(None)),
            ("", Ok(None)),
            ("Basic YTpi", Ok(None)),
            // one token, which the parser then refuses
            (
                "Bearer a.b.c, Bearer d.e.f",
                Ok(Some("a.b.c, Bearer d.e.f")),
            ),
        ] {
            assert_eq!(read(&bearer, line), token, "{line}");
        }
        assert_eq!(bearer.read([]), Ok(None));
    }

    #[test]
    fn another_prefix_or_none() {
        assert_eq!(read(&Bearer::new("JWT"), "jwt a.b.c"), Ok(Some("a.b.c")));
        assert_eq!(read(&Bearer::new("JWT"), "Bearer a.b.c"), Ok(None));
        assert_eq!(read(&Bearer::new(""), " a.b.c"), Ok(Some("a.b.c")));
        assert_eq!(read(&Bearer::new(""), " "), Ok(None));
    }

    #[test]
    fn a_cookie_is_read_once() {
        let read = |lines: &[&'static str]| cookie(lines.iter().map(|line| line.as_bytes()), "jwt");
        assert_eq!(read(&["a=b; jwt=a.b.c"]), Ok(Some(&b"a.b.c"[..])));
        assert_eq!(read(&["a=b; JWT=a.b.c"]), Ok(None));
        assert_eq!(read(&["jwt=a", "jwt=a"]), Err(Reject::Repeated));
        assert_eq!(read(&["jwt="]), Ok(None));
        assert_eq!(read(&[]), Ok(None));
    }

    #[test]
    fn a_token_in_two_places_is_an_error() {
        let (header, cookie): (&[u8], &[u8]) = (b"a.b.c", b"a.b.c");
        assert_eq!(single([Some(header), Some(cookie)]), Err(Reject::Repeated));
        assert_eq!(single([None, Some(cookie)]), Ok(Some(cookie)));
        assert_eq!(single([None, None]), Ok(None));
    }
}
