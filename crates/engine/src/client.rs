//! Who the client is, and what the proxies in front tell of its request.
//!
//! The client is the peer, unless the peer is in `trusted_proxies`. Then the one source that the policy names is read from
//! right to left: an address that is trusted itself is a hop on the way, the first that is not is the client. Junk, an
//! obfuscated name or `unknown` ends the walk at the last address that a trusted hop vouches for; nothing behind it is
//! read. If all are trusted, the leftmost is the client.
//!
//! Scheme and host come from the same source: X-Forwarded-Proto and X-Forwarded-Host, or the element of Forwarded in which
//! the outermost trusted proxy tells of the client. From a peer that is not trusted nothing is read.

use std::fmt;
use std::net::IpAddr;

use http::HeaderName;
use ipnet::IpNet;
use mantlet_headers::forwarded::{self, Element, Node};
use mantlet_headers::{Authority, Malformed, Scheme};

use crate::head::{Fields, RequestHead, Single};
use crate::policy::{ClientAddress, Https};

static FORWARDED: HeaderName = http::header::FORWARDED;
static X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
static X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
static X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// Hops that are followed. A longer way is a forgery or a loop, and ends there.
const MAX_HOPS: usize = 32;
/// Lines of one field that are read, the last of them: a proxy that writes a line of its own writes it behind the others.
const MAX_LINES: usize = MAX_HOPS;

/// Who speaks for a client, as the policy has it.
#[derive(Debug)]
pub(crate) struct Sources {
    pub(crate) https: Https,
    pub(crate) trusted: Vec<IpNet>,
    pub(crate) address: ClientAddress,
}

/// What is known of the way a request came.
pub(crate) struct Origination {
    /// The client's address.
    pub(crate) client: Option<IpAddr>,
    /// Whether the client came by https.
    pub(crate) secure: bool,
    /// Whether the peer may tell of others.
    pub(crate) trusted: bool,
    /// Whether a field of a trusted peer is too long to be read; nothing is believed then.
    pub(crate) too_large: bool,
    /// What the outermost trusted proxy says, where the source is Forwarded.
    element: Option<Box<Result<Element, Malformed>>>,
}

impl Sources {
    /// Whether a peer may speak for others.
    pub(crate) fn trusts(&self, peer: IpAddr) -> bool {
        trusts(&self.trusted, peer)
    }

    /// Whether fields of this request's peer are believed.
    pub(crate) fn believes(&self, head: &RequestHead<'_>) -> bool {
        !self.trusted.is_empty()
            && !head.announced
            && self.address != ClientAddress::ProxyProtocol
            && head.peer.is_some_and(|peer| self.trusts(peer))
    }

    /// The fields that are read of a peer that is believed.
    fn fields(&self) -> impl Iterator<Item = &HeaderName> {
        let (address, others) = match &self.address {
            ClientAddress::XForwardedFor => (Some(&X_FORWARDED_FOR), true),
            ClientAddress::Forwarded => (Some(&FORWARDED), false),
            ClientAddress::Field(name) => (Some(name), true),
            ClientAddress::ProxyProtocol => (None, false),
        };
        let others = [&X_FORWARDED_PROTO, &X_FORWARDED_HOST]
            .into_iter()
            .filter(move |_| others);
        address.into_iter().chain(others)
    }

    /// Reads what the peer may tell; no field of more than `max` bytes.
    pub(crate) fn origination(&self, head: &RequestHead<'_>, max: usize) -> Origination {
        let believed = self.believes(head);
        let too_large = believed && !self.fields().all(|name| is_within(head.fields, name, max));
        let trusted = believed && !too_large;
        let mut client = head.peer.map(|peer| peer.to_canonical());
        let mut element = None;
        if trusted {
            let told = self.walk(head, &mut |hop| client = Some(hop));
            element = told.map(Box::new);
        }
        let told = || match &self.address {
            _ if !trusted => false,
            ClientAddress::Forwarded => {
                let element = element.as_deref().and_then(|element| element.as_ref().ok());
                element.and_then(|element| element.scheme) == Some(Scheme::Https)
            }
            _ => is_https(head.fields),
        };
        Origination {
            client,
            secure: self.https == Https::Assume || head.tls || told(),
            trusted,
            too_large,
            element,
        }
    }

    /// Calls `visit` with each address that is vouched for, from the peer's neighbour to the client; the peer is trusted.
    /// Hands out what the last trusted hop says, where the source is Forwarded.
    fn walk(
        &self,
        head: &RequestHead<'_>,
        visit: &mut dyn FnMut(IpAddr),
    ) -> Option<Result<Element, Malformed>> {
        match &self.address {
            ClientAddress::ProxyProtocol => None,
            ClientAddress::Field(name) => {
                if let Single::One(value) = head.fields.single(name)
                    && let Some(ip) = address(value.trim_ascii())
                {
                    visit(ip);
                }
                None
            }
            ClientAddress::XForwardedFor => {
                let lines = Lines::of(head.fields, &X_FORWARDED_FOR);
                for element in forwarded::list(lines.iter()).take(MAX_HOPS) {
                    let ip = element.and_then(address)?;
                    visit(ip);
                    if !self.trusts(ip) {
                        break;
                    }
                }
                None
            }
            ClientAddress::Forwarded => {
                let lines = Lines::of(head.fields, &FORWARDED);
                let mut last = None;
                for element in forwarded::elements(lines.iter()).take(MAX_HOPS) {
                    let Ok(found) = &element else {
                        // the nearest proxy's own element tells nothing: neither do those behind it
                        return last.or(Some(element));
                    };
                    let ip = found.client.as_ref().and_then(Node::ip);
                    last = Some(element);
                    let Some(ip) = ip else { break };
                    visit(ip);
                    if !self.trusts(ip) {
                        break;
                    }
                }
                last
            }
        }
    }

