//! A request that counts as long as it is under way.

use std::sync::{Arc, Mutex, PoisonError};

use mantlet_limit::{Left, Ticket};

use super::limiter::{Counts, Table};
use crate::head::Now;

/// A place among the requests under way of one limit. Whoever drops it leaves it: a request that is given up while its store
/// is asked, or whose cost function or service panics, holds it no longer than any other.
pub(crate) struct Place {
    counts: Arc<Counts>,
    /// `None` once it is left.
    ticket: Option<Ticket>,
    entered: Now,
}

impl Place {
    /// `ticket` is one of `counts`.
    pub(super) fn new(counts: Arc<Counts>, ticket: Ticket, entered: Now) -> Self {
        Self {
            counts,
            ticket: Some(ticket),
            entered,
        }
    }

    fn leave(&mut self, now: Now, how: Left) {
        if let (Table::Concurrency(concurrency), Some(ticket)) =
            (&self.counts.table, self.ticket.take())
        {
            concurrency.leave(ticket, now.moment, how);
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.leave(self.entered, Left::Ignored);
    }
}

/// The places that a request takes among those under way. It leaves them when its response does, or when it is dropped.
pub(crate) struct UnderWay(Mutex<Vec<Place>>);

impl UnderWay {
    pub(crate) fn new(places: Vec<Place>) -> Self {
        Self(Mutex::new(places))
    }

    pub(crate) fn leave(&self, now: Now, how: Left) {
        let mut places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for mut place in places.drain(..) {
            place.leave(now, how);
        }
    }
}

impl std::fmt::Debug for UnderWay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("UnderWay(..)")
    }
}
