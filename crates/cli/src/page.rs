//! What a policy answers to one request, and sends with its response.

use std::net::IpAddr;

use http::header::{CONTENT_TYPE, HOST};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use mantlet_audit::{Observation, Response};
use mantlet_engine::{Engine, Form, RequestHead, ResponseHead, UntrustedProxy, Verdict};

/// A request, and a response whose header section is otherwise empty.
#[derive(Clone)]
pub(crate) struct Page<'a> {
    pub(crate) method: Method,
    pub(crate) path: &'a str,
    pub(crate) scheme: Scheme,
    pub(crate) fields: HeaderMap,
    pub(crate) peer: Option<IpAddr>,
    pub(crate) content_type: HeaderValue,
}

/// What the request came by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scheme {
    Http,
    Https,
}

impl Scheme {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }
}

/// The answer to the request for a page.
pub(crate) struct Answer {
    pub(crate) verdict: Verdict,
    /// The status of mantlet's own, if it does not let the request through.
    pub(crate) denied: Option<StatusCode>,
    /// A peer that speaks for others and may not.
    pub(crate) untrusted: Option<UntrustedProxy>,
    /// What it sends beside Content-Type, in order.
    pub(crate) section: Vec<(String, String)>,
}

impl Page<'_> {
    /// The Host of a request that does not say another.
    pub(crate) const HOST: HeaderValue = HeaderValue::from_static("example.com");

    /// An HTML page at the root over https.
    pub(crate) fn root() -> Self {
        Self {
            method: Method::GET,
            path: "/",
            scheme: Scheme::Https,
            fields: HeaderMap::from_iter([(HOST, Self::HOST)]),
            peer: None,
            content_type: HeaderValue::from_static("text/html"),
        }
    }

    /// What a scanner would see: the answer with its Content-Type, without a body.
    ///
    /// # Errors
    /// If Host and path make no URL.
    pub(crate) fn observation(&self, answer: &Answer) -> anyhow::Result<Observation> {
        let host = self.fields.get(HOST).map(HeaderValue::to_str).transpose()?;
        let url = format!(
            "{}://{}{}",
            self.scheme.as_str(),
            host.unwrap_or("example.com"),
            self.path
        );
        let content_type = String::from_utf8_lossy(self.content_type.as_bytes()).into_owned();
        let own = std::iter::once(("content-type".to_owned(), content_type));
        let headers = own.chain(answer.section.iter().cloned()).collect();
        Ok(Observation::new(url.parse()?, Response::new(200, headers)))
    }

    pub(crate) fn answer(&self, engine: &Engine) -> Answer {
        let mut head = RequestHead::new(&self.method, self.path.as_bytes(), &self.fields);
        head.tls = self.scheme == Scheme::Https;
        head.peer = self.peer;
        let (verdict, exchange) = engine.on_request(&head).without_store();
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
