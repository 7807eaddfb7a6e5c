//! Source expressions and source lists (CSP3 section 2.3.1, <https://www.w3.org/TR/CSP3/#framework-directive-source-list>).
//!
//! ```text
//! serialized-source-list = source-expression *( SP source-expression ) / "'none'"
//! source-expression      = scheme-source / host-source / keyword-source / nonce-source / hash-source
//! ```

use std::fmt;

use super::directive::{Findings, Unique};
use super::hash::{Algorithm, BadDigest, HashSource};
use super::host::{HostSource, SchemeSource};
use super::keyword::{Keyword, keyword_spelling};
use super::name::{DirectiveName, Kind};
use super::nonce::Nonce;
use super::token::{Mode, Token};
use super::trusted_types::{none_with_others, unquoted};
use crate::fault::Fault;
use crate::suggest::suggest;

/// One entry of a source list.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SourceExpression {
    /// `'self'` and its like.
    Keyword(Keyword),
    /// `'nonce-...'`
    Nonce(Nonce),
    /// `'nonce'`: a nonce-source whose value each exchange fills in. Not of the specification; only built, never read.
    NonceSlot,
    /// `'sha256-...'`
    Hash(HashSource),
    /// `'url-sha256-...'`: a script by the hash of its URL (experimental).
    UrlHash(HashSource),
    /// `'eval-sha256-...'`: a text given to eval() by its hash (experimental).
    EvalHash(HashSource),
    /// `https:`
    Scheme(SchemeSource),
    /// `*.example.com`
    Host(HostSource),
}

impl SourceExpression {
    /// Whether it is a nonce (or a slot for one) or a hash of content: what `'strict-dynamic'` needs.
    pub const fn is_nonce_or_hash(&self) -> bool {
        matches!(self, Self::Nonce(_) | Self::NonceSlot | Self::Hash(_))
    }
}

impl From<Keyword> for SourceExpression {
    fn from(keyword: Keyword) -> Self {
        Self::Keyword(keyword)
    }
}

impl From<HashSource> for SourceExpression {
    fn from(hash: HashSource) -> Self {
        Self::Hash(hash)
    }
}

impl fmt::Display for SourceExpression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Keyword(keyword) => keyword.fmt(f),
            Self::Nonce(nonce) => write!(f, "'nonce-{nonce}'"),
            Self::NonceSlot => f.write_str(SLOT),
            Self::Hash(hash) => hash.fmt(f),
            Self::UrlHash(hash) => write!(f, "'url-{}'", hash.integrity()),
            Self::EvalHash(hash) => write!(f, "'eval-{}'", hash.integrity()),
            Self::Scheme(scheme) => scheme.fmt(f),
            Self::Host(host) => host.fmt(f),
        }
    }
}

/// Source expressions in the order in which they were written, each once. Empty is `'none'`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct SourceList(Vec<SourceExpression>);

impl SourceList {
    /// The source expressions; none for `'none'`.
    pub fn expressions(&self) -> &[SourceExpression] {
        &self.0
    }

    /// Whether it is `'none'`.
    pub fn is_none(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a keyword is in it.
    pub fn has(&self, keyword: Keyword) -> bool {
        self.0.contains(&SourceExpression::Keyword(keyword))
    }

    /// Whether a nonce, a slot for one, or a hash is in it.
    pub fn has_nonce_or_hash(&self) -> bool {
        self.0.iter().any(SourceExpression::is_nonce_or_hash)
    }

    /// Whether a slot for a nonce is in it.
    pub fn has_nonce_slot(&self) -> bool {
        self.0.contains(&SourceExpression::NonceSlot)
    }

    /// The list with `nonce` in its slots.
    pub(crate) fn with_nonce(mut self, nonce: &Nonce) -> Self {
        let filled = SourceExpression::Nonce(nonce.clone());
        let known = self.0.contains(&filled);
        self.0
            .retain(|one| !(known && *one == SourceExpression::NonceSlot));
        for slot in &mut self.0 {
            if *slot == SourceExpression::NonceSlot {
                *slot = filled.clone();
            }
        }
        self
    }

    pub(crate) fn read(name: DirectiveName, tokens: &[Token<'_>], findings: &mut Findings) -> Self {
        let mut unique = Unique::new();
        let others = tokens.iter().any(|token| !token.is("'none'"));
        let mut places = Vec::new();
        let mut dead_hash = false;
        for (index, token) in tokens.iter().enumerate() {
            if token.is("'none'") {
                if others {
                    findings.at(index, none_with_others(token));
                }
                continue;
            }
            let mut faults = Vec::new();
            let read = expression(name, token, findings.mode, &mut faults);
            dead_hash |= faults.iter().any(|fault| fault.code == UNEQUAL_HASH);
            for fault in faults {
                findings.at(index, fault);
            }
            if let Some(expression) = read
                && unique.push(expression, index, token, findings)
            {
                places.push(index);
            }
        }
        let mut list = unique.into_vec();
        review(name, &list, &places, tokens, findings);
        if dead_hash {
            // A hash of the grammar switches 'unsafe-inline' off even if it can equal no digest; the hash is left out of
            // the value, so its effect must be kept.
            list.retain(|one| *one != SourceExpression::Keyword(Keyword::UnsafeInline));
        }
        Self(list)
    }
}

impl fmt::Display for SourceList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("'none'");
        }
        for (i, expression) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str(" ")?;
            }
            expression.fmt(f)?;
        }
        Ok(())
    }
}

