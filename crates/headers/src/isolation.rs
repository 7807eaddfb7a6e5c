//! What a page shares a process with, and whom it may talk to: Origin-Agent-Cluster (HTML section 7.1.2),
//! Document-Isolation-Policy and Connection-Allowlist (WICG).
//!
//! ```text
//! Origin-Agent-Cluster      = sf-boolean             ; ?1 or ?0
//! Document-Isolation-Policy = sf-item                ; token, with ;report-to="endpoint"
//! Connection-Allowlist      = "(" *( "response-origin" / sf-string ) ")" *( ";" parameter )
//! parameter                 = ( "report-to" / "redirects" / "webrtc" ) "=" token
//! ```
//!
//! <https://html.spec.whatwg.org/multipage/browsers.html#origin-keyed-agent-clusters>,
//! <https://wicg.github.io/document-isolation-policy/>,
//! <https://wicg.github.io/connection-allowlists/>
//!
//! ```
//! use mantlet_headers::{ConnectionAllowlist, Destination, OriginAgentCluster};
//! assert_eq!(OriginAgentCluster::ON.to_string(), "?1");
//! let list = ConnectionAllowlist::new([Destination::ResponseOrigin, Destination::pattern("https://*.x.example")?]);
//! assert_eq!(list.to_string(), r#"(response-origin "https://*.x.example")"#);
//! # Ok::<(), mantlet_headers::Malformed>(())
//! ```

mod connection;

use std::fmt;

use sfv::{BareItem, Item};

pub use connection::{
    Access, ConnectionAllowlist, ConnectionAllowlistReportOnly, Destination, Pattern,
};

use crate::fault::{Fault, Parsed};
use crate::field::{Field, from_str_by_build};
use crate::sf;
use crate::token_field::{report_only_token, token_field};

/// An Origin-Agent-Cluster value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OriginAgentCluster {
    by_origin: bool,
}

impl OriginAgentCluster {
    /// `?1`: the page shares memory with pages of its origin only, and `document.domain` cannot be relaxed.
    pub const ON: Self = Self { by_origin: true };
    /// `?0`: with pages of its site.
    pub const OFF: Self = Self { by_origin: false };

    /// Whether the page is kept apart by origin.
    pub const fn is_on(&self) -> bool {
        self.by_origin
    }
}

impl Field for OriginAgentCluster {
    const NAME: &'static str = "Origin-Agent-Cluster";
    const SPEC: &'static str =
        "https://html.spec.whatwg.org/multipage/browsers.html#origin-keyed-agent-clusters";
    const SUMMARY: &'static str =
        "A browser keeps the page apart from other origins of the same site, where it can.";
    const EXAMPLES: &'static [&'static str] = &["?1", "?0"];
    const REASON: &'static str = "A flaw in another subdomain then cannot read this page's memory. All pages of an origin must say the same.";

    fn parse(input: &[u8]) -> Parsed<Self> {
        let code = "origin-agent-cluster.value";
        let item: Item = match sf::parse(input, code) {
            Ok(item) => item,
            Err(fault) => return Parsed::ignored(fault.hint("?1")),
        };
        match item.bare_item {
            BareItem::Boolean(true) => Parsed::clean(Self::ON),
            BareItem::Boolean(false) => Parsed::clean(Self::OFF),
            _ => {
                let message = "the value is no boolean: a browser ignores the field";
                Parsed::ignored(Fault::error(code, 0..input.len(), message).hint("?1"))
            }
        }
    }
}

from_str_by_build!(OriginAgentCluster);

impl fmt::Display for OriginAgentCluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.by_origin { "?1" } else { "?0" })
    }
}

token_field! {
    /// A Document-Isolation-Policy value.
    DocumentIsolationPolicy, "Document-Isolation-Policy", "document-isolation-policy",
    spec: "https://wicg.github.io/document-isolation-policy/",
    summary: "Isolates one page, without asking anything of the windows and frames around it.",
    examples: &["isolate-and-require-corp", "isolate-and-credentialless", "none"],
    reason: "Gives a page the features of an isolated one without COOP and COEP; it is cut off from pages of its own \
             origin that do not say the same.",
    otherwise: "a browser takes it as none",
    /// How resources of other origins are loaded by an isolated page.
    DocumentIsolation {
        /// With Cross-Origin-Resource-Policy or CORS.
        RequireCorp = "isolate-and-require-corp",
        /// Without credentials.
        Credentialless = "isolate-and-credentialless",
        /// The page is not isolated: the default.
        None = "none",
    }
}

report_only_token! {
    /// Document-Isolation-Policy, reported and not enforced.
    DocumentIsolationPolicyReportOnly(DocumentIsolationPolicy),
    "Document-Isolation-Policy-Report-Only", "document-isolation-policy",
    summary: "Reports what Document-Isolation-Policy would block, and blocks nothing.",
    examples: &["isolate-and-require-corp;report-to=\"isolation\""],
    reason: "Shows which resources lack CORP or CORS before the page is isolated.",
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::field_properties;

    field_properties!(agent_cluster, OriginAgentCluster, " ?\\??[01a]?(;[a-z])? ?");
    field_properties!(
        document,
        DocumentIsolationPolicy,
        "(isolate-and-require-corp|none|x)?(; ?report-to=\"?[a-z]{0,3}\"?)?"
    );
    field_properties!(
        document_report_only,
        DocumentIsolationPolicyReportOnly,
        "(isolate-and-credentialless|none|x)?(; ?report-to=\"?[a-z]{0,3}\"?)?"
    );
    field_properties!(
        connection,
        ConnectionAllowlist,
        "\\(?(response-origin|\"https://[a-z*]{0,3}\"|x|,| ){0,4}\\)?(;report-to=[a-zA-Z]{0,2})?"
    );
    field_properties!(
        connection_report_only,
        ConnectionAllowlistReportOnly,
        "\\((response-origin| ){0,3}\\)(;report-to=[a-z]{0,2})?"
    );

    #[test]
    fn only_booleans_keep_an_origin_apart() {
        for input in ["", "1", "true", "?2", "\"?1\""] {
            let parsed = OriginAgentCluster::parse(input.as_bytes());
            assert_eq!(parsed.value, None, "{input}");
            assert_eq!(parsed.faults[0].hint.as_deref(), Some("?1"));
        }
    }
}
