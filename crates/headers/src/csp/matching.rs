//! Whether a policy lets something pass (CSP3 section 6.7, <https://www.w3.org/TR/CSP3/#matching-algorithms>).
//!
//! Decided in this order: the directive that governs the kind of fetch, by its fallbacks (none: allowed); for scripts and
//! styles the nonce; for scripts the `integrity` hashes; for scripts `'strict-dynamic'`; then the URL against each
//! source expression. A WebSocket is fetched by http or https, so `ws` and `wss` URLs are compared as those. A slot
//! `'nonce'` matches nothing; fill it first with [`Csp::with_nonce`].
//!
//! Where it differs from browsers: IP addresses other than 127.0.0.1 match nothing here, as specified; `blob:` and
//! `data:` URLs are never `'self'`, as in browsers.
//!
//! ```
//! use mantlet_headers::csp::{Csp, DirectiveName, Fetch};
//! use url::Url;
//! let csp: Csp = "default-src 'self'; img-src https://cdn.example".parse()?;
//! let page = Url::parse("https://app.example/")?;
//! let image = Url::parse("https://cdn.example/logo.png")?;
//! assert!(csp.allows(&Fetch::new(DirectiveName::ImgSrc, &image, &page)));
//! assert!(!csp.allows(&Fetch::new(DirectiveName::FontSrc, &image, &page)));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use percent_encoding::percent_decode_str;
use url::Url;

use super::Csp;
use super::hash::HashSource;
use super::host::{HostSource, Port};
use super::inline::has_nonce;
use super::keyword::Keyword;
use super::name::DirectiveName;
use super::policy::Policy;
use super::source::{SourceExpression, SourceList};

/// Something that is fetched, navigated to, submitted to or embedded by.
#[derive(Clone, Copy, Debug)]
pub struct Fetch<'a> {
    directive: DirectiveName,
    url: &'a Url,
    page: &'a Url,
    redirected: bool,
    nonce: Option<&'a str>,
    integrity: &'a [HashSource],
    parser_inserted: bool,
}

impl<'a> Fetch<'a> {
    /// A fetch of `url` by `page`, of the kind that `directive` governs (`script-src-elem`, `img-src`, `form-action`).
    ///
    /// For `frame-ancestors`, `url` is the origin that embeds the page. A script counts as written in the page's own
    /// markup.
    pub const fn new(directive: DirectiveName, url: &'a Url, page: &'a Url) -> Self {
        Self {
            directive,
            url,
            page,
            redirected: false,
            nonce: None,
            integrity: &[],
            parser_inserted: true,
        }
    }

    /// The URL was reached by a redirect: paths do not count.
    #[must_use]
    pub const fn redirected(mut self) -> Self {
        self.redirected = true;
        self
    }

    /// The element has this nonce.
    #[must_use]
    pub const fn nonce(mut self, nonce: &'a str) -> Self {
        self.nonce = Some(nonce);
        self
    }

    /// The element has these hashes in `integrity`.
    #[must_use]
    pub const fn integrity(mut self, hashes: &'a [HashSource]) -> Self {
        self.integrity = hashes;
        self
    }

    /// The script was inserted by a running script, not by the parser.
    #[must_use]
    pub const fn inserted_by_script(mut self) -> Self {
        self.parser_inserted = false;
        self
    }
}

impl Csp {
    /// Whether every policy lets it pass.
    pub fn allows(&self, fetch: &Fetch<'_>) -> bool {
        self.policies().iter().all(|policy| policy.allows(fetch))
    }
}

