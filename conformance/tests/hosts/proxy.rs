//! The reverse proxy on a real socket, in front of an application on another.
//!
//! Its listener speaks plain http and learns of https from X-Forwarded-Proto (or Forwarded) of a trusted peer: a case whose client came
//! by https is sent from an address that the policy is made to trust, with that field. Where the policy says that balancers
//! announce their clients, that address is a balancer, which announces the peer of the case.

use std::error::Error;
use std::net::Ipv4Addr;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderName, HeaderValue};
use mantlet_conformance::{Case, Fact, Host, Observed};
use mantlet_engine::policy::{Policy, Rules, Scoped};
use mantlet_engine::{Engine, Live, OsEntropy, Store};
use mantlet_proxy::{Config, Running, Server, Stores};

use crate::wire::{Application, Stage, exchange};

/// The peer that speaks for others.
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
        Self::of(None)
    }

    pub(crate) fn with_store(store: Arc<dyn Store>) -> Self {
        Self::of(Some(Stores::new(move || store.clone())))
    }

    fn of(stores: Option<Stores>) -> Self {
        let stage = Stage::default();
        let application = Application::start(stage.clone()).expect("an application");
        let upstream = format!("http://{}", application.address())
            .parse()
            .expect("an upstream");
        let mut config = Config::new(([127, 0, 0, 1], 0).into(), upstream);
        config.workers = NonZeroUsize::new(1);
        config.nonce_upstream = true;
        config.tell_reason = true;
        config.stores = stores;
        let live = Live::new(nothing());
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

/// A policy without rules.
fn nothing() -> Engine {
    Engine::new(Policy::new(Scoped::any(Rules::default())), OsEntropy)
}

impl Host for Proxied {
    fn name(&self) -> &'static str {
        "proxy"
    }

    fn sees(&self, fact: Fact) -> bool {
        fact != Fact::Tls
    }

    fn run(&mut self, case: &Case) -> Result<Observed, Box<dyn Error + Send + Sync>> {
        let request = &case.request;
        let mut policy: toml::Table = case.policy.parse()?;
        let source = policy.get("client_address").and_then(toml::Value::as_str);
        let source = source.unwrap_or_default().to_owned();
        let announced = source == "proxy-protocol";
        let (mut text, mut from) = (case.policy.clone(), request.peer());
        if announced || request.secure {
            trust(&mut policy)?;
            (text, from) = (policy.to_string(), IN_FRONT);
        }
        let (mut before, mut more) = (Vec::new(), Vec::new());
        if announced {
            before = announcement(request.peer(), request.secure);
        } else if request.secure {
            let (name, value) = match source.as_str() {
                "forwarded" => ("forwarded", "proto=https"),
                _ => ("x-forwarded-proto", "https"),
            };
            let name = HeaderName::from_static(name);
            more.push((name, HeaderValue::from_static(value)));
        }
        let engine = case.engine_of(&text).map_err(|report| report.to_string())?;
        // nothing that another case has counted
        self.live.replace(nothing());
        self.live.replace(engine);
        self.stage.set(&case.response);
        for _ in 0..case.earlier {
            exchange(self.address, from, &before, request, &more)?;
        }
        self.stage.told();
        let mut observed = exchange(self.address, from, &before, request, &more)?;
        observed.told = self.stage.told();
        observed.reason = observed
            .fields
            .iter()
            .find(|(name, _)| name == "mantlet-reason")
            .map(|(_, value)| String::from_utf8_lossy(value).into_owned());
        Ok(observed)
    }
}

/// One more trusted proxy.
fn trust(policy: &mut toml::Table) -> Result<(), Box<dyn Error + Send + Sync>> {
    let trusted = policy
        .entry("trusted_proxies")
        .or_insert(toml::Value::Array(Vec::new()));
    let trusted = trusted.as_array_mut().ok_or("trusted_proxies is no list")?;
    trusted.push(toml::Value::String(IN_FRONT.to_string()));
    Ok(())
}

/// What a balancer says of a connection, by PROXY protocol version 2: its client, over TCP and IPv4, and that it came by TLS
/// (PP2_TYPE_SSL).
fn announcement(client: Ipv4Addr, tls: bool) -> Vec<u8> {
    let ssl: &[u8] = match tls {
        true => &[0x20, 0, 5, 1, 0, 0, 0, 0],
        false => &[],
    };
    let ports = [0x9c, 0x40, 0x1f, 0x90];
    let body = [&client.octets()[..], &IN_FRONT.octets(), &ports, ssl].concat();
    let length = [0, body.len() as u8];
    [b"\r\n\r\n\0\r\nQUIT\n\x21\x11", &length[..], &body].concat()
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
