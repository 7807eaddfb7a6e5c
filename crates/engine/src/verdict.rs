//! The result of call one.

use std::borrow::Cow;

use http::{HeaderMap, HeaderValue, Method, StatusCode, header};

use crate::edit::is_html;
use crate::head::Fields;
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
    pub fn reply(&self, method: &Method, form: Form) -> Reply {
        let body = match form {
            Form::Json => format!("{{\"detail\":\"{}\"}}", escaped(&self.detail, json_escape)),
            Form::Html => {
                let detail = escaped(&self.detail, html_escape);
                let title = self.status.canonical_reason().unwrap_or("Error");
                let code = self.status.as_u16();
                format!(
                    "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>{code} {title}</title>\n\
                     <h1>{code} {title}</h1>\n<p>{detail}</p>\n</html>\n"
                )
            }
        };
        let content_type = match form {
            Form::Json => "application/json",
            Form::Html => "text/html; charset=utf-8",
        };
        let mut headers = HeaderMap::with_capacity(16);
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
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

/// How a denial is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// `{"detail": ...}`: for programs, and for whoever does not say what it takes.
    #[default]
    Json,
    /// A page: for browsers, which name `text/html` in Accept when they go somewhere.
    Html,
}

impl Form {
    /// The form for a request with these fields. Only a client that names `text/html` gets a page; `*/*` does not.
    pub fn of(fields: &dyn Fields) -> Self {
        let mut form = Self::Json;
        fields.each(&header::ACCEPT, &mut |line| {
            let named = line.split(|&b| b == b',').any(is_html);
            if named {
                form = Self::Html;
            }
        });
        form
    }
}

/// A whole response of ours.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The status.
    pub status: StatusCode,
    /// The fields; they still have to pass call two.
    pub headers: HeaderMap,
    /// The denial in its [`Form`]; empty for HEAD.
    pub body: String,
}

fn escaped(text: &str, escape: fn(char) -> Option<&'static str>) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match escape(c) {
            Some(escape) => out.push_str(escape),
            None if c.is_control() => out.push(' '),
            None => out.push(c),
        }
    }
    out
}

fn json_escape(c: char) -> Option<&'static str> {
    match c {
        '"' => Some("\\\""),
        '\\' => Some("\\\\"),
        _ => None,
    }
}

fn html_escape(c: char) -> Option<&'static str> {
    match c {
        '<' => Some("&lt;"),
        '>' => Some("&gt;"),
        '&' => Some("&amp;"),
        '"' => Some("&quot;"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_to_head_has_the_length_and_no_body() {
        let denial = Denial::new("host.unknown", StatusCode::BAD_REQUEST, "no such \"host\"");
        let get = denial.reply(&Method::GET, Form::Json);
        let head = denial.reply(&Method::HEAD, Form::Json);
        assert_eq!(get.body, r#"{"detail":"no such \"host\""}"#);
        assert_eq!(head.body, "");
        assert_eq!(
            head.headers[header::CONTENT_LENGTH],
            get.body.len().to_string().as_str()
        );
    }

    #[test]
    fn a_browser_gets_a_page_and_anything_else_json() {
        let form = |accept: &'static str| {
            let mut fields = HeaderMap::new();
            fields.insert(header::ACCEPT, HeaderValue::from_static(accept));
            Form::of(&fields)
        };
        assert_eq!(
            form("text/html,application/xml;q=0.9,*/*;q=0.8"),
            Form::Html
        );
        assert_eq!(form("application/json, TEXT/HTML;q=0.5"), Form::Html);
        assert_eq!(form("*/*"), Form::Json);
        assert_eq!(Form::of(&HeaderMap::new()), Form::Json);
        let denial = Denial::new("x.y", StatusCode::BAD_GATEWAY, "a <b> & \"c\"");
        let page = denial.reply(&Method::GET, Form::Html);
        assert_eq!(
            page.headers[header::CONTENT_TYPE],
            "text/html; charset=utf-8"
        );
        assert!(
            page.body.contains("<p>a &lt;b&gt; &amp; &quot;c&quot;</p>"),
            "{}",
            page.body
        );
    }
}
