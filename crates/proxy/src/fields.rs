//! Fields that end at a proxy, and fields that a proxy adds.
//!
//! * RFC 9110 section 7.6.1: what `Connection` names, and the fields that speak of one connection only, are removed. They
//!   are removed before ours are added, so that `Connection: X-Forwarded-For` cannot remove ours.
//! * X-Forwarded-For, -Proto and -Host are rewritten. From a peer that is not trusted nothing of the kind goes on, nor any
//!   other field of the client's address that applications [believe](crate::believed); from a trusted one the chain of X-Forwarded-For goes on, with the peer appended, and so does a single sane X-Forwarded-Host.
//!   X-Forwarded-Proto says what the engine found, which has read the trusted peer's word. `Forwarded` (RFC 7239) is
//!   removed from anybody: two accounts of one journey can differ.
//! * `Mantlet-*` of a client never goes on. `Proxy` does not either: CGI makes HTTP_PROXY of it (CVE-2016-5385).

use http::header::{
    CONNECTION, CONTENT_LENGTH, EXPECT, HOST, SEC_WEBSOCKET_ACCEPT, TE, TRAILER, TRANSFER_ENCODING,
    UPGRADE,
};
use http::uri::Authority;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Version};

use crate::believed::is_believed;

/// The nonce of the exchange, for the application.
pub(crate) const MANTLET_NONCE: HeaderName = HeaderName::from_static("mantlet-nonce");
/// The reason code of an answer of the proxy, for whoever debugs a policy.
pub(crate) const MANTLET_REASON: HeaderName = HeaderName::from_static("mantlet-reason");
const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const WEBSOCKET: HeaderValue = HeaderValue::from_static("websocket");

/// Who sent a request, and how.
pub(crate) struct Sender<'a> {
    /// The peer's address, as a field value.
    pub(crate) peer: &'a HeaderValue,
    /// Whether the policy trusts the peer's forwarding fields.
    pub(crate) trust: Trust,
    /// Whether the client came by https.
    pub(crate) scheme: Scheme,
}

/// Whether a peer's forwarding fields are believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trust {
    Trusted,
    Untrusted,
}

/// What the client speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scheme {
    Http,
    Https,
}

/// A `Connection` field that names a field every recipient needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ConnectionNames;

/// Whether the request is a WebSocket handshake (RFC 6455 section 4.1): the only upgrade that goes through. h2c would open a
/// way past every check.
pub(crate) fn is_websocket(method: &Method, version: Version, headers: &HeaderMap) -> bool {
    method == Method::GET && version == Version::HTTP_11 && upgrades_to_websocket(headers)
}

/// Whether a 101 is the answer to a WebSocket handshake (RFC 6455 section 4.2.2), without a body: RFC 9110 section 8.6 and
/// RFC 9112 section 6.1 forbid one to be announced, and a reader that believes it takes frames for a body.
pub(crate) fn accepts_websocket(headers: &HeaderMap) -> bool {
    upgrades_to_websocket(headers)
        && headers.contains_key(SEC_WEBSOCKET_ACCEPT)
        && !headers.contains_key(CONTENT_LENGTH)
        && !headers.contains_key(TRANSFER_ENCODING)
}

/// Whether `Upgrade` is one `websocket`, and `Connection` names it.
fn upgrades_to_websocket(headers: &HeaderMap) -> bool {
    let mut upgrades = headers.get_all(UPGRADE).iter();
    let websocket = upgrades
        .next()
        .is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"websocket"));
    websocket
        && upgrades.next().is_none()
        && named(headers).any(|token| token.eq_ignore_ascii_case(b"upgrade"))
}

