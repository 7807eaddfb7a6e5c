//! The checks of a request, in their one order. Each can end the request; a later one is not asked then.
//!
//! 1. **Sizes**: before a field is read, for everything else reads fields.
//! 2. **Host**: which service is asked. Every later check and every redirect builds on it.
//! 3. **Https**: a client that is sent to https has nothing else to hear over plain http.
//! 4. **Origin**: who makes a browser ask for a change.
//! 5. **Isolation**: who makes a browser load something.
//!
//! The client's address and the route are known before the first: no check can change them.

pub(crate) mod host;
mod isolation;
mod origin;

use std::borrow::Cow;
use std::sync::Arc;

use http::{HeaderName, header};

use crate::client::{Origination, is_within};
use crate::engine::{Compiled, Scope};
use crate::head::{RequestHead, Single};
use crate::policy::{Disposition, Https};
use crate::reason::{FIELD_TOO_LARGE, Reason};
use crate::transport;
use crate::verdict::{Answer, Denial};

static FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
static FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");
static FETCH_DEST: HeaderName = HeaderName::from_static("sec-fetch-dest");

/// Why the checks that only report would have denied a request.
pub(crate) type Reported = [Option<&'static Reason>; 2];

/// What the checks look at.
pub(crate) struct Facts<'r> {
    pub(crate) compiled: &'r Compiled,
    pub(crate) head: &'r RequestHead<'r>,
    pub(crate) origination: &'r Origination,
    /// The path in normal form, if it has one; set if there is a route or an exemption that it could meet.
    pub(crate) path: Option<Cow<'r, [u8]>>,
}

impl<'r> Facts<'r> {
    /// A field that may appear once.
    fn single(&self, name: &HeaderName) -> Result<Single<'r>, &'static Reason> {
        let found = self.head.fields.single(name);
        match found {
            Single::One(value) if value.len() > self.compiled.field_sizes.other => {
                Err(&FIELD_TOO_LARGE)
            }
            Single::One(value) => Ok(Single::One(value.trim_ascii())),
            _ => Ok(found),
        }
    }

    fn sizes(&self) -> Result<(), &'static Reason> {
        let sizes = &self.compiled.field_sizes;
        let fields = self.head.fields;
        let within = is_within(fields, &header::COOKIE, sizes.cookie)
            && is_within(fields, &header::AUTHORIZATION, sizes.token)
            && !self.origination.too_large;
        if within {
            Ok(())
        } else {
            Err(&FIELD_TOO_LARGE)
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
        let enforced = match disposition {
            Disposition::Enforce => true,
            Disposition::Report { enforce_percent: 0 } => false,
            Disposition::Report { enforce_percent } => {
                let mut bytes = [0u8; 4];
                // without randomness it is denied
                let failed = self.compiled.entropy.fill(&mut bytes).is_err();
                failed || u32::from_le_bytes(bytes) % 100 < u32::from(enforce_percent)
            }
        };
        match enforced {
            true => Err(Denial::of(reason).answered(answer)),
            false => Ok(Some(reason)),
        }
    }
}

/// Runs every check.
pub(crate) fn run(facts: &Facts<'_>, scope: &Scope) -> Result<Reported, Denial> {
    let compiled = facts.compiled;
    facts.sizes().map_err(Denial::of)?;
    let authority = host::check(facts, scope.any_host)?;
    if compiled.sources.https == Https::Redirect && !facts.origination.secure {
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
