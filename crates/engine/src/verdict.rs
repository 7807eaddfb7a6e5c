//! The result of call one.

use std::borrow::Cow;

use http::{HeaderMap, HeaderValue, Method, StatusCode, header};

use crate::permit::Permit;

/// Whether a request goes on to the application.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// It goes on, and the application may read the permit.
    Allow(Permit),
    /// It ends here.
    Deny(Denial),
}

/// Why a request ends here, and with what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denial {
    /// A stable code, `check.cause`: for logs and tests.
    pub reason: &'static str,
    /// The status of the answer.
    pub status: StatusCode,
    /// One sentence for the client; nothing internal.
    pub detail: Cow<'static, str>,
    /// Where a redirect leads.
    pub location: Option<HeaderValue>,
}

impl Denial {
    /// A denial with a fixed sentence.
    pub const fn new(reason: &'static str, status: StatusCode, detail: &'static str) -> Self {
        Self {
            reason,
            status,
            detail: Cow::Borrowed(detail),
            location: None,
        }
    }

    /// The response a host sends, before call two has edited it. HEAD gets the same head and no body.
    pub fn reply(&self, method: &Method) -> Reply {
        let body = format!("{{\"detail\":\"{}\"}}", escaped(&self.detail));
        let mut headers = HeaderMap::with_capacity(16);
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        );
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(location) = &self.location {
            headers.insert(header::LOCATION, location.clone());
        }
        let body = if method == Method::HEAD {
            String::new()
        } else {
            body
        };
        Reply {
            status: self.status,
            headers,
            body,
        }
    }
}

/// A whole response of ours.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The status.
    pub status: StatusCode,
    /// The fields; they still have to pass call two.
    pub headers: HeaderMap,
    /// JSON, `{"detail": ...}`; empty for HEAD.
    pub body: String,
}

/// JSON string escapes for text without control characters beyond the C0 set.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_to_head_has_the_length_and_no_body() {
        let denial = Denial::new("host.unknown", StatusCode::BAD_REQUEST, "no such \"host\"");
        let get = denial.reply(&Method::GET);
        let head = denial.reply(&Method::HEAD);
        assert_eq!(get.body, r#"{"detail":"no such \"host\""}"#);
        assert_eq!(head.body, "");
        assert_eq!(
            head.headers[header::CONTENT_LENGTH],
            get.body.len().to_string().as_str()
        );
    }
}
