//! `mantlet serve`: the policy in front of an application.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use mantlet_config::{Environment, Loaded, reload};
use mantlet_engine::policy::RedisSettings;
use mantlet_engine::{Engine, Live};
use mantlet_proxy::{Config, Server, Stores, Upstream};
use mantlet_source::watch;
use mantlet_store::redis::{self, Redis, SettingsError};
use tokio::signal::unix::{SignalKind, signal};
use tracing::{error, info, warn};

use crate::policy::PolicyArguments;
use crate::{Failure, log_to_stderr};

/// Stand in front of an application as a reverse proxy
///
/// The policy file is followed: a change is in force within half a second, a broken file keeps the policy in force. SIGHUP
/// reads it again, SIGTERM and SIGINT stop the proxy after the requests in flight.
#[derive(Args)]
pub(crate) struct Serve {
    /// The application: http://HOST:PORT
    #[arg(long, value_name = "URL")]
    upstream: Upstream,
    /// Where clients connect
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Where /healthz, /readyz and /metrics answer; a loopback address
    #[arg(long, value_name = "ADDRESS")]
    admin: Option<SocketAddr>,
    #[command(flatten)]
    policy: PolicyArguments,
    /// Threads, each with its own listener and connections [default: one a core]
    #[arg(long, value_name = "N")]
    workers: Option<NonZeroUsize>,
    /// How long to wait for a connection to the application, in seconds; then 504
    #[arg(long, value_name = "SECONDS", default_value = "5")]
    connect_timeout: Seconds,
    /// How long to wait for the head of its response, in seconds; then 504
    #[arg(long, value_name = "SECONDS", default_value = "60")]
    response_timeout: Seconds,
    /// How long requests in flight may take when the proxy stops, in seconds
    #[arg(long, value_name = "SECONDS", default_value = "30")]
    grace: Seconds,
    /// Name the reason of an answer of the proxy's own in the response field Mantlet-Reason
    #[arg(long)]
    tell_reason: bool,
}

#[derive(Clone, Copy)]
struct Seconds(Duration);

impl std::str::FromStr for Seconds {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.parse::<f64>() {
            Ok(seconds) if seconds > 0.0 && seconds <= 86_400.0 => {
                Ok(Self(Duration::from_secs_f64(seconds)))
            }
            _ => Err("a number of seconds above 0, at most 86400".to_owned()),
        }
    }
}

impl Serve {
    pub(crate) fn run(self) -> Result<(), Failure> {
        log_to_stderr();
        let loaded = self.policy.load()?;
        info!(
            "policy of {}, environment {} {}",
            self.policy.origin(),
            loaded.environment,
            loaded.chosen
        );
        let stores = loaded
            .redis
            .as_ref()
            .map(|redis| stores(redis, &loaded.engine))
            .transpose()?;
        let live = Live::new(loaded.engine);
        let text = loaded.source.map(|source| source.text.clone());

        let mut config = Config::new(self.listen, self.upstream);
        config.admin = self.admin;
        config.workers = self.workers;
        config.timeouts.connect = self.connect_timeout.0;
        config.timeouts.response = self.response_timeout.0;
        config.timeouts.grace = self.grace.0;
        config.tell_reason = self.tell_reason;
        config.stores = stores;
        // a policy that draws nonces is refused, now and at every reload, unless it may tell them
        config.nonce_upstream = true;
        let upstream = config.upstream.to_string();
        let server = Server::bind(config, live.clone())?;
        let mut ready = vec![format!("http://{} -> {upstream}", server.local_addr())];
        ready.extend(
            server
                .admin_addr()
                .map(|admin| format!("admin http://{admin}")),
        );

        let follow = self.policy.file().map(|file| Follow {
            file,
            flag: self.policy.environment,
            live,
            redis: loaded.redis,
        });
        let _watch = match &follow {
            Some(follow) => {
                let again = follow.clone();
                let text = text.unwrap_or_default();
                match watch(&follow.file, text, move || again.read("changed")) {
                    Ok(watch) => Some(watch),
                    Err(error) => {
                        warn!("{error}; send SIGHUP after a change");
                        None
                    }
                }
            }
            None => None,
        };
        server.run(stopped(follow, ready))?;
        info!("stopped");
        Ok(())
    }
}

/// A store for each worker; nothing is connected yet.
fn stores(settings: &RedisSettings, engine: &Engine) -> Result<Stores, SettingsError> {
    redis::countable(engine)?;
    let config = redis::Config::from_settings(settings)?;
    let first = Redis::connect(config)?;
    Ok(Stores::new(move || Arc::new(first.sibling())))
}

/// The policy file of a running proxy.
#[derive(Clone)]
struct Follow {
    file: PathBuf,
    flag: Option<Environment>,
    live: Live,
    /// The store that is connected.
    redis: Option<RedisSettings>,
}

impl Follow {
    fn read(&self, why: &str) {
        let file = self.file.display();
        match reload(&self.file, self.flag, &self.live, Loaded::for_proxy) {
            Ok(loaded) => {
                if loaded.redis != self.redis {
                    warn!(
                        "[store.redis] has changed: the proxy goes on with the old one until it is started again"
                    );
                }
                for warning in loaded.warnings.diagnostics() {
                    warn!("{warning}");
                }
                info!(
                    "{file} {why}: the new policy is in force, environment {} {}",
                    loaded.environment, loaded.chosen
                );
            }
            Err(report) => {
                error!("{file} {why} and cannot be used: THE OLD POLICY STAYS IN FORCE");
                for diagnostic in report.diagnostics() {
                    error!("{diagnostic}");
                }
            }
        }
    }
}

/// Completes at SIGTERM or SIGINT; reads the policy again at each SIGHUP. The lines of `ready` are logged once a signal
/// would be heard: whoever waits for them may send one.
async fn stopped(follow: Option<Follow>, ready: Vec<String>) {
    let signals = (
        signal(SignalKind::terminate()),
        signal(SignalKind::interrupt()),
        signal(SignalKind::hangup()),
    );
    let (Ok(mut terminate), Ok(mut interrupt), Ok(mut hangup)) = signals else {
        error!("cannot listen for signals");
        return std::future::pending().await;
    };
    for line in ready {
        info!("{line}");
    }
    loop {
        tokio::select! {
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
            _ = hangup.recv() => match &follow {
                Some(follow) => follow.read("read again"),
                None => warn!("SIGHUP: the policy is a preset, there is no file to read again"),
            },
        }
    }
    info!("stopping: waiting for the requests in flight");
}
