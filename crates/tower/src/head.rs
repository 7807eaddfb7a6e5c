//! Facts about a request, lent to the engine.

use std::net::SocketAddr;

use http::{Extensions, Request};
use mantlet_engine::RequestHead;

/// What a server knows of the connection a request came on. Insert it into the request extensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connection {
    /// The other end.
    pub peer: SocketAddr,
    /// Whether it is TLS.
    pub tls: bool,
}

/// Lends the parts of `request` that a policy reads.
pub(crate) fn head<B>(request: &Request<B>) -> RequestHead<'_> {
    let uri = request.uri();
    let mut head = RequestHead::new(request.method(), uri.path().as_bytes(), request.headers());
    head.query = uri.query().map(str::as_bytes);
    head.authority = uri
        .authority()
        .map(|authority| authority.as_str().as_bytes());
    let extensions = request.extensions();
    if !extensions.is_empty() {
        if let Some(connection) = extensions.get::<Connection>() {
            head.peer = Some(connection.peer.ip());
            head.tls = connection.tls;
        } else {
            head.peer = peer_told_by_axum(extensions).map(|peer| peer.ip());
        }
    }
    head
}

#[cfg(feature = "axum")]
fn peer_told_by_axum(extensions: &Extensions) -> Option<SocketAddr> {
    extensions
        .get::<axum::extract::ConnectInfo<SocketAddr>>()
        .map(|info| info.0)
}

#[cfg(not(feature = "axum"))]
fn peer_told_by_axum(_: &Extensions) -> Option<SocketAddr> {
    None
}
