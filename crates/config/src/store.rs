//! Where state is kept that several processes share: what a policy says of it, for the host that connects.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use crate::error::{Diagnostic, Report};

/// `[store.redis]`
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RedisSettings {
    /// Where it is.
    pub url: Url,
    /// How long a request may wait for it; `None`: the store's default.
    pub timeout: Option<Duration>,
    /// What its keys begin with; `None`: the store's default.
    pub prefix: Option<String>,
    /// The certificates to trust, PEM; `None`: those of the system.
    pub ca_file: Option<PathBuf>,
    /// This service's certificate, PEM.
    pub client_cert_file: Option<PathBuf>,
    /// Its key, PEM.
    pub client_key_file: Option<PathBuf>,
}

/// An address that may have a password in it; not printed.
#[derive(Clone, PartialEq, Eq)]
pub enum Url {
    /// As it is.
    Text(String),
    /// In a variable of the environment.
    Environment(String),
}

impl Url {
    /// The address.
    ///
    /// # Errors
    /// If the variable is not set, or is no text.
    pub fn reveal(&self) -> Result<String, Report> {
        match self {
            Self::Text(text) => Ok(text.clone()),
            Self::Environment(name) => match std::env::var(name) {
                Ok(text) if !text.is_empty() => Ok(text),
                _ => {
                    let message =
                        format!("is in the environment variable {name}, which is not set");
                    let diagnostic = Diagnostic::error("store.redis.url", message);
                    let mut report = Report::default();
                    report.add(diagnostic.hint(format!("{name}=redis://localhost")));
                    Err(report)
                }
            },
        }
    }
}

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(_) => f.write_str("Url(..)"),
            Self::Environment(name) => write!(f, "Url(${name})"),
        }
    }
}
