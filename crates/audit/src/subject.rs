//! An observation as rules read it: fields parsed once, policies in force, cookies, the page.

use std::borrow::Cow;

use mantlet_headers::cookie::SetCookie;
use mantlet_headers::csp::{Csp, Directive, DirectiveName, Policy};
use mantlet_headers::{Fault, Field, registry};

use crate::evaluator::policy as raw;
use crate::finding::Evidence;
use crate::fix::Fix;
use crate::html::Page;
use crate::observation::Observation;

/// What rules are asked about.
pub(crate) struct Subject<'a> {
    pub(crate) seen: &'a Observation,
    pub(crate) page: Page,
    /// Enforced policies: those of the header section, then those of meta elements.
    pub(crate) policies: Vec<Enforced>,
    pub(crate) cookies: Vec<(&'a str, SetCookie<'a>)>,
}

/// One enforced policy, what a browser makes of it, and its text with places.
pub(crate) struct Enforced {
    /// `Content-Security-Policy` or `meta`.
    pub(crate) place: &'static str,
    /// The whole value that holds it.
    pub(crate) text: String,
    /// Where it begins in the text, and where it ends.
    start: usize,
    end: usize,
    pub(crate) policy: Policy,
    /// The other policies of the header section, which a change of this one keeps.
    others: Vec<Policy>,
}

impl<'a> Subject<'a> {
    pub(crate) fn new(seen: &'a Observation) -> Self {
        let response = &seen.response;
        let is_page = response.media_type().is_none() || response.is_html();
        let page = match is_page {
            true => Page::read(&response.body),
            false => Page::default(),
        };
        let mut policies = Vec::new();
        for value in response.headers.all(Csp::NAME) {
            enforce(value, Csp::NAME, &mut policies);
        }
        let of_header: Vec<Policy> = policies
            .iter()
            .map(|one: &Enforced| one.policy.clone())
            .collect();
        for value in &page.policies {
            enforce(value, "meta", &mut policies);
        }
        for (place, one) in policies.iter_mut().enumerate() {
            let others = of_header
                .iter()
                .enumerate()
                .filter(|(other, _)| *other != place);
            one.others = others.map(|(_, policy)| policy.clone()).collect();
        }
        let cookie =
            |value: &'a str| SetCookie::parse(value.as_bytes()).map(|cookie| (value, cookie));
        Self {
            seen,
            policies,
            cookies: response
                .headers
                .all("set-cookie")
                .filter_map(cookie)
                .collect(),
            page,
        }
    }

    /// The value of a field, repeated ones joined.
    pub(crate) fn field(&self, name: &str) -> Option<Cow<'a, str>> {
        self.seen.response.headers.combined(name)
    }

    /// Whether a browser would show it as a document.
    pub(crate) fn is_document(&self) -> bool {
        self.seen.response.media_type().is_none() || self.seen.response.is_html()
    }

    /// What a browser makes of a field; `None` if it is not there.
    pub(crate) fn parsed<T: Field>(&self) -> Option<mantlet_headers::Parsed<T>> {
        self.field(T::NAME).map(|value| T::parse(value.as_bytes()))
    }

    /// The faults of a field, with the text they lie in.
    pub(crate) fn faults(&self, name: &str) -> Vec<(String, Fault)> {
        let Some(entry) = registry::field(name) else {
            return Vec::new();
        };
        let mut found = Vec::new();
        if let Some(value) = self.field(name) {
            for fault in (entry.parse)(value.as_bytes()).faults {
                found.push((value.clone().into_owned(), fault));
            }
        }
        found
    }

    /// Whether there is an enforced policy, and every one of them lets something through.
    pub(crate) fn every_policy(&self, lets: impl Fn(&Policy) -> bool) -> bool {
        !self.policies.is_empty() && self.policies.iter().all(|one| lets(&one.policy))
    }

    /// Whether a policy makes the browser ask for what the page loads, and send its forms, by https.
    pub(crate) fn upgrades(&self) -> bool {
        let name = DirectiveName::UpgradeInsecureRequests;
        self.policies
            .iter()
            .any(|one| one.policy.get(name).is_some())
    }

    /// The header that makes it do so.
    pub(crate) fn upgrading(&self) -> Option<Fix> {
        let name = DirectiveName::UpgradeInsecureRequests;
        match self.policies.first() {
            Some(policy) => policy.with(name, Some(&[])),
            None => Some(Fix::set(Csp::NAME, name.as_str())),
        }
    }

    /// The value of a field as evidence, with the part that is at fault.
    pub(crate) fn evidence(&self, name: &str, part: &str) -> Evidence {
        let text = self.field(name).unwrap_or_default().into_owned();
        let start = text.find(part).unwrap_or(0);
        let end = if text.get(start..).is_some_and(|rest| rest.starts_with(part)) {
            start + part.len()
        } else {
            text.len()
        };
        Evidence {
            place: name.to_owned(),
            span: start..end,
            text,
        }
    }
}

