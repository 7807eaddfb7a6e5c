//! Integrity-Policy (W3C SRI): scripts and styles without an integrity hash are blocked.
//!
//! ```text
//! Integrity-Policy     = sf-dictionary
//! blocked-destinations = "(" *( "script" / "style" ) ")"
//! sources              = "(inline)"                  ; the default, and all there is
//! endpoints            = "(" *token ")"              ; names of Reporting-Endpoints
//! ```
//!
//! Also blocks a script from another origin that is loaded without `crossorigin`: its hash cannot be checked.
//! <https://w3c.github.io/webappsec-subresource-integrity/#integrity-policy-section>
//!
//! ```
//! use mantlet_headers::{BlockedDestination, Endpoint, IntegrityPolicy};
//! let policy = IntegrityPolicy::new(BlockedDestination::Script).endpoint(Endpoint::new("sri")?);
//! assert_eq!(policy.to_string(), "blocked-destinations=(script), endpoints=(sri)");
//! # Ok::<(), mantlet_headers::Malformed>(())
//! ```

use std::fmt;

use sfv::{BareItem, Dictionary, ListEntry};

use crate::endpoint::Endpoint;
use crate::fault::{Fault, Parsed};
use crate::field::{Field, from_str_by_build};
use crate::sf;
use crate::suggest::suggest;
use crate::twin::report_only;

/// What needs a hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BlockedDestination {
    /// Scripts.
    Script,
    /// Style sheets; few browsers look at them.
    Style,
}

impl BlockedDestination {
    const ALL: [Self; 2] = [Self::Script, Self::Style];

    /// The token.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Script => "script",
            Self::Style => "style",
        }
    }
}

/// An Integrity-Policy value: at least one blocked destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IntegrityPolicy {
    blocked: Vec<BlockedDestination>,
    endpoints: Vec<Endpoint>,
}

impl IntegrityPolicy {
    /// Blocks one destination.
    pub fn new(destination: BlockedDestination) -> Self {
        Self {
            blocked: vec![destination],
            endpoints: Vec::new(),
        }
    }

    /// Blocks another destination too.
    #[must_use]
    pub fn block(mut self, destination: BlockedDestination) -> Self {
        if !self.blocked.contains(&destination) {
            self.blocked.push(destination);
        }
        self
    }

    /// Reports to an endpoint of Reporting-Endpoints.
    #[must_use]
    pub fn endpoint(mut self, endpoint: Endpoint) -> Self {
        if !self.endpoints.contains(&endpoint) {
            self.endpoints.push(endpoint);
        }
        self
    }

    /// What is blocked.
    pub fn blocked(&self) -> &[BlockedDestination] {
        &self.blocked
    }

    /// Where reports go.
    pub fn endpoints(&self) -> &[Endpoint] {
        &self.endpoints
    }
}

impl Field for IntegrityPolicy {
    const NAME: &'static str = "Integrity-Policy";
    const SPEC: &'static str =
        "https://w3c.github.io/webappsec-subresource-integrity/#integrity-policy-section";
    const SUMMARY: &'static str = "A browser blocks scripts that come without an integrity hash.";
    const EXAMPLES: &'static [&'static str] = &[
        "blocked-destinations=(script)",
        "blocked-destinations=(script style), endpoints=(integrity)",
    ];
    const REASON: &'static str = "A changed file on another host is not run. Only for pages whose every script element has a hash; try the \
         report-only twin first.";

    fn parse(input: &[u8]) -> Parsed<Self> {
        let dictionary: Dictionary = match sf::parse(input, "integrity-policy.grammar") {
            Ok(dictionary) => dictionary,
            Err(fault) => return Parsed::ignored(fault.hint(Self::EXAMPLES[0])),
        };
        let members = sf::Members::find(input);
        let mut reader = Reader {
            faults: members.replaced("integrity-policy.repeated"),
            members,
        };
        let mut blocked = Vec::new();
        let mut endpoints = Vec::new();
        let mut inline = true;
        for (key, entry) in &dictionary {
            let key = key.as_str();
            match key {
                "blocked-destinations" => {
                    for word in reader.tokens(key, entry) {
                        let destination = BlockedDestination::ALL
                            .into_iter()
                            .find(|destination| destination.as_str() == word);
                        match destination {
                            Some(destination) if !blocked.contains(&destination) => {
                                blocked.push(destination);
                            }
                            Some(_) => {}
                            None => reader.unknown(
                                key,
                                word,
                                BlockedDestination::ALL.map(BlockedDestination::as_str),
                            ),
                        }
                    }
                }
                "sources" => {
                    let words = reader.tokens(key, entry);
                    inline = words.contains(&"inline");
                    for word in words.into_iter().filter(|word| *word != "inline") {
                        reader.unknown(key, word, ["inline"]);
                    }
                }
                "endpoints" => {
                    for word in reader.tokens(key, entry) {
                        match Endpoint::new(word) {
                            Ok(endpoint) if !endpoints.contains(&endpoint) => {
                                endpoints.push(endpoint);
                            }
                            Ok(_) => {}
                            Err(malformed) => reader.faults.push(Fault {
                                span: reader.members.place(key),
                                ..malformed.into()
                            }),
                        }
                    }
                }
                _ => {
                    let message = format!("{key} is an unknown key: a browser ignores it");
                    let fault =
                        Fault::error("integrity-policy.key", reader.members.place(key), message);
                    let known = ["blocked-destinations", "sources", "endpoints"];
                    let near = suggest(key, known.into_iter());
                    reader.faults.push(
                        fault.hint(near.unwrap_or("blocked-destinations, sources or endpoints")),
                    );
                }
            }
        }
        let mut faults = reader.faults;
        if !inline {
            let message = "sources without inline: the policy blocks nothing";
            let span = reader.members.place("sources");
            faults.push(
                Fault::error("integrity-policy.sources", span, message).hint("sources=(inline)"),
            );
        }
        if blocked.is_empty() {
            let message = "no destination is blocked: the policy does nothing";
            faults.push(
                Fault::error("integrity-policy.empty", 0..input.len(), message)
                    .hint(Self::EXAMPLES[0]),
            );
        }
        faults.sort_by_key(|fault| fault.span.start);
        Parsed {
            value: (inline && !blocked.is_empty()).then_some(Self { blocked, endpoints }),
            faults,
        }
    }
}

