//! What a route requires of a token that is valid: scopes and claims. 403 `insufficient_scope` (RFC 6750 section 3.1).
//!
//! ```
//! use mantlet_token::{Demand, RequiredClaim};
//! let demand = Demand::new()
//!     .scope("orders:write")
//!     .claim(RequiredClaim::one_of("roles", ["admin", "clerk"]));
//! assert_eq!(demand.scopes(), "orders:write");
//! ```

use serde_json::Value;

use crate::reject::Reject;
use crate::verify::Verified;

/// The scopes and claims that a route requires; all of them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Demand {
    scopes: Vec<String>,
    claims: Vec<RequiredClaim>,
}

impl Demand {
    /// Nothing but a valid token.
    pub fn new() -> Self {
        Self::default()
    }

    /// This scope too.
    #[must_use]
    pub fn scope(mut self, scope: &str) -> Self {
        self.scopes.push(scope.to_owned());
        self
    }

    /// This claim too.
    #[must_use]
    pub fn claim(mut self, claim: RequiredClaim) -> Self {
        self.claims.push(claim);
        self
    }

    /// The scopes as WWW-Authenticate tells them (RFC 6750 section 3).
    pub fn scopes(&self) -> String {
        self.scopes.join(" ")
    }

    /// Checks a token.
    ///
    /// # Errors
    /// [`Reject::Scope`] or [`Reject::Forbidden`].
    pub fn check(&self, verified: &Verified) -> Result<(), Reject> {
        for scope in &self.scopes {
            if !verified.scopes().any(|own| own == scope) {
                return Err(Reject::Scope);
            }
        }
        for claim in &self.claims {
            let value = verified.claim(&claim.name).ok_or(Reject::Forbidden)?;
            if !claim.is_met_by(&value) {
                return Err(Reject::Forbidden);
            }
        }
        Ok(())
    }
}

/// A claim that has to be there, with one of some values.
#[derive(Clone, Debug, PartialEq)]
pub struct RequiredClaim {
    name: String,
    wanted: Wanted,
}

#[derive(Clone, Debug, PartialEq)]
enum Wanted {
    Anything,
    OneOf(Vec<Value>),
}

impl RequiredClaim {
    /// The claim is there and not null.
    pub fn present(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            wanted: Wanted::Anything,
        }
    }

    /// The claim equals one of the values, or is a list that contains one of them. Of no values none is met: a list that was
    /// left empty by mistake lets nobody in.
    pub fn one_of<V: Into<Value>>(name: &str, values: impl IntoIterator<Item = V>) -> Self {
        Self {
            name: name.to_owned(),
            wanted: Wanted::OneOf(values.into_iter().map(Into::into).collect()),
        }
    }

    fn is_met_by(&self, value: &Value) -> bool {
        match (&self.wanted, value) {
            (_, Value::Null) => false,
            (Wanted::Anything, _) => true,
            (Wanted::OneOf(values), Value::Array(list)) => {
                values.contains(value) || list.iter().any(|one| values.contains(one))
            }
            (Wanted::OneOf(values), _) => values.contains(value),
        }
    }
}
