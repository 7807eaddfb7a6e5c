//! Set-Cookie, read only as far as to harden it (RFC 6265bis, section 5.6).
//!
//! ```text
//! set-cookie  = ( name "=" value / value ) *( ";" attribute )
//! attribute   = name [ "=" value ]                 ; the last one of a name counts
//! ```
//!
//! An application's cookie is never rewritten: what is missing is appended, everything else keeps its bytes. Without `=`
//! the name is empty and the whole text is the value: browsers keep such a cookie, and it is hardened like any other. A
//! value that a browser drops as a whole (a control character, name and value both empty) is left as it is.
//! <https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis#section-5.6>
//!
//! Decision order for one cookie:
//! 1. dropped by a browser: unchanged;
//! 2. the attributes wanted are those of the exact exception, else of the longest matching wildcard, else the base's;
//!    a cookie without a name matches the wildcard of all names, `*`, alone;
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

mod hardening;
mod sent;

use std::fmt;
use std::str::FromStr;

use crate::malformed::Malformed;
use crate::octets::trim_ows;

pub use hardening::{Attributes, Hardening};
pub use sent::sent;

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
    /// Reads one field value; `None` if it has a control character, or neither name nor value: a browser drops it.
    pub fn parse(input: &'a [u8]) -> Option<Self> {
        if input.iter().any(|&b| b.is_ascii_control() && b != b'\t') {
            return None;
        }
        let (pair, rest) = match input.iter().position(|&b| b == b';') {
            Some(at) => (&input[..at], &input[at + 1..]),
            None => (input, &input[input.len()..]),
        };
        let (name, value) = match pair.iter().position(|&b| b == b'=') {
            Some(at) => (trim_ows(&pair[..at]), trim_ows(&pair[at + 1..])),
            None => (&pair[..0], trim_ows(pair)),
        };
        if name.is_empty() && value.is_empty() {
            return None;
        }
        let mut cookie = Self {
            name,
            value,
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

    /// The name, as written; empty if there is none.
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

    /// Whether a browser keeps the cookie, seen from its prefix, SameSite and Partitioned. Without a name, a value that
    /// begins with a prefix is dropped (section 5.7): in a Cookie field it would pass for a name.
    pub fn meets_its_requirements(&self) -> bool {
        if self.name.is_empty() && Prefix::of(self.value).is_some() {
            return false;
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_read_without_its_name() {
        for (input, name, value) in [
            ("a=b", "a", "b"),
            ("a=b=c; d", "a", "b=c"),
            (" a ; Path=/", "", "a"),
            ("=a=b", "", "a=b"),
            ("a=", "a", ""),
        ] {
            let cookie = SetCookie::parse(input.as_bytes()).expect("a cookie");
            let found = (cookie.name(), cookie.value());
            assert_eq!(found, (name.as_bytes(), value.as_bytes()), "{input}");
        }
        for input in ["", "=", " = ", "; Path=/", "\x01=a"] {
            assert_eq!(SetCookie::parse(input.as_bytes()), None, "{input:?}");
        }
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
            ("a", true),
            ("=a=b; SameSite=None", false),
            ("=__Host-a=b; Secure; Path=/", false),
            ("__secure-a; Secure", false),
        ] {
            let cookie = SetCookie::parse(input.as_bytes()).expect("a cookie");
            assert_eq!(cookie.meets_its_requirements(), kept, "{input}");
        }
    }
}
