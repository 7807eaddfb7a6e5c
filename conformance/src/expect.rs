//! What a case expects.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::Deserialize;

/// What comes out of one exchange.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expectation {
    /// Whether the application is reached.
    pub verdict: Verdict,
    /// The reason code of a denial.
    pub reason: Option<String>,
    /// The status the client sees; that of the application's response unless the request is denied.
    pub status: Option<u16>,
    /// The client's address that the application is told.
    pub client: Option<IpAddr>,
    /// The reasons of the checks that would have denied the request and only report, where the host tells them.
    #[serde(default)]
    pub reported: Vec<String>,
    /// The fields the client sees, by name in lower case. What is not named here is not looked at, unless `only` is set.
    #[serde(default)]
    pub fields: BTreeMap<String, Wanted>,
    /// There are no other fields than those named, besides the ones a server writes about its connection.
    #[serde(default)]
    pub only: bool,
    /// The body the client sees.
    pub body: Option<String>,
}

/// Whether the application is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It is.
    Allow,
    /// The host answers itself.
    Deny,
}

/// What is expected of the lines of one field.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Wanted {
    /// One line with this value.
    One(String),
    /// These lines, in this order.
    Lines(Vec<String>),
    /// So many lines, whatever they say.
    Count(usize),
    /// `false`: no line. (`true` is refused when the file is read.)
    Present(bool),
}

impl Expectation {
    /// What is wrong with the expectation itself.
    pub(crate) fn fault(&self) -> Option<&'static str> {
        if self.verdict == Verdict::Deny && (self.reason.is_none() || self.status.is_none()) {
            return Some("a denial has a reason and a status");
        }
        if self.verdict == Verdict::Allow && self.reason.is_some() {
            return Some("only a denial has a reason");
        }
        if self.verdict == Verdict::Deny && (self.client.is_some() || !self.reported.is_empty()) {
            return Some("of a request that is denied the application is told nothing");
        }
        if self
            .fields
            .values()
            .any(|wanted| *wanted == Wanted::Present(true))
        {
            return Some(
                "a field is expected by its value, its values, their number, or as false: absent",
            );
        }
        if self
            .fields
            .keys()
            .any(|name| name.bytes().any(|b| b.is_ascii_uppercase()))
        {
            return Some("field names are in lower case");
        }
        None
    }
}
