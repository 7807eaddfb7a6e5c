//! Connection-Allowlist: which addresses a page may connect to.

use std::collections::HashSet;
use std::fmt;

use sfv::{BareItem, List, ListEntry, Parameters};

use crate::endpoint::Endpoint;
use crate::fault::{Fault, Parsed};
use crate::field::{Field, from_str_by_build};
use crate::malformed::Malformed;
use crate::sf::{self, Writes};
use crate::twin::report_only;

/// What a page may connect to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Destination {
    /// The origin that sent the response.
    ResponseOrigin,
    /// A URL pattern; made by [`Destination::pattern`].
    Pattern(Pattern),
}

/// The text of a URL pattern: printable ASCII, not empty.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Pattern(String);

impl Pattern {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Destination {
    /// A URL pattern, such as `https://*.a.example`. Its own grammar is not checked.
    ///
    /// # Errors
    /// [`Malformed`] if it is empty, has a space, or has other octets than printable ASCII.
    pub fn pattern(text: &str) -> Result<Self, Malformed> {
        if text.is_empty() || !text.bytes().all(|b| b.is_ascii_graphic()) {
            let message = "a URL pattern is printable ASCII without spaces";
            return Err(
                Malformed::new("connection-allowlist.pattern", 0..text.len(), message)
                    .hint("https://*.a.example"),
            );
        }
        Ok(Self::Pattern(Pattern(text.to_owned())))
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ResponseOrigin => f.write_str("response-origin"),
            Self::Pattern(pattern) => f.write_str(&sf::quoted(&pattern.0)),
        }
    }
}

/// Whether a kind of connection that no pattern can judge is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Access {
    /// It is made.
    Allow,
    /// It is not made.
    Block,
}

impl Access {
    /// The token.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Block => "block",
        }
    }
}

/// A Connection-Allowlist value; empty for no connection at all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConnectionAllowlist {
    destinations: Vec<Destination>,
    redirects: Option<Access>,
    webrtc: Option<Access>,
    report_to: Option<Endpoint>,
}

impl ConnectionAllowlist {
    /// Allows these destinations and no other.
    pub fn new(destinations: impl IntoIterator<Item = Destination>) -> Self {
        let mut list = Vec::new();
        for destination in destinations {
            if !list.contains(&destination) {
                list.push(destination);
            }
        }
        Self {
            destinations: list,
            ..Self::default()
        }
    }

    /// Whether redirects are followed; without it a browser decides.
    #[must_use]
    pub const fn redirects(mut self, access: Access) -> Self {
        self.redirects = Some(access);
        self
    }

    /// Whether WebRTC connects; without it a browser decides.
    #[must_use]
    pub const fn webrtc(mut self, access: Access) -> Self {
        self.webrtc = Some(access);
        self
    }

    /// Sends reports to an endpoint of Reporting-Endpoints.
    #[must_use]
    pub fn report_to(mut self, endpoint: Endpoint) -> Self {
        self.report_to = Some(endpoint);
        self
    }

    /// What is allowed.
    pub fn destinations(&self) -> &[Destination] {
        &self.destinations
    }

    /// Where reports go.
    pub const fn endpoint(&self) -> Option<&Endpoint> {
        self.report_to.as_ref()
    }
}

impl Field for ConnectionAllowlist {
    const NAME: &'static str = "Connection-Allowlist";
    const SPEC: &'static str = "https://wicg.github.io/connection-allowlists/";
    const SUMMARY: &'static str =
        "The page connects to the listed addresses only, whatever runs in it.";
    const EXAMPLES: &'static [&'static str] = &[
        "(response-origin)",
        "(response-origin \"https://*.a.example\");report-to=connections",
    ];
    const REASON: &'static str = "Injected script cannot send data away, not even by ways that Content-Security-Policy leaves open. Redirects are \
         blocked too, so try the report-only twin first.";

    fn parse(input: &[u8]) -> Parsed<Self> {
        let code = "connection-allowlist.grammar";
        let hint = "(response-origin \"https://*.a.example\")";
        let list: List = match sf::parse(input, code) {
            Ok(list) => list,
            Err(fault) => return Parsed::ignored(fault.hint(hint)),
        };
        let Some(ListEntry::InnerList(inner)) = list.first() else {
            let message = "the value is not a list in parentheses: a browser ignores the field";
            return Parsed::ignored(Fault::error(code, 0..input.len(), message).hint(hint));
        };
        let mut faults = Vec::new();
        if list.len() > 1 {
            let message = "a browser reads the first list only";
            let fault = Fault::error("connection-allowlist.extra", 0..input.len(), message);
            faults.push(fault.hint("one list in parentheses"));
        }
        let mut destinations = Vec::new();
        let mut seen = HashSet::new();
        for item in &inner.items {
            let (text, destination) = match &item.bare_item {
                BareItem::Token(token) if token.as_str() == "response-origin" => {
                    (token.as_str(), Some(Destination::ResponseOrigin))
                }
                BareItem::Token(token) => (token.as_str(), None),
                BareItem::String(text) => (text.as_str(), Destination::pattern(text.as_str()).ok()),
                _ => ("", None),
            };
            match destination {
                Some(destination) if !seen.insert(destination.clone()) => {}
                Some(destination) => destinations.push(destination),
                None => {
                    let message = format!(
                        "{text:?} is neither response-origin nor a pattern: a browser ignores it"
                    );
                    let span = sf::place(input, text);
                    faults
                        .push(Fault::error("connection-allowlist.word", span, message).hint(hint));
                }
            }
        }
        let mut redirects = None;
        let mut webrtc = None;
        let mut others = Parameters::new();
        for (key, value) in &inner.params {
            match key.as_str() {
                "redirects" => redirects = access(value, "redirects", input, &mut faults),
                "webrtc" => webrtc = access(value, "webrtc", input, &mut faults),
                _ => {
                    others.insert(key.clone(), value.clone());
                }
            }
        }
        let report_to = sf::report_to(&others, 0..input.len(), Writes::Token, &mut faults);
        Parsed {
            value: Some(Self {
                destinations,
                redirects,
                webrtc,
                report_to,
            }),
            faults,
        }
    }
}

