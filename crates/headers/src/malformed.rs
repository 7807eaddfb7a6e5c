//! Why a single word of a request is refused: cheap enough for the request path, detailed enough for a policy file.

use std::fmt;
use std::ops::Range;

use crate::fault::{Fault, Refused};

/// A word that is not what it should be: where, and why. Costs no allocation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed {
    /// Bytes of the input that are at fault. Empty at the place where something is missing.
    pub span: Range<usize>,
    /// A stable name: `authority.port`, `origin.path`.
    pub code: &'static str,
    /// One sentence: what is wrong.
    pub message: &'static str,
    /// What to write instead, where that can be said.
    pub hint: Option<&'static str>,
}

impl Malformed {
    pub(crate) const fn new(code: &'static str, span: Range<usize>, message: &'static str) -> Self {
        Self {
            span,
            code,
            message,
            hint: None,
        }
    }

    pub(crate) const fn hint(mut self, hint: &'static str) -> Self {
        self.hint = Some(hint);
        self
    }

    pub(crate) fn shifted(mut self, offset: usize) -> Self {
        self.span = self.span.start + offset..self.span.end + offset;
        self
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message)?;
        match self.hint {
            Some(hint) => write!(f, " ({hint})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Malformed {}

impl From<Malformed> for Fault {
    fn from(malformed: Malformed) -> Self {
        let fault = Fault::error(malformed.code, malformed.span, malformed.message);
        match malformed.hint {
            Some(hint) => fault.hint(hint),
            None => fault,
        }
    }
}

impl From<Malformed> for Refused {
    fn from(malformed: Malformed) -> Self {
        Fault::from(malformed).into()
    }
}
