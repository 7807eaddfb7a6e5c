//! One directive: a name and its value (CSP3 section 2.3, <https://www.w3.org/TR/CSP3/#framework-directives>).
//!
//! ```
//! use mantlet_headers::csp::Directive;
//! let (directive, warnings) = Directive::build("img-src", &["'self'", "https://cdn.example.com"])?;
//! assert_eq!(directive.to_string(), "img-src 'self' https://cdn.example.com");
//! assert!(warnings.is_empty());
//!
//! let refused = Directive::build("img-src", &["https://cdn.example.com", "self"]).unwrap_err();
//! assert_eq!(refused.faults[0].index, Some(1));
//! assert_eq!(refused.faults[0].fault.hint.as_deref(), Some("'self'"));
//! # Ok::<(), mantlet_headers::csp::DirectiveRefused>(())
//! ```

use std::collections::HashSet;
use std::fmt;
use std::hash::Hash;

use url::Url;

use super::name::{DirectiveName, Kind};
use super::nonce::Nonce;
use super::sandbox::{self, SandboxFlag};
use super::source::SourceList;
use super::token::{Mode, Token, missing_semicolon};
use super::trusted_types::{self, TrustedTypesExpression};
use super::words::words;
use crate::fault::{Fault, Refused};
use crate::suggest::suggest;

words! {
    /// The value of the `webrtc` directive.
    Webrtc {
        Allow = "'allow'", "WebRTC may connect.";
        Block = "'block'", "WebRTC may not connect.";
    }
}

/// The value of a directive.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Value {
    /// Of fetch directives, `base-uri`, `form-action` and `frame-ancestors`.
    Sources(SourceList),
    /// Of `sandbox`.
    Sandbox(Vec<SandboxFlag>),
    /// Of `report-uri`: URLs, absolute or relative to the page.
    Urls(Vec<String>),
    /// Of `report-to`: the name of an endpoint.
    Endpoint(String),
    /// Of `trusted-types`.
    TrustedTypes(Vec<TrustedTypesExpression>),
    /// Of `webrtc`.
    Webrtc(Webrtc),
    /// Of `require-trusted-types-for`: always `'script'`, there is no other sink group.
    ScriptSinks,
    /// Of `upgrade-insecure-requests`.
    Empty,
    /// Of a dead directive: the words as they were written.
    Dead(Vec<String>),
}

/// A directive whose value is of its grammar.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Directive {
    name: DirectiveName,
    value: Value,
}

/// A fault of a directive that was built from a list of values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValueFault {
    /// The value at fault; `None` for the name or the directive as a whole.
    pub index: Option<usize>,
    /// The fault; its span lies in that value, or in the name.
    pub fault: Fault,
}

/// A directive that a browser would ignore or misread: every fault of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectiveRefused {
    /// The name as it was given.
    pub name: String,
    /// Errors and warnings; at least one error.
    pub faults: Vec<ValueFault>,
}

