//! Limits on Redis (5 and later) and Valkey: one script, one trip for all limits of a request.
//!
//! * **All or nothing**: the script takes the cost of every limit of a request or of none, in one step of the server.
//! * **One clock**: the server's. Clients with wrong clocks do no harm.
//! * **Keys**: `mantlet:{<32 hex digits>}:<limit>:<how it is counted>`. The digits are a hash, so that no store holds an address or
//!   a credential; they are the cluster's hash tag, so that all limits of one client share a slot. How it is counted is in
//!   the key: a changed policy never reads what the old one left. Every key has a time to live, given anew at each write.
//! * **The bound**: a token bucket admits at most `burst + t * requests / window` in any time t; a strict window never more than
//!   `requests`; an interpolated one less than twice that. Rounding is on that side: see [`Count`].
//!
//! Where it fails open: a failover to a replica loses what was not yet replicated, at most one burst a key; a server clock set
//! forward forgives what the step covers, and one set back stands still until it has caught up; `maxmemory` with an eviction policy
//! forgets keys, so limits want `noeviction` or `volatile-ttl`. Where nobody answers, the host's `on_error` decides.
//!
//! A connection that broke before the answer is made anew once within the trip: servers close those that are idle. The cost may then
//! be taken twice, which admits nobody.
//!
//! Three ways to it, over one core: [`Trip`] turns takes into bytes and replies into outcomes and does no I/O (Python's asyncio
//! drives it over a transport of its own); with feature `tokio`, `Redis` is a client for async hosts; with feature
//! `blocking`, `BlockingRedis` one for threads, which survives a fork.

mod config;
mod count;
mod handshake;
mod host;
mod replies;
mod script;
mod spread;
mod trip;
mod url;

#[cfg(feature = "blocking")]
mod blocking;
#[cfg(feature = "tokio")]
mod client;
#[cfg(any(feature = "tokio", feature = "blocking"))]
mod connect;

pub use config::{Address, Auth, ClientCertificate, Config, ConfigError, Password, Tls, Topology};
pub use count::{Count, Uncountable};
pub use handshake::Handshake;
pub use host::{SettingsError, countable};
pub use replies::{Replies, Reply};
pub use script::Script;
pub use spread::{Gathered, Share, gather, shares};
pub use trip::{Trip, slot};

#[cfg(feature = "blocking")]
pub use blocking::BlockingRedis;
#[cfg(feature = "tokio")]
pub use client::Redis;
