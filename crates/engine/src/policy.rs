//! What an engine is made of: plain rules, already merged and checked.
//!
//! `mantlet-config` writes these from a policy file; nothing here reads text.

use std::sync::Arc;

use http::{HeaderName, HeaderValue};
use ipnet::IpNet;
use mantlet_headers::cookie::Hardening;
use mantlet_headers::{HostPattern, Origin};

use crate::route::RoutePath;
pub use crate::verdict::Answer;
pub use limit::{
    CostOf, Counted, Counting, Exemption, KeyPart, Limit, LimitFields, OnError, Prefix, Selection,
};

pub use store::{RedisSettings, Url};

mod limit;
mod store;

/// A whole policy.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Policy {
    /// What counts as https.
    pub https: Https,
    /// The peers that may speak X-Forwarded-*.
    pub trusted_proxies: Vec<IpNet>,
    /// Where they tell the client's address.
    pub client_address: ClientAddress,
    /// How long a request field may be that a check reads; `None`: the default sizes, where any other check is on.
    pub field_sizes: Option<FieldSizes>,
    /// The names the service answers to; `None`: any.
    pub hosts: Option<Hosts>,
    /// Protection against requests that another site makes a browser send; `None`: off.
    pub cross_origin: Option<CrossOrigin>,
    /// How many requests, of whom: all of them hold at once.
    pub limits: Vec<Limit>,
    /// How a client is told what is left.
    pub limit_fields: LimitFields,
    /// Whether a denial tells its reason code, in the response field `Mantlet-Reason`.
    pub tell_reason: bool,
    /// The rules of every path that no route claims. A path that is not in normal form gets them too, and the checks of
    /// every route besides.
    pub root: Scoped,
    /// Paths with rules of their own: whole segments, the longest wins.
    pub routes: Vec<(RoutePath, Scoped)>,
}

impl Policy {
    /// A policy of one set of rules: https by `auto`, no trusted proxy, any host, no cross-origin protection, no route.
    pub fn new(root: Scoped) -> Self {
        Self {
            https: Https::Auto,
            trusted_proxies: Vec::new(),
            client_address: ClientAddress::default(),
            field_sizes: None,
            hosts: None,
            cross_origin: None,
            limits: Vec::new(),
            limit_fields: LimitFields::default(),
            tell_reason: false,
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

/// Where the client's address stands in a request of a trusted proxy. One source only: whoever speaks one of these fields
/// may pass the others on as a stranger sent them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClientAddress {
    /// X-Forwarded-For; scheme and host in X-Forwarded-Proto and X-Forwarded-Host.
    #[default]
    XForwardedFor,
    /// Forwarded (RFC 7239), scheme and host too; X-Forwarded-* is not read.
    Forwarded,
    /// The head that a balancer puts before the bytes of a connection (PROXY protocol, versions 1 and 2). The host reads it
    /// and gives its address as the peer; no request field is believed, for they are the client's own.
    ProxyProtocol,
    /// A field with one address, such as CF-Connecting-IP; scheme and host as with X-Forwarded-For.
    Field(HeaderName),
}

/// How long a request field may be that a check reads, all its lines together, in bytes. A longer one is denied (431).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FieldSizes {
    /// Authorization; 8192 by default.
    pub token: usize,
    /// Cookie; 16384 by default.
    pub cookie: usize,
    /// Any other; 2048 by default.
    pub other: usize,
}

impl Default for FieldSizes {
    fn default() -> Self {
        Self {
            token: 8 * 1024,
            cookie: 16 * 1024,
            other: 2 * 1024,
        }
    }
}

/// The names a service answers to.
#[derive(Clone, Debug, Default)]
pub struct Hosts {
    /// A host that matches none of them is denied (400).
    pub allowed: Vec<HostPattern>,
    /// Whether a name that is not listed, but is with or without `www.` in front, is redirected there.
    pub www_redirect: bool,
    /// What a denial answers in place of the default.
    pub answer: Option<Arc<Answer>>,
}

/// Protection against cross-origin requests that change state, by Fetch Metadata and Origin.
#[derive(Clone, Debug)]
pub struct CrossOrigin {
    /// What becomes of a request that fails.
    pub disposition: Disposition,
    /// Origins whose requests pass.
    pub allowed_origins: Vec<Origin<'static>>,
    /// The service's own origins; if there are any, Origin is compared to them, scheme included, and not to Host.
    pub self_origins: Vec<Origin<'static>>,
    /// Paths that are not checked.
    pub exempt_paths: Vec<RoutePath>,
    /// Whether a request without Sec-Fetch-Site and Origin passes: programs send neither.
    pub allow_unverifiable: bool,
    /// Whether a WebSocket handshake counts as a request that changes state.
    pub protect_websockets: bool,
    /// Fields that give a request another method, such as X-HTTP-Method-Override.
    pub method_override: Vec<HeaderName>,
    /// What a denial answers in place of the default.
    pub answer: Option<Arc<Answer>>,
}

impl CrossOrigin {
    /// Whether a path in normal form is not checked.
    pub(crate) fn exempts(&self, path: &[u8]) -> bool {
        self.exempt_paths.iter().any(|exempt| exempt.claims(path))
    }
}

impl Default for CrossOrigin {
    fn default() -> Self {
        Self {
            disposition: Disposition::default(),
            allowed_origins: Vec::new(),
            self_origins: Vec::new(),
            exempt_paths: Vec::new(),
            allow_unverifiable: true,
            protect_websockets: true,
            method_override: Vec::new(),
            answer: None,
        }
    }
}

/// What becomes of a request that fails a check.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Disposition {
    /// It is denied.
    #[default]
    Enforce,
    /// It goes on, and the permit tells what would have been denied; but so many of a hundred, drawn at random, are denied.
    Report {
        /// 0 to 100.
        enforce_percent: u8,
    },
}