/// The slot for a nonce, as it is written.
pub(crate) const SLOT: &str = "'nonce'";
/// What stands in its place in a field.
const NONCE: &str = "'nonce-<value>'";
const UNEQUAL_HASH: &str = "csp.bad-hash";
const COMMON_SCHEMES: [&str; 8] = [
    "http",
    "https",
    "ws",
    "wss",
    "data",
    "blob",
    "filesystem",
    "mediastream",
];

/// What a browser makes of one word of a source list.
fn expression(
    name: DirectiveName,
    token: &Token<'_>,
    mode: Mode,
    faults: &mut Vec<Fault>,
) -> Option<SourceExpression> {
    let expression = if token.text.starts_with('\'') {
        quoted(name, token, mode, faults)?
    } else {
        plain(token, faults)?
    };
    if name.kind() == Kind::AncestorList
        && !matches!(
            expression,
            SourceExpression::Scheme(_)
                | SourceExpression::Host(_)
                | SourceExpression::Keyword(Keyword::SelfOrigin)
        )
    {
        let message = format!(
            "{name} takes hosts, schemes and 'self' only: a browser ignores {}",
            token.text
        );
        faults.push(token.error("csp.not-an-ancestor", message));
        return None;
    }
    let works = match &expression {
        SourceExpression::Keyword(keyword) => keyword.works_in(name),
        SourceExpression::Nonce(_) | SourceExpression::NonceSlot => name.takes_nonces(),
        SourceExpression::Hash(_) => {
            name.governs_scripts() || name.governs_styles() || name == DirectiveName::ConnectSrc
        }
        SourceExpression::UrlHash(_) | SourceExpression::EvalHash(_) => name.governs_scripts(),
        SourceExpression::Scheme(_) | SourceExpression::Host(_) => true,
    };
    if !works {
        let message = format!("{} has no effect in {name}", token.text);
        faults.push(token.warning("csp.no-effect", message));
    }
    if matches!(
        expression,
        SourceExpression::UrlHash(_)
            | SourceExpression::EvalHash(_)
            | SourceExpression::Keyword(Keyword::UnsafeWebtransportHashes)
    ) {
        let message = format!("{} is experimental: few browsers know it", token.text);
        faults.push(token.warning("csp.experimental", message));
    }
    Some(expression)
}

