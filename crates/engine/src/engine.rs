//! Call one.
//!
//! The order of the checks, each of which can end the request:
//!
//! 1. route: which rules the path gets;
//! 2. nonce: drawn if those rules need one; without randomness the request is denied (503), for a page whose scripts
//!    cannot run helps nobody and a predictable nonce helps an attacker;
//! 3. transport: is it https, and must it be.

use std::sync::Arc;

use http::StatusCode;
use ipnet::IpNet;

use crate::emit::{ByType, Tables};
use crate::entropy::Entropy;
use crate::exchange::Exchange;
use crate::head::RequestHead;
use crate::nonce::Nonce;
use crate::permit::Permit;
use crate::policy::{Https, Policy};
use crate::route::Routes;
use crate::transport;
use crate::verdict::{Denial, Verdict};

/// A compiled policy. Cheap to clone; an [`Exchange`] holds the one it was opened under.
#[derive(Clone)]
pub struct Engine(Arc<Compiled>);

pub(crate) struct Compiled {
    https: Https,
    trusted_proxies: Vec<IpNet>,
    root: Tables,
    routes: Routes<Tables>,
    uses_nonce: bool,
    entropy: Box<dyn Entropy>,
}

impl Engine {
    /// Compiles a policy.
    pub fn new(policy: Policy, entropy: impl Entropy) -> Self {
        let root = Tables::new(&policy.root);
        let routes: Vec<_> = policy
            .routes
            .into_iter()
            .map(|(path, scoped)| (path, Tables::new(&scoped)))
            .collect();
        let uses_nonce = std::iter::once(&root)
            .chain(routes.iter().map(|(_, tables)| tables))
            .any(|tables| tables.of(true).needs_nonce() || tables.of(false).needs_nonce());
        Self(Arc::new(Compiled {
            https: policy.https,
            trusted_proxies: policy.trusted_proxies,
            root,
            routes: Routes::new(routes),
            uses_nonce,
            entropy: Box::new(entropy),
        }))
    }

    /// Whether a route of the policy uses a nonce: a proxy then has to tell the application.
    pub fn uses_nonce(&self) -> bool {
        self.0.uses_nonce
    }

    /// Whether no request on a connection without TLS can count as https, and each is sent there: a loop, unless https is
    /// served by somebody else.
    pub fn redirects_all_plain_http(&self) -> bool {
        self.0.https == Https::Redirect && self.0.trusted_proxies.is_empty()
    }

    /// Whether `peer` may speak X-Forwarded-*.
    pub fn trusts(&self, peer: std::net::IpAddr) -> bool {
        transport::trusts(&self.0.trusted_proxies, peer)
    }

    /// Facts about a request -> whether it goes on, and the exchange that its response has to leave by.
    pub fn on_request(&self, head: &RequestHead<'_>) -> (Verdict, Exchange) {
        let compiled = &*self.0;
        let secure = transport::is_secure(compiled.https, &compiled.trusted_proxies, head);
        let route = compiled.routes.claim(head.path);
        let mut exchange = Exchange::new(self.clone(), route, secure);
        if compiled.uses_nonce && compiled.tables(route, secure).needs_nonce() {
            match Nonce::draw(&*compiled.entropy) {
                Ok(nonce) => exchange.nonce = Some(nonce),
                Err(_) => {
                    let detail = "The service cannot answer right now.";
                    let denial = Denial::new(
                        "entropy.unavailable",
                        StatusCode::SERVICE_UNAVAILABLE,
                        detail,
                    );
                    return (Verdict::Deny(denial), exchange);
                }
            }
        }
        if compiled.https == Https::Redirect && !secure {
            return (Verdict::Deny(transport::to_https(head)), exchange);
        }
        (
            Verdict::Allow(Permit {
                nonce: exchange.nonce,
                secure,
            }),
            exchange,
        )
    }

    pub(crate) fn tables(&self, route: Option<usize>, secure: bool) -> &ByType {
        self.0.tables(route, secure)
    }
}

impl Compiled {
    fn tables(&self, route: Option<usize>, secure: bool) -> &ByType {
        route
            .and_then(|index| self.routes.at(index))
            .unwrap_or(&self.root)
            .of(secure)
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Engine(..)")
    }
}
