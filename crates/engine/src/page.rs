//! What a policy answers to one request, and sends with its response: for whoever shows a policy, or tries one.
//!
//! No application stands behind it: the response has a Content-Type and what the policy puts beside it.
//!
//! ```
//! use mantlet_engine::{Engine, OsEntropy, Page};
//! # use mantlet_engine::policy::{Policy, Rules, Scoped};
//! # let engine = Engine::new(Policy::new(Scoped::any(Rules::default())), OsEntropy);
//! let answer = Page::root().answer(&engine);
//! assert!(answer.denied.is_none() && answer.section.is_empty());
//! ```

use std::net::IpAddr;
use std::str::FromStr;

use http::header::{CONTENT_TYPE, HOST};
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use mantlet_headers::HostName;

use crate::client::UntrustedProxy;
use crate::engine::Engine;
use crate::exchange::Exchange;
use crate::head::{RequestHead, ResponseHead};
use crate::verdict::{Form, Verdict};

/// A request, and a response whose header section is otherwise empty.
#[derive(Clone, Debug)]
pub struct Page<'a> {
    /// The method.
    pub method: Method,
    /// The path as it comes over the wire, without the query.
    pub path: &'a str,
    /// What the request comes by.
    pub scheme: Scheme,
    /// The request fields, Host among them.
    pub fields: HeaderMap,
    /// The address of the other end of the connection, if that is told.
    pub peer: Option<IpAddr>,
    /// The Content-Type of the response.
    pub content_type: HeaderValue,
}

/// What a request comes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// Plain http.
    Http,
    /// TLS.
    Https,
}

impl Scheme {
    /// The scheme of the URL: `http`, `https`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }
}

/// The path of a URL, without what stands before and behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PagePath(String);

impl PagePath {
    /// The path as it comes over the wire.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for PagePath {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if !text.starts_with('/') {
            return Err("a path begins with /, and has no scheme and no host: /docs".to_owned());
        }
        if text.contains(['?', '#']) {
            return Err("a path ends before ? and #: the policy does not read them".to_owned());
        }
        match text.parse::<PathAndQuery>() {
            Ok(_) => Ok(Self(text.to_owned())),
            Err(error) => Err(format!("{error}: write it as in a URL, a space as %20")),
        }
    }
}

/// The answer to the request for a page.
#[derive(Debug)]
pub struct Answer {
    /// Whether the request goes on to the application.
    pub verdict: Verdict,
    /// The status of mantlet's own, if it does not let the request through.
    pub denied: Option<StatusCode>,
    /// A peer that speaks for others and may not.
    pub untrusted: Option<UntrustedProxy>,
    /// What it sends beside Content-Type, in order.
    pub section: Vec<(String, String)>,
}

impl Page<'_> {
    /// The Host of a request that does not say another.
    pub const HOST: HeaderValue = HeaderValue::from_static("example.com");

    /// An HTML page at the root over https.
    pub fn root() -> Self {
        Self {
            method: Method::GET,
            path: "/",
            scheme: Scheme::Https,
            fields: HeaderMap::from_iter([(HOST, Self::HOST)]),
            peer: None,
            content_type: HeaderValue::from_static("text/html"),
        }
    }

    /// The URL that is asked for; where Host is missing or no text, that of [`Page::HOST`].
    pub fn url(&self) -> String {
        let host = self.fields.get(HOST).and_then(|host| host.to_str().ok());
        let host = host.unwrap_or("example.com");
        format!("{}://{host}{}", self.scheme.as_str(), self.path)
    }

    /// The answer of a policy; its limits count the request, and those of a store do what their `on_error` says.
    pub fn answer(&self, engine: &Engine) -> Answer {
        self.answered(engine, |head| engine.on_request(head).without_store())
    }

    /// The answer of a policy that may be in force: its limits are not asked, so nothing is counted and their fields are
    /// not sent.
    pub fn uncounted_answer(&self, engine: &Engine) -> Answer {
        self.answered(engine, |head| engine.on_uncounted_request(head))
    }

    fn answered(
        &self,
        engine: &Engine,
        judged: impl FnOnce(&RequestHead<'_>) -> (Verdict, Exchange),
    ) -> Answer {
        let mut head = RequestHead::new(&self.method, self.path.as_bytes(), &self.fields);
        head.tls = self.scheme == Scheme::Https;
        head.peer = self.peer;
        let (verdict, exchange) = judged(&head);
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, self.content_type.clone());
        let mut denied = None;
        if let Verdict::Deny(denial) = &verdict {
            let reply = exchange.reply(denial, &self.method, Form::of(&self.fields));
            headers = reply.headers;
            denied = Some(reply.status);
        } else {
            let edits = exchange.on_response(&ResponseHead::new(StatusCode::OK, &headers));
            edits.apply(&mut headers);
        }
        let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let own = headers.iter().filter(|(name, _)| *name != CONTENT_TYPE);
        let section = own
            .map(|(name, value)| (name.to_string(), text(value)))
            .collect();
        Answer {
            verdict,
            denied,
            untrusted: engine.untrusted_proxy(&head),
            section,
        }
    }
}

impl Engine {
    /// A Host that the policy allows for `path`: the first of its list, `www` in the place of a wildcard; [`Page::HOST`]
    /// where any is allowed.
    pub fn allowed_host(&self, path: &str) -> HeaderValue {
        let hosts = self.checks(path.as_bytes()).hosts;
        let allowed = hosts.and_then(|hosts| hosts.first()).map(|pattern| {
            let name = match &pattern.name {
                HostName::Any => return None,
                HostName::Exact(name) => name.to_string(),
                HostName::Below(name) => format!("www.{name}"),
                HostName::Address(ip) if ip.is_ipv6() => format!("[{ip}]"),
                HostName::Address(ip) => ip.to_string(),
            };
            let port = pattern.port.map(|port| format!(":{port}"));
            HeaderValue::try_from(name + &port.unwrap_or_default()).ok()
        });
        allowed.flatten().unwrap_or(Page::HOST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_that_of_a_url_alone() {
        for path in ["/", "/docs/a%20b", "//x"] {
            assert_eq!(path.parse().as_ref().map(PagePath::as_str), Ok(path));
        }
        for text in ["", "docs", "https://example.com/", "/a?b", "/a#b", "/a b"] {
            assert!(text.parse::<PagePath>().is_err(), "{text}");
        }
    }

    #[test]
    fn the_url_is_that_of_the_host() {
        let mut page = Page::root();
        page.fields
            .insert(HOST, HeaderValue::from_static("a.example:8443"));
        page.path = "/docs";
        assert_eq!(page.url(), "https://a.example:8443/docs");
        page.fields.clear();
        page.scheme = Scheme::Http;
        assert_eq!(page.url(), "http://example.com/docs");
    }
}
