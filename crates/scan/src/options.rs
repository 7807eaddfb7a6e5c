//! How a site is asked, and how much of it is taken.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderName, HeaderValue};
use percent_encoding::percent_decode_str;
use url::Url;

use crate::failure::Unusable;

/// What is asked beside the page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Probes {
    /// Plain http and https, a preflight, the page again, a path that does not exist.
    #[default]
    All,
    /// Nothing: one GET of the URL as it was given, and its redirects.
    Page,
}

/// The certificate and the key with which the client names itself, each as PEM.
#[derive(Clone)]
pub struct Identity {
    /// The certificate, and those between it and the authority.
    pub certificates: Vec<u8>,
    /// The private key: PKCS #8, PKCS #1 or SEC 1.
    pub key: Vec<u8>,
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Identity").finish_non_exhaustive()
    }
}

/// An HTTP proxy: asked itself for plain http, and for a tunnel (CONNECT, RFC 9110 section 9.3.6) for https.
#[derive(Clone, Debug)]
pub struct Proxy {
    pub(crate) host: String,
    pub(crate) port: u16,
    /// Sensitive, so that it is not shown.
    pub(crate) authorization: Option<HeaderValue>,
}

impl Proxy {
    /// Reads `http://[user:password@]host[:port]`.
    ///
    /// # Errors
    /// [`Unusable::Proxy`] if it is something else.
    pub fn parse(text: &str) -> Result<Self, Unusable> {
        let bad = || Unusable::Proxy(text.to_owned());
        let url = Url::parse(text).map_err(|_| bad())?;
        let (Some(host), "http", Some(port)) =
            (url.host_str(), url.scheme(), url.port_or_known_default())
        else {
            return Err(bad());
        };
        let authorization = match (url.username(), url.password()) {
            ("", None) => None,
            (user, password) => {
                let mut pair: Vec<u8> = percent_decode_str(user).collect();
                pair.push(b':');
                pair.extend(percent_decode_str(password.unwrap_or_default()));
                let value = format!("Basic {}", STANDARD.encode(pair));
                let mut value = HeaderValue::try_from(value).map_err(|_| bad())?;
                value.set_sensitive(true);
                Some(value)
            }
        };
        Ok(Self {
            host: host.trim_matches(['[', ']']).to_owned(),
            port,
            authorization,
        })
    }
}

/// How sites are asked. The default asks as a stranger, and takes of a site no more than a page needs.
#[derive(Clone, Debug)]
pub struct Options {
    /// The time for a connection, name and TLS handshake included; default 5 s.
    pub connect: Duration,
    /// The time for a site; default 20 s. A page that is not there by then fails, a probe is not seen.
    pub total: Duration,
    /// The most redirects that a session follows; default 10.
    pub redirects: usize,
    /// The largest header section, in bytes; default 64 KiB, at least 8 KiB.
    pub head: usize,
    /// The most bytes of a body, as it comes and decoded; default 2 MiB. The rest is cut, and said.
    pub body: usize,
    /// What is asked beside the page.
    pub probes: Probes,
    /// The path of the cross-site POST; `None`, the default, sends none, for it may change something.
    pub cross_site_post: Option<String>,
    /// Fields of each request, such as Authorization: to the host that was given only, and if its URL is https, over https only.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// User-Agent.
    pub user_agent: HeaderValue,
    /// The proxy, if there is one.
    pub proxy: Option<Proxy>,
    /// Who the client says that it is, to the host that was given only.
    pub identity: Option<Identity>,
    /// Sends [`headers`](Self::headers) and [`identity`](Self::identity) even where the certificate is refused, and so to whoever
    /// answers; default false.
    pub danger_unverified_secrets: bool,
    /// Authorities that are trusted beside those of browsers, as PEM.
    pub authorities: Option<Vec<u8>>,
    /// Names with an address of ours in place of that of the DNS.
    pub resolve: HashMap<String, IpAddr>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            total: Duration::from_secs(20),
            redirects: 10,
            head: 64 << 10,
            body: 2 << 20,
            probes: Probes::All,
            cross_site_post: None,
            headers: Vec::new(),
            user_agent: HeaderValue::from_static(concat!("mantlet/", env!("CARGO_PKG_VERSION"))),
            proxy: None,
            identity: None,
            danger_unverified_secrets: false,
            authorities: None,
            resolve: HashMap::new(),
        }
    }
}

/// Reads a site as people write it: a URL, or a name alone, which is `https://name/`.
///
/// # Errors
/// [`Unusable::Site`] if it is neither.
///
/// ```
/// assert_eq!(mantlet_scan::site("example.com/a")?.as_str(), "https://example.com/a");
/// assert_eq!(mantlet_scan::site("http://127.0.0.1:8080")?.as_str(), "http://127.0.0.1:8080/");
/// assert!(mantlet_scan::site("ftp://example.com/").is_err());
/// # Ok::<(), mantlet_scan::Unusable>(())
/// ```
pub fn site(text: &str) -> Result<Url, Unusable> {
    let wrong = |reason: String| Unusable::Site {
        text: text.chars().take(200).collect(),
        reason,
    };
    let parsed = match text.contains("://") {
        true => Url::parse(text),
        false => Url::parse(&format!("https://{text}")),
    };
    let mut url = parsed.map_err(|error| wrong(error.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(wrong("neither http nor https".to_owned()));
    }
    url.set_fragment(None);
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_plain_http_and_its_password_is_not_shown() {
        let proxy = Proxy::parse("http://u:p%40ss@proxy.test:3128").expect("a proxy");
        let shown = format!("{proxy:?}");
        assert_eq!((proxy.host.as_str(), proxy.port), ("proxy.test", 3128));
        let sent = proxy.authorization.expect("a field");
        assert_eq!(sent, format!("Basic {}", STANDARD.encode("u:p@ss")));
        assert!(!shown.contains("Basic"), "{shown}");
        for wrong in ["socks5://h:1", "proxy:3128", "https://h", ""] {
            assert!(Proxy::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_site_has_no_fragment_and_junk_is_refused() {
        assert_eq!(
            site("a.example/x#y").expect("a site").as_str(),
            "https://a.example/x"
        );
        for wrong in ["", "https://", "javascript://x", "http://a:99999/", "a b"] {
            assert!(site(wrong).is_err(), "{wrong}");
        }
    }
}