impl Policy {
    /// Whether a fetch passes (section 6.7.1.1 for scripts, 6.7.2.5 for the rest).
    pub fn allows(&self, fetch: &Fetch<'_>) -> bool {
        let Some(governing) = self.governing(fetch.directive) else {
            return true;
        };
        let Some(list) = governing.sources() else {
            return true;
        };
        // A worker without a directive of its own is a script to script-src (section 6.1.11).
        let worker_script = fetch.directive == DirectiveName::WorkerSrc
            && governing.name() == DirectiveName::ScriptSrc;
        let script = fetch.directive.governs_scripts() || worker_script;
        if (script || fetch.directive.governs_styles()) && has_nonce(list, fetch.nonce) {
            return true;
        }
        if script {
            if !fetch.integrity.is_empty()
                && fetch.integrity.iter().all(|hash| has_hash(list, hash))
            {
                return true;
            }
            if list.has(Keyword::StrictDynamic) {
                return !fetch.parser_inserted;
            }
        }
        list.expressions().iter().any(|one| matches_url(one, fetch))
    }
}

fn has_hash(list: &SourceList, hash: &HashSource) -> bool {
    list.expressions()
        .iter()
        .any(|one| matches!(one, SourceExpression::Hash(own) if own == hash))
}

/// Section 6.7.2.8.
fn matches_url(expression: &SourceExpression, fetch: &Fetch<'_>) -> bool {
    let scheme = fetch_scheme(fetch.url);
    match expression {
        SourceExpression::Scheme(source) => scheme_matches(source.scheme(), scheme),
        SourceExpression::Host(source) if source.is_any() => {
            matches!(scheme, "http" | "https") || scheme == fetch_scheme(fetch.page)
        }
        SourceExpression::Host(source) => matches_host_source(source, fetch),
        SourceExpression::Keyword(Keyword::SelfOrigin) => matches_self(fetch),
        _ => false,
    }
}

fn matches_host_source(source: &HostSource, fetch: &Fetch<'_>) -> bool {
    let scheme = fetch_scheme(fetch.url);
    let wanted = source.scheme().unwrap_or(fetch_scheme(fetch.page));
    let Some(host) = fetch.url.host_str() else {
        return false;
    };
    if !scheme_matches(wanted, scheme) || !host_matches(source.host(), host) {
        return false;
    }
    if !port_matches(source.port(), wanted, fetch.url) {
        return false;
    }
    match source.path() {
        Some(path) if !fetch.redirected => path_matches(path, fetch.url.path()),
        _ => true,
    }
}

fn matches_self(fetch: &Fetch<'_>) -> bool {
    let (url, page) = (fetch.url, fetch.page);
    let (Some(host), Some(own)) = (url.host_str(), page.host_str()) else {
        return false;
    };
    let (scheme, own_scheme) = (fetch_scheme(url), fetch_scheme(page));
    let standard = |url: &Url| url.port().is_none();
    let port_fits = port(url) == port(page) || (standard(url) && standard(page));
    host == own && port_fits && (scheme == own_scheme || scheme == "https")
}

/// The scheme that a URL is fetched by: WebSockets begin as an http or https request.
fn fetch_scheme(url: &Url) -> &str {
    match url.scheme() {
        "ws" => "http",
        "wss" => "https",
        other => other,
    }
}

/// Section 6.7.2.9: a scheme allows its secure form too.
fn scheme_matches(allowed: &str, scheme: &str) -> bool {
    match allowed {
        "http" | "ws" => matches!(scheme, "http" | "https"),
        "https" | "wss" => scheme == "https",
        other => other == scheme,
    }
}

/// Section 6.7.2.10.
fn host_matches(pattern: &str, host: &str) -> bool {
    let host = host.to_ascii_lowercase();
    if let Some(suffix) = pattern.strip_prefix('*') {
        return host.ends_with(suffix);
    }
    let address = pattern.parse::<std::net::Ipv4Addr>().is_ok();
    pattern == host && (!address || pattern == "127.0.0.1")
}

/// Section 6.7.2.11; where the scheme is upgraded, port 80 covers 443, as in browsers.
fn port_matches(pattern: Option<Port>, wanted: &str, url: &Url) -> bool {
    match pattern {
        Some(Port::Any) => true,
        Some(Port::Number(80)) if port(url) == Some(443) => matches!(wanted, "http" | "ws"),
        Some(Port::Number(number)) => port(url) == Some(number),
        None => url.port().is_none(),
    }
}

