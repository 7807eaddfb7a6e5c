//! What the middleware tells Python's `logging`, under the logger `mantlet`.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use mantlet_engine::{Engine, Evidence, RequestHead};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyDict;

/// How many requests of a process are looked at for a forgotten proxy: it stands in front of the first as of every other.
const LOOKED_AT: u32 = 1000;

/// Where the server tells no address.
const UNKNOWN_PEER: &str = "a limit counts by client, and the server tells no IP address of the peer, so all such clients share \
                            one quota: on a Unix socket let the server take the address from its proxy (uvicorn: \
                            --forwarded-allow-ips), or set trusted_proxies and serve on a port; Starlette's TestClient has \
                            client=(\"127.0.0.1\", 50000)";

static SEEN: AtomicU32 = AtomicU32::new(0);
static WARNED: AtomicBool = AtomicBool::new(false);

/// A verdict, with the reason and what to do if the request should have passed. What a handler raises is told by
/// `sys.unraisablehook`: no request fails for its log.
pub(crate) fn verdict(
    py: Python<'_>,
    what: &str,
    reason: &str,
    fix: Option<&str>,
    limits: &[String],
    head: &RequestHead<'_>,
) {
    let path = head.path.escape_ascii().to_string();
    let method = head.method.as_str();
    let arguments = (
        "%s: %s %s: %s (%s); %s",
        what,
        method,
        path,
        reason,
        fix.unwrap_or("no advice"),
        asked(limits, head),
    );
    let logged =
        logger(py).and_then(|logger| logger.call_method1(intern!(py, "warning"), arguments));
    if let Err(error) = logged {
        error.write_unraisable(py, None);
    }
}

/// The limits that it is above, and what the request said of itself, escaped.
fn asked(limits: &[String], head: &RequestHead<'_>) -> String {
    let Evidence {
        host,
        origin,
        fetch_site,
        ..
    } = Evidence::of(head);
    let limits = limits.iter().map(|limit| format!("limit={limit}"));
    let fields = [
        ("host", host),
        ("origin", origin),
        ("sec-fetch-site", fetch_site),
    ];
    let said = fields
        .into_iter()
        .filter_map(|(name, value)| Some(format!("{name}={}", value?)));
    limits.chain(said).collect::<Vec<_>>().join(" ")
}

/// What became of the policy file, or of a store; `level` is the method of the logger.
pub(crate) fn said(py: Python<'_>, level: &str, message: &str) {
    let logged = logger(py).and_then(|logger| logger.call_method1(level, ("%s", message)));
    if let Err(error) = logged {
        error.write_unraisable(py, None);
    }
}

/// Whether requests are still looked at for a forgotten proxy.
pub(crate) fn is_looking() -> bool {
    SEEN.load(Ordering::Relaxed) < LOOKED_AT
}

/// A failure of the application's own code, with its traceback.
pub(crate) fn failed(py: Python<'_>, what: &str, failure: PyErr) {
    let logged = logger(py).and_then(|logger| {
        let keywords = PyDict::new(py);
        keywords.set_item("exc_info", failure)?;
        logger.call_method("error", ("%s", what), Some(&keywords))
    });
    if let Err(error) = logged {
        error.write_unraisable(py, None);
    }
}

/// Warns of a forgotten proxy, or of peers that nobody tells, once in the life of the process.
pub(crate) fn forgotten(py: Python<'_>, engine: &Engine, head: &RequestHead<'_>) {
    if !is_looking() {
        return;
    }
    SEEN.fetch_add(1, Ordering::Relaxed);
    let told = match engine.untrusted_proxy(head) {
        Some(proxy) => proxy.to_string(),
        None if head.peer.is_none() && engine.counts_clients() => UNKNOWN_PEER.to_owned(),
        None => return,
    };
    if !WARNED.swap(true, Ordering::Relaxed) {
        SEEN.store(LOOKED_AT, Ordering::Relaxed);
        let logged =
            logger(py).and_then(|logger| logger.call_method1(intern!(py, "warning"), ("%s", told)));
        if let Err(error) = logged {
            error.write_unraisable(py, None);
        }
    }
}

fn logger(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    let logging = py.import(intern!(py, "logging"))?;
    logging.call_method1(intern!(py, "getLogger"), (intern!(py, "mantlet"),))
}
