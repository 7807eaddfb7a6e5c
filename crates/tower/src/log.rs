//! What the layer tells the log.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use http::StatusCode;
use mantlet_engine::{Engine, Evidence, RequestHead, Store};

static WARNED: AtomicBool = AtomicBool::new(false);

/// What a check said of a request.
pub(crate) struct Said {
    pub(crate) reason: &'static str,
    pub(crate) fix: Option<&'static str>,
    /// That of the answer; `None`: the check only reports.
    pub(crate) status: Option<StatusCode>,
    /// The limits that the request is above.
    pub(crate) limits: Vec<Arc<str>>,
    /// Who asks, if the server tells.
    pub(crate) client: Option<IpAddr>,
}

/// A denial, or what would have been one, with what the request said of itself. A flood of them costs nothing where nobody
/// listens.
pub(crate) fn said(said: impl FnOnce() -> Said, head: &RequestHead<'_>) {
    if !tracing::enabled!(tracing::Level::INFO) {
        return;
    }
    let said = said();
    let (reason, fix, method) = (said.reason, said.fix, head.method);
    let client = said.client.map(tracing::field::display);
    let limits = (!said.limits.is_empty()).then(|| said.limits.join(", "));
    let path = String::from_utf8_lossy(head.path);
    let Evidence {
        host,
        origin,
        fetch_site,
        ..
    } = Evidence::of(head);
    match said.status {
        Some(status) => {
            let status = status.as_u16();
            tracing::info!(reason, limits, status, client, %method, %path, host, origin, fetch_site, fix, "denied");
        }
        None => {
            tracing::info!(reason, client, %method, %path, host, origin, fetch_site, fix, "would be denied");
        }
    }
}

/// Warns of a forgotten proxy, of peers that nobody tells, or of a store that nobody has, once in the life of the process.
pub(crate) fn forgotten(engine: &Engine, head: &RequestHead<'_>, store: Option<&Arc<dyn Store>>) {
    if WARNED.load(Ordering::Relaxed) {
        return;
    }
    let told = match engine.untrusted_proxy(head) {
        Some(proxy) => proxy.to_string(),
        None if head.peer.is_none() && engine.trusts_anybody() => {
            "trusted_proxies is written, and the server does not tell the peer, so nobody is trusted: with axum, serve by \
             into_make_service_with_connect_info::<SocketAddr>()"
                .to_owned()
        }
        None if head.peer.is_none() && engine.counts_clients() => {
            "a limit counts by client, and the server does not tell the peer, so all clients share one quota: with axum, serve \
             by into_make_service_with_connect_info::<SocketAddr>()"
                .to_owned()
        }
        None if store.is_none() && engine.needs_store() => {
            "a limit counts in a store, and the layer has none, so it does what its on_error says: mantlet::policy_layer connects \
             the store of a policy file, with_store takes one"
                .to_owned()
        }
        None => return,
    };
    if !WARNED.swap(true, Ordering::Relaxed) {
        tracing::warn!("{told}");
    }
}
