//! What was seen of a page: data for the rules, however it was retrieved.
//!
//! Only `url` and `response` are always there. What was not asked is `None` or [`Http::NotAsked`], and a rule about it
//! has nothing to say: silence is not praise.
//!
//! ```
//! use mantlet_audit::{Headers, Observation, Response};
//! let headers = Headers::from_iter([("Content-Type", "text/html")]);
//! let seen = Observation::new("https://example.com/".parse()?, Response::new(200, headers));
//! assert!(seen.tls.is_verified());
//! # Ok::<(), url::ParseError>(())
//! ```

use url::Url;

use crate::headers::Headers;

/// One response: status, header section, and the body as far as it was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The header section.
    pub headers: Headers,
    /// The body as text; empty if it was not kept.
    pub body: String,
}

impl Response {
    /// A response without a body.
    pub const fn new(status: u16, headers: Headers) -> Self {
        Self {
            status,
            headers,
            body: String::new(),
        }
    }

    /// The response with a body.
    #[must_use]
    pub fn body(mut self, body: impl Into<String>) -> Self {
        self.body = body.into();
        self
    }

    /// The media type of Content-Type in lower case, without parameters; `None` if there is none.
    pub fn media_type(&self) -> Option<String> {
        let value = self.headers.first("content-type")?;
        let media_type = value.split(';').next().unwrap_or_default().trim();
        (!media_type.is_empty()).then(|| media_type.to_ascii_lowercase())
    }

    /// Whether a browser shows the body as a document with scripts.
    pub fn is_html(&self) -> bool {
        matches!(
            self.media_type().as_deref(),
            Some("text/html" | "application/xhtml+xml")
        )
    }
}

/// How the page was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tls {
    /// Over plain http.
    None,
    /// Over https, with a certificate that a browser takes.
    Verified,
    /// Over https, with a certificate that a browser refuses.
    Unverified,
}

impl Tls {
    /// Whether it was https.
    pub const fn is_https(self) -> bool {
        !matches!(self, Self::None)
    }

    /// Whether it was https with a good certificate.
    pub const fn is_verified(self) -> bool {
        matches!(self, Self::Verified)
    }
}

/// One step of a session: a URL that was asked, and what it answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hop {
    /// The URL that was asked.
    pub url: Url,
    /// The status of its answer.
    pub status: u16,
    /// The header section of its answer; empty if it was not kept.
    pub headers: Headers,
}

/// A session that follows redirects: every hop, the page last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// The hops in order; at least one.
    pub hops: Vec<Hop>,
    /// Whether the certificates of its https hops are good.
    pub verified: bool,
}

/// What the site says on plain http.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Http {
    /// Nobody asked.
    NotAsked,
    /// It does not answer there.
    Silent,
    /// It answers.
    Answered(Session),
}

/// The answer to a preflight of another origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cors {
    /// The Origin that asked, if it is known.
    pub origin: Option<String>,
    /// The header section of the answer.
    pub headers: Headers,
}

/// What was seen of one page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observation {
    /// The URL that was asked for.
    pub url: Url,
    /// How the page came.
    pub tls: Tls,
    /// The page: the last response of the https session, or of the http session where there is no https.
    pub response: Response,
    /// The redirects before the page, in order; empty if the first answer was the page.
    pub hops: Vec<Hop>,
    /// The session on plain http.
    pub http: Http,
    /// The answer to a CORS preflight; `None` if there was none, or it was no success.
    pub cors: Option<Cors>,
    /// The same page fetched again, to see which nonces are drawn anew.
    pub again: Option<Response>,
    /// The answer to a path that does not exist.
    pub not_found: Option<Response>,
    /// The answer to a request that the server cannot serve (a 4xx or 5xx of its own).
    pub error: Option<Response>,
    /// The status of a cross-site POST (`Sec-Fetch-Site: cross-site`) to a path that changes something.
    pub cross_site_post: Option<u16>,
}

impl Observation {
    /// A page of which nothing else was asked; over a good https if `url` is https.
    pub fn new(url: Url, response: Response) -> Self {
        let tls = match url.scheme() {
            "https" => Tls::Verified,
            _ => Tls::None,
        };
        Self {
            url,
            tls,
            response,
            hops: Vec::new(),
            http: Http::NotAsked,
            cors: None,
            again: None,
            not_found: None,
            error: None,
            cross_site_post: None,
        }
    }

    /// The host that was asked, without brackets or port; empty for a URL without one.
    pub fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_media_type_is_read_without_parameters() {
        let typed = |value: &str| {
            let headers = Headers::from_iter([("content-type", value)]);
            Response::new(200, headers).media_type()
        };
        assert_eq!(
            typed("Text/HTML; charset=utf-8").as_deref(),
            Some("text/html")
        );
        assert_eq!(typed(" ;x"), None);
        assert_eq!(Response::default().media_type(), None);
    }
}
