//! What the application may read of a request that was let through.

use std::net::IpAddr;
use std::sync::Arc;

use mantlet_limit::Outcome;

use crate::limit::Quotas;
use crate::nonce::Nonce;
use crate::reason::Reason;

/// The answer of the checks to the application.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Permit {
    pub(crate) nonce: Option<Nonce>,
    pub(crate) secure: bool,
    pub(crate) client: Option<IpAddr>,
    /// Whether a trusted peer was listened to.
    pub(crate) told: bool,
    /// What origin and isolation would have said.
    pub(crate) reported: [Option<&'static Reason>; 3],
    /// What the limits have left.
    pub(crate) limits: Option<Arc<Quotas>>,
}

impl Permit {
    /// The nonce of this exchange, if the policy uses one here.
    pub fn nonce(&self) -> Option<Nonce> {
        self.nonce
    }

    /// Whether the client came by https: TLS here, a trusted peer's word, or `https = "assume"`.
    pub fn is_secure(&self) -> bool {
        self.secure
    }

    /// The client's address: the peer's, or what a trusted peer tells of it. `None` where the host does not know the peer.
    pub fn client(&self) -> Option<IpAddr> {
        self.client
    }

    /// What the limits that the request passed have left, by name, in their order.
    pub fn quotas(&self) -> impl Iterator<Item = (&str, &Outcome)> {
        self.limits.iter().flat_map(|limits| limits.iter())
    }

    /// Whether there is anything that the request itself does not say: a nonce, what a trusted peer tells, a report, a quota. A
    /// host may spare itself the way to the application for a permit that tells nothing.
    pub fn tells(&self) -> bool {
        self.told
            || self.nonce.is_some()
            || self.limits.is_some()
            || self.reported.iter().any(Option::is_some)
    }

    /// Why the request would have been denied by the checks that only report, in their order.
    pub fn reported(&self) -> impl Iterator<Item = &'static Reason> + use<> {
        self.reported.into_iter().flatten()
    }
}