/// Rewrites the fields of a request for the application. `Host` is there if the client has said it: without it there is no
/// X-Forwarded-Host, unless a trusted peer says one.
///
/// # Errors
/// [`ConnectionNames`]; the request is then not to be sent.
pub(crate) fn rewrite_request(
    headers: &mut HeaderMap,
    sender: &Sender<'_>,
) -> Result<(), ConnectionNames> {
    let mut doomed = connection_names(headers)?;
    let trusted = sender.trust == Trust::Trusted;
    for name in headers.keys() {
        let text = name.as_str();
        let goes = ends_here(name)
            || text == "forwarded"
            || text.starts_with("mantlet-")
            || (!trusted && is_believed(text));
        if goes {
            doomed.push(name.clone());
        }
    }
    for name in &doomed {
        headers.remove(name);
    }
    if let Some(expect) = headers.get(EXPECT)
        && expect.as_bytes().eq_ignore_ascii_case(b"100-continue")
    {
        // answered here, when the application takes the body
        headers.remove(EXPECT);
    }

    let host = headers.get(HOST).cloned();
    let (chain, kept) = if trusted {
        (chain(headers, sender.peer), kept_host(headers))
    } else {
        (None, None)
    };
    headers.reserve(4);
    headers.insert(X_FORWARDED_FOR, chain.unwrap_or(sender.peer.clone()));
    if let Some(host) = kept.or(host) {
        headers.insert(X_FORWARDED_HOST, host);
    } else {
        headers.remove(X_FORWARDED_HOST);
    }
    let proto = match sender.scheme {
        Scheme::Http => HeaderValue::from_static("http"),
        Scheme::Https => HeaderValue::from_static("https"),
    };
    headers.insert(X_FORWARDED_PROTO, proto);
    Ok(())
}

/// Removes from a response what ends at a proxy.
pub(crate) fn rewrite_response(headers: &mut HeaderMap) {
    // an application that names Content-Length in Connection does not get its message cut
    let mut doomed = connection_names(headers).unwrap_or_default();
    doomed.extend(headers.keys().filter(|name| ends_here(name)).cloned());
    for name in &doomed {
        headers.remove(name);
    }
}

/// Puts back what a WebSocket handshake or its 101 says of this connection.
pub(crate) fn add_upgrade(headers: &mut HeaderMap) {
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(UPGRADE, WEBSOCKET);
}

/// Fields of one connection (RFC 9110 section 7.6.1), of proxy authentication, and `Proxy`.
fn ends_here(name: &HeaderName) -> bool {
    *name == CONNECTION
        || *name == TE
        || *name == TRAILER
        || *name == TRANSFER_ENCODING
        || *name == UPGRADE
        || matches!(
            name.as_str(),
            "keep-alive"
                | "proxy-connection"
                | "proxy-authenticate"
                | "proxy-authorization"
                | "proxy"
        )
}

/// The elements of all `Connection` lines.
fn named(headers: &HeaderMap) -> impl Iterator<Item = &[u8]> {
    headers
        .get_all(CONNECTION)
        .iter()
        .flat_map(|line| line.as_bytes().split(|&b| b == b','))
        .map(<[u8]>::trim_ascii)
}

/// The fields that `Connection` names, besides options like `close`.
fn connection_names(headers: &HeaderMap) -> Result<Vec<HeaderName>, ConnectionNames> {
    let mut names = Vec::new();
    for token in named(headers) {
        let option = [&b"keep-alive"[..], b"close", b"upgrade", b"te", b""]
            .iter()
            .any(|known| token.eq_ignore_ascii_case(known));
        if option {
            continue;
        }
        match HeaderName::from_bytes(token) {
            Ok(HOST | CONTENT_LENGTH) => return Err(ConnectionNames),
            Ok(name) => names.push(name),
            Err(_) => {}
        }
    }
    Ok(names)
}

/// X-Forwarded-For of a trusted peer, with that peer appended.
fn chain(headers: &HeaderMap, peer: &HeaderValue) -> Option<HeaderValue> {
    let mut text = Vec::new();
    for line in headers.get_all(X_FORWARDED_FOR) {
        text.extend_from_slice(line.as_bytes());
        text.extend_from_slice(b", ");
    }
    if text.is_empty() {
        return None;
    }
    text.extend_from_slice(peer.as_bytes());
    HeaderValue::from_bytes(&text).ok()
}

