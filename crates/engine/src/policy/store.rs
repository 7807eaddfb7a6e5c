//! Where state is kept that several processes share: what a policy says of it, for the host that connects.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// Where Redis or Valkey is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedisSettings {
    /// Its address.
    pub url: Url,
    /// How long a request may wait for it; `None`: the store's default.
    pub timeout: Option<Duration>,
    /// What its keys begin with; `None`: the store's default.
    pub prefix: Option<String>,
    /// The certificates to trust, PEM; `None`: those of the system.
    pub ca_file: Option<PathBuf>,
    /// This service's certificate and its key, PEM.
    pub client_files: Option<(PathBuf, PathBuf)>,
}

/// An address that may have a password in it; not printed.
#[derive(Clone, PartialEq, Eq)]
pub enum Url {
    /// As it is.
    Text(String),
    /// In a variable of the environment, which the host reads when it connects.
    Environment(String),
}

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(_) => f.write_str("Url(..)"),
            Self::Environment(name) => write!(f, "Url(${name})"),
        }
    }
}
