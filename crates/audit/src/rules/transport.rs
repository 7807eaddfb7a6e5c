//! Redirects and certificates.

pub(crate) mod certificate;
pub(crate) mod no_https;
pub(crate) mod redirect;