/// Keywords, nonces and hashes.
fn quoted(
    name: DirectiveName,
    token: &Token<'_>,
    mode: Mode,
    faults: &mut Vec<Fault>,
) -> Option<SourceExpression> {
    if token.is(SLOT) {
        return slot(name, token, mode, faults);
    }
    if let Some(keyword) = Keyword::from_word(token.text) {
        return Some(SourceExpression::Keyword(keyword));
    }
    let Some(inner) = token
        .text
        .strip_prefix('\'')
        .and_then(|rest| rest.strip_suffix('\''))
    else {
        let message = format!(
            "{}: the closing quote is missing, a browser ignores it",
            token.text
        );
        faults.push(
            token
                .error("csp.quote", message)
                .hint(format!("{}'", token.text)),
        );
        return None;
    };
    if let Some(value) = strip_prefix_ignoring_case(inner, "nonce-") {
        return nonce(value, token, mode, faults);
    }
    let (form, rest) = match strip_prefix_ignoring_case(inner, "url-") {
        Some(rest) => (
            SourceExpression::UrlHash as fn(HashSource) -> SourceExpression,
            rest,
        ),
        None => match strip_prefix_ignoring_case(inner, "eval-") {
            Some(rest) => (
                SourceExpression::EvalHash as fn(HashSource) -> SourceExpression,
                rest,
            ),
            None => (
                SourceExpression::Hash as fn(HashSource) -> SourceExpression,
                inner,
            ),
        },
    };
    if let Some((algorithm, value)) = rest.split_once('-')
        && let Some(algorithm) = Algorithm::from_word(algorithm)
    {
        return hash(algorithm, value, token, faults).map(form);
    }
    let message = format!("{} is no keyword: a browser ignores it", token.text);
    let fault = token.error("csp.unknown-keyword", message);
    let known = Keyword::ALL
        .iter()
        .map(|keyword| keyword.as_str())
        .chain(["'none'", SLOT]);
    let mut unquoted_faults = Vec::new();
    faults.push(match suggest(token.text, known) {
        Some(SLOT) if mode == Mode::Read => fault.hint(NONCE),
        Some(known) => fault.hint(known),
        None if plain(&Token::alone(inner), &mut unquoted_faults).is_some() => {
            fault.hint(format!("without quotes: {inner}"))
        }
        None => fault,
    });
    None
}

fn slot(
    name: DirectiveName,
    token: &Token<'_>,
    mode: Mode,
    faults: &mut Vec<Fault>,
) -> Option<SourceExpression> {
    if mode == Mode::Read {
        let message = "'nonce' has no value: a browser ignores it";
        faults.push(token.error("csp.nonce-slot", message).hint(NONCE));
        return None;
    }
    if !name.takes_nonces() {
        let message = format!("nonces do not work in {name}");
        let hint = "script-src, style-src, their -elem forms, or default-src";
        faults.push(token.error("csp.nonce-slot", message).hint(hint));
        return None;
    }
    Some(SourceExpression::NonceSlot)
}

fn nonce(
    value: &str,
    token: &Token<'_>,
    mode: Mode,
    faults: &mut Vec<Fault>,
) -> Option<SourceExpression> {
    let Some(nonce) = Nonce::read(value) else {
        let message = format!("{value:?} is not of base64 characters: a browser ignores the nonce");
        faults.push(
            token
                .error("csp.bad-nonce", message)
                .hint("'nonce' is filled with a fresh one in each response"),
        );
        return None;
    };
    if mode == Mode::Build {
        let message =
            "a fixed nonce is the same in every response: whoever reads it once can use it";
        faults.push(token.warning("csp.fixed-nonce", message).hint(SLOT));
    } else if !nonce.is_strong() {
        let message = format!("the nonce {value:?} has less than 128 bits");
        faults.push(token.warning("csp.weak-nonce", message));
    }
    Some(SourceExpression::Nonce(nonce))
}

fn hash(
    algorithm: Algorithm,
    value: &str,
    token: &Token<'_>,
    faults: &mut Vec<Fault>,
) -> Option<HashSource> {
    let (fault, hint) = match HashSource::read(algorithm, value) {
        Ok(hash) => return Some(hash),
        Err(BadDigest::Grammar) => {
            let message = format!("{value:?} is not base64: a browser ignores the hash");
            (token.error("csp.hash-grammar", message), None)
        }
        Err(BadDigest::Unequal(hint)) => {
            let message = format!(
                "{value:?} is no {algorithm} digest of {} bytes: it matches nothing",
                algorithm.digest_len()
            );
            (token.error(UNEQUAL_HASH, message), hint)
        }
    };
    faults.push(match hint {
        Some(hint) => fault.hint(hint),
        None => fault,
    });
    None
}