impl fmt::Display for DirectiveRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.name)?;
        for (i, found) in self.faults.iter().enumerate() {
            if i > 0 {
                f.write_str("; ")?;
            }
            found.fault.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for DirectiveRefused {}

impl From<DirectiveRefused> for Refused {
    fn from(refused: DirectiveRefused) -> Self {
        Self {
            faults: refused
                .faults
                .into_iter()
                .map(|found| found.fault)
                .collect(),
        }
    }
}

impl Directive {
    /// Builds a directive from its name and its values; the second part of the result are warnings.
    ///
    /// No values at all is `'none'` for a source list. `'nonce'` is the slot for a nonce.
    ///
    /// # Errors
    /// [`DirectiveRefused`] with every fault, if a browser would ignore or misread it.
    pub fn build(name: &str, values: &[&str]) -> Result<(Self, Vec<ValueFault>), DirectiveRefused> {
        let tokens: Vec<_> = values.iter().map(|value| Token::alone(value)).collect();
        let mut findings = Findings::new(Mode::Build);
        let directive = Self::read(&Token::alone(name), &tokens, &mut findings);
        match directive {
            Some(directive) if !findings.has_error() => Ok((directive, findings.found)),
            _ => Err(DirectiveRefused {
                name: name.to_owned(),
                faults: findings.found,
            }),
        }
    }

    /// The directive with more values at its end; a `'none'` gives way to them. Values that are there already are
    /// not repeated. An index of a fault counts in `values`.
    ///
    /// # Errors
    /// [`DirectiveRefused`] as by [`Directive::build`].
    pub fn extended(&self, values: &[&str]) -> Result<(Self, Vec<ValueFault>), DirectiveRefused> {
        let own: Vec<String> = match &self.value {
            Value::Sources(list) if list.is_none() => Vec::new(),
            Value::TrustedTypes(list) if list.is_empty() => Vec::new(),
            _ => self.words(),
        };
        let known = |value: &str| own.iter().any(|word| word == value);
        let mut joined: Vec<&str> = own.iter().map(String::as_str).collect();
        let mut indexes = vec![None; joined.len()];
        for (index, value) in values.iter().enumerate() {
            if !known(value) {
                joined.push(value);
                indexes.push(Some(index));
            }
        }
        let relocate = |mut found: ValueFault| {
            found.index = found.index.and_then(|index| indexes[index]);
            found
        };
        match Self::build(self.name.as_str(), &joined) {
            Ok((directive, warnings)) => {
                Ok((directive, warnings.into_iter().map(relocate).collect()))
            }
            Err(refused) => Err(DirectiveRefused {
                name: refused.name,
                faults: refused.faults.into_iter().map(relocate).collect(),
            }),
        }
    }

    /// The name.
    pub const fn name(&self) -> DirectiveName {
        self.name
    }

    /// The value.
    pub const fn value(&self) -> &Value {
        &self.value
    }

    /// The source list, where the directive takes one.
    pub const fn sources(&self) -> Option<&SourceList> {
        match &self.value {
            Value::Sources(list) => Some(list),
            _ => None,
        }
    }

    /// The printed words of the value; [`Directive::build`] takes them back.
    pub fn words(&self) -> Vec<String> {
        fn printed<T: fmt::Display>(words: &[T]) -> Vec<String> {
            words.iter().map(ToString::to_string).collect()
        }
        match &self.value {
            Value::Sources(list) if list.is_none() => vec!["'none'".to_owned()],
            Value::TrustedTypes(list) if list.is_empty() => vec!["'none'".to_owned()],
            Value::Sources(list) => printed(list.expressions()),
            Value::TrustedTypes(list) => printed(list),
            Value::Sandbox(flags) => printed(flags),
            Value::Urls(words) | Value::Dead(words) => words.clone(),
            Value::Endpoint(name) => vec![name.clone()],
            Value::Webrtc(word) => vec![word.to_string()],
            Value::ScriptSinks => vec![SCRIPT_SINKS.to_owned()],
            Value::Empty => Vec::new(),
        }
    }

    /// Whether its value has a slot for a nonce.
    pub fn has_nonce_slot(&self) -> bool {
        self.sources().is_some_and(SourceList::has_nonce_slot)
    }

    /// The directive with `nonce` in its slots.
    #[must_use]
    pub fn with_nonce(self, nonce: &Nonce) -> Self {
        Self {
            name: self.name,
            value: match self.value {
                Value::Sources(list) => Value::Sources(list.with_nonce(nonce)),
                other => other,
            },
        }
    }

    /// What a browser makes of a name and its words; `None` if it ignores the directive.
    pub(crate) fn read(
        name: &Token<'_>,
        tokens: &[Token<'_>],
        findings: &mut Findings,
    ) -> Option<Self> {
        let known = read_name(name, findings);
        let dead = known.is_some_and(DirectiveName::is_dead);
        let mut fitting = Vec::new();
        let mut indexes = Vec::new();
        for (index, token) in tokens.iter().enumerate() {
            let forgotten = || missing_semicolon(token).filter(|_| !dead);
            match token.misfit().or_else(forgotten) {
                Some(fault) => findings.at(index, fault),
                None => {
                    fitting.push(token.clone());
                    indexes.push(index);
                }
            }
        }
        let known = known?;
        if findings.mode == Mode::Build && fitting.is_empty() && !tokens.is_empty() {
            return None;
        }
        let mut inner = Findings::new(findings.mode);
        let value = read_value(known, name, &fitting, &mut inner);
        findings
            .found
            .extend(inner.found.into_iter().map(|found| ValueFault {
                index: found.index.map(|index| indexes[index]),
                fault: found.fault,
            }));
        let value = value?;
        Some(Self { name: known, value })
    }
}

impl fmt::Display for Directive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.name.fmt(f)?;
        for word in self.words() {
            write!(f, " {word}")?;
        }
        Ok(())
    }
}

