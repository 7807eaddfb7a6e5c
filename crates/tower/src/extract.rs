//! What handlers read: the nonce of the exchange, the client's address.

use std::fmt;
use std::net::IpAddr;

use http::Extensions;
use mantlet_engine::Permit;

use crate::head::Connection;

/// The nonce of this exchange, for the `nonce` attribute of script and style elements: print it, it needs no escaping. An
/// axum extractor with the feature `axum`, also as `Option<Nonce>` where a policy may have none; elsewhere [`Nonce::of`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Nonce(mantlet_engine::Nonce);

/// The policy of this path has no `'nonce'`, or the layer is not around this service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MissingNonce;

impl Nonce {
    /// Reads it from the extensions of a request.
    ///
    /// # Errors
    /// [`MissingNonce`] where the layer put none.
    pub fn of(extensions: &Extensions) -> Result<Self, MissingNonce> {
        extensions
            .get::<Permit>()
            .and_then(Permit::nonce)
            .map(Self)
            .ok_or(MissingNonce)
    }

    /// The text between `'nonce-` and `'`: 22 characters of base64url.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl fmt::Display for Nonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for MissingNonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no nonce: write 'nonce' into script-src or style-src of this path's [csp], and put mantlet::layer around the router")
    }
}

impl std::error::Error for MissingNonce {}

#[cfg(feature = "axum")]
impl<S: Sync> axum::extract::FromRequestParts<S> for Nonce {
    type Rejection = MissingNonce;

    async fn from_request_parts(
        parts: &mut http::request::Parts,
        _: &S,
    ) -> Result<Self, MissingNonce> {
        Self::of(&parts.extensions)
    }
}

/// `None` where the layer put none: a policy that can change under the handler may lose its `'nonce'`.
#[cfg(feature = "axum")]
impl<S: Sync> axum::extract::OptionalFromRequestParts<S> for Nonce {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(
        parts: &mut http::request::Parts,
        _: &S,
    ) -> Result<Option<Self>, Self::Rejection> {
        Ok(Self::of(&parts.extensions).ok())
    }
}

/// 500: the mistake is in the service, and its cause goes to [`tracing`] as an error and not to the client.
#[cfg(feature = "axum")]
impl axum::response::IntoResponse for MissingNonce {
    fn into_response(self) -> axum::response::Response {
        tracing::error!("{self}");
        http::StatusCode::INTERNAL_SERVER_ERROR.into_response()
    }
}

/// The client's address: the peer's, or what a proxy in `trusted_proxies` tells. An axum extractor with the feature `axum`;
/// elsewhere [`ClientAddress::of`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientAddress(pub IpAddr);

/// Nobody has told the layer who the peer is, or the layer is not around this service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MissingPeer;

impl ClientAddress {
    /// Reads it from the extensions of a request.
    ///
    /// # Errors
    /// [`MissingPeer`] where there is neither a [`Connection`] nor axum's `ConnectInfo`.
    pub fn of(extensions: &Extensions) -> Result<Self, MissingPeer> {
        let told = extensions.get::<Permit>().and_then(Permit::client);
        told.or_else(|| Some(Connection::of(extensions)?.peer.ip().to_canonical()))
            .map(Self)
            .ok_or(MissingPeer)
    }
}

impl fmt::Display for ClientAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for MissingPeer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the peer is not known: serve the router with into_make_service_with_connect_info::<SocketAddr>(), or put a Connection into the request's extensions")
    }
}

impl std::error::Error for MissingPeer {}

#[cfg(feature = "axum")]
impl<S: Sync> axum::extract::FromRequestParts<S> for ClientAddress {
    type Rejection = MissingPeer;

    async fn from_request_parts(
        parts: &mut http::request::Parts,
        _: &S,
    ) -> Result<Self, MissingPeer> {
        Self::of(&parts.extensions)
    }
}

/// 500: the mistake is in the service, and its cause goes to [`tracing`] as an error and not to the client.
#[cfg(feature = "axum")]
impl axum::response::IntoResponse for MissingPeer {
    fn into_response(self) -> axum::response::Response {
        tracing::error!("{self}");
        http::StatusCode::INTERNAL_SERVER_ERROR.into_response()
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::net::SocketAddr;

    use http::{Request, Response};
    use mantlet_engine::policy::{Policy, Rules, Scoped};
    use mantlet_engine::{Engine, OsEntropy};
    use tower::{Layer, ServiceExt, service_fn};

    use super::*;

    /// The client as a handler behind the layer sees it, and whether the layer put a permit there.
    async fn seen(peer: Option<&str>) -> (Result<String, MissingPeer>, bool) {
        let mut policy = Policy::new(Scoped::any(Rules::default()));
        policy.trusted_proxies = vec!["10.0.0.1/32".parse().expect("a network")];
        let answer = std::sync::Arc::new(std::sync::Mutex::new(None));
        let told = answer.clone();
        let handler = service_fn(move |request: Request<()>| {
            let client = ClientAddress::of(request.extensions()).map(|client| client.to_string());
            let permit = request.extensions().get::<Permit>().is_some();
            *told.lock().expect("no panic") = Some((client, permit));
            std::future::ready(Ok::<_, Infallible>(Response::new(())))
        });
        let mut request = Request::new(());
        let chain = http::HeaderValue::from_static("192.0.2.9, 192.0.2.1");
        request.headers_mut().insert("x-forwarded-for", chain);
        if let Some(peer) = peer {
            let peer: SocketAddr = peer.parse().expect("an address");
            request
                .extensions_mut()
                .insert(Connection { peer, tls: false });
        }
        let service = crate::layer(Engine::new(policy, OsEntropy)).layer(handler);
        service.oneshot(request).await.expect("an answer");
        let seen = answer.lock().expect("no panic").take();
        seen.expect("the handler ran")
    }

    #[tokio::test]
    async fn a_trusted_peer_tells_the_client_and_a_stranger_is_the_client() {
        let client = |ip: &str| Ok(ip.to_owned());
        assert_eq!(seen(Some("10.0.0.1:1")).await, (client("192.0.2.1"), true));
        // nothing is put into the extensions that is there already
        assert_eq!(seen(Some("10.0.0.2:1")).await, (client("10.0.0.2"), false));
        let mapped = seen(Some("[::ffff:10.0.0.2]:1")).await;
        assert_eq!(mapped.0, client("10.0.0.2"));
        assert_eq!(seen(None).await, (Err(MissingPeer), false));
    }
}
