//! Fields that are one token out of a few, with `;report-to="endpoint"`: COOP, COEP, Document-Isolation-Policy.

use sfv::{BareItem, Item};

use crate::endpoint::Endpoint;
use crate::fault::{Fault, Parsed};
use crate::sf::{self, Writes};
use crate::suggest::suggest;

/// Reads one token and the endpoint; `otherwise` says what a browser does with any other value.
pub(crate) fn parse<T: Copy>(
    input: &[u8],
    known: &[(T, &'static str)],
    code: &'static str,
    otherwise: &str,
) -> Parsed<(T, Option<Endpoint>)> {
    let item: Item = match sf::parse(input, code) {
        Ok(item) => item,
        Err(fault) => return Parsed::ignored(fault),
    };
    let (text, is_token) = match &item.bare_item {
        BareItem::Token(token) => (token.as_str(), true),
        BareItem::String(text) => (text.as_str(), false),
        _ => ("", false),
    };
    let value = known.iter().find(|(_, word)| is_token && *word == text);
    let Some((value, word)) = value else {
        let message = format!("{text:?} is no token of this field: {otherwise}");
        let fault = Fault::error(code, sf::place(input, text), message);
        let near = suggest(text, known.iter().map(|(_, word)| *word));
        let words = || {
            known
                .iter()
                .map(|(_, word)| *word)
                .collect::<Vec<_>>()
                .join(", ")
        };
        return Parsed::ignored(fault.hint(near.map_or_else(words, str::to_owned)));
    };
    let mut faults = Vec::new();
    let end = sf::place(input, word).end;
    let report_to = sf::report_to(&item.params, end..input.len(), Writes::String, &mut faults);
    Parsed {
        value: Some((*value, report_to)),
        faults,
    }
}

/// A field that is one token, and the enum of its tokens.
macro_rules! token_field {
    (
        $(#[$doc:meta])*
        $field:ident, $name:literal, $code:literal,
        spec: $spec:literal, summary: $summary:literal, examples: $examples:expr, reason: $reason:literal,
        otherwise: $otherwise:literal,
        $(#[$token_doc:meta])*
        $token:ident { $( $(#[$variant_doc:meta])* $variant:ident = $text:literal, )+ }
    ) => {
        $(#[$token_doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $token { $( $(#[$variant_doc])* $variant, )+ }

        impl $token {
            const ALL: &'static [(Self, &'static str)] = &[$((Self::$variant, $text)),+];

            /// The token.
            pub const fn as_str(self) -> &'static str {
                match self { $( Self::$variant => $text, )+ }
            }
        }

        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $field {
            token: $token,
            report_to: Option<$crate::Endpoint>,
        }

        impl $field {
            /// Enforced without reports.
            pub const fn new(token: $token) -> Self {
                Self { token, report_to: None }
            }

            /// Sends reports to an endpoint of Reporting-Endpoints.
            #[must_use]
            pub fn report_to(mut self, endpoint: $crate::Endpoint) -> Self {
                self.report_to = Some(endpoint);
                self
            }

            /// The token in force.
            pub const fn token(&self) -> $token {
                self.token
            }

            /// Where reports go.
            pub const fn endpoint(&self) -> Option<&$crate::Endpoint> {
                self.report_to.as_ref()
            }
        }

        impl $crate::Field for $field {
            const NAME: &'static str = $name;
            const SPEC: &'static str = $spec;
            const SUMMARY: &'static str = $summary;
            const EXAMPLES: &'static [&'static str] = $examples;
            const REASON: &'static str = $reason;

            fn parse(input: &[u8]) -> $crate::Parsed<Self> {
                let code = concat!($code, ".value");
                $crate::token_field::parse(input, $token::ALL, code, $otherwise)
                    .map(|(token, report_to)| Self { token, report_to })
            }
        }

        $crate::field::from_str_by_build!($field);

        impl std::fmt::Display for $field {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.token.as_str())?;
                match &self.report_to {
                    Some(endpoint) => write!(f, ";report-to=\"{endpoint}\""),
                    None => Ok(()),
                }
            }
        }
    };
}
pub(crate) use token_field;

/// The `-Report-Only` twin of such a field.
macro_rules! report_only_token {
    (
        $(#[$doc:meta])*
        $twin:ident($field:ident), $name:literal, $code:literal,
        summary: $summary:literal, examples: $examples:expr, reason: $reason:literal,
    ) => {
        $crate::twin::report_only! {
            $(#[$doc])*
            $twin($field), $name, $code,
            summary: $summary, examples: $examples, reason: $reason,
            unheard: |field| field.endpoint().is_none(),
        }
    };
}
pub(crate) use report_only_token;
