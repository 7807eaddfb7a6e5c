//! The result of call one.

use std::borrow::Cow;
use std::sync::Arc;

use http::{HeaderMap, HeaderValue, Method, StatusCode, header};

use crate::edit::is_html;
use crate::head::Fields;
use crate::permit::Permit;
use crate::reason::Reason;

/// Whether a request goes on to the application.
#[derive(Clone, Debug, PartialEq)]
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
    /// What the operator can do if the request should have passed: for the log.
    pub fix: Option<&'static str>,
    /// Where a redirect leads.
    pub location: Option<HeaderValue>,
    /// What the policy answers in place of the default.
    pub answer: Option<Arc<Answer>>,
    /// Of a request that a limit stops: by which, and for how long.
    pub limited: Option<Box<Limited>>,
}

/// What stopped a request, of those that limits stop.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limited {
    /// The names of the limits that it is above.
    pub by: Vec<Arc<str>>,
    /// When the same request may pass, in whole seconds from now, spread so that clients do not come back all at once; `None`
    /// where it can never pass, or nobody knows.
    pub retry_after: Option<u64>,
}

/// An answer of the policy's own to a denied request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// In place of the check's status.
    pub status: Option<StatusCode>,
    /// Content type and body, in place of the default ones.
    pub body: Option<(HeaderValue, String)>,
}

impl Denial {
    /// A denial with a fixed sentence.
    pub const fn new(reason: &'static str, status: StatusCode, detail: &'static str) -> Self {
        Self {
            reason,
            status,
            detail: Cow::Borrowed(detail),
            fix: None,
            location: None,
            answer: None,
            limited: None,
        }
    }

    pub(crate) const fn of(reason: &'static Reason) -> Self {
        let mut denial = Self::new(reason.code, reason.status, reason.detail);
        denial.fix = Some(reason.fix);
        denial
    }

    /// With the answer of the policy, if it has one.
    pub(crate) fn answered(mut self, answer: Option<&Arc<Answer>>) -> Self {
        self.status = answer
            .and_then(|answer| answer.status)
            .unwrap_or(self.status);
        self.answer = answer.cloned();
        self
    }

    /// The type of the problem, and the members that go with it: those of draft-ietf-httpapi-ratelimit-headers-10 section 4 for
    /// what limits stop.
    fn problem(&self) -> (&'static str, String) {
        let Some(limited) = &self.limited else {
            return ("about:blank", String::new());
        };
        let kind = match self.status {
            StatusCode::TOO_MANY_REQUESTS => {
                "https://iana.org/assignments/http-problem-types#quota-exceeded"
            }
            StatusCode::SERVICE_UNAVAILABLE => {
                "https://iana.org/assignments/http-problem-types#temporary-reduced-capacity"
            }
            _ => "about:blank",
        };
        let names: Vec<_> = limited
            .by
            .iter()
            .map(|name| format!("\"{name}\""))
            .collect();
        let violated = match names.is_empty() {
            true => String::new(),
            false => format!(",\"violated-policies\":[{}]", names.join(",")),
        };
        (kind, violated)
    }

    /// The body and its type.
    fn body(&self, form: Form) -> (HeaderValue, String) {
        // whoever takes any JSON is told which limit it was
        let form = match form {
            Form::Json if self.limited.is_some() => Form::Problem,
            form => form,
        };
        if let Some((content_type, body)) = self.answer.as_ref().and_then(|own| own.body.clone()) {
            return (content_type, body);
        }
        let code = self.status.as_u16();
        let title = self.status.canonical_reason().unwrap_or("Error");
        let body = match form {
            Form::Json => format!("{{\"detail\":\"{}\"}}", escaped(&self.detail, json_escape)),
            Form::Problem => {
                let detail = escaped(&self.detail, json_escape);
                let (kind, violated) = self.problem();
                format!(
                    "{{\"type\":\"{kind}\",\"title\":\"{title}\",\"status\":{code},\"detail\":\"{detail}\"{violated}}}"
                )
            }
            Form::Text => format!("{}\n", escaped(&self.detail, |_| None)),
            Form::Html => {
                let detail = escaped(&self.detail, html_escape);
                format!(
                    "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>{code} {title}</title>\n\
                     <h1>{code} {title}</h1>\n<p>{detail}</p>\n</html>\n"
                )
            }
        };
        (HeaderValue::from_static(form.content_type()), body)
    }

