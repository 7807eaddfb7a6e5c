//! Resource isolation: another site's page cannot load what is not meant for it, reads included. It stops cross-site script
//! inclusion, many timing leaks and Spectre's reach, for it denies the request before there is an answer to leak.
//!
//! In this order, the first answer counts (<https://www.w3.org/TR/fetch-metadata/>):
//!
//! 1. No Sec-Fetch-Site: an old browser, plain http, or a program. Passes.
//! 2. `same-origin` and `none` pass; `same-site` if it is allowed. A value that no browser sends counts as `cross-site`.
//! 3. A navigation by GET or HEAD passes, but not into `object` or `embed`, and into a frame only if framing is allowed.
//! 4. A request with CORS passes if it is allowed, and one from an origin in `cross_origin.allowed_origins`.
//! 5. The rest is denied: images, scripts, styles, fonts, forms of other sites.

use http::Method;

use super::{Facts, origin};
use crate::head::Single;
use crate::policy::ResourceIsolation;
use crate::reason::{
    ISOLATION_CORS, ISOLATION_EMBEDDED, ISOLATION_FRAMED, ISOLATION_REPEATED, ISOLATION_SAME_SITE,
    Reason,
};

pub(super) fn check(facts: &Facts<'_>, policy: &ResourceIsolation) -> Result<(), &'static Reason> {
    let once = |field| match facts.short(field)? {
        Single::Repeated => Err(&ISOLATION_REPEATED),
        Single::One(value) => Ok(value),
        Single::Missing => Ok(&b""[..]),
    };
    let same_site = match once(facts.read.site)? {
        b"" | b"same-origin" | b"none" => return Ok(()),
        b"same-site" => true,
        _ => false,
    };
    if same_site && policy.allow_same_site {
        return Ok(());
    }
    let (mode, dest) = (once(facts.read.mode)?, once(facts.read.dest)?);
    let reads = matches!(*facts.head.method, Method::GET | Method::HEAD);
    let framed = matches!(dest, b"iframe" | b"frame" | b"fencedframe");
    if mode == b"navigate" && reads && !matches!(dest, b"object" | b"embed") {
        if policy.allow_framing || !framed {
            return Ok(());
        }
    } else if mode == b"cors" && policy.allow_cors {
        return Ok(());
    }
    let own = facts.compiled.cross_origin.as_ref();
    let allowed = own.map_or(&[][..], |policy| &policy.allowed_origins);
    if let Single::One(value) = facts.short(facts.read.origin)?
        && origin::is_allowed(Some(value), allowed)
    {
        return Ok(());
    }
    Err(match mode {
        _ if same_site => &ISOLATION_SAME_SITE,
        b"cors" => &ISOLATION_CORS,
        b"navigate" if framed => &ISOLATION_FRAMED,
        _ => &ISOLATION_EMBEDDED,
    })
}