/// A parameter that is `block`; a browser takes every other token for `allow`, and ignores what is no token.
fn access(value: &BareItem, name: &str, input: &[u8], faults: &mut Vec<Fault>) -> Option<Access> {
    let (access, message) = match value {
        BareItem::Token(token) if token.as_str() == "block" => return Some(Access::Block),
        BareItem::Token(token) if token.as_str() == "allow" => return Some(Access::Allow),
        BareItem::Token(_) => (Some(Access::Allow), "a browser takes it for allow"),
        _ => (None, "it is no token, and a browser ignores it"),
    };
    let message = format!("{name} is neither allow nor block: {message}");
    let fault = Fault::error(
        "connection-allowlist.access",
        sf::place(input, name),
        message,
    );
    faults.push(fault.hint(format!("{name}=block")));
    access
}

from_str_by_build!(ConnectionAllowlist);

impl fmt::Display for ConnectionAllowlist {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<_> = self.destinations.iter().map(ToString::to_string).collect();
        write!(f, "({})", words.join(" "))?;
        for (name, access) in [("redirects", self.redirects), ("webrtc", self.webrtc)] {
            if let Some(access) = access {
                write!(f, ";{name}={}", access.as_str())?;
            }
        }
        match &self.report_to {
            Some(endpoint) => write!(f, ";report-to={endpoint}"),
            None => Ok(()),
        }
    }
}

report_only! {
    /// Connection-Allowlist, reported and not enforced.
    ConnectionAllowlistReportOnly(ConnectionAllowlist), "Connection-Allowlist-Report-Only", "connection-allowlist",
    summary: "Reports connections that Connection-Allowlist would block, and blocks nothing.",
    examples: &["(response-origin);report-to=connections"],
    reason: "Shows what the page connects to before the list is enforced.",
    unheard: |list| list.report_to.is_none(),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_list_there_is_no_value() {
        for input in ["", "response-origin", "(\"a\"", "\"https://a\""] {
            let parsed = ConnectionAllowlist::parse(input.as_bytes());
            assert_eq!(parsed.value, None, "{input}");
        }
        let parsed = ConnectionAllowlist::parse(b"(self \"https://a.example\")");
        assert_eq!(parsed.faults[0].span, 1..5);
        let text = parsed.value.map(|value| value.to_string());
        assert_eq!(text.as_deref(), Some("(\"https://a.example\")"));
        assert_eq!(ConnectionAllowlist::default().to_string(), "()");
    }

    #[test]
    fn the_first_list_and_known_parameters_count() {
        for (input, printed, code) in [
            (
                "(response-origin), (x)",
                "(response-origin)",
                "connection-allowlist.extra",
            ),
            (
                "();redirects=maybe",
                "();redirects=allow",
                "connection-allowlist.access",
            ),
            ("();webrtc=\"block\"", "()", "connection-allowlist.access"),
            ("();report-to=\"ep\"", "()", "report-to.type"),
            ("();x", "()", "report-to.parameter"),
        ] {
            let parsed = ConnectionAllowlist::parse(input.as_bytes());
            assert_eq!(parsed.faults[0].code, code, "{input}");
            let text = parsed.value.map(|value| value.to_string());
            assert_eq!(text.as_deref(), Some(printed), "{input}");
        }
        let list = ConnectionAllowlist::new([Destination::ResponseOrigin])
            .redirects(Access::Allow)
            .webrtc(Access::Block);
        let text = list.to_string();
        assert_eq!(text, "(response-origin);redirects=allow;webrtc=block");
        assert_eq!(
            ConnectionAllowlist::parse(text.as_bytes()),
            Parsed::clean(list)
        );
    }

    #[test]
    fn patterns_are_printable() {
        for text in ["", "a b", "\u{e4}", "a\n"] {
            assert!(Destination::pattern(text).is_err(), "{text:?}");
        }
        let odd = Destination::pattern("https://a/\\d\"").map(|d| d.to_string());
        assert_eq!(odd.as_deref(), Ok("\"https://a/\\\\d\\\"\""));
    }
}
