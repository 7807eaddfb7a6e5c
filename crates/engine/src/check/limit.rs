//! How many requests: the last check, so that a request that another one denies takes nothing from its client.

use crate::check::Facts;
use crate::engine::Scope;
use crate::entropy::Entropy;
use crate::limit::{Asked, Asking, Stopped};
use crate::policy::Limit;

/// Asks the limits; those of a store are left to be asked.
pub(super) fn check(facts: &Facts<'_>, scope: &Scope) -> (Asked, Option<Stopped>) {
    let compiled = facts.compiled;
    let entropy = &*compiled.entropy;
    compiled.limiters.ask(&Asking {
        head: facts.head,
        client: facts.origination.client,
        path: facts.path.as_deref(),
        route: &scope.path,
        longest: compiled.field_sizes.other,
        entropy,
        enforces: &|limit| enforces(limit, entropy),
    })
}

/// Whether a request above a limit that reports is denied all the same, as so many of a hundred are.
fn enforces(limit: &Limit, entropy: &dyn Entropy) -> bool {
    super::enforced(limit.disposition, entropy)
}
