//! The proxy over real sockets: a raw client on one side, a recording application on the other.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod admin;
mod announced;
mod checks;
mod client_address;
mod failures;
mod forwarding;
mod lifetime;
mod odd_requests;
mod soup;
mod streaming;
mod support;
mod upgrade;
