//! What handlers read: the nonce of the exchange.

use std::fmt;

use http::Extensions;
use mantlet_engine::Permit;

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
