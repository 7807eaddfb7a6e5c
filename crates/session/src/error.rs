//! What is wrong with settings: told at load, each with what to do.

use thiserror::Error;

/// A setting that is refused at load.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The list of secrets is empty.
    #[error("there is no secret; make one with: openssl rand -base64 32")]
    NoSecret,
    /// A secret below 32 bytes.
    #[error("the secret has {0} bytes and needs 32; make one with: openssl rand -base64 32")]
    ShortSecret(usize),
    /// More than 16 secrets.
    #[error(
        "{0} secrets are more than 16; a list with this many was perhaps one text, read letter by letter"
    )]
    ManySecrets(usize),
    /// The same secret twice.
    #[error("a secret stands in the list twice")]
    RepeatedSecret,
    /// The cryptographic library did not derive a key.
    #[error("no key could be derived from a secret")]
    Derivation,
    /// A cookie name that is no token (RFC 6265bis section 4.1.1), or longer than 64 bytes.
    #[error(
        "{0:?} is no cookie name: 1 to 64 letters, digits, hyphens and underscores, such as __Host-session"
    )]
    CookieName(String),
    /// A path that a cookie cannot have.
    #[error("{0:?} is no cookie path: it begins with a slash and has no semicolon")]
    CookiePath(String),
    /// A domain that a cookie cannot have.
    #[error("{0:?} is no cookie domain: write a host name, such as example.com")]
    CookieDomain(String),
    /// SameSite=None without Secure: browsers drop the cookie.
    #[error("same_site = \"none\" needs secure: browsers drop the cookie otherwise")]
    NoneWithoutSecure,
    /// A prefix whose conditions are not met: browsers drop the cookie (RFC 6265bis section 4.1.3).
    #[error("a cookie named {prefix}... needs {needs}: browsers drop it otherwise")]
    Prefix {
        /// The prefix.
        prefix: &'static str,
        /// What it needs.
        needs: &'static str,
    },
    /// A timeout of zero, or an idle timeout beyond the absolute one.
    #[error("the timeouts do not fit together: 0 < idle <= absolute")]
    Lifetimes,
}
