//! Fields that end at a proxy, and fields that a proxy adds.
//!
//! * RFC 9110 section 7.6.1: what `Connection` names, and the fields that speak of one connection only, are removed. They
//!   are removed before ours are added, so that `Connection: X-Forwarded-For` cannot remove ours.
//! * X-Forwarded-For, -Proto and -Host are written anew, of what is verified: the addresses that somebody trusted vouches
//!   for, the scheme and the host that the engine found. From a peer that is not trusted nothing else goes on that
//!   applications [believe](crate::believed), nor the policy's own field of the client's address. `Forwarded` (RFC 7239) is
//!   removed from anybody: two accounts of one journey can differ.
//! * `Mantlet-*` of a client never goes on. `Proxy` does not either: CGI makes HTTP_PROXY of it (CVE-2016-5385).

use std::net::IpAddr;

use http::header::{
    CONNECTION, CONTENT_LENGTH, EXPECT, HOST, SEC_WEBSOCKET_ACCEPT, TE, TRAILER, TRANSFER_ENCODING,
    UPGRADE,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Version};
use mantlet_engine::Engine;

use crate::believed::is_believed;

/// The nonce of the exchange, for the application.
pub(crate) const MANTLET_NONCE: HeaderName = HeaderName::from_static("mantlet-nonce");
/// The reason code of an answer of the proxy, for whoever debugs a policy.
pub(crate) const MANTLET_REASON: HeaderName = HeaderName::from_static("mantlet-reason");
const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const WEBSOCKET: HeaderValue = HeaderValue::from_static("websocket");

