//! The policy as a [`tower`](https://docs.rs/tower) layer: for axum and any tower or hyper service.
//!
//! The layer asks the engine about the request, lets it through or answers itself, and edits the header section of
//! whatever comes back: pages, errors, 404s, redirects and its own denials alike. Put it outermost, so that every response
//! passes it; a CORS layer goes inside.
//!
//! What the checks deny never reaches the service, and is logged by [`tracing`] with its reason and what to do if it should
//! have passed; so is what a check that only reports would have denied, which the [`Permit`] in the request extensions tells
//! too. Behind a PROXY protocol listener, put the address of its head into the [`Connection`].
//!
//! The peer address and TLS come from a [`Connection`] in the request extensions (or, with the feature `axum`, from axum's
//! `ConnectInfo<SocketAddr>`). Without either, nobody is a trusted proxy and the request counts as plain http, unless
//! the policy says `https = "assume"`: HSTS is then not sent, which is the safe way to be wrong.

mod body;
mod extract;
mod future;
mod head;
mod layer;
mod log;

pub use body::Body;
pub use extract::{ClientAddress, MissingNonce, MissingPeer, Nonce};
pub use future::ResponseFuture;
pub use head::Connection;
pub use layer::{Mantlet, MantletLayer, layer};
pub use mantlet_engine::Permit;
