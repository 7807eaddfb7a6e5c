//! Whether the client came by https, and where to send it if it did not.
//!
//! 1. `https = "assume"`: yes.
//! 2. TLS ends here: yes.
//! 3. The peer is in `trusted_proxies` and the last element of X-Forwarded-Proto, the one that peer added, is `https`: yes.
//! 4. Otherwise: no. An untrusted peer's X-Forwarded-Proto is not read.

use std::net::IpAddr;

use http::{HeaderName, HeaderValue, Method, StatusCode, header};
use ipnet::IpNet;
use mantlet_headers::Authority;

use crate::head::{RequestHead, Single};
use crate::policy::Https;
use crate::verdict::Denial;

const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

pub(crate) fn is_secure(https: Https, trusted: &[IpNet], head: &RequestHead<'_>) -> bool {
    if https == Https::Assume || head.tls {
        return true;
    }
    if trusted.is_empty() || !head.peer.is_some_and(|peer| trusts(trusted, peer)) {
        return false;
    }
    let mut last = None;
    head.fields
        .each(&X_FORWARDED_PROTO, &mut |line| last = Some(line));
    let nearest = last
        .and_then(|line| line.rsplit(|&b| b == b',').next())
        .unwrap_or_default();
    nearest.trim_ascii().eq_ignore_ascii_case(b"https")
}

/// Whether `peer` is in one of the networks; an IPv4 address in IPv6 clothes is that IPv4 address.
pub(crate) fn trusts(trusted: &[IpNet], peer: IpAddr) -> bool {
    let peer = peer.to_canonical();
    trusted.iter().any(|net| net.contains(&peer))
}

/// The way to https for a request that came by plain http: 301 for GET and HEAD, 308 for the others, which must keep
/// their method and body (RFC 9110 section 15.4). The port is the default one of https.
pub(crate) fn to_https(head: &RequestHead<'_>) -> Denial {
    let authority = match head.authority {
        Some(authority) => Single::One(authority),
        None => head.fields.single(&header::HOST),
    };
    let location = match authority {
        Single::One(bytes) => Authority::parse(bytes)
            .ok()
            .and_then(|authority| location(authority.host(), head)),
        Single::Missing | Single::Repeated => None,
    };
    let Some(location) = location else {
        let detail = "This request needs https, and its Host does not say where.";
        return Denial::new("https.host", StatusCode::BAD_REQUEST, detail);
    };
    let status = match *head.method {
        Method::GET | Method::HEAD => StatusCode::MOVED_PERMANENTLY,
        _ => StatusCode::PERMANENT_REDIRECT,
    };
    let mut denial = Denial::new("https.required", status, "Use https.");
    denial.location = Some(location);
    denial
}

fn location(host: &str, head: &RequestHead<'_>) -> Option<HeaderValue> {
    let mut text = b"https://".to_vec();
    text.extend_from_slice(host.as_bytes());
    if !head.path.starts_with(b"/") {
        text.push(b'/');
    }
    if head.path != b"*" {
        text.extend_from_slice(head.path);
    }
    if let Some(query) = head.query {
        text.push(b'?');
        text.extend_from_slice(query);
    }
    HeaderValue::from_bytes(&text).ok()
}
