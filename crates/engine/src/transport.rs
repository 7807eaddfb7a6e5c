//! Where to send a client that came to the wrong place.

use http::{HeaderValue, Method, StatusCode};
use mantlet_headers::Authority;

use crate::head::RequestHead;
use crate::reason::{HOST_REDIRECT, HTTPS_HOST, HTTPS_REQUIRED, Reason};
use crate::verdict::Denial;

/// The way to https for a request that came by plain http. The port is the default one of https.
pub(crate) fn to_https(head: &RequestHead<'_>, host: Option<&Authority<'_>>) -> Denial {
    let location = host.and_then(|host| location("https", host.host(), None, head));
    match location {
        Some(location) => redirect(&HTTPS_REQUIRED, head.method, location),
        None => Denial::of(&HTTPS_HOST),
    }
}

/// The way to the name of the service that is listed.
pub(crate) fn to_name(
    head: &RequestHead<'_>,
    name: &str,
    port: Option<u16>,
    secure: bool,
) -> Denial {
    let scheme = if secure { "https" } else { "http" };
    match location(scheme, name, port, head) {
        Some(location) => redirect(&HOST_REDIRECT, head.method, location),
        None => Denial::of(&crate::reason::HOST_UNKNOWN),
    }
}

/// 301 for GET and HEAD, 308 for the others, which must keep their method and body (RFC 9110 section 15.4).
fn redirect(reason: &'static Reason, method: &Method, location: HeaderValue) -> Denial {
    let mut denial = Denial::of(reason);
    denial.status = match *method {
        Method::GET | Method::HEAD => StatusCode::MOVED_PERMANENTLY,
        _ => StatusCode::PERMANENT_REDIRECT,
    };
    denial.location = Some(location);
    denial
}

fn location(
    scheme: &str,
    host: &str,
    port: Option<u16>,
    head: &RequestHead<'_>,
) -> Option<HeaderValue> {
    let mut text = format!("{scheme}://{host}").into_bytes();
    if let Some(port) = port {
        text.extend_from_slice(format!(":{port}").as_bytes());
    }
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
