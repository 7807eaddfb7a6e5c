//! An origin in its serialised form, as in an Origin field (RFC 6454 section 6.2, RFC 6454 section 7).
//!
//! ```text
//! origin = ( "http" / "https" ) "://" host [ ":" port ]
//! ```
//!
//! Nothing else: no path (not even `/`), no userinfo, no default port, no list, no `null`. A browser never writes them
//! (<https://html.spec.whatwg.org/multipage/browsers.html#ascii-serialisation-of-an-origin>), so an Origin that has one
//! was written by somebody else, and a configured one could never match.
//!
//! ```
//! use mantlet_headers::{Authority, Origin};
//! let origin = Origin::parse(b"https://Example.com:8443")?;
//! assert_eq!(origin.to_string(), "https://example.com:8443");
//! assert!(origin.is_at(&Authority::parse(b"example.com:8443")?));
//! # Ok::<(), mantlet_headers::Malformed>(())
//! ```

use std::fmt;
use std::str::FromStr;

use crate::authority::Authority;
use crate::malformed::Malformed;

/// The two schemes a web origin can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// Plain http.
    Http,
    /// Http over TLS.
    Https,
}

impl Scheme {
    /// The scheme in lower case: `http` or `https`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    /// The port that goes without saying.
    pub const fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

impl FromStr for Scheme {
    type Err = Malformed;

    fn from_str(input: &str) -> Result<Self, Malformed> {
        [Self::Http, Self::Https]
            .into_iter()
            .find(|scheme| scheme.as_str().eq_ignore_ascii_case(input))
            .ok_or(
                Malformed::new(
                    "origin.scheme",
                    0..input.len(),
                    "the scheme is not of the web",
                )
                .hint("http or https"),
            )
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Scheme, host and port, in lower case.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Origin<'a> {
    scheme: Scheme,
    authority: Authority<'a>,
}

impl<'a> Origin<'a> {
    /// Reads a serialised origin; borrows from the input unless there is an upper-case letter in the host.
    ///
    /// # Errors
    /// [`Malformed`] for anything that is not exactly scheme, host and a port that is not the scheme's own.
    pub fn parse(input: &'a [u8]) -> Result<Self, Malformed> {
        let whole = 0..input.len();
        if matches!(input, b"null" | b"*") {
            let message = "null and * are not origins";
            return Err(Malformed::new("origin.opaque", whole, message).hint("https://example.com"));
        }
        let Some(at) = input.windows(3).position(|part| part == b"://") else {
            let message = "an origin has a scheme and a host";
            return Err(Malformed::new("origin.scheme", whole, message).hint("https://example.com"));
        };
        let scheme: Scheme = std::str::from_utf8(&input[..at])
            .unwrap_or_default()
            .parse()
            .map_err(|malformed| Malformed {
                span: 0..at,
                ..malformed
            })?;
        let start = at + 3;
        let rest = &input[start..];
        if let Some(cut) = rest.iter().position(|b| matches!(b, b'/' | b'?' | b'#')) {
            let message = "an origin has no path, query or fragment";
            return Err(
                Malformed::new("origin.path", start + cut..input.len(), message)
                    .hint("leave out everything after the host and port, the slash too"),
            );
        }
        if let Some(cut) = rest.iter().position(|&b| b == b'@') {
            let message = "an origin has no user information";
            return Err(Malformed::new(
                "origin.userinfo",
                start..start + cut + 1,
                message,
            ));
        }
        let authority = Authority::parse(rest).map_err(|malformed| malformed.shifted(start))?;
        if authority.port() == Some(scheme.default_port()) {
            let message = "a browser leaves out the port of the scheme, so this can never match";
            return Err(
                Malformed::new("origin.default-port", start..input.len(), message)
                    .hint("leave out the port"),
            );
        }
        Ok(Self { scheme, authority })
    }

    /// The scheme.
    pub const fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// Host and port; the port is `None` if it is the scheme's own.
    pub const fn authority(&self) -> &Authority<'a> {
        &self.authority
    }