    /// The response, before call two has edited it. HEAD gets the same head and no body.
    pub(crate) fn reply(&self, method: &Method, form: Form) -> Reply {
        let (content_type, body) = self.body(form);
        let mut headers = HeaderMap::with_capacity(16);
        headers.insert(header::CONTENT_TYPE, content_type);
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
        if let Some(location) = &self.location {
            headers.insert(header::LOCATION, location.clone());
        }
        if let Some(seconds) = self
            .limited
            .as_ref()
            .and_then(|limited| limited.retry_after)
        {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        let body = match *method {
            Method::HEAD => String::new(),
            _ => body,
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
    /// `application/problem+json` (RFC 9457).
    Problem,
    /// One line of text.
    Text,
    /// A page: for browsers, which name `text/html` in Accept when they go somewhere.
    Html,
}

impl Form {
    const ALL: [Self; 4] = [Self::Json, Self::Problem, Self::Text, Self::Html];

    /// The media type, without parameters.
    const fn essence(self) -> &'static [u8] {
        match self {
            Self::Json => b"application/json",
            Self::Problem => b"application/problem+json",
            Self::Text => b"text/plain",
            Self::Html => b"text/html",
        }
    }

    const fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Problem => "application/problem+json",
            Self::Text => "text/plain; charset=utf-8",
            Self::Html => "text/html; charset=utf-8",
        }
    }

    /// The form for a request with these fields: of those that Accept names, the one of the highest weight, then the first
    /// (RFC 9110 section 12.5.1). A range such as `*/*` names none.
    pub fn of(fields: &dyn Fields) -> Self {
        let (mut best, mut weight) = (Self::default(), 0);
        fields.each(&header::ACCEPT, &mut |line| {
            for element in line.split(|&b| b == b',') {
                let mut parts = element.split(|&b| b == b';').map(<[u8]>::trim_ascii);
                let named = parts.next().unwrap_or_default();
                let known = |form: &Self| named.eq_ignore_ascii_case(form.essence());
                let form = match is_html(named) {
                    true => Some(Self::Html),
                    false => Self::ALL.into_iter().find(known),
                };
                let q = parts.find_map(|part| match part {
                    [b'q' | b'Q', b'=', weight @ ..] => Some(weight),
                    _ => None,
                });
                let own = q.map_or(1000, thousandths);
                if let Some(form) = form
                    && own > weight
                {
                    (best, weight) = (form, own);
                }
            }
        });
        best
    }
}

/// A weight (RFC 9110 section 12.4.2) in thousandths; 0 for what is none.
fn thousandths(weight: &[u8]) -> u16 {
    let text = std::str::from_utf8(weight).unwrap_or_default();
    match text.parse::<f32>() {
        Ok(weight) if (0.0..=1.0).contains(&weight) => (weight * 1000.0) as u16,
        _ => 0,
    }
}

/// A whole response of ours: it has passed call two.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The status.
    pub status: StatusCode,
    /// The fields.
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
    fn every_form_says_the_detail_and_a_policy_can_say_something_else() {
        let denial = Denial::new("x.y", StatusCode::FORBIDDEN, "No \"entry\".");
        let body = |form| denial.reply(&Method::GET, form).body;
        assert_eq!(body(Form::Text), "No \"entry\".\n");
        assert_eq!(
            body(Form::Problem),
            r#"{"type":"about:blank","title":"Forbidden","status":403,"detail":"No \"entry\"."}"#
        );
        let own = Answer {
            status: Some(StatusCode::NOT_FOUND),
            body: Some((HeaderValue::from_static("text/plain"), "gone".to_owned())),
        };
        let reply = denial
            .answered(Some(&Arc::new(own)))
            .reply(&Method::GET, Form::Json);
        assert_eq!(
            (reply.status, &*reply.body),
            (StatusCode::NOT_FOUND, "gone")
        );
        assert_eq!(reply.headers[header::CONTENT_TYPE], "text/plain");
    }

    #[test]
    fn accept_chooses_among_four_forms() {
        let form = |accept: &'static str| {
            let mut fields = HeaderMap::new();
            fields.insert(header::ACCEPT, HeaderValue::from_static(accept));
            Form::of(&fields)
        };
        assert_eq!(
            form("text/html,application/xml;q=0.9,*/*;q=0.8"),
            Form::Html
        );
        assert_eq!(form("text/plain;q=0.4, TEXT/HTML;q=0.5"), Form::Html);
        assert_eq!(form("application/json, text/html;q=0.5"), Form::Json);
        assert_eq!(form("application/problem+json"), Form::Problem);
        assert_eq!(form("text/plain, application/json"), Form::Text);
        assert_eq!(form("text/html;q=0, text/plain; q=0.1"), Form::Text);
        assert_eq!(form("text/html;q=x, text/plain;q=NaN"), Form::Json);
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
