//! What handlers read: the nonce of the exchange.

use std::fmt;

use http::Extensions;
use mantlet_engine::Permit;

/// The nonce of this exchange, for the `nonce` attribute of script and style elements. An axum extractor with the feature
/// `axum`; elsewhere [`Nonce::of`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Nonce(pub mantlet_engine::Nonce);

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

/// 500: the mistake is in the service, and its cause goes into the log and not to the client.
#[cfg(feature = "axum")]
impl axum::response::IntoResponse for MissingNonce {
    fn into_response(self) -> axum::response::Response {
        http::StatusCode::INTERNAL_SERVER_ERROR.into_response()
    }
}
