//! Set-Cookie, read only as far as to harden it (RFC 6265bis, section 5.6).
//!
//! ```text
//! set-cookie  = name "=" value *( ";" attribute )
//! attribute   = name [ "=" value ]                 ; the last one of a name counts
//! ```
//!
//! An application's cookie is never rewritten: what is missing is appended, everything else keeps its bytes. A value
//! that a browser would drop as a whole (a control character, no name) is left as it is.
//! <https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis#section-5.6>
//!
//! Decision order for one cookie:
//! 1. unparsable: unchanged;
//! 2. the attributes wanted are those of the exact exception, else of the longest matching wildcard, else the base's;
//! 3. SameSite is appended if the application chose none that a browser knows;
//! 4. Secure is appended if wanted, or if SameSite=None was appended, or if the name's prefix asks for it;
//! 5. HttpOnly is appended if wanted, or if the name's prefix asks for it.
//!
//! ```
//! use mantlet_headers::cookie::{Attributes, Hardening, SameSite};
//! let base = Attributes { secure: true, http_only: true, same_site: Some(SameSite::Lax) };
//! let hardening = Hardening::new(base).except("csrf*", Attributes { http_only: false, ..base })?;
//! assert_eq!(
//!     hardening.harden(b"id=1; Path=/").as_deref(),
//!     Some(&b"id=1; Path=/; Secure; HttpOnly; SameSite=Lax"[..]),
//! );
//! assert_eq!(hardening.harden(b"csrftoken=x; secure; samesite=strict"), None);
//! # Ok::<(), mantlet_headers::Malformed>(())
//! ```

use std::fmt;
use std::str::FromStr;

use crate::malformed::Malformed;
use crate::octets::{is_token, trim_ows};

/// Browsers ignore an attribute value longer than this, in bytes.
const MAX_ATTRIBUTE: usize = 1024;

/// When a cookie is sent with requests of other sites.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SameSite {
    /// Never.
    Strict,
    /// With top-level navigations by a safe method.
    Lax,
    /// Always; needs Secure.
    None,
}

impl SameSite {
    /// The value as it is customarily spelled.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Strict => "Strict",
            Self::Lax => "Lax",
            Self::None => "None",
        }
    }

    fn read(input: &[u8]) -> Option<Self> {
        [Self::Strict, Self::Lax, Self::None]
            .into_iter()
            .find(|same_site| same_site.as_str().as_bytes().eq_ignore_ascii_case(input))
    }
}

impl FromStr for SameSite {
    type Err = Malformed;

    fn from_str(input: &str) -> Result<Self, Malformed> {
        Self::read(input.as_bytes()).ok_or(
            Malformed::new("cookie.same-site", 0..input.len(), "not a SameSite value")
                .hint("strict, lax or none"),
        )
    }
}

impl fmt::Display for SameSite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A name prefix by which a browser holds a cookie to its attributes; it compares them in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prefix {
    /// `__Secure-`: Secure.
    Secure,
    /// `__Host-`: Secure, Path=/, no Domain.
    Host,
    /// `__Http-`: Secure, HttpOnly.
    Http,
    /// `__Host-Http-`: all of `__Host-` and `__Http-`.
    HostHttp,
}

impl Prefix {
    /// The prefix of a name, if it has one.
    pub fn of(name: &[u8]) -> Option<Self> {
        const PREFIXES: [(&[u8], Prefix); 4] = [
            (b"__Host-Http-", Prefix::HostHttp),
            (b"__Host-", Prefix::Host),
            (b"__Http-", Prefix::Http),
            (b"__Secure-", Prefix::Secure),
        ];
        PREFIXES
            .into_iter()
            .find(|(text, _)| {
                name.get(..text.len())
                    .is_some_and(|start| start.eq_ignore_ascii_case(text))
            })
            .map(|(_, prefix)| prefix)
    }

    /// Whether a cookie of this prefix must be HttpOnly.
    pub const fn needs_http_only(self) -> bool {
        matches!(self, Self::Http | Self::HostHttp)
    }

    /// Whether a cookie of this prefix must have `Path=/` and no Domain.
    pub const fn needs_host(self) -> bool {
        matches!(self, Self::Host | Self::HostHttp)
    }
}

/// One Set-Cookie value as a browser reads it; borrows everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SetCookie<'a> {
    name: &'a [u8],
    value: &'a [u8],
    rest: &'a [u8],
    secure: bool,
    http_only: bool,
    partitioned: bool,
    same_site: Option<SameSite>,
    path: Option<&'a [u8]>,
    domain: Option<&'a [u8]>,
}

