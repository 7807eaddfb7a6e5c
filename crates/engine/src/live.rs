//! The engine in force, replaceable while requests are under way.

use std::sync::Arc;

use arc_swap::{ArcSwap, Guard};

use crate::engine::Engine;

/// A shared handle to the engine in force. Clones see the same engine; an exchange keeps the one it was opened under.
#[derive(Clone)]
pub struct Live(Arc<ArcSwap<Engine>>);

impl Live {
    /// Starts with `engine`.
    pub fn new(engine: Engine) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(engine)))
    }

    /// Puts `engine` in force for every request from now on. Limits that are still the same go on counting where they were.
    pub fn replace(&self, engine: Engine) {
        engine.inherit(&self.0.load());
        self.0.store(Arc::new(engine));
    }

    /// The engine in force, for the length of one call.
    pub fn load(&self) -> Guard<Arc<Engine>> {
        self.0.load()
    }
}

impl From<Engine> for Live {
    fn from(engine: Engine) -> Self {
        Self::new(engine)
    }
}

impl std::fmt::Debug for Live {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Live(..)")
    }
}