/// The faults of a directive while it is read.
#[derive(Debug)]
pub(crate) struct Findings {
    pub(crate) mode: Mode,
    pub(crate) found: Vec<ValueFault>,
}

impl Findings {
    pub(crate) fn new(mode: Mode) -> Self {
        Self {
            mode,
            found: Vec::new(),
        }
    }

    /// A fault of the value at `index`.
    pub(crate) fn at(&mut self, index: usize, fault: Fault) {
        self.found.push(ValueFault {
            index: Some(index),
            fault,
        });
    }

    /// A fault of the name, or of the directive as a whole.
    pub(crate) fn whole(&mut self, fault: Fault) {
        self.found.push(ValueFault { index: None, fault });
    }

    fn has_error(&self) -> bool {
        self.found.iter().any(|found| found.fault.is_error())
    }
}

/// Words in order, each once. Linear in the number of words: a hostile field is long.
pub(crate) struct Unique<T> {
    list: Vec<T>,
    seen: HashSet<T>,
}

impl<T: Clone + Eq + Hash> Unique<T> {
    pub(crate) fn new() -> Self {
        Self {
            list: Vec::new(),
            seen: HashSet::new(),
        }
    }

    /// Adds `new` unless it is there; says whether it was added, and warns if not.
    pub(crate) fn push(
        &mut self,
        new: T,
        index: usize,
        token: &Token<'_>,
        findings: &mut Findings,
    ) -> bool {
        if !self.seen.insert(new.clone()) {
            let message = format!("{} is there already", token.text);
            findings.at(index, token.warning("csp.repeated-word", message));
            return false;
        }
        self.list.push(new);
        true
    }

    pub(crate) fn into_vec(self) -> Vec<T> {
        self.list
    }
}

const SCRIPT_SINKS: &str = "'script'";

fn read_name(name: &Token<'_>, findings: &mut Findings) -> Option<DirectiveName> {
    let Some(known) = DirectiveName::from_name(name.text) else {
        let message = format!("{:?} is no directive: a browser ignores it", name.text);
        let fault = name.error("csp.unknown-directive", message);
        let living = DirectiveName::ALL.iter().map(|one| one.as_str());
        findings.whole(match suggest(name.text, living) {
            Some(meant) => fault.hint(format!("did you mean {meant}?")),
            None => fault,
        });
        return None;
    };
    if known.is_dead() {
        let message = format!("{known} is ignored by browsers. {}", known.summary());
        findings.whole(
            name.warning("csp.dead-directive", message)
                .hint("leave it out"),
        );
    }
    if known.is_experimental() {
        let message = format!("{known} is experimental: few browsers act on it");
        findings.whole(name.warning("csp.experimental", message));
    }
    Some(known)
}