fn port(url: &Url) -> Option<u16> {
    url.port_or_known_default()
}

/// Section 6.7.2.12: a path that ends with a slash covers all below it.
fn path_matches(pattern: &str, path: &str) -> bool {
    if pattern == "/" && path.is_empty() {
        return true;
    }
    let decoded = |piece: &'_ str| percent_decode_str(piece).collect::<Vec<u8>>();
    let mut pieces: Vec<&str> = pattern.split('/').collect();
    let exact = !pattern.ends_with('/');
    if !exact {
        pieces.pop();
    }
    let own: Vec<&str> = path.split('/').collect();
    let length_fits = if exact {
        own.len() == pieces.len()
    } else {
        own.len() > pieces.len()
    };
    length_fits
        && pieces
            .iter()
            .zip(&own)
            .all(|(piece, own)| decoded(piece) == decoded(own))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::csp::Algorithm;
    use crate::field::Field;

    const PAGE: &str = "https://app.example/page";

    fn allows_from(page: &str, policy: &str, directive: DirectiveName, url: &str) -> bool {
        let csp = Csp::parse(policy.as_bytes()).value.unwrap();
        let (url, page) = (Url::parse(url).unwrap(), Url::parse(page).unwrap());
        csp.allows(&Fetch::new(directive, &url, &page))
    }

    fn image(sources: &str, url: &str) -> bool {
        let policy = format!("img-src {sources}");
        allows_from(PAGE, &policy, DirectiveName::ImgSrc, url)
    }

    #[test]
    fn scheme_sources_allow_the_secure_form() {
        for (sources, url, allowed) in [
            ("http:", "https://a.example/", true),
            ("https:", "http://a.example/", false),
            ("data:", "data:image/png,x", true),
            ("data:", "blob:https://app.example/1", false),
            ("ws:", "wss://a.example/", true),
            ("wss:", "ws://a.example/", false),
            ("https:", "wss://a.example/", true),
        ] {
            assert_eq!(image(sources, url), allowed, "{sources} {url}");
        }
    }

    #[test]
    fn host_sources_match_by_host_port_and_path() {
        for (sources, url, allowed) in [
            ("a.example", "https://a.example/x", true),
            ("a.example", "http://a.example/x", false),
            ("http://a.example", "https://a.example/", true),
            ("A.example", "https://a.EXAMPLE/", true),
            ("*.a.example", "https://b.c.a.example/", true),
            ("*.a.example", "https://a.example/", false),
            ("*.a.example", "https://xa.example/", false),
            ("a.example:443", "https://a.example/", true),
            ("a.example", "https://a.example:8443/", false),
            ("a.example:*", "https://a.example:8443/", true),
            ("http://a.example:80", "https://a.example/", true),
            ("https://a.example:80", "https://a.example/", false),
            ("a.example:80", "https://a.example/", false),
            ("a.example/js/", "https://a.example/js/deep/x.js", true),
            ("a.example/js/", "https://a.example/js", false),
            ("a.example/js", "https://a.example/js/x.js", false),
            ("a.example/%6as/x%2Cy", "https://a.example/js/x,y", true),
            ("a.example/", "https://a.example", true),
            ("192.0.2.1", "https://192.0.2.1/", false),
            ("127.0.0.1:*", "https://127.0.0.1:9/", true),
            ("https://*", "https://a.example:8443/", false),
            ("https://*:*", "https://a.example:8443/", true),
            ("'none'", "https://app.example/", false),
            ("a.example", "data:,x", false),
        ] {
            assert_eq!(image(sources, url), allowed, "{sources} {url}");
        }
    }

    #[test]
    fn star_is_every_network_scheme_and_the_page_s_own() {
        for (url, allowed) in [
            ("https://a.example:8443/x", true),
            ("http://a.example/", true),
            ("wss://a.example/", true),
            ("data:,x", false),
            ("blob:https://app.example/1", false),
        ] {
            assert_eq!(image("*", url), allowed, "{url}");
        }
    }

    #[test]
    fn self_is_the_origin_and_its_upgrades() {
        let from = |page, url| allows_from(page, "img-src 'self'", DirectiveName::ImgSrc, url);
        for (page, url, allowed) in [
            ("http://a.example/", "https://a.example/", true),
            ("http://a.example/", "wss://a.example/", true),
            ("http://a.example/", "ws://a.example/", true),
            ("https://a.example/", "http://a.example/", false),
            ("https://a.example/", "wss://a.example/", true),
            ("https://a.example/", "https://b.a.example/", false),
            ("http://a.example:8080/", "https://a.example:8080/", true),
            ("http://a.example:8080/", "https://a.example/", false),
            ("https://a.example/", "https://a.example:8443/", false),
            ("https://a.example/", "blob:https://a.example/1", false),
        ] {
            assert_eq!(from(page, url), allowed, "{page} {url}");
        }
    }

    #[test]
    fn paths_do_not_count_after_a_redirect() {
        let csp: Csp = "img-src a.example/x/".parse().unwrap();
        let (url, page) = (
            Url::parse("https://a.example/y").unwrap(),
            Url::parse(PAGE).unwrap(),
        );
        let fetch = Fetch::new(DirectiveName::ImgSrc, &url, &page);
        assert!(!csp.allows(&fetch));
        assert!(csp.allows(&fetch.redirected()));
    }

    #[test]
    fn every_policy_must_allow_and_fallbacks_count() {
        let policy = "default-src 'none'; child-src https:, frame-src 'self'";
        let frame = |url| allows_from(PAGE, policy, DirectiveName::FrameSrc, url);
        assert!(frame("https://app.example/"));
        assert!(!frame("https://b.example/"));
        assert!(!allows_from(PAGE, policy, DirectiveName::FontSrc, PAGE));
        assert!(allows_from(
            PAGE,
            policy,
            DirectiveName::FormAction,
            "https://b.example/"
        ));
    }

    #[test]
    fn strict_dynamic_asks_for_a_nonce_or_a_running_script() {
        let csp: Csp = "script-src 'nonce-abc' 'strict-dynamic' https:"
            .parse()
            .unwrap();
        let (url, page) = (
            Url::parse("https://b.example/x.js").unwrap(),
            Url::parse(PAGE).unwrap(),
        );
        let fetch = Fetch::new(DirectiveName::ScriptSrcElem, &url, &page);
        assert!(!csp.allows(&fetch));
        assert!(!csp.allows(&fetch.nonce("ABC")));
        assert!(csp.allows(&fetch.nonce("abc")));
        assert!(csp.allows(&fetch.inserted_by_script()));
        let worker = Fetch::new(DirectiveName::WorkerSrc, &url, &page).inserted_by_script();
        assert!(csp.allows(&worker));
        let own: Csp = "script-src 'nonce-abc' 'strict-dynamic'; worker-src 'self'"
            .parse()
            .unwrap();
        assert!(!own.allows(&worker));
    }

    #[test]
    fn external_script_passes_by_all_its_integrity_hashes() {
        let hash = HashSource::of_bytes(Algorithm::Sha256, b"x");
        let other = HashSource::of_bytes(Algorithm::Sha256, b"y");
        let csp: Csp = format!("script-src {hash}").parse().unwrap();
        let (url, page) = (
            Url::parse("https://b.example/x.js").unwrap(),
            Url::parse(PAGE).unwrap(),
        );
        let fetch = Fetch::new(DirectiveName::ScriptSrcElem, &url, &page);
        assert!(csp.allows(&fetch.integrity(std::slice::from_ref(&hash))));
        assert!(!csp.allows(&fetch.integrity(&[hash.clone(), other])));
        assert!(!csp.allows(&fetch));
    }
}
