//! One line of an access log, as the request that it tells of.

use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::time::Duration;

use http::{HeaderName, Method};
use mantlet_engine::{Fields, Now, RequestHead};
use smallvec::SmallVec;

use crate::{caddy, combined};

/// How a log is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// Each line by what it looks like: JSON is Caddy's, anything else `combined`.
    #[default]
    Auto,
    /// `combined` of nginx and Apache, and `common`, which is its beginning.
    Combined,
    /// Caddy's JSON lines.
    Caddy,
}

impl FromStr for Format {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        match word {
            "auto" => Ok(Self::Auto),
            "combined" | "common" => Ok(Self::Combined),
            "caddy" => Ok(Self::Caddy),
            _ => Err(format!("{word:?} is no format: auto, combined or caddy")),
        }
    }
}

/// Why a line is no request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Skipped {
    /// It cannot be read.
    #[error("{0}")]
    Malformed(Cow<'static, str>),
    /// It can, and tells of no request: the server could not read one, or the line is no access line.
    #[error("it tells of no request")]
    NoRequest,
}

impl Skipped {
    pub(crate) const fn malformed(why: &'static str) -> Self {
        Self::Malformed(Cow::Borrowed(why))
    }
}

/// The fields of a line: name and value.
pub(crate) type Logged<'a> = SmallVec<[(Cow<'a, str>, Cow<'a, [u8]>); 3]>;

/// A request, as a log tells of it.
///
/// | format | fields |
/// |---|---|
/// | `common` | none |
/// | `combined` | Referer and User-Agent |
/// | the same with `"$http_x_forwarded_for"` behind, nginx's `main` | X-Forwarded-For too |
/// | Caddy | those of `request.headers` |
///
/// The escapes of nginx (`\x22`) and of Apache (`\"`, `\\`, `\n`, `\t`) are undone. A name of a virtual host may stand before the
/// client's address, as in Apache's `vhost_combined`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Line<'a> {
    /// When it was written, since 1970-01-01.
    pub unix: Duration,
    /// Who asked: the other end of the connection, or whom the server that wrote the log took for the client.
    pub client: IpAddr,
    /// The method.
    pub method: Method,
    /// The path, as it came.
    pub path: Cow<'a, [u8]>,
    /// What follows the `?`, as it came.
    pub query: Option<Cow<'a, [u8]>>,
    /// Whether it came by TLS, as far as the log tells.
    pub tls: bool,
    pub(crate) fields: Logged<'a>,
}

impl<'a> Line<'a> {
    /// Reads a line without its end.
    ///
    /// # Errors
    /// [`Skipped`] for what is no request.
    pub fn parse(line: &'a [u8], format: Format) -> Result<Self, Skipped> {
        let line = line.trim_ascii();
        match format {
            Format::Caddy => caddy::parse(line),
            Format::Auto if line.first() == Some(&b'{') => caddy::parse(line),
            Format::Auto | Format::Combined => combined::parse(line),
        }
    }

    /// The facts that an engine reads, at `now`.
    pub fn head(&self, now: Now) -> RequestHead<'_> {
        let mut head = RequestHead::new(&self.method, &self.path, self);
        head.query = self.query.as_deref();
        head.tls = self.tls;
        head.peer = Some(self.client);
        head.now = now;
        head
    }
}

impl Fields for Line<'_> {
    fn each<'f>(&'f self, name: &HeaderName, visit: &mut dyn FnMut(&'f [u8])) {
        for (own, value) in &self.fields {
            if own.eq_ignore_ascii_case(name.as_str()) {
                visit(value);
            }
        }
    }

    /// None: these are for other checks than limits, and would deny what the server has let in.
    fn all<'f>(&'f self, _visit: &mut dyn FnMut(&[u8], &'f [u8])) {}
}

/// A request target (RFC 9112 section 3.2): its path and its query.
pub(crate) fn target(target: Cow<'_, [u8]>) -> (Cow<'_, [u8]>, Option<Cow<'_, [u8]>>) {
    let start = match authority(&target) {
        None => 0,
        Some(authority) => memchr::memchr2(b'/', b'?', &target[authority..])
            .map_or(target.len(), |at| authority + at),
    };
    let query = memchr::memchr(b'?', &target[start..]).map(|at| start + at);
    let end = query.unwrap_or(target.len());
    let part = |from: usize, to: usize| match &target {
        Cow::Borrowed(bytes) => Cow::Borrowed(&bytes[from..to]),
        Cow::Owned(bytes) => Cow::Owned(bytes[from..to].to_vec()),
    };
    let path = match start == end {
        true => Cow::Borrowed(&b"/"[..]),
        false => part(start, end),
    };
    (path, query.map(|query| part(query + 1, target.len())))
}

/// Where the authority of a target in absolute form begins.
fn authority(target: &[u8]) -> Option<usize> {
    let schemes = [&b"http://"[..], b"https://"];
    let is = |scheme: &&&[u8]| {
        let start = target.get(..scheme.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    };
    schemes.iter().find(is).map(|scheme| scheme.len())
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Auto => "auto",
            Self::Combined => "combined",
            Self::Caddy => "caddy",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> (String, Option<String>) {
        let (path, query) = target(Cow::Borrowed(text.as_bytes()));
        let text = |bytes: Cow<'_, [u8]>| String::from_utf8(bytes.into_owned()).expect("text");
        (text(path), query.map(text))
    }

    #[test]
    fn a_target_in_any_form_has_a_path() {
        for (text, path, query) in [
            ("/a/b?c=d?e", "/a/b", Some("c=d?e")),
            ("/", "/", None),
            ("/?", "/", Some("")),
            ("http://example.com/a?b", "/a", Some("b")),
            ("HTTPS://example.com", "/", None),
            ("http://example.com?a=/b", "/", Some("a=/b")),
            ("*", "*", None),
            ("example.com:443", "example.com:443", None),
            ("//a", "//a", None),
        ] {
            let query = query.map(str::to_owned);
            assert_eq!(parts(text), (path.to_owned(), query), "{text}");
        }
    }

    #[test]
    fn a_format_is_named_by_its_word() {
        for format in [Format::Auto, Format::Combined, Format::Caddy] {
            assert_eq!(format.to_string().parse(), Ok(format));
        }
        assert!("nginx".parse::<Format>().is_err());
    }
}