/// X-Forwarded-Host of a trusted peer, if there is one line and it is an authority.
fn kept_host(headers: &HeaderMap) -> Option<HeaderValue> {
    let mut lines = headers.get_all(X_FORWARDED_HOST).iter();
    let (Some(line), None) = (lines.next(), lines.next()) else {
        return None;
    };
    let sane = Authority::try_from(line.as_bytes())
        .is_ok_and(|authority| !authority.as_str().contains('@'));
    sane.then(|| line.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(fields: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(*name, HeaderValue::from_static(value));
        }
        headers
    }

    fn rewritten(fields: &[(&'static str, &'static str)], trust: Trust) -> HeaderMap {
        let mut headers = map(fields);
        let sender = Sender {
            peer: &HeaderValue::from_static("192.0.2.7"),
            trust,
            scheme: Scheme::Http,
        };
        rewrite_request(&mut headers, &sender).unwrap();
        headers
    }

    const LIES: &[(&str, &str)] = &[
        ("host", "example.com"),
        ("x-forwarded-for", "203.0.113.1"),
        ("x-forwarded-for", "203.0.113.2"),
        ("x-forwarded-host", "other.example"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-port", "444"),
        ("x-real-ip", "203.0.113.3"),
        ("x-forwarded", "for=203.0.113.6"),
        ("client-ip", "203.0.113.7"),
        ("true-client-ip", "203.0.113.7"),
        ("x-client-ip", "203.0.113.7"),
        ("x-cluster-client-ip", "203.0.113.7"),
        ("cf-connecting-ip", "203.0.113.7"),
        ("fastly-client-ip", "203.0.113.7"),
        ("forwarded-for", "203.0.113.7"),
        ("wl-proxy-client-ip", "203.0.113.7"),
        ("forwarded", "for=203.0.113.4"),
        ("mantlet-nonce", "guess"),
        ("mantlet-nonce", "again"),
        ("proxy", "http://203.0.113.5"),
    ];

    #[test]
    fn an_untrusted_peer_tells_nothing() {
        let headers = rewritten(LIES, Trust::Untrusted);
        let expected = map(&[
            ("host", "example.com"),
            ("x-forwarded-for", "192.0.2.7"),
            ("x-forwarded-host", "example.com"),
            ("x-forwarded-proto", "http"),
        ]);
        assert_eq!(headers, expected);
    }

    #[test]
    fn a_trusted_peer_keeps_the_chain_and_the_host() {
        let headers = rewritten(LIES, Trust::Trusted);
        assert_eq!(
            headers["x-forwarded-for"],
            "203.0.113.1, 203.0.113.2, 192.0.2.7"
        );
        assert_eq!(headers["x-forwarded-host"], "other.example");
        assert_eq!(headers["x-real-ip"], "203.0.113.3");
        assert_eq!(headers["x-forwarded"], "for=203.0.113.6");
        assert_eq!(headers["true-client-ip"], "203.0.113.7");
        assert_eq!(headers["cf-connecting-ip"], "203.0.113.7");
        assert!(!headers.contains_key("forwarded"));
        assert!(!headers.contains_key("mantlet-nonce"));
    }

    #[test]
    fn a_strange_forwarded_host_gives_way_to_host() {
        for lines in [&["a b"][..], &["a@b"], &["a", "b"]] {
            let mut fields = vec![("host", "example.com")];
            fields.extend(lines.iter().map(|line| ("x-forwarded-host", *line)));
            let headers = rewritten(&fields, Trust::Trusted);
            assert_eq!(headers["x-forwarded-host"], "example.com", "{lines:?}");
            assert_eq!(headers.get_all("x-forwarded-host").iter().count(), 1);
        }
    }

    #[test]
    fn what_connection_names_goes_before_ours_comes() {
        let fields = [
            ("host", "example.com"),
            ("connection", "keep-alive, X-Forwarded-For"),
            ("connection", "x-hop"),
            ("keep-alive", "timeout=5"),
            ("te", "trailers"),
            ("x-hop", "1"),
            ("x-end", "2"),
        ];
        let headers = rewritten(&fields, Trust::Untrusted);
        assert_eq!(headers["x-forwarded-for"], "192.0.2.7");
        assert_eq!(headers["x-end"], "2");
        for gone in ["connection", "keep-alive", "te", "x-hop"] {
            assert!(!headers.contains_key(gone), "{gone}");
        }
    }

    #[test]
    fn connection_may_not_name_what_everybody_needs() {
        for name in ["Host", "content-length"] {
            let mut headers = map(&[("host", "example.com")]);
            headers.insert(CONNECTION, HeaderValue::from_static(name));
            assert_eq!(connection_names(&headers), Err(ConnectionNames));
        }
    }

    #[test]
    fn only_websocket_is_an_upgrade() {
        let shakes = |connection, upgrade| {
            let headers = map(&[("connection", connection), ("upgrade", upgrade)]);
            is_websocket(&Method::GET, Version::HTTP_11, &headers)
        };
        assert!(shakes("keep-alive, Upgrade", "WebSocket"));
        assert!(!shakes("keep-alive", "websocket"));
        assert!(!shakes("upgrade", "h2c"));
        assert!(!shakes("upgrade", "websocket, h2c"));
    }
}
