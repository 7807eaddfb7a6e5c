//! Request fields in which a proxy speaks to an application: who and where the client is, as whom it is logged in, and what
//! was asked for.
//!
//! Applications and their libraries believe them, each a choice of its own, so that from a peer that is not trusted none may
//! go on. Nobody can list all: an application's own field is `client_address` of the policy, or its own to guard. `Forwarded`
//! (RFC 7239) is not here: it goes on from nobody.

/// Whether a field, by its name in lower case, is one in which applications believe a proxy.
pub(crate) fn is_believed(name: &str) -> bool {
    match name.strip_prefix("x-") {
        Some(rest) => is_believed_x(rest),
        None => is_standing(name),
    }
}

/// Names that begin with `x-`, by what follows.
fn is_believed_x(rest: &str) -> bool {
    if let Some(rest) = rest.strip_prefix("forwarded") {
        // what Rack, Django, Spring, oauth2-proxy, Traefik and their like read: -For, -Host, -Uri, -Prefix, -User, -Email ...
        return rest.is_empty() || rest.starts_with('-');
    }
    match rest {
        // the client's address: `request-ip`, WebLogic, CDNs, balancers and platforms
        "appengine-user-ip"
        | "azure-clientip"
        | "azure-socketip"
        | "client-ip"
        | "cluster-client-ip"
        | "nf-client-connection-ip"
        | "original-forwarded-for"
        | "originating-ip"
        | "real-ip"
        | "remote-addr"
        | "remote-ip"
        | "vercel-forwarded-for" => true,
        // the path, in place of the one that the policy's routes have seen: IIS and what ran on it (CVE-2018-14773 of Symfony,
        // ZF2018-01 of Zend, yiisoft/yii#4234); ingress-nginx and nginx's auth_request
        "original-url" | "original-uri" | "original-method" | "rewrite-url" => true,
        // the host, scheme and prefix: Azure Application Gateway, <https://portswigger.net/web-security/host-header/exploiting>,
        // ingress-nginx, and Flask's much copied ReverseProxied
        "original-host" | "host" | "http-host-override" | "scheme" | "script-name" => true,
        // what Rack::Sendfile answers with, in place of a file (CVE-2025-61780)
        "sendfile-type" | "accel-mapping" => true,
        // the client certificate: Azure App Service
        "arr-clientcert" => true,
        // the user: Kong
        "consumer-id" | "consumer-custom-id" | "consumer-username" | "credential-identifier" => {
            true
        }
        _ => [
            // <https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_conn_man/header_sanitizing>
            "envoy-",
            // the user. Kubernetes: --requestheader-*-headers, X-Remote-User, -Group and -Extra-*
            "remote-",
            // oauth2-proxy with auth_request
            "auth-request-",
            // Grafana's auth.proxy, Gitea
            "webauth-",
            // Kong: X-Authenticated-Userid, -Scope
            "authenticated-",
            // authentik's outpost
            "authentik-",
            // AWS ALB, Google IAP, Azure App Service
            "amzn-oidc-",
            "goog-authenticated-user-",
            "ms-client-principal",
            // the client certificate: Apache, HAProxy and nginx by many a guide
            "ssl-client-",
        ]
        .iter()
        .any(|prefix| rest.starts_with(prefix)),
    }
}

/// Names that do not begin with `x-`.
fn is_standing(name: &str) -> bool {
    match name.as_bytes().first() {
        Some(b'c') => matches!(
            name,
            "cf-connecting-ip"
                | "cf-connecting-ipv6"
                | "cf-pseudo-ipv4"
                // Cloudflare Access
                | "cf-access-authenticated-user-email"
                | "client-ip"
                // RFC 9440; its section 4 asks for this removal
                | "client-cert"
                | "client-cert-chain"
        ),
        Some(b'd') => name == "do-connecting-ip",
        Some(b'f') => matches!(
            name,
            "fastly-client-ip"
                | "fly-client-ip"
                | "forwarded-for"
                // Microsoft's applications
                | "front-end-https"
        ),
        // gunicorn takes the path from it (benoitc/gunicorn#2650)
        Some(b'p') => matches!(name, "path_info" | "proxy-client-ip"),
        // Authelia: Remote-User, -Groups, -Name, -Email; Django by ASGI (RemoteUserMiddleware)
        Some(b'r') => name.starts_with("remote-"),
        // ingress-nginx: ssl-client-cert, -verify, -subject-dn
        Some(b's') => name == "script_name" || name.starts_with("ssl-client-"),
        // Tailscale Serve: Tailscale-User-Login, -Name
        Some(b't') => name == "true-client-ip" || name.starts_with("tailscale-user-"),
        // WebLogic: WL-Proxy-Client-IP, -Cert, WL-Proxy-SSL
        Some(b'w') => name.starts_with("wl-proxy-"),
        _ => false,
    }
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
            "x-original-url",
            "x-rewrite-url",
            "x-host",
            "x-remote-user",
            "x-remote-extra-scopes",
            "remote-user",
            "x-forwarded-user",
            "x-authenticated-userid",
            "x-webauth-user",
            "x-ms-client-principal",
            "x-ms-client-principal-name",
            "client-cert",
            "ssl-client-verify",
            "tailscale-user-login",
            "wl-proxy-ssl",
            "true-client-ip",
            "proxy-client-ip",
            "script_name",
            "path_info",
        ] {
            assert!(is_believed(name), "{name}");
        }
        for name in [
            "x-forwardedfor",
            "x-forward",
            "x-real-ip-2",
            "x-hostname",
            "x-remote",
            "x-original",
            "x-requested-with",
            "x-http-method-override",
            "x-csrf-token",
            "ip",
            "host",
            "referer",
            "te",
            "cookie",
            "forwarded",
            "x-",
            "x",
            "",
        ] {
            assert!(!is_believed(name), "{name}");
        }
    }
}
