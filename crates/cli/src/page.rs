//! What a policy sends with one response.

use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use mantlet_engine::{Engine, Form, RequestHead, ResponseHead, Verdict};

/// A response whose header section is otherwise empty.
pub(crate) struct Page<'a> {
    pub(crate) path: &'a str,
    pub(crate) scheme: Scheme,
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
    /// The status of mantlet's own, if it does not let the request through.
    pub(crate) denied: Option<StatusCode>,
    /// What it sends beside Content-Type, in order.
    pub(crate) section: Vec<(String, String)>,
}

impl Page<'_> {
    /// An HTML page at the root over https.
    pub(crate) fn root() -> Self {
        Self {
            path: "/",
            scheme: Scheme::Https,
            content_type: HeaderValue::from_static("text/html"),
        }
    }

    pub(crate) fn answer(&self, engine: &Engine) -> Answer {
        let none = HeaderMap::new();
        let mut head = RequestHead::new(&Method::GET, self.path.as_bytes(), &none);
        head.tls = self.scheme == Scheme::Https;
        // names the place that a redirect to https goes to
        head.authority = Some(b"example.com");
        let (verdict, exchange) = engine.on_request(&head);
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, self.content_type.clone());
        let mut denied = None;
        if let Verdict::Deny(denial) = verdict {
            let reply = exchange.reply(&denial, &Method::GET, Form::Json);
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
        Answer { denied, section }
    }
}
