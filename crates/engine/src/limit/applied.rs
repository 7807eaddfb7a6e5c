//! Which limits a request falls under: for whoever shows a policy, or tries one.

use smallvec::SmallVec;

use super::ask::Asking;
use super::key::CountedBy;
use super::limiter::Limiters;
use crate::policy::Limit;
use crate::reason::Reason;

/// A limit that a request falls under.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Applied<'r> {
    /// Which of [`Engine::limits`](crate::Engine::limits).
    pub index: usize,
    /// The limit.
    pub limit: &'r Limit,
    /// What the request takes; 0 takes nothing and always passes.
    pub cost: u32,
    /// Who is counted, or why nobody can be.
    pub by: Result<&'r [CountedBy<'r>], &'static Reason>,
}

impl Limiters {
    /// Shows every limit that the request falls under; takes nothing.
    pub(crate) fn applied<'r>(&'r self, asking: &Asking<'r>, visit: &mut dyn FnMut(Applied<'_>)) {
        for (index, limit) in self.iter().enumerate() {
            if !limit.holds(asking) {
                continue;
            }
            let source = limit.source(asking);
            let parts = limit.key.iter().map(|part| CountedBy::new(part, &source));
            let by: Result<SmallVec<[CountedBy<'_>; 2]>, _> = parts.collect();
            visit(Applied {
                index,
                limit,
                cost: limit.cost(asking),
                by: by.as_deref().map_err(|reason| *reason),
            });
        }
    }
}
