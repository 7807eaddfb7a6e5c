//! Cross-origin protection: a request that changes state comes from the service's own pages, from an origin that is listed,
//! or from a program that is no browser.
//!
//! In this order, the first answer counts:
//!
//! 1. GET, HEAD and OPTIONS pass, unless they are a WebSocket handshake or a method override makes another method of them.
//! 2. A path that is exempt passes; one that is not in normal form never is.
//! 3. More than one Origin or Sec-Fetch-Site: denied. A browser sends each once, and recipients differ in which one they
//!    read.
//! 4. Origin is in `allowed_origins`: passes.
//! 5. Sec-Fetch-Site: `same-origin` and `none` pass, anything else is denied. Origin is not looked at then.
//! 6. Origin is one of `self_origins`, or, where there are none, at the host that is asked, whatever the scheme (behind a
//!    proxy that ends TLS nobody knows it for sure): passes; anything else is denied.
//! 7. Neither is there: no browser. Passes, unless `allow_unverifiable` is false.

use http::Method;
use mantlet_headers::{Authority, Origin};

use super::Facts;
use crate::head::Single;
use crate::policy::CrossOrigin;
use crate::reason::{
    ORIGIN_CROSS_SITE, ORIGIN_FETCH_SITE, ORIGIN_FOREIGN, ORIGIN_HOST_MISSING, ORIGIN_MALFORMED,
    ORIGIN_NULL, ORIGIN_PORT, ORIGIN_REPEATED, ORIGIN_SAME_SITE, ORIGIN_SCHEME,
    ORIGIN_UNVERIFIABLE, Reason,
};

pub(super) fn check(
    facts: &Facts<'_>,
    policy: &CrossOrigin,
    host: Option<&Authority<'_>>,
) -> Result<(), &'static Reason> {
    if is_safe(facts, policy)? || is_exempt(facts, policy) {
        return Ok(());
    }
    let site = once(facts.short(facts.read.site)?)?;
    let origin = once(facts.short(facts.read.origin)?)?;
    if is_allowed(origin, &policy.allowed_origins) {
        return Ok(());
    }
    match site {
        None => {}
        Some(b"same-origin" | b"none") => return Ok(()),
        Some(b"same-site") => return Err(&ORIGIN_SAME_SITE),
        Some(b"cross-site") => return Err(&ORIGIN_CROSS_SITE),
        Some(_) => return Err(&ORIGIN_FETCH_SITE),
    }
    let origin = match origin {
        None if policy.allow_unverifiable => return Ok(()),
        None => return Err(&ORIGIN_UNVERIFIABLE),
        Some(b"null") => return Err(&ORIGIN_NULL),
        Some(origin) => Origin::parse(origin).map_err(|_| &ORIGIN_MALFORMED)?,
    };
    if policy.self_origins.is_empty() {
        return is_at(&origin, host);
    }
    let mut nearest = &ORIGIN_FOREIGN;
    for own in &policy.self_origins {
        if *own == origin {
            return Ok(());
        }
        if own.authority() == origin.authority() {
            nearest = &ORIGIN_SCHEME;
        }
    }
    Err(nearest)
}

fn is_at(origin: &Origin<'_>, host: Option<&Authority<'_>>) -> Result<(), &'static Reason> {
    let Some(host) = host else {
        return Err(&ORIGIN_HOST_MISSING);
    };
    let own = origin.authority();
    if origin.is_at(host) {
        Ok(())
    } else if (own.host(), own.is_absolute()) == (host.host(), host.is_absolute()) {
        Err(&ORIGIN_PORT)
    } else {
        Err(&ORIGIN_FOREIGN)
    }
}

/// Whether `origin` is one of these.
pub(super) fn is_allowed(origin: Option<&[u8]>, allowed: &[Origin<'static>]) -> bool {
    let parsed = origin
        .filter(|_| !allowed.is_empty())
        .and_then(|origin| Origin::parse(origin).ok());
    parsed.is_some_and(|origin| allowed.contains(&origin))
}

/// A value that is there and says something.
fn once(found: Single<'_>) -> Result<Option<&[u8]>, &'static Reason> {
    match found {
        Single::Repeated => Err(&ORIGIN_REPEATED),
        Single::One(value) if !value.is_empty() => Ok(Some(value)),
        Single::One(_) | Single::Missing => Ok(None),
    }
}

fn is_safe(facts: &Facts<'_>, policy: &CrossOrigin) -> Result<bool, &'static Reason> {
    if !matches!(
        *facts.head.method,
        Method::GET | Method::HEAD | Method::OPTIONS
    ) {
        return Ok(false);
    }
    if policy.protect_websockets && facts.read.handshake {
        return Ok(false);
    }
    for name in &policy.method_override {
        match once(facts.short(facts.head.fields.single(name))?)? {
            None | Some(b"GET" | b"HEAD" | b"OPTIONS") => {}
            Some(_) => return Ok(false),
        }
    }
    Ok(true)
}

fn is_exempt(facts: &Facts<'_>, policy: &CrossOrigin) -> bool {
    let path = facts.path.as_deref();
    path.is_some_and(|path| policy.exempts(path))
}