    /// The host that a trusted peer tells of, if there is one.
    pub(crate) fn forwarded_host<'h>(&self, head: &RequestHead<'h>) -> Option<Authority<'h>> {
        let mut host = None;
        let origination = self.origination(head, usize::MAX);
        origination.forwarded_hosts(self, head, &mut |told| host = told.ok());
        host
    }

    /// The way the request came, from the client to the peer: what may be told on as X-Forwarded-For.
    pub(crate) fn hops(&self, head: &RequestHead<'_>) -> Vec<IpAddr> {
        let mut hops: Vec<IpAddr> = head
            .peer
            .map(|peer| peer.to_canonical())
            .into_iter()
            .collect();
        if self.believes(head) {
            self.walk(head, &mut |hop| hops.push(hop));
        }
        hops.reverse();
        hops
    }
}

impl Origination {
    /// Calls `visit` with each host that the trusted proxies tell of, the one that counts last.
    pub(crate) fn forwarded_hosts<'h>(
        &self,
        sources: &Sources,
        head: &RequestHead<'h>,
        visit: &mut dyn FnMut(Result<Authority<'h>, Malformed>),
    ) {
        if !self.trusted {
            return;
        }
        match (&sources.address, self.element.as_deref()) {
            (ClientAddress::Forwarded, Some(Ok(element))) => {
                if let Some(host) = &element.host {
                    visit(Ok(host.clone()));
                }
            }
            (ClientAddress::Forwarded, Some(Err(malformed))) => visit(Err(malformed.clone())),
            (ClientAddress::Forwarded, None) => {}
            _ => head.fields.each(&X_FORWARDED_HOST, &mut |line| {
                for element in line.split(|&b| b == b',') {
                    visit(Authority::parse(element.trim_ascii()));
                }
            }),
        }
    }
}

/// The last element of X-Forwarded-Proto, the one that the peer added, is `https`.
fn is_https(fields: &dyn Fields) -> bool {
    let mut last = None;
    fields.each(&X_FORWARDED_PROTO, &mut |line| last = Some(line));
    let nearest = last
        .and_then(|line| line.rsplit(|&b| b == b',').next())
        .unwrap_or_default();
    nearest.trim_ascii().eq_ignore_ascii_case(b"https")
}

/// Whether all lines of a field together have at most `max` bytes.
pub(crate) fn is_within(fields: &dyn Fields, name: &HeaderName, max: usize) -> bool {
    let mut sum = 0usize;
    fields.each(name, &mut |line| sum = sum.saturating_add(line.len()));
    sum <= max
}

fn address(element: &[u8]) -> Option<IpAddr> {
    Node::parse(element).ok()?.ip()
}

/// The last lines of a field, lent for a walk from the last to the first.
struct Lines<'h> {
    /// A ring.
    lines: [&'h [u8]; MAX_LINES],
    /// How many lines there are.
    len: usize,
}

impl<'h> Lines<'h> {
    fn of(fields: &'h dyn Fields, name: &HeaderName) -> Self {
        let mut found = Self {
            lines: [&[]; MAX_LINES],
            len: 0,
        };
        fields.each(name, &mut |line| {
            found.lines[found.len % MAX_LINES] = line;
            found.len += 1;
        });
        found
    }

    fn iter(&self) -> impl DoubleEndedIterator<Item = &'h [u8]> + use<'h, '_> {
        let first = self.len.saturating_sub(MAX_LINES);
        (first..self.len).map(|line| self.lines[line % MAX_LINES])
    }
}

/// Whether `peer` is in one of the networks; an IPv4 address in IPv6 clothes is that IPv4 address.
fn trusts(trusted: &[IpNet], peer: IpAddr) -> bool {
    let peer = peer.to_canonical();
    trusted.iter().any(|net| net.contains(&peer))
}

/// A peer on this machine or in a private network that speaks for others and is not trusted: most likely the service's own
/// proxy, forgotten in the policy. Its [`Display`](fmt::Display) is a line for the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UntrustedProxy {
    /// The peer.
    pub peer: IpAddr,
    /// A field that it sends.
    pub field: &'static str,
}

impl UntrustedProxy {
    pub(crate) fn of(sources: &Sources, head: &RequestHead<'_>) -> Option<Self> {
        if sources.address == ClientAddress::ProxyProtocol {
            // no field is believed of anybody, and this peer may be a client that a balancer announced
            return None;
        }
        let peer = head.peer?.to_canonical();
        let near = match peer {
            IpAddr::V4(v4) => v4.is_loopback() || v4.is_private() || v4.is_link_local(),
            IpAddr::V6(v6) => {
                v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local()
            }
        };
        if !near || sources.trusts(peer) {
            return None;
        }
        let names = [
            (&X_FORWARDED_FOR, "X-Forwarded-For"),
            (&X_FORWARDED_PROTO, "X-Forwarded-Proto"),
            (&X_FORWARDED_HOST, "X-Forwarded-Host"),
            (&FORWARDED, "Forwarded"),
        ];
        let sent = names.iter().find(|(name, _)| head.fields.has(name));
        sent.map(|(_, field)| Self { peer, field })
    }
}

impl fmt::Display for UntrustedProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { peer, field } = self;
        write!(
            f,
            "{peer} sends {field} and is not trusted, so the field is ignored; if it is your proxy, add to the policy: \
             trusted_proxies = [\"{peer}\"]"
        )
    }
}
