//! The mantlet policy in front of any application: a reverse proxy for HTTP/1.1 and WebSocket.
//!
//! ```no_run
//! use mantlet_engine::policy::{Policy, Rules, Scoped};
//! use mantlet_engine::{Engine, Live, OsEntropy};
//! use mantlet_proxy::{Config, Server};
//!
//! let engine = Engine::new(Policy::new(Scoped::any(Rules::default())), OsEntropy);
//! let config = Config::new("127.0.0.1:8080".parse()?, "http://127.0.0.1:8000".parse()?);
//! let server = Server::bind(config, Live::new(engine))?;
//! println!("listening on {}", server.local_addr());
//! server.run(std::future::pending())?;
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```
//!
//! What a request meets, in order:
//!
//! 1. a balancer that the policy trusts announces its client ([`wire::Announced`]);
//! 2. the [gate](wire) reads its bytes before the HTTP library does and turns away what two implementations could read
//!    differently;
//! 3. the engine's call one decides;
//! 4. hop-by-hop fields go, forwarding fields are rewritten, the nonce is told;
//! 5. the application answers over a pooled connection, or the proxy does: 502, 504;
//! 6. the engine's call two edits the response, whoever made it.
//!
//! What does not go through: trailers and interim responses other than 100 (RFC 9110 sections 6.5 and 15.2), upgrades other
//! than WebSocket, CONNECT and TRACE. `Expect: 100-continue` is answered here, once the application's connection takes the
//! body. TLS and HTTP/2 are spoken by whatever stands in front, on either side.
//!
//! Where it fails open: nowhere. A request that cannot be placed is refused, a verdict that is not known is a denial, a
//! response that cannot be framed is a 502.

mod admin;
mod believed;
mod body;
mod config;
mod fields;
mod forward;
mod listen;
mod log;
mod metrics;
mod server;
mod tunnel;
mod upload;
mod upstream;
pub mod wire;
mod worker;

pub use config::{Config, Stores, Timeouts, Upstream, UpstreamError};
pub use server::{BindError, RunError, Running, Server};