impl<'a> SetCookie<'a> {
    /// Reads one field value; `None` if a browser drops it, or if it has no name.
    pub fn parse(input: &'a [u8]) -> Option<Self> {
        if input.iter().any(|&b| b.is_ascii_control() && b != b'\t') {
            return None;
        }
        let (pair, rest) = match input.iter().position(|&b| b == b';') {
            Some(at) => (&input[..at], &input[at + 1..]),
            None => (input, &input[input.len()..]),
        };
        let equals = pair.iter().position(|&b| b == b'=')?;
        let name = trim_ows(&pair[..equals]);
        if name.is_empty() {
            return None;
        }
        let mut cookie = Self {
            name,
            value: trim_ows(&pair[equals + 1..]),
            rest,
            secure: false,
            http_only: false,
            partitioned: false,
            same_site: None,
            path: None,
            domain: None,
        };
        for (name, value) in attributes(rest) {
            if value.len() > MAX_ATTRIBUTE {
                continue;
            }
            if name.eq_ignore_ascii_case(b"secure") {
                cookie.secure = true;
            } else if name.eq_ignore_ascii_case(b"httponly") {
                cookie.http_only = true;
            } else if name.eq_ignore_ascii_case(b"partitioned") {
                cookie.partitioned = true;
            } else if name.eq_ignore_ascii_case(b"samesite") {
                cookie.same_site = SameSite::read(value);
            } else if name.eq_ignore_ascii_case(b"path") {
                cookie.path = Some(value);
            } else if name.eq_ignore_ascii_case(b"domain") {
                cookie.domain = Some(value).filter(|value| !value.is_empty());
            }
        }
        Some(cookie)
    }

    /// The name, as written.
    pub const fn name(&self) -> &'a [u8] {
        self.name
    }

    /// The value, as written; any bytes from 0x80 on too.
    pub const fn value(&self) -> &'a [u8] {
        self.value
    }

    /// Every attribute as name and value, in the order and spelling of the application.
    pub fn attributes(&self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> + use<'a> {
        attributes(self.rest)
    }

    /// Whether the cookie stays off plain http.
    pub const fn is_secure(&self) -> bool {
        self.secure
    }

    /// Whether scripts cannot read the cookie.
    pub const fn is_http_only(&self) -> bool {
        self.http_only
    }

    /// Whether the cookie is kept per top-level site.
    pub const fn is_partitioned(&self) -> bool {
        self.partitioned
    }

    /// The SameSite value in force; `None` if there is none that a browser knows.
    pub const fn same_site(&self) -> Option<SameSite> {
        self.same_site
    }

    /// The path, as written.
    pub const fn path(&self) -> Option<&'a [u8]> {
        self.path
    }

    /// The domain, as written.
    pub const fn domain(&self) -> Option<&'a [u8]> {
        self.domain
    }

    /// The prefix of the name.
    pub fn prefix(&self) -> Option<Prefix> {
        Prefix::of(self.name)
    }

    /// Whether a browser keeps the cookie, seen from its prefix, SameSite and Partitioned.
    pub fn meets_its_requirements(&self) -> bool {
        let prefix = self.prefix();
        let host = !prefix.is_some_and(Prefix::needs_host)
            || (self.path == Some(b"/") && self.domain.is_none());
        let http = !prefix.is_some_and(Prefix::needs_http_only) || self.http_only;
        let secure = prefix.is_some() || self.partitioned || self.same_site == Some(SameSite::None);
        host && http && (!secure || self.secure)
    }
}

fn attributes(rest: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    rest.split(|&b| b == b';')
        .map(|part| match part.iter().position(|&b| b == b'=') {
            Some(at) => (trim_ows(&part[..at]), trim_ows(&part[at + 1..])),
            None => (trim_ows(part), &part[part.len()..]),
        })
        .filter(|(name, value)| !(name.is_empty() && value.is_empty()))
}

/// What a cookie is to have at least.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Attributes {
    /// Secure is added where it is absent.
    pub secure: bool,
    /// HttpOnly is added where it is absent.
    pub http_only: bool,
    /// SameSite is added where the application chose none.
    pub same_site: Option<SameSite>,
}

/// What is added to the cookies of an application.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hardening {
    base: Attributes,
    exceptions: Vec<(CookieNames, Attributes)>,
}

impl Hardening {
    /// The same for every cookie.
    pub const fn new(base: Attributes) -> Self {
        Self {
            base,
            exceptions: Vec::new(),
        }
    }