/// Schemes and hosts, and what looks like them to a browser though it was not meant so.
fn plain(whole: &Token<'_>, faults: &mut Vec<Fault>) -> Option<SourceExpression> {
    let token = &cut_query(whole, faults)?;
    let text = token.text;
    if keyword_spelling(text.trim_matches(['\'', '"', '`'])).is_some() {
        faults.push(unquoted(token));
        return None;
    }
    let lower = text.to_ascii_lowercase();
    if COMMON_SCHEMES.contains(&lower.as_str()) {
        let message = format!("{text} without a colon is a host to a browser");
        faults.push(
            token
                .error("csp.scheme-colon", message)
                .hint(format!("{lower}:")),
        );
        return None;
    }
    if let Some(scheme) = SchemeSource::read(text) {
        return Some(SourceExpression::Scheme(scheme));
    }
    if let Some((scheme, rest)) = lower.split_once(':')
        && COMMON_SCHEMES.contains(&scheme)
        && !rest.starts_with("//")
    {
        let message = format!("{text:?} is no source expression: a browser ignores it");
        let host = text[scheme.len() + 1..].trim_start_matches('/');
        let hint = match scheme {
            "http" | "https" | "ws" | "wss" if !host.is_empty() => format!("{scheme}://{host}"),
            _ => format!("{scheme}:"),
        };
        faults.push(token.error("csp.bad-scheme", message).hint(hint));
        return None;
    }
    HostSource::read(token, faults).map(SourceExpression::Host)
}

/// Browsers drop a query and a fragment, and match by the rest.
fn cut_query<'a>(token: &Token<'a>, faults: &mut Vec<Fault>) -> Option<Token<'a>> {
    let Some(at) = token.text.find(['?', '#']) else {
        return Some(token.clone());
    };
    let text = &token.text[..at];
    if text.is_empty() || text.ends_with(':') {
        let message = format!(
            "{:?} is no source expression: a browser ignores it",
            token.text
        );
        faults.push(token.error("csp.query", message));
        return None;
    }
    let message = format!(
        "{:?}: a browser drops the query and the fragment",
        token.text
    );
    faults.push(token.error("csp.query", message).hint(text));
    Some(Token {
        text,
        span: token.span.clone(),
    })
}

fn strip_prefix_ignoring_case<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let (head, rest) = text.split_at_checked(prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then_some(rest)
}

/// Keywords that need another source expression beside them, or that make one useless.
fn review(
    name: DirectiveName,
    list: &[SourceExpression],
    places: &[usize],
    tokens: &[Token<'_>],
    findings: &mut Findings,
) {
    let place = |keyword: Keyword| {
        list.iter()
            .position(|one| *one == SourceExpression::Keyword(keyword))
            .map(|at| places[at])
    };
    let guarded = list.iter().any(SourceExpression::is_nonce_or_hash);
    let hashed = list
        .iter()
        .any(|one| matches!(one, SourceExpression::Hash(_)));
    let url_hashed = list
        .iter()
        .any(|one| matches!(one, SourceExpression::UrlHash(_)));
    if let Some(at) = place(Keyword::StrictDynamic).filter(|_| name.governs_scripts()) {
        if !guarded && !url_hashed {
            let message = "'strict-dynamic' without a nonce or a hash: hosts are ignored, no script of the page runs";
            let fault = tokens[at].error("csp.strict-dynamic-alone", message);
            findings.at(at, fault.hint("add 'nonce' or a hash, or leave it out"));
        } else if let Some(host) = list.iter().position(|one| {
            matches!(
                one,
                SourceExpression::Host(_) | SourceExpression::Keyword(Keyword::SelfOrigin)
            )
        }) && name != DirectiveName::DefaultSrc
        {
            let index = places[host];
            let token = &tokens[index];
            let message = format!(
                "{} is ignored for scripts beside 'strict-dynamic'",
                token.text
            );
            findings.at(index, token.warning("csp.host-ignored", message));
        }
    }
    if let Some(at) = place(Keyword::UnsafeInline).filter(|_| guarded) {
        let message =
            "'unsafe-inline' is ignored beside a nonce or a hash, save by the oldest browsers";
        findings.at(at, tokens[at].warning("csp.unsafe-inline-ignored", message));
    }
    if let Some(at) = place(Keyword::UnsafeHashes).filter(|_| !hashed) {
        let message = "'unsafe-hashes' without a hash allows nothing";
        findings.at(at, tokens[at].warning("csp.unsafe-hashes-alone", message));
    }
}
