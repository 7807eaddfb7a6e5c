//! Call one.
//!
//! First the facts are read: how the client came ([`client`](crate::client)), and which rules its path gets
//! ([`route`](crate::route)). Then the [checks](crate::check) run. Last the nonce is drawn, if the rules need one; without
//! randomness the request is denied (503), for a page whose scripts cannot run helps nobody and a predictable nonce helps an
//! attacker.

use std::sync::Arc;

use http::{HeaderName, HeaderValue, header};
use mantlet_headers::{Authority, HostPattern};

use crate::check::host::Listed;
use crate::check::{self, Facts, Read, Reported};
use crate::client::{Sources, UntrustedProxy};
use crate::emit::{ByType, Tables};
use crate::entropy::Entropy;
use crate::exchange::Exchange;
use crate::head::{Now, RequestHead};
use crate::limit::{Applied, Asking, LimitState, Limiters};
use crate::nonce::Nonce;
use crate::permit::Permit;
use crate::policy::{
    ClientAddress, CrossOrigin, Disposition, FieldSizes, Https, Limit, Op, Policy,
    ResourceIsolation, Rule, Scoped, Value, When,
};
use crate::reason::ENTROPY;
use crate::route::{RoutePath, normal, without_parameters};
use crate::step::{Step, Waiting};
use crate::verdict::{Denial, Verdict};

/// A compiled policy. Cheap to clone; an [`Exchange`] holds the one it was opened under.
#[derive(Clone)]
pub struct Engine(Arc<Compiled>);

pub(crate) struct Compiled {
    pub(crate) sources: Sources,
    pub(crate) field_sizes: FieldSizes,
    pub(crate) hosts: Option<Listed>,
    pub(crate) cross_origin: Option<CrossOrigin>,
    pub(crate) limiters: Limiters,
    pub(crate) entropy: Box<dyn Entropy>,
    /// First [`ROOT`], then [`AMBIGUOUS`] and those of the routes, if there are routes.
    scopes: Vec<Scope>,
    /// The paths of the routes, the longest first.
    paths: Vec<RoutePath>,
    /// Whether any check can deny a request: a policy of header fields alone reads nothing of it.
    judges: bool,
    /// Whether the path decides anything of a request.
    reads_path: bool,
    uses_nonce: bool,
    tells_reason: bool,
    /// How many tables the scopes have.
    tables: usize,
}

/// Whether a request counts for the limits.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Limits {
    Asked,
    LeftOut,
}

/// What is asked of a request for a path: for whoever shows a policy.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Checks<'e> {
    /// The hosts that may be named; `None`: any.
    pub hosts: Option<&'e [HostPattern]>,
    /// Cross-origin protection; `None`: off.
    pub cross_origin: Option<&'e CrossOrigin>,
    /// Whether the path is exempt from it.
    pub exempt: bool,
    /// Resource isolation, all of which a request has to pass; none: off.
    pub isolation: &'e [ResourceIsolation],
}

/// What holds for the paths of one route, or for those of none.
pub(crate) struct Scope {
    /// The path of the route; empty for the root.
    pub(crate) path: String,
    pub(crate) any_host: bool,
    /// Those of the route; for a path that could be any, those of all routes.
    pub(crate) isolation: Vec<ResourceIsolation>,
    tables: Tables,
}

/// The scope of paths that no route claims.
const ROOT: usize = 0;
/// The scope of paths that are not in normal form: the rules of the root and the checks of all.
const AMBIGUOUS: usize = 1;
/// Where the scopes of the routes begin.
const ROUTES: usize = 2;

/// The request fields that a resource isolation policy makes a response depend on.
const VARY: HeaderValue =
    HeaderValue::from_static("sec-fetch-site, sec-fetch-mode, sec-fetch-dest");
/// With origins that are allowed, on Origin too.
const VARY_ORIGIN: HeaderValue =
    HeaderValue::from_static("sec-fetch-site, sec-fetch-mode, sec-fetch-dest, origin");

impl Scope {
    fn new(mut scoped: Scoped, isolation: Vec<ResourceIsolation>, vary: &HeaderValue) -> Self {
        if !isolation.is_empty() {
            let rules = std::iter::once(&mut scoped.any).chain(&mut scoped.html);
            for rules in rules {
                rules.headers.push(Rule {
                    op: Op::Append,
                    name: header::VARY,
                    value: Value::Fixed(vary.clone()),
                    when: When::Always,
                });
            }
        }
        Self {
            path: String::new(),
            any_host: scoped.checks.any_host,
            isolation,
            tables: Tables::new(&scoped),
        }
    }
}

