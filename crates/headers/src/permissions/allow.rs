//! One member of an allowlist.

use std::fmt;
use std::str::FromStr;

use crate::malformed::Malformed;
use crate::origin::Origin;

/// Who may use a feature.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Allow {
    /// Every origin: `*`.
    Everyone,
    /// The origin of the page: `self`.
    SelfOrigin,
    /// One origin, or all hosts below one: `"https://a.example"`, `"https://*.a.example"`.
    Origin(PermittedOrigin),
}

/// An origin, or all origins of the hosts below one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PermittedOrigin {
    origin: Origin<'static>,
    subdomains: bool,
}

impl PermittedOrigin {
    /// The origin, or the one below which it is all.
    pub const fn origin(&self) -> &Origin<'static> {
        &self.origin
    }

    /// Whether all hosts below are meant, and not the host itself.
    pub const fn is_wildcard(&self) -> bool {
        self.subdomains
    }
}

impl Allow {
    /// One origin; `https://*.a.example` for all hosts below `a.example`.
    ///
    /// # Errors
    /// [`Malformed`] for anything that is not scheme, host and perhaps a port.
    pub fn origin(text: &str) -> Result<Self, Malformed> {
        let (text, subdomains) = match text.split_once("://*.") {
            Some((scheme, rest)) => (format!("{scheme}://{rest}"), true),
            None => (text.to_owned(), false),
        };
        let origin: Origin<'static> = text.parse()?;
        if subdomains && origin.authority().ip().is_some() {
            let message = "an address has no hosts below it";
            return Err(Malformed::new("origin.wildcard", 0..text.len(), message));
        }
        Ok(Self::Origin(PermittedOrigin { origin, subdomains }))
    }
}

impl FromStr for Allow {
    type Err = Malformed;

    /// A word of a policy file: `self`, `*` or an origin.
    fn from_str(word: &str) -> Result<Self, Malformed> {
        match word {
            "*" => Ok(Self::Everyone),
            "self" => Ok(Self::SelfOrigin),
            _ => Self::origin(word).map_err(|malformed| match malformed.code {
                "origin.scheme" | "origin.opaque" => Malformed::new(
                    "permissions-policy.word",
                    0..word.len(),
                    "neither self nor * nor an origin",
                )
                .hint("self or * without quotes, https://a.example, or an empty list for nobody"),
                _ => malformed,
            }),
        }
    }
}

impl fmt::Display for PermittedOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let wildcard = if self.subdomains { "*." } else { "" };
        let (scheme, authority) = (self.origin.scheme(), self.origin.authority());
        write!(f, "{scheme}://{wildcard}{authority}")
    }
}

impl fmt::Display for Allow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Everyone => f.write_str("*"),
            Self::SelfOrigin => f.write_str("self"),
            Self::Origin(origin) => write!(f, "\"{origin}\""),
        }
    }
}