    /// Other attributes for some cookies: one name in its exact case, or all that begin with what stands before a `*`.
    ///
    /// # Errors
    /// [`Malformed`] if `names` is no cookie name with at most one `*`, at its end.
    pub fn except(mut self, names: &str, attributes: Attributes) -> Result<Self, Malformed> {
        self.exceptions.push((names.parse()?, attributes));
        // exact names first, then the longer prefixes: the first match is the closest one
        self.exceptions
            .sort_by_key(|(names, _)| (names.wildcard, usize::MAX - names.text.len()));
        Ok(self)
    }

    /// The same without adding Secure, for responses over plain http: a browser would drop the cookie.
    #[must_use]
    pub fn without_secure(mut self) -> Self {
        self.base.secure = false;
        for (_, attributes) in &mut self.exceptions {
            attributes.secure = false;
        }
        self
    }

    /// What a cookie of this name is to have.
    pub fn attributes(&self, name: &[u8]) -> Attributes {
        self.exceptions
            .iter()
            .find(|(names, _)| names.contains(name))
            .map_or(self.base, |(_, attributes)| *attributes)
    }

    /// The value with what is missing, or `None` if it stays as it is. Allocates only for a changed value.
    pub fn harden(&self, input: &[u8]) -> Option<Vec<u8>> {
        let cookie = SetCookie::parse(input)?;
        let wanted = self.attributes(cookie.name);
        let prefix = cookie.prefix();
        let same_site = wanted.same_site.filter(|_| cookie.same_site.is_none());
        let secure = !cookie.secure
            && (wanted.secure || prefix.is_some() || same_site == Some(SameSite::None));
        let http_only =
            !cookie.http_only && (wanted.http_only || prefix.is_some_and(Prefix::needs_http_only));
        if !secure && !http_only && same_site.is_none() {
            return None;
        }
        let end = input
            .iter()
            .rposition(|b| !matches!(b, b';' | b' ' | b'\t'))
            .map_or(0, |at| at + 1);
        let mut hardened = Vec::with_capacity(end + 40);
        hardened.extend_from_slice(&input[..end]);
        if secure {
            hardened.extend_from_slice(b"; Secure");
        }
        if http_only {
            hardened.extend_from_slice(b"; HttpOnly");
        }
        if let Some(same_site) = same_site {
            hardened.extend_from_slice(b"; SameSite=");
            hardened.extend_from_slice(same_site.as_str().as_bytes());
        }
        Some(hardened)
    }
}

/// One cookie name, or all with one beginning.
#[derive(Clone, Debug, PartialEq, Eq)]
struct CookieNames {
    text: String,
    wildcard: bool,
}

impl CookieNames {
    fn contains(&self, name: &[u8]) -> bool {
        if self.wildcard {
            name.starts_with(self.text.as_bytes())
        } else {
            name == self.text.as_bytes()
        }
    }
}

impl FromStr for CookieNames {
    type Err = Malformed;

