//! What an engine is made of: plain rules, already merged and checked.
//!
//! `mantlet-config` writes these from a policy file; nothing here reads text.

use http::{HeaderName, HeaderValue};
use ipnet::IpNet;
use mantlet_headers::cookie::Hardening;

use crate::route::RoutePath;

/// A whole policy.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Policy {
    /// What counts as https.
    pub https: Https,
    /// The peers that may speak X-Forwarded-*.
    pub trusted_proxies: Vec<IpNet>,
    /// The rules of every path that no route claims, and of every path that is not in normal form.
    pub root: Scoped,
    /// Paths with rules of their own: whole segments, the longest wins.
    pub routes: Vec<(RoutePath, Scoped)>,
}

impl Policy {
    /// A policy of one set of rules: https by `auto`, no trusted proxy, no route.
    pub fn new(root: Scoped) -> Self {
        Self {
            https: Https::Auto,
            trusted_proxies: Vec::new(),
            root,
            routes: Vec::new(),
        }
    }
}

/// What counts as https, and what becomes of the rest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Https {
    /// TLS here, or X-Forwarded-Proto of a trusted peer.
    #[default]
    Auto,
    /// Every request came by https; something in front has seen to it.
    Assume,
    /// As [`Https::Auto`]; a request over plain http is sent to https.
    Redirect,
}

/// Rules by content type of the response.
#[derive(Clone, Debug)]
pub struct Scoped {
    /// For any response.
    pub any: Rules,
    /// For HTML, instead of `any`.
    pub html: Option<Rules>,
}

impl Scoped {
    /// The same rules for any response.
    pub fn any(rules: Rules) -> Self {
        Self {
            any: rules,
            html: None,
        }
    }
}

/// What is done to a response.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// Edits, in the order of sending.
    pub headers: Vec<Rule>,
    /// What the application's cookies get; Secure only over https.
    pub cookies: Option<Hardening>,
}

/// What is done to one field: the words of the policy file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Op {
    /// The field has this one value, whatever the application chose.
    Override,
    /// The field gets this value where the application chose none: it is absent, or there and empty.
    IfMissing,
    /// The value is added beside those of the application.
    Append,
    /// The field goes.
    Remove,
}

/// One edit, and when.
#[derive(Clone, Debug)]
pub struct Rule {
    /// What is done.
    pub op: Op,
    /// To which field.
    pub name: HeaderName,
    /// With what; [`Op::Remove`] ignores it.
    pub value: Value,
    /// Over which transport.
    pub when: When,
}

impl Rule {
    /// Sets a field over any transport.
    pub fn set(name: HeaderName, value: HeaderValue) -> Self {
        Self {
            op: Op::Override,
            name,
            value: Value::Fixed(value),
            when: When::Always,
        }
    }

    /// Removes a field.
    pub fn remove(name: HeaderName) -> Self {
        let value = Value::Fixed(HeaderValue::from_static(""));
        Self {
            op: Op::Remove,
            name,
            value,
            when: When::Always,
        }
    }
}

/// Over which transport a rule acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// Over any.
    Always,
    /// Only when the client came by https.
    Secure,
    /// Only when the client came by plain http.
    Plain,
}

/// The value of a rule.
#[derive(Clone, Debug)]
pub enum Value {
    /// The same in every response.
    Fixed(HeaderValue),
    /// Text with slots for the nonce of the exchange.
    Nonce(Template),
}

/// The texts around the nonce slots of a value, and the value for a response that has no nonce.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    segments: Vec<String>,
    without: HeaderValue,
}

impl Template {
    /// `n` slots between `n + 1` segments; `None` unless the segments are visible ASCII. `without` goes out where no nonce
    /// was drawn, which only an answer of the host itself can be: the same policy, its slots left out.
    pub fn new(segments: Vec<String>, without: HeaderValue) -> Option<Self> {
        let visible = |text: &String| text.bytes().all(|b| (b' '..0x7f).contains(&b));
        segments
            .iter()
            .all(visible)
            .then_some(Self { segments, without })
    }

    /// The value without a nonce.
    pub(crate) fn without(&self) -> HeaderValue {
        self.without.clone()
    }

    /// The value with every slot filled. One allocation.
    pub(crate) fn fill(&self, nonce: &str) -> Option<HeaderValue> {
        let slots = self.segments.len().saturating_sub(1);
        let len = self.segments.iter().map(String::len).sum::<usize>() + slots * nonce.len();
        let mut text = Vec::with_capacity(len);
        for (i, segment) in self.segments.iter().enumerate() {
            if i > 0 {
                text.extend_from_slice(nonce.as_bytes());
            }
            text.extend_from_slice(segment.as_bytes());
        }
        HeaderValue::from_maybe_shared(bytes::Bytes::from(text)).ok()
    }
}
