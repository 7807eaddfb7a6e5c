//! The checks of a request, in their one order. Each can end the request; a later one is not asked then.
//!
//! 1. **Sizes**: before a field is read, for everything else reads fields.
//! 2. **Host**: which service is asked. Every later check and every redirect builds on it.
//! 3. **Https**: a client that is sent to https has nothing else to hear over plain http.
//! 4. **Origin**: who makes a browser ask for a change.
//! 5. **Isolation**: who makes a browser load something.
//! 6. **Limits**: how many requests. Last, so that a request that is denied takes nothing: a page of another site cannot use up
//!    its visitor's quota. Those of this process first, then in one batch those of a store.
//!
//! The client's address and the route are known before the first: no check can change them.
//!
//! A Host that is repeated or malformed is denied whichever check is on; which names are ours is asked with `[hosts]`. A policy
//! without hosts, sizes, trusted proxies, redirect to https, protection, isolation and limits writes header fields and reads nothing of a
//! request: it is a policy of `preset = "none"`, or one that says `danger_off`.

mod fields;
pub(crate) mod host;
mod isolation;
mod limit;
mod origin;

use std::borrow::Cow;
use std::sync::Arc;

use crate::client::Origination;
use crate::engine::{Compiled, Scope};
use crate::entropy::Entropy;
use crate::head::{RequestHead, Single};
use crate::limit::{Asked, Stopped};
use crate::policy::{Disposition, Https};
use crate::reason::{FIELD_TOO_LARGE, Reason};
use crate::transport;
use crate::verdict::{Answer, Denial};

pub(crate) use fields::Read;

/// Why the checks that only report would have denied a request.
pub(crate) type Reported = [Option<&'static Reason>; 3];

/// What the checks look at.
pub(crate) struct Facts<'r> {
    pub(crate) compiled: &'r Compiled,
    pub(crate) head: &'r RequestHead<'r>,
    pub(crate) read: &'r Read<'r>,
    pub(crate) origination: &'r Origination,
    /// The path in normal form, if it has one; set if there is a route or an exemption that it could meet.
    pub(crate) path: Option<Cow<'r, [u8]>>,
}

impl<'r> Facts<'r> {
    /// A field that may appear once, if it is short enough to be read.
    fn short(&self, found: Single<'r>) -> Result<Single<'r>, &'static Reason> {
        match found {
            Single::One(value) if value.len() > self.compiled.field_sizes.other => {
                Err(&FIELD_TOO_LARGE)
            }
            Single::One(value) => Ok(Single::One(value.trim_ascii())),
            _ => Ok(found),
        }
    }

    fn sizes(&self) -> Result<(), &'static Reason> {
        match self.origination.too_large {
            true => Err(&FIELD_TOO_LARGE),
            false => self.read.sizes(&self.compiled.field_sizes),
        }
    }

    /// What becomes of a request that failed a check: denied, or let through and reported.
    fn failed(
        &self,
        reason: &'static Reason,
        disposition: Disposition,
        answer: Option<&Arc<Answer>>,
    ) -> Result<Option<&'static Reason>, Denial> {
        if reason == &FIELD_TOO_LARGE {
            return Err(Denial::of(reason));
        }
        match enforced(disposition, &*self.compiled.entropy) {
            true => Err(Denial::of(reason).answered(answer)),
            false => Ok(Some(reason)),
        }
    }
}

/// Whether a request that failed a check is denied: always, or so many of a hundred.
fn enforced(disposition: Disposition, entropy: &dyn Entropy) -> bool {
    match disposition {
        Disposition::Enforce => true,
        Disposition::Report { enforce_percent: 0 } => false,
        Disposition::Report { enforce_percent } => {
            let mut bytes = [0u8; 4];
            // without randomness it is denied
            let failed = entropy.fill(&mut bytes).is_err();
            failed || u32::from_le_bytes(bytes) % 100 < u32::from(enforce_percent)
        }
    }
}

/// Asks how many requests; there is at least one limit.
pub(crate) fn limits(facts: &Facts<'_>, scope: &Scope) -> (Asked, Option<Stopped>) {
    limit::check(facts, scope)
}

/// Runs every check but the limits.
pub(crate) fn run(facts: &Facts<'_>, scope: &Scope) -> Result<Reported, Denial> {
    let compiled = facts.compiled;
    facts.sizes().map_err(Denial::of)?;
    let authority = host::check(facts, scope.any_host)?;
    // where any host may ask, a probe does, and the way to https would lead to a name that nobody has checked
    let to_https = compiled.sources.https == Https::Redirect && !scope.any_host;
    if to_https && !facts.origination.secure {
        return Err(transport::to_https(facts.head, authority.as_ref()));
    }
    let mut reported = Reported::default();
    if let Some(policy) = &compiled.cross_origin
        && let Err(reason) = origin::check(facts, policy, authority.as_ref())
    {
        reported[0] = facts.failed(reason, policy.disposition, policy.answer.as_ref())?;
    }
    for policy in &scope.isolation {
        if let Err(reason) = isolation::check(facts, policy) {
            reported[1] = facts.failed(reason, policy.disposition, policy.answer.as_ref())?;
        }
    }
    Ok(reported)
}

/// Whether Upgrade asks for a WebSocket (RFC 6455 section 4.1): read widely, for a page cannot set Upgrade itself.
fn is_websocket(upgrade: &[u8]) -> bool {
    let mut elements = upgrade.split(|&b| b == b',' || b == b'/');
    elements.any(|element| element.trim_ascii().eq_ignore_ascii_case(b"websocket"))
}
