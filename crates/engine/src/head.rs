//! The facts a host copies out: what the policy reads of a request and of a response.

use std::net::IpAddr;

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use mantlet_limit::Moment;

/// A header section that can be asked for the fields a policy reads.
///
/// Values are bytes: nobody has checked them.
pub trait Fields {
    /// Calls `visit` with each value of `name`, in order of arrival.
    fn each<'a>(&'a self, name: &HeaderName, visit: &mut dyn FnMut(&'a [u8]));

    /// Calls `visit` with the name, in lower case, and the value of each field that the checks read: `host`, `origin`,
    /// `sec-fetch-site`, `sec-fetch-mode`, `sec-fetch-dest`, `upgrade`, `cookie` and `authorization`, in order of arrival. It
    /// may visit others too.
    fn all<'a>(&'a self, visit: &mut dyn FnMut(&[u8], &'a [u8]));

    /// The value of a field that may appear once; [`Single::Repeated`] is never "first wins".
    fn single<'a>(&'a self, name: &HeaderName) -> Single<'a> {
        let mut found = Single::Missing;
        self.each(name, &mut |value| {
            found = found.and(value);
        });
        found
    }

    /// Whether the section has a field of this name.
    fn has(&self, name: &HeaderName) -> bool {
        !matches!(self.single(name), Single::Missing)
    }
}

/// A field that may appear once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Single<'a> {
    /// There is none.
    Missing,
    /// There is one.
    One(&'a [u8]),
    /// There are several lines: an error for a singleton field (RFC 9110 section 5.3).
    Repeated,
}

impl<'a> Single<'a> {
    /// The field with one more line.
    pub(crate) fn and(self, value: &'a [u8]) -> Self {
        match self {
            Self::Missing => Self::One(value),
            _ => Self::Repeated,
        }
    }
}

impl Fields for HeaderMap {
    fn each<'a>(&'a self, name: &HeaderName, visit: &mut dyn FnMut(&'a [u8])) {
        for value in self.get_all(name) {
            visit(value.as_bytes());
        }
    }

    fn all<'a>(&'a self, visit: &mut dyn FnMut(&[u8], &'a [u8])) {
        for (name, value) in self {
            visit(name.as_str().as_bytes(), value.as_bytes());
        }
    }

    fn single<'a>(&'a self, name: &HeaderName) -> Single<'a> {
        let mut values = self.get_all(name).iter();
        match (values.next(), values.next()) {
            (None, _) => Single::Missing,
            (Some(value), None) => Single::One(value.as_bytes()),
            (Some(_), Some(_)) => Single::Repeated,
        }
    }

    fn has(&self, name: &HeaderName) -> bool {
        self.contains_key(name)
    }
}

impl Fields for Vec<(HeaderName, HeaderValue)> {
    fn each<'a>(&'a self, name: &HeaderName, visit: &mut dyn FnMut(&'a [u8])) {
        for (_, value) in self.iter().filter(|(known, _)| known == name) {
            visit(value.as_bytes());
        }
    }

    fn all<'a>(&'a self, visit: &mut dyn FnMut(&[u8], &'a [u8])) {
        for (name, value) in self {
            visit(name.as_str().as_bytes(), value.as_bytes());
        }
    }
}

/// The time, as the host's clocks have it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// By a clock that never goes back: what limits count by.
    pub moment: Moment,
    /// Since 1970-01-01, by the clock on the wall.
    pub unix: Duration,
}

/// Facts about a request.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct RequestHead<'a> {
    /// The method, case-sensitive.
    pub method: &'a Method,
    /// The path as it came, without the query.
    pub path: &'a [u8],
    /// What follows the `?`, as it came.
    pub query: Option<&'a [u8]>,
    /// The authority of an absolute-form target or `:authority`; it goes before Host (RFC 9112 section 3.2.2).
    pub authority: Option<&'a [u8]>,
    /// Whether the connection to the peer is TLS, terminated here.
    pub tls: bool,
    /// The address of the other end of the connection, or the one that PROXY protocol gives in its place; `None` where the
    /// host does not tell.
    pub peer: Option<IpAddr>,
    /// Whether the peer's address is one that PROXY protocol gives: the fields are then the client's own, and no field of it
    /// is believed, whatever its address.
    pub announced: bool,
    /// When it came; read by the host where [`Engine::reads_clock`](crate::Engine::reads_clock) says so.
    pub now: Now,
    /// The request fields.
    pub fields: &'a dyn Fields,
}

impl<'a> RequestHead<'a> {
    /// A request over plain http of an unknown peer; the other facts are set on the public fields.
    pub fn new(method: &'a Method, path: &'a [u8], fields: &'a dyn Fields) -> Self {
        Self {
            method,
            path,
            query: None,
            authority: None,
            tls: false,
            peer: None,
            announced: false,
            now: Now::default(),
            fields,
        }
    }
}

/// Facts about a response.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct ResponseHead<'a> {
    /// The status.
    pub status: StatusCode,
    /// When it came, where the host reads the clock: how long the application took.
    pub now: Option<Now>,
    /// The response fields as the application chose them.
    pub fields: &'a dyn Fields,
}

impl<'a> ResponseHead<'a> {
    /// A response of this status with these fields.
    pub fn new(status: StatusCode, fields: &'a dyn Fields) -> Self {
        Self {
            status,
            now: None,
            fields,
        }
    }
}
