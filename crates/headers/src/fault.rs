//! What is wrong with a field value, and where.
//!
//! Reading is total: [`Field::parse`](crate::Field::parse) never fails, it returns what a browser would make of the
//! bytes ([`Parsed::value`]) and the [`Fault`]s it found on the way. Building is strict:
//! [`Field::build`](crate::Field::build) refuses a value with any fault of severity [`Severity::Error`].

use std::fmt;
use std::ops::Range;

/// How bad a fault is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// A browser takes the value as meant, but it is dead, weak or surprising. Building goes on.
    Warning,
    /// A browser ignores or misreads the value. Building refuses.
    Error,
}

/// One fault in a field value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Bytes of the input that are at fault. Empty at the place where something is missing.
    pub span: Range<usize>,
    /// How bad it is.
    pub severity: Severity,
    /// A stable name, `header.fault` in kebab case: `csp.unknown-directive`, `hsts.max-age-missing`.
    pub code: &'static str,
    /// One sentence: what is wrong and what a browser does with it.
    pub message: String,
    /// What to write instead, where that can be said.
    pub hint: Option<String>,
}

impl Fault {
    /// A fault that makes a browser ignore or misread the value.
    pub fn error(code: &'static str, span: Range<usize>, message: impl Into<String>) -> Self {
        Self {
            span,
            severity: Severity::Error,
            code,
            message: message.into(),
            hint: None,
        }
    }

    /// A fault that a browser forgives.
    pub fn warning(code: &'static str, span: Range<usize>, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::error(code, span, message)
        }
    }

    /// Adds what to write instead.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Moves the span to the right by `offset` bytes: a fault of a part becomes one of the whole.
    #[must_use]
    pub fn shifted(mut self, offset: usize) -> Self {
        self.span = self.span.start + offset..self.span.end + offset;
        self
    }

    /// Whether a browser would ignore or misread the value.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match &self.hint {
            Some(hint) => write!(f, " ({hint})"),
            None => Ok(()),
        }
    }
}

/// What a total parse returns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parsed<T> {
    /// What a browser would make of the bytes; `None` when it would ignore the whole field.
    pub value: Option<T>,
    /// Everything that is wrong, in order of place.
    pub faults: Vec<Fault>,
}

impl<T> Parsed<T> {
    /// A value without a fault.
    pub fn clean(value: T) -> Self {
        Self {
            value: Some(value),
            faults: Vec::new(),
        }
    }

    /// A field that a browser ignores as a whole, and why.
    pub fn ignored(fault: Fault) -> Self {
        Self {
            value: None,
            faults: vec![fault],
        }
    }

    /// Applies `f` to the value.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Parsed<U> {
        Parsed {
            value: self.value.map(f),
            faults: self.faults,
        }
    }

    /// The strict reading: the value and its warnings, or every fault.
    ///
    /// # Errors
    /// [`Refused`] if a fault is an error, or if there is no value.
    pub fn strict(self) -> Result<(T, Vec<Fault>), Refused> {
        match self.value {
            Some(value) if !self.faults.iter().any(Fault::is_error) => Ok((value, self.faults)),
            _ => Err(Refused {
                faults: self.faults,
            }),
        }
    }
}

/// A value that a browser would ignore or misread: every fault of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Errors and warnings, in order of place; at least one.
    pub faults: Vec<Fault>,
}

impl From<Fault> for Refused {
    fn from(fault: Fault) -> Self {
        Self {
            faults: vec![fault],
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, fault) in self.faults.iter().enumerate() {
            if i > 0 {
                f.write_str("; ")?;
            }
            write!(f, "{fault}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Refused {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warnings_survive_the_strict_reading() {
        let parsed = Parsed {
            value: Some(1),
            faults: vec![Fault::warning("x.y", 0..1, "odd")],
        };
        let (value, warnings) = parsed.strict().expect("a warning does not refuse");
        assert_eq!((value, warnings.len()), (1, 1));
    }

    #[test]
    fn errors_refuse_and_name_every_fault() {
        let faults = vec![
            Fault::error("a.b", 0..1, "first"),
            Fault::error("a.c", 2..3, "second").hint("do this"),
        ];
        let refused = Parsed {
            value: Some(1),
            faults,
        }
        .strict()
        .expect_err("an error refuses");
        assert_eq!(refused.to_string(), "first; second (do this)");
    }
}
