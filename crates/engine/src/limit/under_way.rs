//! A request that counts as long as it is under way.

use std::sync::{Mutex, PoisonError};

use mantlet_limit::{Left, Ticket};

use crate::engine::Engine;
use crate::head::Now;

/// The places that a request takes among those under way. It leaves them when its response does, or when it is dropped.
pub(crate) struct UnderWay {
    engine: Engine,
    tickets: Mutex<Vec<(usize, Ticket)>>,
    entered: Now,
}

impl UnderWay {
    pub(crate) fn new(engine: Engine, tickets: Vec<(usize, Ticket)>, entered: Now) -> Self {
        Self {
            engine,
            tickets: Mutex::new(tickets),
            entered,
        }
    }

    pub(crate) fn leave(&self, now: Now, how: Left) {
        let mut tickets = self.tickets.lock().unwrap_or_else(PoisonError::into_inner);
        for (index, ticket) in tickets.drain(..) {
            self.engine.limiters().leave(index, ticket, now, how);
        }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.leave(self.entered, Left::Ignored);
    }
}

impl std::fmt::Debug for UnderWay {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("UnderWay(..)")
    }
}
