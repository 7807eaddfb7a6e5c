//! What the application may read of a request that was let through.

use crate::nonce::Nonce;

/// The answer of the checks to the application.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Permit {
    pub(crate) nonce: Option<Nonce>,
    pub(crate) secure: bool,
}

impl Permit {
    /// The nonce of this exchange, if the policy uses one here.
    pub fn nonce(&self) -> Option<Nonce> {
        self.nonce
    }

    /// Whether the client came by https: TLS here, a trusted peer's word, or `https = "assume"`.
    pub fn is_secure(&self) -> bool {
        self.secure
    }
}
