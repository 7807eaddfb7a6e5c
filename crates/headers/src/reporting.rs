//! Reporting-Endpoints (W3C Reporting API): where a browser sends its reports. The older Report-To and NEL are JSON.
//!
//! ```text
//! Reporting-Endpoints = sf-dictionary                ; name = sf-string, a URL
//! ```
//!
//! Names are keys, so in lower case; one slip of the grammar voids the whole field. A URL may be relative; otherwise it
//! is https, or a browser skips it. Over plain http the field is ignored.
//! <https://www.w3.org/TR/reporting-1/#header>
//!
//! ```
//! use mantlet_headers::{Endpoint, ReportUrl, ReportingEndpoints};
//! let endpoints = ReportingEndpoints::new()
//!     .endpoint(Endpoint::new("csp")?, ReportUrl::new("https://r.example/x")?)
//!     .endpoint(Endpoint::new("default")?, ReportUrl::new("/reports")?);
//! assert_eq!(endpoints.to_string(), r#"csp="https://r.example/x", default="/reports""#);
//! # Ok::<(), mantlet_headers::Malformed>(())
//! ```

pub(crate) mod json;

use std::fmt;
use std::str::FromStr;

use sfv::{BareItem, Dictionary, ListEntry};

use crate::authority::Authority;
use crate::endpoint::Endpoint;
use crate::fault::{Fault, Parsed};
use crate::field::{Field, from_str_by_build};
use crate::malformed::Malformed;
use crate::sf;

/// Where reports are sent: an https URL, or one that is relative to the page.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ReportUrl(String);

impl ReportUrl {
    /// Checks a URL. Plain http is taken for `localhost` and loopback addresses only, as browsers do.
    ///
    /// # Errors
    /// [`Malformed`] if a browser would skip it.
    pub fn new(url: impl Into<String>) -> Result<Self, Malformed> {
        let url = url.into();
        let whole = 0..url.len();
        if url.is_empty()
            || !url
                .bytes()
                .all(|b| b.is_ascii_graphic() && b != b'#' && b != b'\\')
        {
            let message =
                "a report URL is printable ASCII without spaces, backslashes or a fragment";
            return Err(Malformed::new("report-url.text", whole, message));
        }
        let head = url.find(['/', '?']).map_or(url.as_str(), |at| &url[..at]);
        let Some((scheme, _)) = head.split_once(':') else {
            if url.starts_with("//") {
                let message = "the scheme is missing";
                return Err(Malformed::new("report-url.scheme", whole, message).hint("https://"));
            }
            return Ok(Self(url));
        };
        let scheme = scheme.to_ascii_lowercase();
        let rest = match url
            .get(scheme.len()..)
            .and_then(|rest| rest.strip_prefix("://"))
        {
            Some(rest) if matches!(scheme.as_str(), "https" | "http") => rest,
            _ => {
                let message = "a report URL is https or relative";
                return Err(Malformed::new("report-url.scheme", whole, message).hint("https://"));
            }
        };
        let start = url.len() - rest.len();
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let authority = Authority::parse(&rest.as_bytes()[..end]).map_err(|m| m.shifted(start))?;
        let local = authority.ip().is_some_and(|ip| ip.is_loopback())
            || authority.host() == "localhost"
            || authority.host().ends_with(".localhost");
        if scheme == "http" && !local {
            let message = "a browser sends no reports over plain http";
            return Err(Malformed::new("report-url.insecure", whole, message).hint("https://"));
        }
        Ok(Self(url))
    }

    /// The URL, as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the URL depends on where the response came from.
    pub fn is_relative(&self) -> bool {
        !self.0.contains("://") || self.0.starts_with('/')
    }
}

impl FromStr for ReportUrl {
    type Err = Malformed;

    fn from_str(input: &str) -> Result<Self, Malformed> {
        Self::new(input)
    }
}

impl fmt::Display for ReportUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A Reporting-Endpoints value: names and their URLs, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReportingEndpoints(Vec<(Endpoint, ReportUrl)>);

impl ReportingEndpoints {
    /// No endpoint yet.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Defines an endpoint; one of the same name is replaced in its place.
    #[must_use]
    pub fn endpoint(mut self, name: Endpoint, url: ReportUrl) -> Self {
        match self.0.iter_mut().find(|(other, _)| *other == name) {
            Some((_, other)) => *other = url,
            None => self.0.push((name, url)),
        }
        self
    }

    /// The URL of an endpoint.
    pub fn url(&self, name: &str) -> Option<&ReportUrl> {
        self.0
            .iter()
            .find(|(other, _)| other.as_str() == name)
            .map(|(_, url)| url)
    }

    /// Every endpoint, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&Endpoint, &ReportUrl)> {
        self.0.iter().map(|(name, url)| (name, url))
    }
}

