//! Cross-Origin-Opener-Policy, -Embedder-Policy, -Resource-Policy.

pub(crate) mod embedder;
pub(crate) mod opener;
pub(crate) mod resource;
