//! The proxy over real sockets: a raw client on one side, a recording application on the other.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, dead_code)]

mod forwarding;
mod support;
