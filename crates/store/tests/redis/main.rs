//! The store against real servers: each test starts its own `redis-server` on a spare port and stops it.
//!
//! `MANTLET_REDIS_SERVER` names another server, as `valkey-server`.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod asking;
mod blocking;
mod cluster;
mod exact;
mod model;
mod outage;
mod secure;
mod sentinel;
mod server;
