//! Why a site could not be seen, and why options cannot be used.

use std::io;
use std::time::Duration;

use url::Url;

/// A site that could not be seen.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// The URL cannot be asked: another scheme than http and https, no host, or a path that HTTP cannot carry.
    #[error("cannot be asked: {0}")]
    Url(String),
    /// The name has no address, or nobody answers there.
    #[error("cannot connect to {host}: {error}")]
    Connect {
        /// Host and port.
        host: String,
        /// What the system says.
        error: io::Error,
    },
    /// No connection in time.
    #[error("no connection to {host} within {within:?}")]
    ConnectTimeout {
        /// Host and port.
        host: String,
        /// The time that it had.
        within: Duration,
    },
    /// The proxy did not open a tunnel.
    #[error("the proxy answered {0} to CONNECT")]
    Proxy(u16),
    /// The certificate is not one that browsers take.
    #[error("the certificate is refused: {0}")]
    Certificate(String),
    /// The TLS handshake failed.
    #[error("no TLS: {0}")]
    Tls(String),
    /// What came is no HTTP response.
    #[error("what came is no HTTP response: {0}")]
    Junk(String),
    /// The header section is longer than it may be.
    #[error("the header section is longer than {0} bytes, or has too many fields")]
    HeadTooLarge(usize),
    /// The connection ended before the response did.
    #[error("the response is truncated: the connection ended too early")]
    Truncated,
    /// The body is not in the encoding that Content-Encoding names.
    #[error("the body is not in its Content-Encoding, {0}")]
    Encoding(String),
    /// More redirects than are followed.
    #[error("more than {0} redirects")]
    Redirects(usize),
    /// No whole page in time.
    #[error("no whole page within {0:?}")]
    Timeout(Duration),
    /// The scan of this site failed within; a fault of ours.
    #[error("the scan failed within; please report the URL")]
    Internal,
}

impl Failure {
    /// The failure of an exchange on an open connection.
    pub(crate) fn of_exchange(error: &hyper::Error, limit: usize) -> Self {
        if error.is_parse_too_large() {
            Self::HeadTooLarge(limit)
        } else if error.is_parse() {
            Self::Junk(error.to_string())
        } else {
            // closed, reset, or ended within a message
            Self::Truncated
        }
    }

    pub(crate) fn of_url(url: &Url) -> Self {
        Self::Url(url.to_string())
    }
}

/// Options that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Unusable {
    /// No certificates in the PEM text.
    #[error("no certificate in PEM: {0}")]
    Certificates(String),
    /// The client's certificate or key is refused.
    #[error("client certificate: {0}")]
    Identity(String),
    /// The TLS library refuses its settings.
    #[error("TLS: {0}")]
    Tls(#[from] rustls::Error),
    /// No proxy URL of the form `http://[user:password@]host[:port]`.
    #[error(
        "{0}: a proxy is written http://host:port, with user:password@ before the host if it asks for them"
    )]
    Proxy(String),
    /// No site.
    #[error("{text}: {reason}")]
    Site {
        /// What was given.
        text: String,
        /// What is wrong.
        reason: String,
    },
}
