//! What is wrong with a policy: all of it at once, each with its place, the value and a hint.

use std::fmt;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use mantlet_headers::{Fault, Severity};

use crate::source::Place;

/// One thing that is wrong.
#[derive(Clone, Debug)]
pub struct Diagnostic {
    /// An error stops the policy; a warning does not.
    pub severity: Severity,
    /// The key, dotted: `csp.script-src`, `route[1].path`.
    pub key: String,
    /// The value at fault, as written; empty where the key itself is at fault.
    pub value: String,
    /// One sentence: what is wrong, and why a browser would reject it.
    pub message: String,
    /// What to write instead.
    pub hint: Option<String>,
    /// Where it stands; none for what code has set.
    pub place: Option<Place>,
}

impl Diagnostic {
    /// An error about a key.
    pub fn error(key: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            key: key.into(),
            value: String::new(),
            message: message.into(),
            hint: None,
            place: None,
        }
    }

    /// A warning about a key.
    pub fn warning(key: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::error(key, message)
        }
    }

    /// What the header grammar found in the value of `key`; the place is that of the value.
    pub(crate) fn of_fault(key: &str, value: &str, fault: Fault, place: Option<&Place>) -> Self {
        Self {
            severity: fault.severity,
            key: key.to_owned(),
            value: value.to_owned(),
            place: place.map(|place| place.within(value, &fault.span)),
            message: fault.message,
            hint: fault.hint,
        }
    }

    #[must_use]
    pub(crate) fn at(mut self, place: Option<&Place>) -> Self {
        self.place = place.cloned();
        self
    }

    #[must_use]
    pub(crate) fn value(mut self, value: impl Into<String>) -> Self {
        self.value = value.into();
        self
    }

    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Whether it stops the policy.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }

    /// The diagnostic with the lines it is about, for a terminal; with ANSI colours if `styled`.
    pub fn render(&self, styled: Styled) -> String {
        let title = if self.key.is_empty() {
            self.message.clone()
        } else {
            format!("{}: {}", self.key, self.message)
        };
        let level = match self.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let mut group: Group<'_> = match &self.place {
            Some(place) => {
                let annotation = AnnotationKind::Primary.span(place.range.clone());
                let snippet = Snippet::source(&place.source.text)
                    .path(&place.source.name)
                    .annotation(annotation);
                level.primary_title(&title).element(snippet)
            }
            None => Group::with_title(level.primary_title(&title)),
        };
        if let Some(hint) = &self.hint {
            group = group.element(Level::HELP.message(hint));
        }
        let renderer = match styled {
            Styled::Plain => Renderer::plain(),
            Styled::Ansi => Renderer::styled(),
        };
        renderer.render(&[group])
    }
}

/// How a diagnostic is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Styled {
    /// Text only.
    Plain,
    /// With colours for a terminal.
    Ansi,
}

/// One line: `mantlet.toml:3:12: error: key: message (hint)`.
impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            let (line, column) = place.line_column();
            write!(f, "{}:{line}:{column}: ", place.source.name)?;
        }
        f.write_str(match self.severity {
            Severity::Error => "error: ",
            Severity::Warning => "warning: ",
        })?;
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.message)?;
        if let Some(hint) = &self.hint {
            write!(f, " ({hint})")?;
        }
        Ok(())
    }
}

/// Everything that is wrong with a policy.
#[derive(Clone, Default)]
pub struct Report {
    diagnostics: Vec<Diagnostic>,
}

impl Report {
    pub(crate) fn add(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    pub(crate) fn extend(&mut self, other: Self) {
        self.diagnostics.extend(other.diagnostics);
    }

    /// Errors and warnings, in order of place.
    pub fn diagnostics(&self) -> &[Diagnostic] {
        &self.diagnostics
    }

    /// Whether the policy must not be used.
    pub fn has_errors(&self) -> bool {
        self.diagnostics
            .iter()
            .any(|diagnostic| diagnostic.severity == Severity::Error)
    }

    /// Hands out `value` with the warnings, or the whole report if it holds an error.
    pub(crate) fn finish<T>(mut self, value: T) -> Result<(T, Self), Self> {
        let key = |d: &Diagnostic| {
            d.place
                .as_ref()
                .map(|place| (place.source.name.clone(), place.range.start))
        };
        self.diagnostics.sort_by_key(key);
        // a key of the root is compiled again for every route; and what TOML itself refuses has no meaning to judge
        self.diagnostics.dedup_by(|a, b| {
            let same = a.key == b.key && a.message == b.message;
            key(a) == key(b) && (same || b.key == "toml")
        });
        if self.has_errors() {
            Err(self)
        } else {
            Ok((value, self))
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, diagnostic) in self.diagnostics.iter().enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{diagnostic}")?;
        }
        Ok(())
    }
}

/// As it is displayed: `fn main() -> Result<(), Box<dyn Error>>` and `unwrap` print lines to read.
impl fmt::Debug for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Report {}
