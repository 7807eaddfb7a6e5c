//! What the middleware tells Python's `logging`, under the logger `mantlet`.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use mantlet_engine::{Engine, Evidence, RequestHead};
use pyo3::intern;
use pyo3::prelude::*;

/// How many requests of a process are looked at for a forgotten proxy: it stands in front of the first as of every other.
const LOOKED_AT: u32 = 1000;

static SEEN: AtomicU32 = AtomicU32::new(0);
static WARNED: AtomicBool = AtomicBool::new(false);

/// A verdict, with the reason and what to do if the request should have passed. What a handler raises is told by
/// `sys.unraisablehook`: no request fails for its log.
pub(crate) fn verdict(
    py: Python<'_>,
    what: &str,
    reason: &str,
    fix: Option<&str>,
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
        asked(head),
    );
    let logged =
        logger(py).and_then(|logger| logger.call_method1(intern!(py, "warning"), arguments));
    if let Err(error) = logged {
        error.write_unraisable(py, None);
    }
}

/// What the request said of itself, escaped.
fn asked(head: &RequestHead<'_>) -> String {
    let Evidence {
        host,
        origin,
        fetch_site,
        ..
    } = Evidence::of(head);
    let fields = [
        ("host", host),
        ("origin", origin),
        ("sec-fetch-site", fetch_site),
    ];
    let said = fields
        .into_iter()
        .filter_map(|(name, value)| Some(format!("{name}={}", value?)));
    said.collect::<Vec<_>>().join(" ")
}

/// What became of the policy file; `level` is the method of the logger.
pub(crate) fn policy_file(py: Python<'_>, level: &str, message: &str) {
    let logged = logger(py).and_then(|logger| logger.call_method1(level, ("%s", message)));
    if let Err(error) = logged {
        error.write_unraisable(py, None);
    }
}

/// Whether requests are still looked at for a forgotten proxy.
pub(crate) fn is_looking() -> bool {
    SEEN.load(Ordering::Relaxed) < LOOKED_AT
}

/// Warns of a forgotten proxy, once in the life of the process.
pub(crate) fn untrusted_proxy(py: Python<'_>, engine: &Engine, head: &RequestHead<'_>) {
    if !is_looking() {
        return;
    }
    SEEN.fetch_add(1, Ordering::Relaxed);
    if let Some(proxy) = engine.untrusted_proxy(head)
        && !WARNED.swap(true, Ordering::Relaxed)
    {
        SEEN.store(LOOKED_AT, Ordering::Relaxed);
        let logged = logger(py).and_then(|logger| {
            logger.call_method1(intern!(py, "warning"), ("%s", proxy.to_string()))
        });
        if let Err(error) = logged {
            error.write_unraisable(py, None);
        }
    }
}

fn logger(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    let logging = py.import(intern!(py, "logging"))?;
    logging.call_method1(intern!(py, "getLogger"), (intern!(py, "mantlet"),))
}