/// A resource isolation policy (Fetch Metadata): who may load what, reads included.
#[derive(Clone, Debug)]
pub struct ResourceIsolation {
    /// What becomes of a request that fails.
    pub disposition: Disposition,
    /// Whether other origins of the same site may.
    pub allow_same_site: bool,
    /// Whether requests of Sec-Fetch-Mode `cors` may: a CORS layer behind decides.
    pub allow_cors: bool,
    /// Whether a navigation may lead into a frame.
    pub allow_framing: bool,
    /// What a denial answers in place of the default.
    pub answer: Option<Arc<Answer>>,
}

impl Default for ResourceIsolation {
    fn default() -> Self {
        Self {
            disposition: Disposition::default(),
            allow_same_site: true,
            allow_cors: false,
            allow_framing: true,
            answer: None,
        }
    }
}

/// The checks of a path.
#[derive(Clone, Debug, Default)]
pub struct Checks {
    /// Whether the host is not looked up among those allowed, and may be missing: health probes come by address.
    pub any_host: bool,
    /// Who may load what; `None`: off.
    pub resource_isolation: Option<ResourceIsolation>,
}

/// The rules of a path: its checks, and edits by content type of the response.
#[derive(Clone, Debug)]
pub struct Scoped {
    /// What a request has to pass.
    pub checks: Checks,
    /// For any response.
    pub any: Rules,
    /// For HTML, instead of `any`.
    pub html: Option<Rules>,
}

impl Scoped {
    /// The same rules for any response, and no check.
    pub fn any(rules: Rules) -> Self {
        Self {
            checks: Checks::default(),
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
    /// Cache-Control by content type, the first that fits, where the application chose none: goes before the edits.
    pub cache: Vec<(MediaRange, HeaderValue)>,
}

/// A media type, `image/png`, or all of a kind, `image/*`, in lower case.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct MediaRange(String);

impl MediaRange {
    /// Reads `type/subtype` or `type/*`.
    ///
    /// # Errors
    /// A sentence that says what is wrong.
    pub fn new(text: &str) -> Result<Self, &'static str> {
        let token = |part: &str| {
            let allowed = |b: u8| b.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&b);
            !part.is_empty() && part.bytes().all(allowed)
        };
        match text.split_once('/') {
            Some((kind, sub)) if token(kind) && (sub == "*" || token(sub)) => {
                Ok(Self(text.to_ascii_lowercase()))
            }
            _ => Err("a media type has a kind and a name: text/css, image/*"),
        }
    }

    /// Whether it is all types of a kind.
    pub fn is_kind(&self) -> bool {
        self.0.ends_with('*')
    }

    /// Whether a Content-Type, its parameters aside, is in the range.
    pub fn holds(&self, content_type: &[u8]) -> bool {
        let essence = content_type.split(|&b| b == b';').next();
        let essence = essence.unwrap_or_default().trim_ascii();
        match self.0.strip_suffix('*') {
            Some(kind) => essence
                .get(..kind.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(kind.as_bytes())),
            None => essence.eq_ignore_ascii_case(self.0.as_bytes()),
        }
    }
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