struct Reader<'a> {
    members: sf::Members<'a>,
    faults: Vec<Fault>,
}

impl Reader<'_> {
    /// The tokens of an inner list.
    fn tokens<'e>(&mut self, key: &str, entry: &'e ListEntry) -> Vec<&'e str> {
        let ListEntry::InnerList(list) = entry else {
            let message = format!("{key} is no list in parentheses: a browser ignores it");
            let fault = Fault::error("integrity-policy.list", self.members.place(key), message);
            self.faults.push(fault.hint(format!("{key}=(...)")));
            return Vec::new();
        };
        let mut tokens = Vec::new();
        for item in &list.items {
            match &item.bare_item {
                BareItem::Token(token) => tokens.push(token.as_str()),
                other => {
                    let text = match other {
                        BareItem::String(text) => text.as_str(),
                        _ => "a value",
                    };
                    let message = format!("{key}: {text} is no token: a browser ignores it");
                    let span = self.members.place(key);
                    let fault = Fault::error("integrity-policy.token", span, message);
                    self.faults.push(fault.hint("words without quotes"));
                }
            }
        }
        tokens
    }

    fn unknown<const N: usize>(&mut self, key: &str, word: &str, known: [&'static str; N]) {
        let message = format!("{key}: {word} is an unknown word: a browser ignores it");
        let fault = Fault::error("integrity-policy.word", self.members.place(key), message);
        self.faults.push(fault.hint(known.join(" or ")));
    }
}

from_str_by_build!(IntegrityPolicy);

impl fmt::Display for IntegrityPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let blocked: Vec<_> = self.blocked.iter().map(|word| word.as_str()).collect();
        write!(f, "blocked-destinations=({})", blocked.join(" "))?;
        if self.endpoints.is_empty() {
            return Ok(());
        }
        let endpoints: Vec<_> = self.endpoints.iter().map(Endpoint::as_str).collect();
        write!(f, ", endpoints=({})", endpoints.join(" "))
    }
}

report_only! {
    /// Integrity-Policy, reported and not enforced.
    IntegrityPolicyReportOnly(IntegrityPolicy), "Integrity-Policy-Report-Only", "integrity-policy",
    summary: "Reports scripts that come without an integrity hash, and blocks nothing.",
    examples: &["blocked-destinations=(script), endpoints=(integrity)"],
    reason: "Shows which scripts lack a hash before the policy is enforced.",
    unheard: |policy| policy.endpoints.is_empty(),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::field_properties;

    field_properties!(
        enforced,
        IntegrityPolicy,
        "((blocked-destinations|sources|endpoints|x)=\\((script|style|inline|ep|Ep| ){0,3}\\),? ?){0,3}"
    );
    field_properties!(
        report_only,
        IntegrityPolicyReportOnly,
        "blocked-destinations=\\((script)?\\)(, endpoints=\\([a-z ]{0,4}\\))?"
    );

    #[test]
    fn the_default_source_is_left_out() {
        let (policy, warnings) = IntegrityPolicy::build(
            "blocked-destinations=(script style), sources=(inline), endpoints=(ep)",
        )
        .expect("a policy");
        assert_eq!(
            policy.to_string(),
            "blocked-destinations=(script style), endpoints=(ep)"
        );
        assert_eq!(warnings, []);
    }

    #[test]
    fn a_policy_that_blocks_nothing_is_no_policy() {
        for (input, code) in [
            ("", "integrity-policy.empty"),
            ("blocked-destinations=()", "integrity-policy.empty"),
            ("blocked-destinations=script", "integrity-policy.list"),
            (
                "blocked-destinations=(\"script\")",
                "integrity-policy.token",
            ),
            ("blocked-destinations=(image)", "integrity-policy.word"),
            (
                "blocked-destinations=(script), sources=()",
                "integrity-policy.sources",
            ),
            ("blocked-destination=(script)", "integrity-policy.key"),
            ("Blocked-Destinations=(script)", "integrity-policy.grammar"),
        ] {
            let parsed = IntegrityPolicy::parse(input.as_bytes());
            assert_eq!(parsed.value, None, "{input}");
            assert!(
                parsed.faults.iter().any(|fault| fault.code == code),
                "{input}"
            );
        }
    }
}
