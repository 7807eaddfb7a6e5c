//! Where a value stands: the file it came from and its bytes there.

use std::ops::Range;
use std::sync::Arc;

/// A policy text and the name it goes by in messages.
#[derive(Debug, PartialEq, Eq)]
pub struct Source {
    /// A file name, or `preset balanced`.
    pub name: String,
    /// The whole text.
    pub text: String,
}

impl Source {
    /// A text under a name.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Arc<Self> {
        Arc::new(Self {
            name: name.into(),
            text: text.into(),
        })
    }
}

/// Bytes of a source.
#[derive(Clone, Debug)]
pub struct Place {
    /// The text.
    pub source: Arc<Source>,
    /// The bytes in it.
    pub range: Range<usize>,
}

impl Place {
    /// Line and column, both from 1; the column counts characters.
    pub fn line_column(&self) -> (usize, usize) {
        let before = self
            .source
            .text
            .get(..self.range.start)
            .unwrap_or(&self.source.text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let line = before.matches('\n').count() + 1;
        (line, before[line_start..].chars().count() + 1)
    }

    /// The bytes `span` of the string that stands here, where it stands without escapes; else the whole place.
    pub(crate) fn within(&self, text: &str, span: &Range<usize>) -> Self {
        let written = self.source.text.get(self.range.clone()).unwrap_or_default();
        let quote = if written.starts_with("\"\"\"") || written.starts_with("'''") {
            3
        } else {
            1
        };
        let verbatim = written
            .get(quote..)
            .is_some_and(|inner| inner.starts_with(text));
        if !verbatim || span.end > text.len() {
            return self.clone();
        }
        let start = self.range.start + quote + span.start;
        let end = (self.range.start + quote + span.end)
            .max(start + 1)
            .min(self.range.end);
        Self {
            source: self.source.clone(),
            range: start..end,
        }
    }
}

/// A value and where it was written; no place for what code has set.
#[derive(Clone, Debug)]
pub(crate) struct At<T> {
    /// The value.
    pub(crate) value: T,
    /// Its place.
    pub(crate) place: Option<Place>,
}

impl<T> At<T> {
    /// A value that stands in no file.
    pub(crate) fn code(value: T) -> Self {
        Self { value, place: None }
    }

    pub(crate) fn new(value: T, place: &Place) -> Self {
        Self {
            value,
            place: Some(place.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns_count_from_one() {
        let source = Source::new("x", "a\nb = \"\u{e4}\" c");
        let place = Place {
            source,
            range: 11..12,
        };
        assert_eq!(place.line_column(), (2, 9));
    }

    #[test]
    fn a_span_inside_a_string_is_found_behind_its_quote() {
        let source = Source::new("x", "k = \"max-age=x\"");
        let place = Place {
            source,
            range: 4..15,
        };
        assert_eq!(place.within("max-age=x", &(8..9)).range, 13..14);
        assert_eq!(place.within("other", &(0..2)).range, 4..15);
    }
}
