//! Why a request is denied: the stable codes, what the client is told, and what the operator can do.

use http::StatusCode;

/// Why a request is denied.
#[derive(Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reason {
    /// `check.cause`: for logs, tests and dashboards; it does not change.
    pub code: &'static str,
    /// The status of the answer.
    pub status: StatusCode,
    /// One sentence for the client; nothing internal.
    pub detail: &'static str,
    /// What to do if the request should have passed: for the log, never for the client.
    pub fix: &'static str,
}

macro_rules! reasons {
    ($($name:ident = $code:literal, $status:ident, $detail:literal, $fix:literal;)+) => {
        $(pub(crate) static $name: Reason = Reason {
            code: $code,
            status: StatusCode::$status,
            detail: $detail,
            fix: $fix,
        };)+

        /// Every reason of the engine, in the order of the checks.
        pub static REASONS: &[&Reason] = &[$(&$name),+];
    };
}

reasons! {
    FIELD_TOO_LARGE = "field.too-large", REQUEST_HEADER_FIELDS_TOO_LARGE,
        "A header field of the request is too large.",
        "[max_field_size] sets the limits: cookie, token and other";
    HOST_REPEATED = "host.repeated", BAD_REQUEST,
        "The request has more than one Host.",
        "the client or a proxy sends Host twice (RFC 9112 section 3.2)";
    HOST_MALFORMED = "host.malformed", BAD_REQUEST,
        "Host is malformed.",
        "Host is a name or an address, and a port at most (RFC 9110 section 7.2)";
    HOST_MISSING = "host.missing", BAD_REQUEST,
        "The request has no Host.",
        "a probe that sends none: danger_any_host = true on its route";
    HOST_UNKNOWN = "host.unknown", BAD_REQUEST,
        "This service does not answer to that host.",
        "hosts.allowed lists the names; every name of a request has to be there: Host, the target's, and X-Forwarded-Host \
         of a trusted proxy";
    HOST_FORWARDED = "host.forwarded", BAD_REQUEST,
        "The forwarded host is malformed.",
        "the trusted proxy in front has to set X-Forwarded-Host (or host= of Forwarded) itself, or remove it";
    HOST_REDIRECT = "host.redirect", PERMANENT_REDIRECT,
        "This service is at another name.",
        "hosts.www_redirect sends clients to the name that is listed";
    HTTPS_REQUIRED = "https.required", PERMANENT_REDIRECT,
        "Use https.",
        "https = \"redirect\" sends clients to https; behind a proxy that ends TLS, list it in trusted_proxies";
    HTTPS_HOST = "https.host", BAD_REQUEST,
        "This request needs https, and its Host does not say where.",
        "the request has no Host to redirect to";
    ORIGIN_REPEATED = "origin.repeated", BAD_REQUEST,
        "The request has more than one Origin, Sec-Fetch-Site, -Mode or -Dest, or method override.",
        "a browser sends each once: something on the way doubles them";
    ORIGIN_CROSS_SITE = "origin.cross-site", FORBIDDEN,
        "Cross-origin request rejected.",
        "if the other site is a partner, list its origin in cross_origin.allowed_origins; where any site may post, such as a \
         login's callback by form_post, its path goes into cross_origin.danger_exempt_paths";
    ORIGIN_SAME_SITE = "origin.same-site", FORBIDDEN,
        "Cross-origin request rejected.",
        "another host or port of the same site asks: if it is yours and trusted, list its origin in cross_origin.allowed_origins";
    ORIGIN_FETCH_SITE = "origin.fetch-site", FORBIDDEN,
        "Cross-origin request rejected.",
        "Sec-Fetch-Site has a value that no browser sends: same-origin, same-site, cross-site or none, in lower case";
    ORIGIN_NULL = "origin.null", FORBIDDEN,
        "Cross-origin request rejected.",
        "Origin is null: a sandboxed frame, or a page over plain http with Referrer-Policy no-referrer; serve it over https, \
         or set referrer-policy = \"same-origin\"";
    ORIGIN_MALFORMED = "origin.malformed", FORBIDDEN,
        "Cross-origin request rejected.",
        "Origin is no scheme://host[:port] (RFC 6454 section 6.2)";
    ORIGIN_SCHEME = "origin.scheme", FORBIDDEN,
        "Cross-origin request rejected.",
        "Origin differs from cross_origin.self_origins in the scheme only: list the other one if the site is served over both";
    ORIGIN_PORT = "origin.port-mismatch", FORBIDDEN,
        "Cross-origin request rejected.",
        "Origin and Host differ in the port only: a proxy that drops the port from Host; list the address that browsers \
         show in cross_origin.self_origins";
    ORIGIN_HOST_MISSING = "origin.host-missing", FORBIDDEN,
        "Cross-origin request rejected.",
        "there is an Origin and no Host to compare it with: cross_origin.self_origins names the service's own";
    ORIGIN_FOREIGN = "origin.foreign", FORBIDDEN,
        "Cross-origin request rejected.",
        "Origin is another host: if a proxy rewrites Host, list the address that browsers show in cross_origin.self_origins; \
         if it is a partner, in cross_origin.allowed_origins";
    ORIGIN_UNVERIFIABLE = "origin.unverifiable", FORBIDDEN,
        "Cross-origin request rejected.",
        "neither Sec-Fetch-Site nor Origin: no browser; cross_origin.allow_unverifiable_requests = true lets programs in";
    ISOLATION_REPEATED = "isolation.repeated", BAD_REQUEST,
        "The request has more than one Sec-Fetch-Site, -Mode or -Dest.",
        "a browser sends each once: something on the way doubles them";
    ISOLATION_SAME_SITE = "isolation.same-site", FORBIDDEN,
        "This resource is not for other origins.",
        "resource_isolation.allow_same_site = true lets other hosts of the same site load it";
    ISOLATION_CORS = "isolation.cors", FORBIDDEN,
        "This resource is not for other origins.",
        "resource_isolation.allow_cors = true on the route leaves requests with CORS to the CORS layer behind";
    ISOLATION_FRAMED = "isolation.framed", FORBIDDEN,
        "This resource is not for other origins.",
        "resource_isolation.allow_framing = true lets other sites frame it; CSP frame-ancestors then decides";
    ISOLATION_EMBEDDED = "isolation.embedded", FORBIDDEN,
        "This resource is not for other origins.",
        "another site embeds it as an image, script or the like: resource_isolation = false on the route makes it public";
    LIMIT_EXCEEDED = "limit.exceeded", TOO_MANY_REQUESTS,
        "Too many requests.",
        "the limit of that name, [[limit]] in the policy: requests, window and burst say how many, key of whom; \
         disposition = \"report\" lets them through and tells the log";
    LIMIT_SHED = "limit.shed", SERVICE_UNAVAILABLE,
        "The service is busy.",
        "the client is within its limit, and this host is under pressure, or too many requests are under way: thresholds, \
         min_requests and max_in_flight of that [[limit]]";
    LIMIT_OVERSIZED = "limit.oversized", PAYLOAD_TOO_LARGE,
        "This request costs more than its limit ever allows.",
        "the cost of the request is above burst (of a token bucket) or requests of that [[limit]]: it can never pass";
    LIMIT_UNAVAILABLE = "limit.unavailable", SERVICE_UNAVAILABLE,
        "The service cannot answer right now.",
        "the store of a limit with on_error = \"closed\" does not answer: see [store.redis]; on_error = \"local\" counts in this \
         process meanwhile";
    LIMIT_KEY_REPEATED = "limit.key-repeated", BAD_REQUEST,
        "The request has a field twice that may stand there once.",
        "the field that a [[limit]] counts by, key = { field = \"...\" }, is sent twice: nobody knows which one the application reads";
    LIMIT_KEY_TOO_LARGE = "limit.key-too-large", REQUEST_HEADER_FIELDS_TOO_LARGE,
        "A header field of the request is too large.",
        "the field that a [[limit]] counts by is longer than other of [max_field_size]";
    ENTROPY = "entropy.unavailable", SERVICE_UNAVAILABLE,
        "The service cannot answer right now.",
        "the operating system gives no random bytes: a nonce cannot be drawn";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_say_check_and_cause() {
        for (i, reason) in REASONS.iter().enumerate() {
            assert!(reason.code.contains('.'), "{}", reason.code);
            assert!(!reason.detail.is_empty() && !reason.fix.is_empty());
            let first = REASONS.iter().position(|other| other.code == reason.code);
            assert_eq!(first, Some(i), "{}", reason.code);
        }
    }
}
