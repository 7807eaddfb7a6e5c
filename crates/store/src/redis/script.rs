//! The two scripts, as they are sent.

use std::sync::LazyLock;

/// A script of ours, and the name by which a server knows it.
#[derive(Debug)]
pub struct Script {
    source: &'static str,
    sha: String,
}

impl Script {
    /// Takes the cost of every limit, or of none.
    pub fn take() -> &'static Self {
        static TAKE: LazyLock<Script> = LazyLock::new(|| {
            Script::new(concat!(
                include_str!("script/count.lua"),
                include_str!("script/take.lua")
            ))
        });
        &TAKE
    }

    /// Gives what was taken back.
    pub fn give_back() -> &'static Self {
        static GIVE_BACK: LazyLock<Script> = LazyLock::new(|| {
            Script::new(concat!(
                include_str!("script/count.lua"),
                include_str!("script/give_back.lua")
            ))
        });
        &GIVE_BACK
    }

    fn new(source: &'static str) -> Self {
        let sha = redis::Script::new(source).get_hash().to_owned();
        Self { source, sha }
    }

    /// Its text, for EVAL and SCRIPT LOAD.
    pub const fn source(&self) -> &'static str {
        self.source
    }

    /// The SHA-1 of its text in 40 hex digits, for EVALSHA.
    pub fn sha(&self) -> &str {
        &self.sha
    }
}
