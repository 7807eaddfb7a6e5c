//! Limits: how many requests, of whom, and what becomes of the rest.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use http::{HeaderName, Method};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use mantlet_limit::{Rule, Thresholds};

use super::{Answer, Disposition};
use crate::head::RequestHead;
use crate::route::RoutePath;

/// One limit.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Limit {
    /// Its name: in response fields, in logs, in metrics, and in the keys of a store. Letters, digits, `-`, `_` and `.`.
    pub name: Arc<str>,
    /// What is counted, and how.
    pub counting: Counting,
    /// Who is counted: each combination of these on its own.
    pub key: Vec<KeyPart>,
    /// Which requests count.
    pub requests: Selection,
    /// Requests that do not count.
    pub exempt: Exemption,
    /// What a request takes; the first of these that fits, else `cost`. 0 takes nothing and always passes.
    pub costs: Vec<(Selection, u32)>,
    /// What any other request takes.
    pub cost: u32,
    /// What a request takes, by the application's own reckoning: goes before the others.
    pub cost_of: Option<CostOf>,
    /// What becomes of a request above the limit.
    pub disposition: Disposition,
    /// What a denial answers in place of the default.
    pub answer: Option<Arc<Answer>>,
    /// Where it is counted.
    pub counted: Counted,
    /// How many keys are kept in this process; beyond, those with the most left are forgotten.
    pub max_keys: usize,
}

impl Limit {
    /// A limit per client for every request, counted in this process, that is enforced.
    pub fn new(name: impl Into<Arc<str>>, counting: Counting) -> Self {
        Self {
            name: name.into(),
            counting,
            key: vec![KeyPart::Client(Prefix::default())],
            requests: Selection::default(),
            exempt: Exemption::default(),
            costs: Vec::new(),
            cost: 1,
            cost_of: None,
            disposition: Disposition::Enforce,
            answer: None,
            counted: Counted::Here,
            max_keys: 65_536,
        }
    }
}

/// What is counted, and how.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Counting {
    /// Requests, by a token bucket or a sliding window.
    Requests(Rule),
    /// Requests, fewer of them under pressure: an [`Adaptive`](mantlet_limit::Algorithm::Adaptive) rule.
    Adaptive {
        /// The rule.
        rule: Rule,
        /// What counts as pressure.
        thresholds: Thresholds,
        /// Paths that pressure never sheds: health checks.
        health: Vec<RoutePath>,
    },
    /// Requests under way at once, whoever sends them: a gradient on the application's latency.
    Concurrency {
        /// The least that are let through.
        min: u32,
        /// The most that are let through.
        max: u32,
        /// Paths that are never shed: health checks.
        health: Vec<RoutePath>,
    },
}

/// A part of who is counted.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyPart {
    /// The client's address, or its network.
    Client(Prefix),
    /// The value of a request field; the client's address where there is none. Anybody can send any value, so it wants a limit
    /// by client beside it.
    Field(HeaderName),
    /// The path of the route that claims the request, or of none.
    Route,
    /// Everybody together.
    Everybody,
}

/// The length of a client's network, in bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Prefix {
    /// 0 to 32; 32 by default.
    pub v4: u8,
    /// 0 to 128; 64 by default, for that is what one customer gets.
    pub v6: u8,
}

impl Default for Prefix {
    fn default() -> Self {
        Self { v4: 32, v6: 64 }
    }
}

impl Prefix {
    /// The network of an address; IPv4 in IPv6 clothes is IPv4.
    pub(crate) fn network(self, ip: IpAddr) -> IpNet {
        // a prefix is not longer than the address: what new_assert asks for
        match ip.to_canonical() {
            IpAddr::V4(v4) => Ipv4Net::new_assert(v4, self.v4.min(32)).trunc().into(),
            IpAddr::V6(v6) => Ipv6Net::new_assert(v6, self.v6.min(128)).trunc().into(),
        }
    }
}

/// Some requests: those of these paths and of these methods; where one is empty, any.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Whole segments, with all below. A path that is not in normal form is taken for any of them.
    pub paths: Vec<RoutePath>,
    /// Methods, case-sensitive; GET is HEAD too.
    pub methods: Vec<Method>,
}

impl Selection {
    /// `path` is in normal form, or nobody knows which it is.
    pub(crate) fn holds(&self, method: &Method, path: Option<&[u8]>) -> bool {
        let claims = |path| self.paths.iter().any(|own| own.claims(path));
        // whoever answers GET answers HEAD by the same handler
        let method = match *method {
            Method::HEAD if !self.methods.contains(method) => &Method::GET,
            _ => method,
        };
        (self.methods.is_empty() || self.methods.contains(method))
            && (self.paths.is_empty() || path.is_none_or(claims))
    }
}

/// Requests that do not count. A path that is not in normal form is never exempt.
#[derive(Clone, Debug, Default)]
pub struct Exemption {
    /// Whole segments, with all below.
    pub paths: Vec<RoutePath>,
    /// Networks of clients.
    pub clients: Vec<IpNet>,
}

impl Exemption {
    pub(crate) fn holds(&self, client: Option<IpAddr>, path: Option<&[u8]>) -> bool {
        let path = path.is_some_and(|path| self.paths.iter().any(|own| own.claims(path)));
        path || client.is_some_and(|ip| self.clients.iter().any(|net| net.contains(&ip)))
    }
}

/// What a request takes, as a function.
#[derive(Clone)]
pub struct CostOf(pub Arc<dyn Fn(&RequestHead<'_>) -> u32 + Send + Sync>);

impl fmt::Debug for CostOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CostOf(..)")
    }
}

/// Where a limit is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counted {
    /// In this process.
    Here,
    /// In a store that several processes share.
    Shared {
        /// What becomes of a request while the store does not answer.
        on_error: OnError,
        /// How many processes share the limit: each has its part while the store does not answer.
        nodes: u32,
    },
}

/// What becomes of a request while the store does not answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnError {
    /// It is counted in this process, by this process's part of the quota.
    #[default]
    Local,
    /// It passes: the limit fails open.
    Open,
    /// It is denied (503).
    Closed,
}

/// The fields that tell a client what is left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LimitFields {
    /// RateLimit and RateLimit-Policy of draft-ietf-httpapi-ratelimit-headers-10.
    #[default]
    Ietf10,
    /// The one RateLimit of draft 7, `limit=, remaining=, reset=`, and its RateLimit-Policy.
    Ietf7,
    /// RateLimit-Limit, -Remaining and -Reset of draft 6, and its RateLimit-Policy.
    Ietf6,
    /// X-RateLimit-Limit, -Remaining and -Reset, the last in seconds from now.
    Legacy,
    /// The same, the last in seconds since 1970.
    LegacyEpoch,
    /// None; Retry-After of a denial goes out all the same.
    Off,
}
