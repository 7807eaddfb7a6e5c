//! The reverse proxy on a real socket, in front of an application on another.
//!
//! Its listener speaks plain http and learns of https from X-Forwarded-Proto of a trusted peer: a case whose client came
//! by https is sent from an address that the policy is made to trust, with that field.

use std::error::Error;
use std::net::Ipv4Addr;
use std::num::NonZeroUsize;
use std::time::Duration;

use http::{HeaderName, HeaderValue};
use mantlet_conformance::{Case, Fact, Host, Observed};
use mantlet_engine::policy::{Policy, Rules, Scoped};
use mantlet_engine::{Engine, Live, OsEntropy};
use mantlet_proxy::{Config, Running, Server};

use crate::wire::{Application, Stage, exchange};

/// The peer that says https.
const IN_FRONT: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 99);

pub(crate) struct Proxied {
    live: Live,
    stage: Stage,
    address: std::net::SocketAddr,
    running: Option<Running>,
    /// Outlives the proxy, which is stopped first.
    _application: Application,
}

impl Proxied {
    pub(crate) fn start() -> Self {
        let stage = Stage::default();
        let application = Application::start(stage.clone()).expect("an application");
        let upstream = format!("http://{}", application.address())
            .parse()
            .expect("an upstream");
        let mut config = Config::new(([127, 0, 0, 1], 0).into(), upstream);
        config.workers = NonZeroUsize::new(1);
        config.nonce_upstream = true;
        config.tell_reason = true;
        let nothing = Policy::new(Scoped::any(Rules::default()));
        let live = Live::new(Engine::new(nothing, OsEntropy));
        let server = Server::bind(config, live.clone()).expect("a proxy");
        Self {
            live,
            stage,
            address: server.local_addr(),
            running: Some(server.spawn().expect("a worker")),
            _application: application,
        }
    }
}

impl Host for Proxied {
    fn name(&self) -> &'static str {
        "proxy"
    }

    fn sees(&self, fact: Fact) -> bool {
        fact != Fact::Tls
    }

    fn run(&mut self, case: &Case) -> Result<Observed, Box<dyn Error + Send + Sync>> {
        let (policy, from, more) = if case.request.secure {
            let https = (
                HeaderName::from_static("x-forwarded-proto"),
                HeaderValue::from_static("https"),
            );
            (trusting(&case.policy)?, IN_FRONT, vec![https])
        } else {
            (case.policy.clone(), case.request.peer(), Vec::new())
        };
        let engine = case
            .engine_of(&policy)
            .map_err(|report| report.to_string())?;
        self.live.replace(engine);
        self.stage.set(&case.response);
        let mut observed = exchange(self.address, from, &case.request, &more)?;
        observed.told = self.stage.told();
        observed.reason = observed
            .fields
            .iter()
            .find(|(name, _)| name == "mantlet-reason")
            .map(|(_, value)| String::from_utf8_lossy(value).into_owned());
        Ok(observed)
    }
}

/// The policy with one more trusted proxy.
fn trusting(policy: &str) -> Result<String, Box<dyn Error + Send + Sync>> {
    let mut table: toml::Table = policy.parse()?;
    let trusted = table
        .entry("trusted_proxies")
        .or_insert(toml::Value::Array(Vec::new()));
    let trusted = trusted.as_array_mut().ok_or("trusted_proxies is no list")?;
    trusted.push(toml::Value::String(IN_FRONT.to_string()));
    Ok(table.to_string())
}

impl Drop for Proxied {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            running.stop(Duration::ZERO);
            // it has no request any more
            let _ = running.join();
        }
    }
}
