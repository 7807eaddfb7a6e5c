//! What the proxy tells the log of a request. Never a query, a body, a cookie or a nonce.

use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};

use http::Method;
use mantlet_engine::{Denial, Engine, Evidence, Reason, RequestHead};

use crate::wire::{Fault, Unannounced};

static WARNED: AtomicBool = AtomicBool::new(false);

/// Who asks for what.
pub(crate) struct Asker<'a> {
    /// The other end of the connection, or whom it announces.
    pub(crate) peer: IpAddr,
    /// Whom a trusted peer asks for.
    pub(crate) client: IpAddr,
    pub(crate) method: &'a Method,
    pub(crate) path: &'a str,
    /// What the request said of itself, if a check had something to say.
    pub(crate) evidence: Option<&'a Evidence>,
}

/// Whether anybody hears what is said of a request.
pub(crate) fn listens() -> bool {
    tracing::enabled!(tracing::Level::INFO)
}

/// The proxy answers in the application's place.
pub(crate) fn answered(denial: &Denial, asker: &Asker<'_>) {
    let (reason, status, fix) = (denial.reason, denial.status.as_u16(), denial.fix);
    let limits = denial.limited.as_ref().map(|limited| limited.by.join(", "));
    let Asker {
        peer,
        client,
        method,
        path,
        evidence,
    } = asker;
    let Evidence {
        host,
        origin,
        fetch_site,
        ..
    } = evidence.cloned().unwrap_or_default();
    tracing::info!(reason, limits, status, %peer, %client, %method, path, host, origin, fetch_site, fix, "answered by the proxy");
}

/// A check that only reports would have denied the request.
pub(crate) fn reported(reason: &Reason, asker: &Asker<'_>) {
    let (code, fix) = (reason.code, reason.fix);
    let Asker {
        peer,
        client,
        method,
        path,
        evidence,
    } = asker;
    let Evidence {
        host,
        origin,
        fetch_site,
        ..
    } = evidence.cloned().unwrap_or_default();
    tracing::info!(reason = code, %peer, %client, %method, path, host, origin, fetch_site, fix, "would be denied");
}

/// The gate has turned a request away: nobody knows its method, path and client.
pub(crate) fn refused(fault: Fault, peer: IpAddr) {
    let (reason, status) = (fault.reason(), fault.status().as_u16());
    tracing::info!(reason, status, %peer, "refused on the wire");
}

/// A connection that has to announce its client does not.
pub(crate) fn unannounced(why: Unannounced, peer: IpAddr) {
    let reason = why.reason();
    match why {
        // what a balancer does that looks whether the port is open
        Unannounced::Ended | Unannounced::Stopping => {
            tracing::debug!(reason, %peer, "connection closed: {why}");
        }
        _ => tracing::info!(reason, %peer, "connection closed: {why}"),
    }
}

/// Warns of a forgotten proxy, once in the life of the process.
pub(crate) fn untrusted_proxy(engine: &Engine, head: &RequestHead<'_>) {
    if WARNED.load(Ordering::Relaxed) {
        return;
    }
    if let Some(proxy) = engine.untrusted_proxy(head)
        && !WARNED.swap(true, Ordering::Relaxed)
    {
        tracing::warn!("{proxy}");
    }
}
