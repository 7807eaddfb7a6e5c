//! A policy as csp-evaluator reads it: directives in order, the first of a name, words once each, some in lower case.

use std::borrow::Cow;
use std::ops::Range;

use super::words::{is_hash, is_keyword, is_nonce, is_scheme};

/// One word of a value.
pub(crate) struct Word<'a> {
    pub(crate) text: Cow<'a, str>,
    pub(crate) span: Range<usize>,
    /// A browser of CSP 3 ignores it.
    pub(crate) ignored: bool,
}

pub(crate) struct Directive<'a> {
    pub(crate) name: Cow<'a, str>,
    pub(crate) span: Range<usize>,
    pub(crate) words: Vec<Word<'a>>,
}

/// Which of the words a check looks at.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum View {
    /// All that were written.
    Written,
    /// Those that a browser heeds.
    Effective,
}

impl<'a> Directive<'a> {
    pub(crate) fn words(&self, view: View) -> impl Iterator<Item = &Word<'a>> {
        self.words
            .iter()
            .filter(move |word| view == View::Written || !word.ignored)
    }

    pub(crate) fn has(&self, text: &str, view: View) -> bool {
        self.words(view).any(|word| word.text == text)
    }

    pub(crate) fn has_nonce(&self) -> bool {
        self.words.iter().any(|word| is_nonce(&word.text))
    }

    pub(crate) fn has_hash(&self) -> bool {
        self.words.iter().any(|word| is_hash(&word.text))
    }
}

pub(crate) struct Policy<'a> {
    pub(crate) directives: Vec<Directive<'a>>,
    pub(crate) end: usize,
}

impl<'a> Policy<'a> {
    pub(crate) fn read(text: &'a str) -> Self {
        let mut directives: Vec<Directive<'a>> = Vec::with_capacity(8);
        let mut next = 0;
        for part in text.split(';') {
            let start = next;
            next += part.len() + 1;
            let mut words =
                spans(part).map(|span| (&part[span.clone()], span.start + start..span.end + start));
            let Some((name, span)) = words.next() else {
                continue;
            };
            let name = lower(name);
            if directives.iter().any(|directive| directive.name == name) {
                continue;
            }
            let mut values: Vec<Word<'a>> = Vec::new();
            for (word, span) in words {
                let text = normal(word);
                if !values.iter().any(|other| other.text == text) {
                    values.push(Word {
                        text,
                        span,
                        ignored: false,
                    });
                }
            }
            directives.push(Directive {
                name,
                span,
                words: values,
            });
        }
        Self {
            directives,
            end: text.len(),
        }
    }

    pub(crate) fn place(&self, name: &str) -> Option<usize> {
        self.directives.iter().position(|one| one.name == name)
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Directive<'a>> {
        self.directives.iter().find(|one| one.name == name)
    }

    /// The name of the directive that counts for `name`: itself, else what stands in, there or not.
    pub(crate) fn effective(&self, name: &'static str) -> &'static str {
        if self.get(name).is_some() {
            return name;
        }
        match name {
            "script-src-attr" | "script-src-elem" if self.get("script-src").is_some() => {
                "script-src"
            }
            "script-src" | "script-src-attr" | "script-src-elem" | "object-src" => "default-src",
            other => other,
        }
    }

    /// The directives that count for `names`, each once; those that are there.
    pub(crate) fn governing(&self, names: &[&'static str]) -> impl Iterator<Item = &Directive<'a>> {
        // there are never more than five
        let mut places = [None; 5];
        for (i, name) in names.iter().enumerate().take(5) {
            let place = self.place(self.effective(name));
            if !places[..i].contains(&place) {
                places[i] = place;
            }
        }
        let places = places.into_iter().flatten();
        places.map(|place| &self.directives[place])
    }
}

fn lower(text: &str) -> Cow<'_, str> {
    match text
        .bytes()
        .any(|b| b.is_ascii_uppercase() || !b.is_ascii())
    {
        true => Cow::Owned(text.to_lowercase()),
        false => Cow::Borrowed(text),
    }
}

/// Keywords and bare schemes in lower case, other words as they are.
fn normal(word: &str) -> Cow<'_, str> {
    let may_change = word
        .bytes()
        .any(|b| b.is_ascii_uppercase() || !b.is_ascii());
    if may_change && (word.ends_with('\'') || word.ends_with(':')) {
        let small = word.to_lowercase();
        if is_keyword(&small) || is_scheme(word) {
            return Cow::Owned(small);
        }
    }
    Cow::Borrowed(word)
}

/// The words of a text, by their places.
fn spans(text: &str) -> impl Iterator<Item = Range<usize>> {
    let mut rest = text.char_indices().peekable();
    std::iter::from_fn(move || {
        let (start, _) = rest.find(|(_, c)| !is_space(*c))?;
        let end = rest
            .find(|(_, c)| is_space(*c))
            .map_or(text.len(), |(at, _)| at);
        Some(start..end)
    })
}

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t'..='\r')
        || (!c.is_ascii() && ((c.is_whitespace() && c != '\u{85}') || c == '\u{feff}'))
}