fn read_value(
    known: DirectiveName,
    name: &Token<'_>,
    tokens: &[Token<'_>],
    findings: &mut Findings,
) -> Option<Value> {
    match known.kind() {
        Kind::SourceList | Kind::AncestorList => {
            Some(Value::Sources(SourceList::read(known, tokens, findings)))
        }
        Kind::Sandbox => Some(Value::Sandbox(sandbox::read(tokens, findings))),
        Kind::UrlList => read_urls(known, name, tokens, findings),
        Kind::Token => read_endpoint(known, name, tokens, findings),
        Kind::TrustedTypes => Some(Value::TrustedTypes(trusted_types::read(tokens, findings))),
        Kind::SinkGroup => read_sinks(known, name, tokens, findings),
        Kind::AllowOrBlock => read_webrtc(known, name, tokens, findings),
        Kind::Valueless => {
            for (index, token) in tokens.iter().enumerate() {
                let message = format!("{known} takes no value: a browser ignores {:?}", token.text);
                findings.at(
                    index,
                    token.error("csp.value", message).hint("leave it out"),
                );
            }
            Some(Value::Empty)
        }
        Kind::Dead => Some(Value::Dead(
            tokens.iter().map(|token| token.text.to_owned()).collect(),
        )),
    }
}

fn missing(known: DirectiveName, name: &Token<'_>, what: &str, findings: &mut Findings) {
    let message = format!("{known} without {what} has no effect");
    findings.whole(name.error("csp.missing-value", message));
}

fn surplus(known: DirectiveName, index: usize, token: &Token<'_>, findings: &mut Findings) {
    let message = format!(
        "{known} takes one value: a browser ignores {:?}",
        token.text
    );
    findings.at(index, token.error("csp.surplus-value", message));
}

fn read_urls(
    known: DirectiveName,
    name: &Token<'_>,
    tokens: &[Token<'_>],
    findings: &mut Findings,
) -> Option<Value> {
    let page = Url::parse("https://page.invalid/").ok();
    let mut urls = Unique::new();
    for (index, token) in tokens.iter().enumerate() {
        let resolved = Url::options().base_url(page.as_ref()).parse(token.text);
        match resolved {
            Ok(url) if matches!(url.scheme(), "https" | "http") => {
                urls.push(token.text.to_owned(), index, token, findings);
            }
            _ => {
                let message = format!(
                    "{:?} is no http or https URL: nothing is reported there",
                    token.text
                );
                findings.at(index, token.error("csp.bad-url", message));
            }
        }
    }
    if tokens.is_empty() {
        missing(known, name, "a URL", findings);
    }
    let urls = urls.into_vec();
    (!urls.is_empty()).then_some(Value::Urls(urls))
}

fn read_endpoint(
    known: DirectiveName,
    name: &Token<'_>,
    tokens: &[Token<'_>],
    findings: &mut Findings,
) -> Option<Value> {
    let Some((first, others)) = tokens.split_first() else {
        missing(known, name, "an endpoint", findings);
        return None;
    };
    for (index, token) in others.iter().enumerate() {
        surplus(known, index + 1, token, findings);
    }
    let token_chars = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    if !first.text.bytes().all(token_chars) {
        let message = format!("{:?} is no token (RFC 9110 section 5.6.2)", first.text);
        let hint = "the name of an endpoint of Reporting-Endpoints, not its URL";
        findings.at(0, first.error("csp.bad-endpoint", message).hint(hint));
        return None;
    }
    Some(Value::Endpoint(first.text.to_owned()))
}

fn read_sinks(
    known: DirectiveName,
    name: &Token<'_>,
    tokens: &[Token<'_>],
    findings: &mut Findings,
) -> Option<Value> {
    let mut found = false;
    for (index, token) in tokens.iter().enumerate() {
        if token.text == SCRIPT_SINKS {
            if found {
                let message = format!("{SCRIPT_SINKS} is there already");
                findings.at(index, token.warning("csp.repeated-word", message));
            }
            found = true;
        } else {
            let message = format!("{:?} is no sink group: a browser ignores it", token.text);
            let fault = token.error("csp.unknown-sink-group", message);
            findings.at(index, fault.hint(SCRIPT_SINKS));
        }
    }
    if tokens.is_empty() {
        missing(known, name, SCRIPT_SINKS, findings);
    }
    found.then_some(Value::ScriptSinks)
}

fn read_webrtc(
    known: DirectiveName,
    name: &Token<'_>,
    tokens: &[Token<'_>],
    findings: &mut Findings,
) -> Option<Value> {
    let Some((first, others)) = tokens.split_first() else {
        missing(known, name, "'allow' or 'block'", findings);
        return None;
    };
    for (index, token) in others.iter().enumerate() {
        surplus(known, index + 1, token, findings);
    }
    let word = Webrtc::from_word(first.text);
    if word.is_none() {
        let message = format!(
            "{:?} is neither 'allow' nor 'block': a browser ignores it",
            first.text
        );
        findings.at(0, first.error("csp.bad-webrtc", message));
    }
    word.map(Value::Webrtc)
}