impl Field for ReportingEndpoints {
    const NAME: &'static str = "Reporting-Endpoints";
    const SPEC: &'static str = "https://www.w3.org/TR/reporting-1/#header";
    const SUMMARY: &'static str =
        "Tells a browser the URLs of the endpoints that other fields name.";
    const EXAMPLES: &'static [&'static str] = &[
        "default=\"/reports\"",
        "csp=\"https://r.example/x\", default=\"/reports\"",
    ];
    const REASON: &'static str = "Without a definition in the same response, a report-to names nothing and no report is sent.";

    fn parse(input: &[u8]) -> Parsed<Self> {
        let dictionary: Dictionary = match sf::parse(input, "reporting-endpoints.grammar") {
            Ok(dictionary) => dictionary,
            Err(fault) => {
                let hint = "names in lower case, URLs in double quotes: default=\"/reports\"";
                return Parsed::ignored(fault.hint(hint));
            }
        };
        let members = sf::Members::find(input);
        let mut faults = members.replaced("reporting-endpoints.repeated");
        let mut endpoints = Self::new();
        for (key, entry) in &dictionary {
            let key = key.as_str();
            let span = members.place(key);
            let url = match entry {
                ListEntry::Item(item) => match &item.bare_item {
                    BareItem::String(url) => Some(url.as_str()),
                    _ => None,
                },
                ListEntry::InnerList(_) => None,
            };
            let Some(url) = url else {
                let message = format!("{key} is no string: a browser skips it");
                let fault = Fault::error("reporting-endpoints.type", span, message);
                faults.push(fault.hint(format!("{key}=\"/reports\"")));
                continue;
            };
            match (Endpoint::new(key), ReportUrl::new(url)) {
                (Ok(name), Ok(url)) => {
                    if url.is_relative() && !url.as_str().starts_with('/') {
                        let message = format!("{key}: the URL depends on the path of each page");
                        let fault = Fault::warning("reporting-endpoints.relative", span, message);
                        faults.push(fault.hint("begin with a slash"));
                    }
                    endpoints.0.push((name, url));
                }
                (Err(malformed), _) | (_, Err(malformed)) => {
                    faults.push(Fault {
                        span,
                        ..malformed.into()
                    });
                }
            }
        }
        if endpoints.0.is_empty() {
            let message = "no endpoint is defined: the field does nothing";
            faults.push(Fault::warning(
                "reporting-endpoints.empty",
                0..input.len(),
                message,
            ));
        }
        Parsed {
            value: Some(endpoints),
            faults,
        }
    }
}

from_str_by_build!(ReportingEndpoints);

impl fmt::Display for ReportingEndpoints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (name, url)) in self.0.iter().enumerate() {
            let comma = if i > 0 { ", " } else { "" };
            write!(f, "{comma}{name}={}", sf::quoted(&url.0))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::field_properties;

    field_properties!(
        properties,
        ReportingEndpoints,
        "([a-cA]{1,2}=\"?(https?://(a|localhost|A b)?)?/?[a-z\\\\\"]{0,2}\"?,? ?){0,3}"
    );

    #[test]
    fn urls_are_https_or_relative() {
        for url in [
            "https://r.example",
            "https://r.example:8443/x?y",
            "/r",
            "r",
            "?x",
            "a/b:c",
            "http://localhost:8000/r",
            "http://127.0.0.1/r",
            "http://[::1]/r",
            "HTTPS://R.example/",
        ] {
            assert!(ReportUrl::new(url).is_ok(), "{url}");
        }
        for url in [
            "",
            "http://r.example/",
            "//r.example/",
            "ftp://r.example",
            "https:r",
            "https://",
            "https://u@r.example/",
            "/a b",
            "/a#b",
            "javascript:x",
            "https://r.example\\x",
        ] {
            assert!(ReportUrl::new(url).is_err(), "{url}");
        }
    }

    #[test]
    fn an_upper_case_name_voids_the_field() {
        assert_eq!(ReportingEndpoints::parse(b"Main=\"/r\"").value, None);
        assert_eq!(ReportingEndpoints::parse(b"main='/r'").value, None);
    }

    #[test]
    fn bad_members_are_skipped_one_by_one() {
        let parsed = ReportingEndpoints::parse(b"a=\"http://r.example\", b=x, c=\"/r\", d=\"r\"");
        let codes: Vec<_> = parsed.faults.iter().map(|fault| fault.code).collect();
        assert_eq!(
            codes,
            [
                "report-url.insecure",
                "reporting-endpoints.type",
                "reporting-endpoints.relative"
            ]
        );
        let text = parsed.value.map(|value| value.to_string());
        assert_eq!(text.as_deref(), Some("c=\"/r\", d=\"r\""));
    }
}
