//! WWW-Authenticate of a rejected request (RFC 6750 section 3).
//!
//! ```
//! use mantlet_token::{Challenge, Reject};
//! let told = Challenge::of(Reject::Expired).realm("api").to_string();
//! assert_eq!(told, r#"Bearer realm="api", error="invalid_token", error_description="The access token is not valid.""#);
//! assert_eq!(Challenge::of(Reject::Missing).to_string(), "Bearer");
//! ```

use std::fmt;

use crate::reject::Reject;

/// The field value; it has no byte that a field value may not have.
#[derive(Clone, Debug)]
pub struct Challenge<'a> {
    reject: Reject,
    realm: Option<&'a str>,
    scopes: Option<&'a str>,
}

impl<'a> Challenge<'a> {
    /// What is told of this reject.
    pub const fn of(reject: Reject) -> Self {
        Self {
            reject,
            realm: None,
            scopes: None,
        }
    }

    /// Names the protected space.
    #[must_use]
    pub const fn realm(mut self, realm: &'a str) -> Self {
        self.realm = Some(realm);
        self
    }

    /// The scopes that the route requires, with spaces between them; told with `insufficient_scope`.
    #[must_use]
    pub const fn scopes(mut self, scopes: &'a str) -> Self {
        self.scopes = Some(scopes);
        self
    }
}

impl fmt::Display for Challenge<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Bearer")?;
        let mut separator = " ";
        let mut parameter = |name: &str, value: &str, f: &mut fmt::Formatter<'_>| {
            write!(f, "{separator}{name}=")?;
            separator = ", ";
            quoted(value, f)
        };
        if let Some(realm) = self.realm {
            parameter("realm", realm, f)?;
        }
        if let Some(error) = self.reject.answer().error() {
            parameter("error", error, f)?;
            parameter("error_description", self.reject.answer().detail(), f)?;
        }
        match self.scopes {
            Some(scopes) if self.reject == Reject::Scope => parameter("scope", scopes, f),
            _ => Ok(()),
        }
    }
}

/// A quoted-string (RFC 9110 section 5.6.4); what cannot stand in one is left out.
fn quoted(value: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str("\"")?;
    for c in value.chars().filter(|c| matches!(c, ' '..='~')) {
        if matches!(c, '"' | '\\') {
            f.write_str("\\")?;
        }
        write!(f, "{c}")?;
    }
    f.write_str("\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_told_where_they_are_missing_and_only_there() {
        let told = |reject| Challenge::of(reject).scopes("a b").to_string();
        assert!(told(Reject::Scope).ends_with(r#", scope="a b""#));
        assert!(!told(Reject::Expired).contains("scope"));
    }

    #[test]
    fn nothing_leaves_the_quotes() {
        let told = Challenge::of(Reject::Missing)
            .realm("a\"b\\c\r\nSet-Cookie: x\u{e9}")
            .to_string();
        assert_eq!(told, r#"Bearer realm="a\"b\\cSet-Cookie: x""#);
    }
}
