//! What the proxy is told at start.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroUsize;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderValue;
use http::uri::Authority;
use mantlet_engine::Store;

/// Everything `Server::bind` needs. Start from [`Config::new`] and set the public fields.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// Where clients connect. Port 0 asks the system for a free one.
    pub listen: SocketAddr,
    /// The application behind.
    pub upstream: Upstream,
    /// Where `/healthz` and `/readyz` answer; `None`: nowhere. Must be a loopback address.
    pub admin: Option<SocketAddr>,
    /// Lets `admin` be any address: whoever reaches it learns whether the application is up.
    pub danger_admin_anywhere: bool,
    /// Threads that serve, each with its own listener and upstream connections; `None`: one a core.
    pub workers: Option<NonZeroUsize>,
    /// How long the proxy waits for whom.
    pub timeouts: Timeouts,
    /// Tells the application the nonce of the exchange in the request field `Mantlet-Nonce`.
    pub nonce_upstream: bool,
    /// Adds the reason code of an answer of the proxy itself as response field `Mantlet-Reason`, whether or not the policy
    /// does.
    pub tell_reason: bool,
    /// Makes the store of a worker, for the limits of the policy that several processes share; `None`: they do what their
    /// `on_error` says.
    pub stores: Option<Stores>,
}

/// Makes a store for each worker, on its runtime.
#[derive(Clone)]
pub struct Stores(Arc<dyn Fn() -> Arc<dyn Store> + Send + Sync>);

impl Stores {
    /// From a function that makes one; it is called once on each worker, inside of its tokio runtime.
    pub fn new(make: impl Fn() -> Arc<dyn Store> + Send + Sync + 'static) -> Self {
        Self(Arc::new(make))
    }

    pub(crate) fn make(&self) -> Arc<dyn Store> {
        (self.0)()
    }
}

impl fmt::Debug for Stores {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Stores(..)")
    }
}

impl Config {
    /// A proxy from `listen` to `upstream`, without admin listener, and defaults for the rest.
    pub fn new(listen: SocketAddr, upstream: Upstream) -> Self {
        Self {
            listen,
            upstream,
            admin: None,
            danger_admin_anywhere: false,
            workers: None,
            timeouts: Timeouts::default(),
            nonce_upstream: false,
            tell_reason: false,
            stores: None,
        }
    }
}

/// How long the proxy waits for whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Timeouts {
    /// To resolve and connect to the application; then 504. Default 5 s.
    pub connect: Duration,
    /// For the head of the application's response, counted from the last progress of the upload; then 504. Also how far a
    /// client may be behind 256 bytes a second with its upload; then 408. Default 60 s.
    pub response: Duration,
    /// For a request head, from its first byte; then 408. For a PROXY protocol head, from the start of the connection; then it
    /// is closed. Default 30 s.
    pub head: Duration,
    /// For a client that does not read what is sent to it; then its connection is closed. Default 60 s.
    pub write: Duration,
    /// For the next request on a client's connection; then it is closed. Default 75 s.
    pub idle: Duration,
    /// How long an unused connection to the application is kept. Default 4 s: below the keep-alive times of common
    /// application servers (5 s), so that the proxy closes first and no request meets a connection being closed.
    pub upstream_idle: Duration,
    /// For requests in flight when the proxy stops; then they are cut, as WebSockets are when the last request is done.
    /// Default 30 s.
    pub grace: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            response: Duration::from_secs(60),
            head: Duration::from_secs(30),
            write: Duration::from_secs(60),
            idle: Duration::from_secs(75),
            upstream_idle: Duration::from_secs(4),
            grace: Duration::from_secs(30),
        }
    }
}

/// The address of the application: host and port, over plain http.
///
/// ```
/// use mantlet_proxy::Upstream;
///
/// let upstream: Upstream = "http://127.0.0.1:8000".parse()?;
/// assert_eq!(upstream.to_string(), "http://127.0.0.1:8000");
/// assert!("https://example.com".parse::<Upstream>().is_err());
/// # Ok::<_, mantlet_proxy::UpstreamError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upstream {
    host: String,
    port: u16,
    authority: HeaderValue,
}

/// Why a text is no upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UpstreamError {
    /// A scheme other than http.
    #[error("the upstream speaks plain http: write http://HOST:PORT")]
    Scheme,
    /// Not `HOST`, `HOST:PORT` or `[IPv6]:PORT`.
    #[error("expected http://HOST:PORT")]
    Authority,
    /// A path, query or fragment: requests go through with the path they came with.
    #[error("an upstream has no path: requests keep the path they came with")]
    Path,
}

impl Upstream {
    /// The name or address, without the brackets of IPv6.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port; 80 where none was written.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The address, if the host is one and not a name.
    pub(crate) fn address(&self) -> Option<SocketAddr> {
        let ip = self.host.parse::<IpAddr>().ok()?;
        Some(SocketAddr::new(ip, self.port))
    }

    /// What a request without Host gets (HTTP/1.0 only).
    pub(crate) fn authority(&self) -> &HeaderValue {
        &self.authority
    }
}

impl FromStr for Upstream {
    type Err = UpstreamError;

    fn from_str(text: &str) -> Result<Self, UpstreamError> {
        let rest = match text.split_once("://") {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => rest,
            Some(_) => return Err(UpstreamError::Scheme),
            None => text,
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        if rest.contains(['/', '?', '#']) {
            return Err(UpstreamError::Path);
        }
        let authority = Authority::from_str(rest).map_err(|_| UpstreamError::Authority)?;
        let host = authority.host();
        let port = match rest.strip_prefix(host) {
            Some("") => 80,
            Some(port) => port
                .strip_prefix(':')
                .and_then(|port| port.parse::<u16>().ok())
                .filter(|port| *port != 0)
                .ok_or(UpstreamError::Authority)?,
            // user information stands before the host
            None => return Err(UpstreamError::Authority),
        };
        if host.is_empty() {
            return Err(UpstreamError::Authority);
        }
        let bare = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'));
        Ok(Self {
            host: bare.unwrap_or(host).to_owned(),
            port,
            authority: HeaderValue::from_str(rest).map_err(|_| UpstreamError::Authority)?,
        })
    }
}

impl fmt::Display for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "http://[{}]:{}", self.host, self.port)
        } else {
            write!(f, "http://{}:{}", self.host, self.port)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upstream_is_a_host_and_a_port() {
        let cases = [
            ("localhost:8000", Ok("http://localhost:8000")),
            ("http://app/", Ok("http://app:80")),
            ("HTTP://[::1]:81", Ok("http://[::1]:81")),
            ("https://app", Err(UpstreamError::Scheme)),
            ("http://app/path", Err(UpstreamError::Path)),
            ("http://", Err(UpstreamError::Authority)),
            ("user@app:80", Err(UpstreamError::Authority)),
            ("app:0", Err(UpstreamError::Authority)),
            ("app:99999", Err(UpstreamError::Authority)),
            ("app:", Err(UpstreamError::Authority)),
        ];
        for (text, expected) in cases {
            let found = text
                .parse::<Upstream>()
                .map(|upstream| upstream.to_string());
            assert_eq!(found, expected.map(str::to_owned), "{text}");
        }
    }
}
