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
    if let Some(connection) = Connection::of(request.extensions()) {
        head.peer = Some(connection.peer.ip());
        head.tls = connection.tls;
    }
    head
}

impl Connection {
    /// What the server, or axum, has put into the extensions of a request.
    pub(crate) fn of(extensions: &Extensions) -> Option<Self> {
        if extensions.is_empty() {
            return None;
        }
        let told = extensions.get::<Self>().copied();
        told.or_else(|| {
            let peer = peer_told_by_axum(extensions)?;
            Some(Self { peer, tls: false })
        })
    }
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