    /// The port, written or not.
    pub fn port(&self) -> u16 {
        self.authority.port().unwrap_or(self.scheme.default_port())
    }

    /// Whether this origin has exactly this host and port, whatever the scheme.
    ///
    /// A default port that only one side writes is a difference: without the scheme of the request nobody can tell.
    pub fn is_at(&self, authority: &Authority<'_>) -> bool {
        self.authority == *authority
    }

    /// The same origin, free of the input's lifetime.
    pub fn into_owned(self) -> Origin<'static> {
        Origin {
            scheme: self.scheme,
            authority: self.authority.into_owned(),
        }
    }
}

impl FromStr for Origin<'static> {
    type Err = Malformed;

    fn from_str(input: &str) -> Result<Self, Malformed> {
        Origin::parse(input.as_bytes()).map(Origin::into_owned)
    }
}

impl fmt::Display for Origin<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme, self.authority)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(input: &str) -> Result<String, &'static str> {
        Origin::parse(input.as_bytes())
            .map(|origin| origin.to_string())
            .map_err(|malformed| malformed.code)
    }

    #[test]
    fn serialised_origins_are_read_in_any_case() {
        for (input, printed) in [
            ("https://example.com", "https://example.com"),
            ("HTTPS://EXAMPLE.com:8443", "https://example.com:8443"),
            ("http://[::1]:8080", "http://[::1]:8080"),
            ("https://example.com.", "https://example.com."),
            ("http://example.com:443", "http://example.com:443"),
        ] {
            assert_eq!(read(input).as_deref(), Ok(printed));
        }
    }

    #[test]
    fn what_no_browser_writes_is_malformed() {
        for (input, code) in [
            ("", "origin.scheme"),
            ("null", "origin.opaque"),
            ("*", "origin.opaque"),
            ("example.com", "origin.scheme"),
            ("//example.com", "origin.scheme"),
            ("ftp://example.com", "origin.scheme"),
            ("chrome-extension://x", "origin.scheme"),
            ("https://", "authority.empty"),
            ("https://example.com/", "origin.path"),
            ("https://example.com/a?b#c", "origin.path"),
            ("https://example.com?", "origin.path"),
            ("https://u:p@example.com", "origin.userinfo"),
            ("https://evil@example.com", "origin.userinfo"),
            ("https://example.com:443", "origin.default-port"),
            ("http://example.com:80", "origin.default-port"),
            ("https://example.com:", "authority.port"),
            ("https://example.com:08443", "authority.port"),
            ("https://example.com:99999", "authority.port"),
            ("https://a.example https://b.example", "origin.path"),
            ("https://a.example,https://b.example", "origin.path"),
            ("https://ex\u{e4}mple.com", "authority.name"),
            ("http://[::1", "authority.ipv6"),
        ] {
            assert_eq!(read(input), Err(code), "{input}");
        }
    }

    #[test]
    fn a_final_dot_or_a_written_default_port_is_another_place() {
        let origin = Origin::parse(b"https://example.com").expect("an origin");
        for (authority, same) in [
            ("Example.COM", true),
            ("example.com.", false),
            ("example.com:443", false),
            ("sub.example.com", false),
            ("example.com.evil.example", false),
        ] {
            let authority = Authority::parse(authority.as_bytes()).expect("an authority");
            assert_eq!(origin.is_at(&authority), same, "{authority}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read(input in proptest::collection::vec(any::<u8>(), 0..40)) {
            if let Err(malformed) = Origin::parse(&input) {
                prop_assert!(malformed.span.end <= input.len());
            }
        }

        #[test]
        fn printed_origins_parse_to_themselves(input in r"(?i)https?://[a-z0-9.:\[\]@-]{0,30}") {
            match Origin::parse(input.as_bytes()) {
                Ok(origin) => {
                    let text = origin.to_string();
                    prop_assert_eq!(Origin::parse(text.as_bytes()), Ok(origin));
                }
                Err(malformed) => prop_assert!(malformed.span.end <= input.len()),
            }
        }
    }
}