/// The policies of one value, with their places.
fn enforce(value: &str, place: &'static str, policies: &mut Vec<Enforced>) {
    let mut start = 0;
    for part in value.split(',') {
        let end = start + part.len();
        let parsed = Csp::parse(part.as_bytes()).value;
        if let Some(policy) = parsed.as_ref().and_then(|csp| csp.policies().first()) {
            let policy = match place {
                "meta" => policy.clone().for_meta().0,
                _ => policy.clone(),
            };
            if !policy.is_empty() {
                policies.push(Enforced {
                    place,
                    text: value.to_owned(),
                    start,
                    end,
                    policy,
                    others: Vec::new(),
                });
            }
        }
        start = end + 1;
    }
}

impl Enforced {
    /// The word of the directive that governs `name`, in any case; the directive's name if `word` is empty.
    pub(crate) fn evidence(&self, name: DirectiveName, word: &str) -> Evidence {
        let text = &self.text[self.start..self.end];
        let raw = raw::Policy::read(text);
        let names = std::iter::once(&name).chain(name.fallbacks());
        let directive = names.filter_map(|name| raw.get(name.as_str())).next();
        let span = directive.map_or(text.len()..text.len(), |directive| {
            let mut words = directive.words(raw::View::Written);
            let found = words.find(|one| one.text.eq_ignore_ascii_case(word));
            found.map_or(directive.span.clone(), |one| one.span.clone())
        });
        Evidence {
            place: self.place.to_owned(),
            text: self.text.clone(),
            span: span.start + self.start..span.end + self.start,
        }
    }

    /// The header with this policy changed: `name` takes `words`, or goes away if `None`.
    pub(crate) fn with(&self, name: DirectiveName, words: Option<&[&str]>) -> Option<Fix> {
        let policy = match words {
            None => self.policy.clone().without(name.as_str()),
            Some(words) => {
                let (directive, _) = Directive::build(name.as_str(), words).ok()?;
                self.policy.clone().directive(directive)
            }
        };
        let csp: Csp = std::iter::once(policy)
            .chain(self.others.iter().cloned())
            .collect();
        (!csp.is_empty()).then(|| Fix::set(Csp::NAME, csp.to_string()))
    }

    /// The header with words taken from the directive that governs `name`; where nothing is left, `'self'` for
    /// scripts and styles, `'none'` for others.
    pub(crate) fn without_words(
        &self,
        name: DirectiveName,
        drop: impl Fn(&str) -> bool,
    ) -> Option<Fix> {
        let governing = self.policy.governing(name)?;
        let words = governing.words();
        let kept: Vec<&str> = words
            .iter()
            .map(String::as_str)
            .filter(|word| !drop(word))
            .collect();
        let name = governing.name();
        let own = name.governs_scripts() || name.governs_styles();
        match (kept.is_empty(), own) {
            (true, true) => self.with(name, Some(&["'self'"])),
            (true, false) => self.with(name, Some(&["'none'"])),
            (false, _) => self.with(name, Some(&kept)),
        }
    }
}
