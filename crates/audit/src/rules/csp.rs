//! Content-Security-Policy.

pub(crate) mod broad_source;
pub(crate) mod bypass_host;
pub(crate) mod fault;
pub(crate) mod form_action;
pub(crate) mod host_list;
pub(crate) mod ip_source;
pub(crate) mod meta_ignored;
pub(crate) mod missing;
pub(crate) mod missing_directive;
pub(crate) mod plain_http;
pub(crate) mod report_endpoint;
pub(crate) mod trusted_types;
pub(crate) mod unsafe_eval;
pub(crate) mod unsafe_hashes;
pub(crate) mod unsafe_inline;
pub(crate) mod unsafe_style;
pub(crate) mod weak_nonce;