impl Engine {
    /// Compiles a policy.
    pub fn new(mut policy: Policy, entropy: impl Entropy) -> Self {
        let limiters = Limiters::new(&mut policy);
        let exempts = |policy: &CrossOrigin| !policy.exempt_paths.is_empty();
        let reads_path = !policy.routes.is_empty()
            || policy.cross_origin.as_ref().is_some_and(exempts)
            || limiters.iter().any(Limit::reads_path);
        let mut routes = policy.routes;
        routes.sort_by_key(|(path, _)| std::cmp::Reverse(path.as_str().len()));
        let of = |scoped: &Scoped| Vec::from_iter(scoped.checks.resource_isolation.clone());
        let ambiguous = policy.root.clone();
        let all = std::iter::once(&policy.root).chain(routes.iter().map(|(_, scoped)| scoped));
        let all = all.flat_map(of).collect();
        let own = of(&policy.root);
        let partners = policy.cross_origin.as_ref();
        let vary = match partners.is_some_and(|policy| !policy.allowed_origins.is_empty()) {
            true => VARY_ORIGIN,
            false => VARY,
        };
        let mut scopes = vec![Scope::new(policy.root, own, &vary)];
        let mut paths = Vec::with_capacity(routes.len());
        if !routes.is_empty() {
            scopes.push(Scope::new(ambiguous, all, &vary));
        }
        for (path, scoped) in routes {
            let own = of(&scoped);
            let mut scope = Scope::new(scoped, own, &vary);
            path.as_str().clone_into(&mut scope.path);
            scopes.push(scope);
            paths.push(path);
        }
        let tables = scopes.iter_mut().flat_map(|scope| scope.tables.all());
        let mut count = 0;
        for table in tables {
            table.number = count;
            count += 1;
        }
        let needs_nonce = |scope: &Scope| {
            [false, true]
                .into_iter()
                .any(|secure| scope.tables.of(secure).needs_nonce())
        };
        let judges = policy.hosts.is_some()
            || policy.cross_origin.is_some()
            || policy.https == Https::Redirect
            || !policy.trusted_proxies.is_empty()
            || policy.field_sizes.is_some()
            || !limiters.is_empty()
            || scopes.iter().any(|scope| !scope.isolation.is_empty());
        Self(Arc::new(Compiled {
            judges,
            reads_path,
            limiters,
            sources: Sources {
                https: policy.https,
                trusted: policy.trusted_proxies,
                address: policy.client_address,
            },
            field_sizes: policy.field_sizes.unwrap_or_default(),
            hosts: policy.hosts.map(Listed::new),
            cross_origin: policy.cross_origin,
            entropy: Box::new(entropy),
            uses_nonce: scopes.iter().any(needs_nonce),
            scopes,
            paths,
            tells_reason: policy.tell_reason,
            tables: count,
        }))
    }

    /// Whether a route of the policy uses a nonce: a proxy then has to tell the application.
    pub fn uses_nonce(&self) -> bool {
        self.0.uses_nonce
    }

    /// Whether anything but path, transport and peer of a request is read: a policy of header fields alone asks nothing of it.
    /// A host may then leave the rest out.
    pub fn reads_requests(&self) -> bool {
        self.0.judges
    }

    /// Whether the path or the query of a request decides anything: for routes, exempt paths and redirects. A host may else
    /// leave both out of the head.
    pub fn reads_target(&self) -> bool {
        let twin = self.0.hosts.as_ref().is_some_and(Listed::redirects);
        self.0.reads_path || twin || self.0.sources.https == Https::Redirect
    }

    /// How many lists of edits there are: [`Edits::list`](crate::Edits::list) is below this.
    pub fn lists(&self) -> usize {
        self.0.tables
    }

    /// Whether no request on a connection without TLS can count as https, and each is sent there: a loop, unless https is
    /// served by somebody else.
    pub fn redirects_all_plain_http(&self) -> bool {
        self.0.sources.https == Https::Redirect && self.0.sources.trusted.is_empty()
    }

    /// The paths of the routes, the longest first.
    pub fn route_paths(&self) -> impl Iterator<Item = &str> {
        self.0.paths.iter().map(|path| path.as_str())
    }

    /// Whether the policy says which names the service answers to.
    pub fn lists_hosts(&self) -> bool {
        self.0.hosts.is_some()
    }

    /// Whether the policy trusts some peers to speak for others: a host that does not know its peers then believes nobody.
    pub fn trusts_anybody(&self) -> bool {
        !self.0.sources.trusted.is_empty()
    }

