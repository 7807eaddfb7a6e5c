//! What the layer tells the log.

use std::sync::atomic::{AtomicBool, Ordering};

use http::Request;
use mantlet_engine::{Engine, RequestHead};

static WARNED: AtomicBool = AtomicBool::new(false);

/// A verdict, with the reason and what to do if the request should have passed.
pub(crate) fn verdict<B>(
    what: &'static str,
    reason: &'static str,
    fix: Option<&'static str>,
    request: &Request<B>,
) {
    let (method, path) = (request.method(), request.uri().path());
    let fix = fix.unwrap_or_default();
    tracing::info!(reason, %method, path, fix, "{what}");
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
