//! Fields for old browsers and plug-ins, and fields that tell what the server is made of.
//!
//! ```text
//! X-DNS-Prefetch-Control            = "on" / "off"
//! X-Permitted-Cross-Domain-Policies = "none" / "master-only" / "by-content-type" / "by-ftp-filename" / "all"
//!                                   / "none-this-response"
//! X-Download-Options                = "noopen"
//! X-XSS-Protection                  = "0"
//! Server                            = product *( RWS ( product / comment ) )
//! X-Powered-By                      = 1*VCHAR *( SP 1*VCHAR )
//! ```
//!
//! The first four have no standard; their words are read in any case. Only Server has one:
//! <https://www.rfc-editor.org/rfc/rfc9110#section-10.2.4>.
//!
//! ```
//! use mantlet_headers::{Field, Server, XXssProtection};
//! assert_eq!(XXssProtection::OFF.to_string(), "0");
//! assert!(XXssProtection::build("1; mode=block").is_err());
//! assert!(Server::build("").is_err());
//! ```

mod identity;
mod xss;

use crate::fault::{Fault, Parsed};
use crate::octets::trimmed;
use crate::suggest::suggest;

pub use identity::{Server, XPoweredBy};
pub use xss::XXssProtection;

/// Reads one word in any case.
fn keyword<T: Copy>(
    input: &[u8],
    known: &[(T, &'static str)],
    code: &'static str,
    name: &str,
) -> Parsed<T> {
    let span = trimmed(input, 0..input.len());
    let word = &input[span.clone()];
    let value = known
        .iter()
        .find(|(_, text)| text.as_bytes().eq_ignore_ascii_case(word));
    if let Some((value, _)) = value {
        return Parsed::clean(*value);
    }
    let text = String::from_utf8_lossy(word);
    let message = format!("{text:?} is no value of {name}: the field is ignored");
    let words = || {
        known
            .iter()
            .map(|(_, text)| *text)
            .collect::<Vec<_>>()
            .join(", ")
    };
    let near = suggest(&text, known.iter().map(|(_, text)| *text));
    Parsed::ignored(Fault::error(code, span, message).hint(near.map_or_else(words, str::to_owned)))
}

/// A field that is one word out of a few.
macro_rules! keyword_field {
    (
        $(#[$doc:meta])*
        $field:ident { $( $(#[$variant_doc:meta])* $variant:ident = $text:literal, )+ }
        $name:literal, $code:literal,
        spec: $spec:literal, summary: $summary:literal, examples: $examples:expr, reason: $reason:literal,
    ) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $field { $( $(#[$variant_doc])* $variant, )+ }

        impl $field {
            /// The word.
            pub const fn as_str(self) -> &'static str {
                match self { $( Self::$variant => $text, )+ }
            }
        }

        impl $crate::Field for $field {
            const NAME: &'static str = $name;
            const SPEC: &'static str = $spec;
            const SUMMARY: &'static str = $summary;
            const EXAMPLES: &'static [&'static str] = $examples;
            const REASON: &'static str = $reason;

            fn parse(input: &[u8]) -> $crate::Parsed<Self> {
                keyword(input, &[$((Self::$variant, $text)),+], concat!($code, ".value"), $name)
            }
        }

        $crate::field::from_str_by_build!($field);

        impl std::fmt::Display for $field {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

keyword_field! {
    /// An X-DNS-Prefetch-Control value.
    XDnsPrefetchControl {
        /// Names in links are looked up ahead.
        On = "on",
        /// Names are looked up when a link is followed.
        Off = "off",
    }
    "X-DNS-Prefetch-Control", "x-dns-prefetch-control",
    spec: "https://developer.mozilla.org/en-US/docs/Web/HTTP/Reference/Headers/X-DNS-Prefetch-Control",
    summary: "Decides whether a browser looks up the names in links before they are followed.",
    examples: &["off", "on"],
    reason: "Looking up every linked name tells the network what the page is about; following a link gets a little slower.",
}

keyword_field! {
    /// An X-Permitted-Cross-Domain-Policies value.
    XPermittedCrossDomainPolicies {
        /// No policy file anywhere on the host.
        None = "none",
        /// The policy file at the root only.
        MasterOnly = "master-only",
        /// Policy files of their own media type only.
        ByContentType = "by-content-type",
        /// Policy files named crossdomain.xml only, for FTP.
        ByFtpFilename = "by-ftp-filename",
        /// Every policy file.
        All = "all",
        /// This response is no policy file.
        NoneThisResponse = "none-this-response",
    }
    "X-Permitted-Cross-Domain-Policies", "x-permitted-cross-domain-policies",
    spec: "https://www.adobe.com/devnet-docs/acrobatetk/tools/AppSec/xdomain.html",
    summary: "Decides which policy files allow Acrobat and Flash content of other hosts to read this one.",
    examples: &["none", "master-only"],
    reason: "Nothing should hand data to plug-ins of other sites; an uploaded file could otherwise be taken for a policy.",
}

keyword_field! {
    /// An X-Download-Options value: there is one.
    XDownloadOptions {
        /// A download is saved before it is opened.
        NoOpen = "noopen",
    }
    "X-Download-Options", "x-download-options",
    spec: "https://learn.microsoft.com/en-us/archive/blogs/ie/ie8-security-part-v-comprehensive-protection",
    summary: "Internet Explorer does not open downloads in the context of the site.",
    examples: &["noopen"],
    reason: "Only for sites that Internet Explorer still visits; it costs nothing.",
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::field::Field;
    use crate::testing::field_properties;

    field_properties!(prefetch, XDnsPrefetchControl, "(?i) ?(on|off|of) ?");
    field_properties!(
        cross_domain,
        XPermittedCrossDomainPolicies,
        "(?i)(none|all|master-only)?"
    );
    field_properties!(download, XDownloadOptions, "(?i)(noopen|no-open)?");
    field_properties!(xss, XXssProtection, "[01]? ?;? ?(mode|report)?=?(block)?");
    field_properties!(
        server,
        Server,
        "([a-z]{0,2}(/[0-9.]{0,2})?[ (\\\\)]{0,2}){0,4}"
    );
    field_properties!(powered_by, XPoweredBy, "[ a-zA-Z/0-9.]{0,12}");

    #[test]
    fn words_are_read_in_any_case_and_nothing_else_is() {
        let off = XDnsPrefetchControl::parse(b" OFF ").value;
        assert_eq!(off, Some(XDnsPrefetchControl::Off));
        let parsed = XPermittedCrossDomainPolicies::parse(b"master only");
        assert_eq!(parsed.value, None);
        assert_eq!(parsed.faults[0].hint.as_deref(), Some("master-only"));
        assert_eq!(XDownloadOptions::parse(b"").value, None);
    }
}
