//! One security policy in front of a web application: security headers, and what goes with them.
//!
//! ```no_run
//! # #[cfg(feature = "axum")]
//! # fn app() -> Result<(), Box<dyn std::error::Error>> {
//! use axum::{Router, routing::get};
//!
//! let app: Router = Router::new()
//!     .route("/", get(|| async { "hello" }))
//!     .layer(mantlet::layer(mantlet::policy_file("mantlet.toml")?));
//! # Ok(())
//! # }
//! ```
//!
//! Without a file, [`Config`] holds the same policy in code:
//!
//! ```
//! use mantlet::{Config, Preset};
//!
//! let policy = Config::preset(Preset::Strict)
//!     .csp("script-src", ["'self'", "'nonce'"])
//!     .csp_add("img-src", ["https://cdn.example.com"])
//!     .build()?;
//! let layer = mantlet::layer(policy);
//! # Ok::<(), mantlet::Report>(())
//! ```
//!
//! Handlers read the nonce of their exchange with the [`Nonce`] extractor, the client's address with [`ClientAddress`].
//!
//! Requests are checked before a handler sees them: forms and scripts of other sites are denied by every preset but `none`,
//! other hosts where the policy lists its own.
//!
//! ```
//! use mantlet::{Config, Disposition};
//!
//! let policy = Config::new()
//!     .hosts(["example.com", "*.example.com"])
//!     .trusted_proxies(["10.0.0.0/8".parse()?])
//!     .allowed_origins(["https://partner.example"])
//!     .cross_origin(Disposition::Report { enforce_percent: 10 })
//!     .build()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [`limit`]s say how many requests a client may send, in this process or, with the feature `redis`, in a store that several share:
//!
//! ```
//! use std::time::Duration;
//! use mantlet::limit::{Algorithm, Counting, Limit, Quota, Rule};
//! use mantlet::Config;
//!
//! let quota = Quota::new(100, Duration::from_secs(60))?.burst_of(20)?;
//! let rule = Rule::new(quota, Algorithm::TokenBucket)?;
//! let policy = Config::new().limit(Limit::new("per-client", Counting::Requests(rule))).build()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub use mantlet_config::{
    Chosen, Config, Diagnostic, Environment, Loaded, Mode, Place, Preset, Report, Source, Styled,
    load,
};
pub use mantlet_engine::policy::{Disposition, Https};
pub use mantlet_engine::{
    Engine, Entropy, EntropyError, LimitState, Live, OsEntropy, Reason, Store,
};
pub use mantlet_headers as headers;
pub use mantlet_source::{Watch, WatchError};
#[cfg(feature = "redis")]
pub use mantlet_store::redis;
pub use mantlet_tower::{
    Body, ClientAddress, Connection, Mantlet, MantletLayer, MissingNonce, MissingPeer, Nonce,
    Permit, ResponseFuture, layer,
};

use std::path::Path;

/// Reads and compiles a policy file, for the environment that `MANTLET_ENVIRONMENT` or the file says. Its warnings go to
/// [`tracing`]; [`load`] hands them out.
///
/// # Errors
/// Every error of the file at once, each with its place.
pub fn policy_file(path: impl AsRef<Path>) -> Result<Engine, Report> {
    let loaded = load(path.as_ref(), None)?;
    for warning in loaded.warnings.diagnostics() {
        tracing::warn!("{warning}");
    }
    Ok(loaded.engine)
}

/// Limits of how many requests.
pub mod limit {
    pub use mantlet_engine::policy::{
        CostOf, Counted, Counting, Exemption, KeyPart, Limit, LimitFields, OnError, Prefix,
        Selection,
    };
    pub use mantlet_limit::{Algorithm, Mode, Outcome, Quota, QuotaError, Rule, Thresholds};
}

/// The layer of a policy file, with the store that the file names: nothing is connected before the first request.
///
/// # Errors
/// [`LayerError`] for a broken file, a store that cannot be used as it is written, and a limit that the store cannot count.
pub fn policy_layer(path: impl AsRef<Path>) -> Result<MantletLayer, LayerError> {
    let loaded = load(path.as_ref(), None)?;
    for warning in loaded.warnings.diagnostics() {
        tracing::warn!("{warning}");
    }
    match &loaded.redis {
        Some(settings) => with_store(layer(loaded.engine.clone()), settings, &loaded.engine),
        None => Ok(layer(loaded.engine)),
    }
}

#[cfg(feature = "redis")]
fn with_store(
    layer: MantletLayer,
    settings: &mantlet_engine::policy::RedisSettings,
    engine: &Engine,
) -> Result<MantletLayer, LayerError> {
    redis::countable(engine)?;
    let client = redis::Redis::connect(redis::Config::from_settings(settings)?)
        .map_err(redis::SettingsError::from)?;
    Ok(layer.with_store(std::sync::Arc::new(client)))
}

#[cfg(not(feature = "redis"))]
fn with_store(
    _: MantletLayer,
    _: &mantlet_engine::policy::RedisSettings,
    _: &Engine,
) -> Result<MantletLayer, LayerError> {
    Err(LayerError::NoRedis)
}

/// A policy file cannot be made a layer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LayerError {
    /// The policy is broken.
    #[error(transparent)]
    Policy(#[from] Report),
    /// Its store cannot be used.
    #[cfg(feature = "redis")]
    #[error(transparent)]
    Store(#[from] redis::SettingsError),
    /// It names a store, and this build has none.
    #[error(
        "[store.redis] needs the feature redis of this crate: mantlet = {{ features = [\"redis\"] }}"
    )]
    NoRedis,
}

/// As [`policy_file`], and follows the file: a change is in force for the next request, and a broken file keeps the policy in
/// force. The end of the [`Watch`] ends the following: keep it as long as the service runs.
///
/// `told` hears of each attempt, also of the first if it succeeds, and with it of the warnings: nothing is logged here.
///
/// A change can take `'nonce'` out of the policy, or put it in: a handler that is to outlive it takes `Option<Nonce>`.
///
/// # Errors
/// [`FollowError`] if the file is broken now, or its folder cannot be watched.
pub fn follow_policy_file(
    path: impl AsRef<Path>,
    told: impl Fn(Result<Loaded, Report>) + Send + 'static,
) -> Result<(Live, Watch), FollowError> {
    let path = path.as_ref().to_path_buf();
    let loaded = load(&path, None)?;
    let text = loaded.source.as_ref().map(|source| source.text.clone());
    let live = Live::new(loaded.engine.clone());
    told(Ok(loaded));
    let (file, target) = (path.clone(), live.clone());
    let watch = mantlet_source::watch(&path, text.unwrap_or_default(), move || {
        told(mantlet_config::reload(&file, None, &target, Ok))
    })?;
    Ok((live, watch))
}

/// A policy file cannot be followed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FollowError {
    /// The policy is broken.
    #[error(transparent)]
    Policy(#[from] Report),
    /// Its folder cannot be watched.
    #[error(transparent)]
    Watch(#[from] WatchError),
}