    fn from_str(input: &str) -> Result<Self, Malformed> {
        let (text, wildcard) = match input.strip_suffix('*') {
            Some(text) => (text, true),
            None => (input, false),
        };
        let valid = (wildcard && text.is_empty()) || is_token(text.as_bytes());
        if !valid || text.contains('*') {
            let message = "not a cookie name";
            return Err(Malformed::new("cookie.name", 0..input.len(), message)
                .hint("a name, or the beginning of one and a *"));
        }
        Ok(Self {
            text: text.to_owned(),
            wildcard,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ALL: Attributes = Attributes {
        secure: true,
        http_only: true,
        same_site: Some(SameSite::Lax),
    };

    fn harden(attributes: Attributes, input: &str) -> Option<String> {
        Hardening::new(attributes)
            .harden(input.as_bytes())
            .map(|value| String::from_utf8(value).expect("ASCII"))
    }

    #[test]
    fn only_what_is_missing_is_added() {
        for (input, output) in [
            ("a=b", Some("a=b; Secure; HttpOnly; SameSite=Lax")),
            ("a=b;", Some("a=b; Secure; HttpOnly; SameSite=Lax")),
            (
                "a=b; SECURE;httponly",
                Some("a=b; SECURE;httponly; SameSite=Lax"),
            ),
            ("a=b; Secure=no; HttpOnly; SameSite=Strict", None),
            (
                "a=b; Expires=Wed, 21 Oct 2026 07:28:00 GMT; samesite = none",
                Some(
                    "a=b; Expires=Wed, 21 Oct 2026 07:28:00 GMT; samesite = none; Secure; HttpOnly",
                ),
            ),
            (
                "a=b; Secure; HttpOnly; SameSite=Lax; SameSite=foo",
                Some("a=b; Secure; HttpOnly; SameSite=Lax; SameSite=foo; SameSite=Lax"),
            ),
            (
                "a=\"x; y\"",
                Some("a=\"x; y\"; Secure; HttpOnly; SameSite=Lax"),
            ),
        ] {
            assert_eq!(harden(ALL, input).as_deref(), output, "{input}");
        }
    }

    #[test]
    fn unparsable_cookies_are_left_alone() {
        for input in [
            "",
            "a",
            "=b",
            " =b; Path=/",
            "a=b\0",
            "a=b\r\nX: y",
            "; Secure",
        ] {
            assert_eq!(harden(ALL, input), None, "{input:?}");
        }
    }

    #[test]
    fn same_site_none_brings_secure_along() {
        let none = Attributes {
            same_site: Some(SameSite::None),
            ..Attributes::default()
        };
        let output = harden(none, "a=b");
        assert_eq!(output.as_deref(), Some("a=b; Secure; SameSite=None"));
        assert_eq!(harden(none, "a=b; SameSite=Lax"), None);
    }

    #[test]
    fn prefixes_get_what_they_ask_for() {
        let nothing = Attributes::default();
        for (input, output) in [
            ("__Host-a=b; Path=/", Some("__Host-a=b; Path=/; Secure")),
            ("__secure-a=b", Some("__secure-a=b; Secure")),
            ("__Http-a=b; Secure", Some("__Http-a=b; Secure; HttpOnly")),
            (
                "__Host-Http-a=b; Path=/",
                Some("__Host-Http-a=b; Path=/; Secure; HttpOnly"),
            ),
            ("__Hosta=b", None),
        ] {
            assert_eq!(harden(nothing, input).as_deref(), output, "{input}");
        }
    }

    #[test]
    fn the_closest_exception_counts() {
        let off = Attributes::default();
        let lax = Attributes {
            same_site: Some(SameSite::Lax),
            ..off
        };
        let hardening = Hardening::new(ALL)
            .except("a*", off)
            .and_then(|h| h.except("abc", ALL))
            .and_then(|h| h.except("ab*", lax))
            .expect("names");
        assert_eq!(hardening.attributes(b"A"), ALL);
        assert_eq!(hardening.attributes(b"ax"), off);
        assert_eq!(hardening.attributes(b"abd"), lax);
        assert_eq!(hardening.attributes(b"abc"), ALL);
        for names in ["", "a b", "a*b", "**", "a=b"] {
            assert!(Hardening::default().except(names, off).is_err(), "{names}");
        }
    }

    #[test]
    fn high_bytes_pass_unchanged() {
        let output = Hardening::new(ALL).harden(b"a=\xff\xfe; Path=/");
        assert!(output.is_some_and(|value| value.starts_with(b"a=\xff\xfe; Path=/; Secure")));
    }

    #[test]
    fn requirements_of_a_browser_are_known() {
        for (input, kept) in [
            ("a=b", true),
            ("a=b; SameSite=None", false),
            ("a=b; Partitioned", false),
            ("__Host-a=b; Secure; Path=/", true),
            ("__Host-a=b; Secure; Path=/; Domain=x.example", false),
            ("__Host-a=b; Secure", false),
            ("__Http-a=b; Secure", false),
        ] {
            let cookie = SetCookie::parse(input.as_bytes()).expect("a cookie");
            assert_eq!(cookie.meets_its_requirements(), kept, "{input}");
        }
    }

    proptest! {
        #[test]
        fn a_hardened_cookie_keeps_its_start_and_stays(input in proptest::collection::vec(any::<u8>(), 0..60)) {
            let hardening = Hardening::new(ALL);
            if let Some(value) = hardening.harden(&input) {
                prop_assert_eq!(hardening.harden(&value), None);
                let (before, after) = (SetCookie::parse(&input), SetCookie::parse(&value));
                prop_assert_eq!(before.map(|c| (c.name, c.value)), after.map(|c| (c.name, c.value)));
            }
        }

        #[test]
        fn cookie_like_text_is_hardened_once(input in "[a-zA-Z_=; /-]{0,60}") {
            let hardening = Hardening::new(ALL);
            if let Some(value) = hardening.harden(input.as_bytes()) {
                prop_assert_eq!(hardening.harden(&value), None);
            }
        }
    }
}
