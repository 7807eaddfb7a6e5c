//! Set-Cookie.

pub(crate) mod dropped;
pub(crate) mod http_only;
pub(crate) mod prefix;
pub(crate) mod same_site;
pub(crate) mod secure;