    /// What is asked of a request for `path`.
    pub fn checks(&self, path: &[u8]) -> Checks<'_> {
        let path = normal(path);
        let scope = &self.0.scopes[self.0.scope(path.as_deref())];
        let hosts = self.0.hosts.as_ref().filter(|_| !scope.any_host);
        let cross_origin = self.0.cross_origin.as_ref();
        let exempts =
            |policy: &CrossOrigin| path.as_deref().is_some_and(|path| policy.exempts(path));
        Checks {
            hosts: hosts.map(Listed::patterns),
            cross_origin,
            exempt: cross_origin.is_some_and(exempts),
            isolation: &scope.isolation,
        }
    }

    /// Whether fields of this request's peer are believed: X-Forwarded-*, Forwarded, or the policy's own choice.
    pub fn believes(&self, head: &RequestHead<'_>) -> bool {
        self.0.sources.believes(head)
    }

    /// Whether a connection of this peer has to begin with a PROXY protocol head; a host then takes its address for the
    /// peer's.
    pub fn expects_proxy_protocol(&self, peer: std::net::IpAddr) -> bool {
        self.0.sources.address == ClientAddress::ProxyProtocol && self.0.sources.trusts(peer)
    }

    /// The field that the policy takes the client's address from, if it is not one that everybody knows: a proxy removes it
    /// from requests of peers that are not trusted.
    pub fn client_field(&self) -> Option<&HeaderName> {
        match &self.0.sources.address {
            ClientAddress::Field(name) => Some(name),
            _ => None,
        }
    }

    /// The fields that give a request another method, by the policy: a proxy lets none through that an application takes for
    /// one of them.
    pub fn method_override(&self) -> &[HeaderName] {
        let policy = self.0.cross_origin.as_ref();
        policy.map_or(&[], |policy| &policy.method_override)
    }

    /// The way a request came, from the client to the peer: nothing in it is told by a stranger. Empty if the host does not
    /// know the peer.
    pub fn hops(&self, head: &RequestHead<'_>) -> Vec<std::net::IpAddr> {
        self.0.sources.hops(head)
    }

    /// The host that the client asked for, as a trusted peer tells it: what the checks went by, if it differs from Host.
    pub fn forwarded_host<'h>(&self, head: &RequestHead<'h>) -> Option<Authority<'h>> {
        self.0.sources.forwarded_host(head)
    }

    /// A peer that looks like the service's own proxy and is not in `trusted_proxies`. Hosts ask until they have logged it
    /// once.
    pub fn untrusted_proxy(&self, head: &RequestHead<'_>) -> Option<UntrustedProxy> {
        UntrustedProxy::of(&self.0.sources, head)
    }

    /// Whether any limit counts: a host then reads the clock, into [`RequestHead::now`] and
    /// [`ResponseHead::now`](crate::ResponseHead::now).
    pub fn reads_clock(&self) -> bool {
        !self.0.limiters.is_empty()
    }

    /// Whether a limit counts in a store: without one, it does what its `on_error` says.
    pub fn needs_store(&self) -> bool {
        let shared = |limit: &Limit| matches!(limit.counted, crate::policy::Counted::Shared { .. });
        self.0.limiters.iter().any(shared)
    }

    /// Whether a limit counts by the client's address: a host that does not know its peers has one client for all.
    pub fn counts_clients(&self) -> bool {
        self.0.limiters.iter().any(Limit::reads_client)
    }

    /// The limits, as the policy has them.
    pub fn limits(&self) -> impl Iterator<Item = &Limit> {
        self.0.limiters.iter()
    }

    /// Shows the limits that a request falls under, in their order, and whom each counts; nothing is taken. For whoever shows a
    /// policy, or tries one.
    pub fn applied(&self, head: &RequestHead<'_>, visit: &mut dyn FnMut(Applied<'_>)) {
        let compiled = &*self.0;
        let longest = compiled.field_sizes.other;
        let path = compiled.reads_path.then(|| normal(head.path)).flatten();
        let asking = Asking {
            head,
            client: compiled.sources.origination(head, longest).client,
            path: path.as_deref(),
            route: &compiled.scopes[compiled.scope(path.as_deref())].path,
            longest,
            entropy: self.entropy(),
            enforces: &|limit| limit.disposition == Disposition::Enforce,
        };
        compiled.limiters.applied(&asking, visit);
    }

    /// The limits, as metrics show them.
    pub fn limit_states(&self, now: Now) -> impl Iterator<Item = LimitState> {
        self.0.limiters.states(now)
    }

    /// Whether the pressure on this host should be read now: true for one of the callers, four times a second at the most, if
    /// a limit is adaptive.
    pub fn wants_reading(&self, now: Now) -> bool {
        self.0.limiters.wants_reading(now)
    }

    /// What the sensors of this host say.
    pub fn on_reading(&self, now: Now, reading: mantlet_limit::Reading) {
        self.0.limiters.read(now, reading);
    }

    /// Hands on what limits have counted under `old`, to those of the same name that count the same. To be called before the
    /// engine sees a request.
    pub fn inherit(&self, old: &Self) {
        self.0.limiters.inherit(&old.0.limiters);
    }

    /// Facts about a request -> whether it goes on, and the exchange that its response has to leave by; or what a store has to
    /// be asked first.
    pub fn on_request(&self, head: &RequestHead<'_>) -> Step {
        self.judged(head, Limits::Asked)
    }

    /// As [`Engine::on_request`], and no limit is asked or told of: for whoever shows what a policy in force sends.
    pub fn on_uncounted_request(&self, head: &RequestHead<'_>) -> (Verdict, Exchange) {
        self.judged(head, Limits::LeftOut).without_store()
    }

    fn judged(&self, head: &RequestHead<'_>, limits: Limits) -> Step {
        let compiled = &*self.0;
        let origination = compiled
            .sources
            .origination(head, compiled.field_sizes.other);
        let path = compiled.reads_path.then(|| normal(head.path)).flatten();
        let index = compiled.scope(path.as_deref());
        let secure = origination.secure;
        let mut exchange = Exchange::new(self.clone(), index, secure);
        let scope = &compiled.scopes[index];
        let mut reported = Reported::default();
        let mut asked = None;
        if compiled.judges {
            let facts = Facts {
                compiled,
                head,
                read: &Read::of(head.fields),
                origination: &origination,
                path,
            };
            reported = match check::run(&facts, scope) {
                Ok(reported) => reported,
                Err(denial) => return Step::Decided(Verdict::Deny(denial), exchange),
            };
            if limits == Limits::Asked && !compiled.limiters.is_empty() {
                let (found, stopped) = check::limits(&facts, scope);
                if let Some(stopped) = stopped {
                    return exchange.stopped(found, &stopped);
                }
                asked = Some(found);
            }
        }
        if compiled.uses_nonce && scope.tables.of(secure).needs_nonce() {
            match Nonce::draw(&*compiled.entropy) {
                Ok(nonce) => exchange.nonce = Some(nonce),
                Err(_) => {
                    if let Some(asked) = &mut asked {
                        compiled.limiters.give_back(asked, head.now);
                    }
                    return Step::Decided(Verdict::Deny(Denial::of(&ENTROPY)), exchange);
                }
            }
        }
        let permit = Permit {
            nonce: exchange.nonce,
            secure,
            client: origination.client,
            told: origination.trusted,
            reported,
            limits: None,
        };
        let Some(mut asked) = asked else {
            return Step::Decided(Verdict::Allow(permit), exchange);
        };
        match asked.batch() {
            Some(batch) => Step::Waiting(Box::new(Waiting {
                exchange,
                permit,
                asked,
                batch,
            })),
            None => {
                let (verdict, exchange) = exchange.admitted(permit, asked);
                Step::Decided(verdict, exchange)
            }
        }
    }

    /// The exchange of a request that could not be read: no check is asked, and its answer has the root's header fields.
    pub fn on_unreadable(&self) -> Exchange {
        let secure = self.0.sources.https == Https::Assume;
        Exchange::new(self.clone(), ROOT, secure)
    }

    pub(crate) fn tables(&self, scope: usize, secure: bool) -> &ByType {
        self.0.scopes[scope].tables.of(secure)
    }

    pub(crate) fn tells_reason(&self) -> bool {
        self.0.tells_reason
    }

    pub(crate) fn limiters(&self) -> &Limiters {
        &self.0.limiters
    }

    pub(crate) fn entropy(&self) -> &dyn Entropy {
        &*self.0.entropy
    }
}

impl Compiled {
    fn scope(&self, path: Option<&[u8]>) -> usize {
        if self.paths.is_empty() {
            return ROOT;
        }
        let Some(path) = path else {
            return AMBIGUOUS;
        };
        let claim = |path: &[u8]| self.paths.iter().position(|route| route.claims(path));
        let claiming = claim(path);
        // some servers take the parameters away before they look for a handler
        if without_parameters(path).is_some_and(|bare| claim(&bare) != claiming) {
            return AMBIGUOUS;
        }
        claiming.map_or(ROOT, |index| ROUTES + index)
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Engine(..)")
    }
}
