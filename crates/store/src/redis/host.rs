//! What a policy says, and what a host asks: from settings to a client, from a batch to its replies.

use std::path::Path;

use mantlet_engine::Engine;
use mantlet_engine::policy::{Counted, Counting, RedisSettings, Url};

use super::config::{ClientCertificate, Config, ConfigError, Tls};
use super::count::{Count, Uncountable};

/// Why a host cannot have the store that its policy asks for. The message says all; no error has a source that would say it
/// twice.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// The variable with the address is not set.
    #[error("store.redis.url is in the environment variable {0}, which is not set")]
    Unset(String),
    /// A file cannot be read.
    #[error("{file}: {why}")]
    File {
        /// The file.
        file: String,
        /// What the system says.
        why: std::io::Error,
    },
    /// The address, or what belongs to it.
    #[error("store.redis: {0}")]
    Config(ConfigError),
    /// All that is wrong with it.
    #[error("store.redis: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Faults(Vec<ConfigError>),
    /// A limit that Redis cannot count.
    #[error("limit {name}: {why}")]
    Uncountable {
        /// The limit.
        name: String,
        /// Why.
        why: Uncountable,
    },
}

impl From<ConfigError> for SettingsError {
    fn from(fault: ConfigError) -> Self {
        Self::Config(fault)
    }
}

impl From<Vec<ConfigError>> for SettingsError {
    fn from(faults: Vec<ConfigError>) -> Self {
        Self::Faults(faults)
    }
}

impl Config {
    /// From what a policy says. Reads the environment, and the files that it names.
    ///
    /// # Errors
    /// What is missing, or wrong.
    pub fn from_settings(settings: &RedisSettings) -> Result<Self, SettingsError> {
        let mut config = match &settings.url {
            Url::Text(text) => Self::from_url(text)?,
            Url::Environment(name) => match std::env::var(name) {
                Ok(text) if !text.is_empty() => Self::from_url(&text)?,
                _ => return Err(SettingsError::Unset(name.clone())),
            },
        };
        config.timeout = settings.timeout.unwrap_or(config.timeout);
        if let Some(prefix) = &settings.prefix {
            config.prefix.clone_from(prefix);
        }
        let files = settings.ca_file.is_some() || settings.client_files.is_some();
        if files {
            let client = match &settings.client_files {
                Some((certificate, key)) => Some(ClientCertificate {
                    certificate: read(certificate)?,
                    key: read(key)?,
                }),
                None => None,
            };
            // certificates for an address without TLS are one of the faults that connecting tells
            config.tls = Some(Tls {
                ca: settings.ca_file.as_deref().map(read).transpose()?,
                client,
            });
        }
        Ok(config)
    }
}

fn read(file: &Path) -> Result<Vec<u8>, SettingsError> {
    std::fs::read(file).map_err(|why| SettingsError::File {
        file: file.display().to_string(),
        why,
    })
}

/// Whether Redis can count every limit that a policy counts there.
///
/// # Errors
/// [`SettingsError::Uncountable`] for the first that it cannot.
pub fn countable(engine: &Engine) -> Result<(), SettingsError> {
    for limit in engine.limits() {
        if let (Counting::Requests(rule), Counted::Shared { .. }) = (&limit.counting, limit.counted)
        {
            Count::new(rule).map_err(|why| SettingsError::Uncountable {
                name: limit.name.to_string(),
                why,
            })?;
        }
    }
    Ok(())
}

#[cfg(feature = "tokio")]
mod running {
    use std::slice;

    use futures_util::future::{join, join_all};
    use mantlet_engine::{Batch, Replies, Store, StoreDown, StoreState, Trip};

    use crate::redis::Redis;

    impl Store for Redis {
        fn run(&self, batch: &Batch) -> Trip {
            let (redis, batch) = (self.clone(), batch.clone());
            Box::pin(async move {
                // on one connection, one after the other: one way there and back
                let watching = batch.shadows.iter();
                let watching = watching.map(|take| redis.take(slice::from_ref(take)));
                let (told, watched) = join(redis.take(&batch.takes), join_all(watching)).await;
                let down = |error: crate::StoreError| StoreDown { why: error.word() };
                let mut outcomes = told.map_err(down)?;
                for told in watched {
                    outcomes.extend(told.map_err(down)?);
                }
                Ok(Replies::new(outcomes))
            })
        }

        fn state(&self) -> StoreState {
            self.stats().snapshot().state()
        }
    }
}

#[cfg(feature = "blocking")]
mod waiting {
    use std::slice;

    use mantlet_engine::{Batch, Replies, StoreDown};

    use crate::redis::BlockingRedis;

    impl BlockingRedis {
        /// Runs a batch, as [`Store::run`](mantlet_engine::Store::run) does for hosts that can wait.
        ///
        /// # Errors
        /// Why there was no answer.
        pub fn run(&self, batch: &Batch) -> Result<Replies, StoreDown> {
            let down = |error: crate::StoreError| StoreDown { why: error.word() };
            let mut outcomes = self.take(&batch.takes).map_err(down)?;
            for take in &batch.shadows {
                outcomes.extend(self.take(slice::from_ref(take)).map_err(down)?);
            }
            Ok(Replies::new(outcomes))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use super::*;

    #[test]
    fn a_bad_address_is_told_once_and_no_password_with_it() {
        for url in [
            "hunter2",
            "hunter2@redis.internal",
            "redis://:hunter2",
            "redis://app:hunter2",
            "redis+cluster://a,:hunter2",
            "redis://redis.internal?password=hunter2",
            "unix:///run/redis.sock?password=hunter2",
        ] {
            let settings = RedisSettings {
                url: Url::Text(url.to_owned()),
                timeout: None,
                prefix: None,
                ca_file: None,
                client_files: None,
            };
            let error = Config::from_settings(&settings).unwrap_err();
            assert!(!error.to_string().contains("hunter2"), "{error}");
            assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
            assert!(error.source().is_none());
        }
    }
}