/// What the application is told of the way a request came.
pub(crate) struct Way {
    /// Every address that somebody trusted vouches for, from the client's to the peer's: X-Forwarded-For.
    pub(crate) addresses: HeaderValue,
    /// The host that a trusted peer tells of; `None`: Host.
    pub(crate) host: Option<HeaderValue>,
    /// Whether the client came by https.
    pub(crate) scheme: Scheme,
    /// Whether the policy trusts the peer's forwarding fields.
    pub(crate) trust: Trust,
    /// The policy, which has fields of its own.
    pub(crate) engine: Engine,
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
pub(crate) fn rewrite_request(headers: &mut HeaderMap, way: Way) -> Result<(), ConnectionNames> {
    let mut doomed = connection_names(headers)?;
    let trusted = way.trust == Trust::Trusted;
    for name in headers.keys() {
        let text = name.as_str();
        let own = way.engine.client_field();
        // an application may read one of these in the place of a field that the policy reads
        let aliases = |field: &HeaderName| field != name && is_alias(text, field.as_str());
        let is_alias = own.is_some_and(aliases) || way.engine.method_override().iter().any(aliases);
        let goes = ends_here(name)
            || text == "forwarded"
            || text.starts_with("mantlet-")
            || (!trusted && is_believed(text))
            || (!trusted && own == Some(name))
            || is_alias;
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

    headers.reserve(4);
    headers.insert(X_FORWARDED_FOR, way.addresses);
    if let Some(host) = way.host.or_else(|| headers.get(HOST).cloned()) {
        headers.insert(X_FORWARDED_HOST, host);
    } else {
        headers.remove(X_FORWARDED_HOST);
    }
    let proto = match way.scheme {
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

/// Whether CGI and WSGI give an application both names as one: they make `_` of `-`, and some of any other mark.
fn is_alias(name: &str, of: &str) -> bool {
    let folded = |byte: u8| match byte.is_ascii_alphanumeric() {
        true => byte,
        false => b'_',
    };
    name.len() == of.len() && name.bytes().map(folded).eq(of.bytes().map(folded))
}

/// Addresses as a list; `None` if there is none.
pub(crate) fn joined(addresses: &[IpAddr]) -> Option<HeaderValue> {
    let (first, others) = addresses.split_first()?;
    let mut text = first.to_string();
    for address in others {
        text.push_str(", ");
        text.push_str(&address.to_string());
    }
    HeaderValue::try_from(text).ok()
}

#[cfg(test)]
mod tests {
    use mantlet_engine::OsEntropy;
    use mantlet_engine::policy::{ClientAddress, CrossOrigin, Policy, Rules, Scoped};

    use super::*;

    fn map(fields: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(*name, HeaderValue::from_static(value));
        }
        headers
    }

    /// A policy that reads this field of trusted peers, and another of a method.
    fn engine(client_field: &'static str) -> Engine {
        let mut policy = Policy::new(Scoped::any(Rules::default()));
        if !client_field.is_empty() {
            let name = HeaderName::from_static;
            policy.client_address = ClientAddress::Field(name(client_field));
            policy.cross_origin = Some(CrossOrigin {
                method_override: vec![name("x-client-method")],
                ..CrossOrigin::default()
            });
        }
        Engine::new(policy, OsEntropy)
    }

    fn way() -> Way {
        Way {
            addresses: HeaderValue::from_static("192.0.2.7"),
            host: None,
            scheme: Scheme::Http,
            trust: Trust::Untrusted,
            engine: engine(""),
        }
    }

    fn rewritten(fields: &[(&'static str, &'static str)], way: Way) -> HeaderMap {
        let mut headers = map(fields);
        rewrite_request(&mut headers, way).unwrap();
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
        ("x-original-url", "/admin"),
        ("x-rewrite-url", "/admin"),
        ("x-remote-user", "root"),
        ("remote-user", "root"),
        ("client-cert", ":AA==:"),
        ("forwarded", "for=203.0.113.4"),
        ("mantlet-nonce", "guess"),
        ("mantlet-nonce", "again"),
        ("proxy", "http://203.0.113.5"),
    ];

    #[test]
    fn an_untrusted_peer_tells_nothing() {
        let headers = rewritten(LIES, way());
        let expected = map(&[
            ("host", "example.com"),
            ("x-forwarded-for", "192.0.2.7"),
            ("x-forwarded-host", "example.com"),
            ("x-forwarded-proto", "http"),
        ]);
        assert_eq!(headers, expected);
    }

    #[test]
    fn of_a_trusted_peer_goes_on_what_is_verified_and_what_is_not_ours() {
        let way = Way {
            addresses: HeaderValue::from_static("203.0.113.2, 192.0.2.7"),
            host: Some(HeaderValue::from_static("other.example")),
            trust: Trust::Trusted,
            ..way()
        };
        let headers = rewritten(LIES, way);
        for (name, value) in [
            ("x-forwarded-for", "203.0.113.2, 192.0.2.7"),
            ("x-forwarded-host", "other.example"),
            ("x-forwarded-proto", "http"),
            ("x-real-ip", "203.0.113.3"),
            ("x-forwarded", "for=203.0.113.6"),
            ("cf-connecting-ip", "203.0.113.7"),
            ("x-original-url", "/admin"),
            ("remote-user", "root"),
        ] {
            assert_eq!(headers[name], value, "{name}");
            assert_eq!(headers.get_all(name).iter().count(), 1, "{name}");
        }
        for gone in ["forwarded", "mantlet-nonce", "proxy"] {
            assert!(!headers.contains_key(gone), "{gone}");
        }
    }

    #[test]
    fn the_policys_own_fields_go_on_and_no_alias_of_them_from_anybody() {
        let fields = [
            ("x-client", "1"),
            ("x_client", "2"),
            ("x-client-2", "3"),
            ("x-client-method", "PUT"),
            ("x_client_method", "PUT"),
            ("x.client-method", "PUT"),
        ];
        for (trust, left) in [
            (Trust::Untrusted, &["x-client-2", "x-client-method"][..]),
            (
                Trust::Trusted,
                &["x-client", "x-client-2", "x-client-method"],
            ),
        ] {
            let way = Way {
                trust,
                engine: engine("x-client"),
                ..way()
            };
            let headers = rewritten(&fields, way);
            let found = headers.keys().map(HeaderName::as_str);
            let mut found: Vec<_> = found.filter(|name| name.contains("client")).collect();
            found.sort_unstable();
            assert_eq!(found, left, "{trust:?}");
        }
    }

    #[test]
    fn addresses_are_joined_in_their_order() {
        let addresses = ["203.0.113.1", "2001:db8::1"].map(|ip| ip.parse().unwrap());
        assert_eq!(joined(&addresses).unwrap(), "203.0.113.1, 2001:db8::1");
        assert_eq!(joined(&addresses[..1]).unwrap(), "203.0.113.1");
        assert_eq!(joined(&[]), None);
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
        let headers = rewritten(&fields, way());
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
