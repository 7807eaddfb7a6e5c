//! Request fields in which a proxy tells an application who and where the client is.
//!
//! Applications and their libraries believe them, each a choice of its own, so that from a peer that is not trusted none may
//! go on: X-Forwarded and all that begin with it and `-`; what Rack, `request-ip`, WebLogic and their like look for; what CDNs
//! and balancers set. `Forwarded` (RFC 7239) is not here: it goes on from nobody.

/// Whether a field, by its name in lower case, tells who or where the client is.
pub(crate) fn is_believed(name: &str) -> bool {
    if let Some(rest) = name.strip_prefix("x-forwarded") {
        return rest.is_empty() || rest.starts_with('-');
    }
    matches!(
        name,
        "cf-connecting-ip"
            | "cf-connecting-ipv6"
            | "cf-pseudo-ipv4"
            | "client-ip"
            | "do-connecting-ip"
            | "fastly-client-ip"
            | "fly-client-ip"
            | "forwarded-for"
            | "proxy-client-ip"
            | "true-client-ip"
            | "wl-proxy-client-ip"
            | "x-appengine-user-ip"
            | "x-azure-clientip"
            | "x-azure-socketip"
            | "x-client-ip"
            | "x-cluster-client-ip"
            | "x-envoy-external-address"
            | "x-nf-client-connection-ip"
            | "x-original-forwarded-for"
            | "x-originating-ip"
            | "x-real-ip"
            | "x-remote-addr"
            | "x-remote-ip"
            | "x-vercel-forwarded-for"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_counts_as_a_whole() {
        for name in [
            "x-forwarded",
            "x-forwarded-",
            "x-forwarded-for",
            "x-real-ip",
        ] {
            assert!(is_believed(name), "{name}");
        }
        for name in [
            "x-forwardedfor",
            "x-forward",
            "x-real-ip-2",
            "ip",
            "forwarded",
            "",
        ] {
            assert!(!is_believed(name), "{name}");
        }
    }
}
