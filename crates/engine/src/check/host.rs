//! Is this service asked, and by one name?
//!
//! A request can name its host in several places: Host, the authority of an absolute-form target or `:authority`, and
//! X-Forwarded-Host (or `host=` of Forwarded) of a trusted proxy. Whatever is there has to be well-formed, and where the
//! policy lists hosts, each of them has to be listed: applications and libraries differ in which one they read. What counts
//! for later checks is the forwarded one, then the target's (RFC 9112 section 3.2.2), then Host.

use std::net::IpAddr;

use mantlet_headers::{Authority, HostName, HostPattern, Malformed};

use super::Facts;
use crate::head::Single;
use crate::policy::{Hosts, Https};
use crate::reason::{
    HOST_FORWARDED, HOST_MALFORMED, HOST_MISSING, HOST_REPEATED, HOST_UNKNOWN, Reason,
};
use crate::transport;
use crate::verdict::Denial;

/// The hosts of a policy, to be looked up.
#[derive(Debug)]
pub(crate) struct Listed {
    any: bool,
    names: Ports<Box<str>>,
    below: Ports<Box<str>>,
    addresses: Ports<IpAddr>,
    hosts: Hosts,
}

/// Sorted by the key: a lookup does not grow with the list.
type Ports<K> = Vec<(K, Option<u16>)>;

impl Listed {
    pub(crate) fn new(hosts: Hosts) -> Self {
        let mut listed = Self {
            any: false,
            names: Vec::new(),
            below: Vec::new(),
            addresses: Vec::new(),
            hosts: Hosts::default(),
        };
        for HostPattern { name, port } in hosts.allowed.iter().cloned() {
            match name {
                HostName::Any => listed.any = true,
                HostName::Exact(name) => listed.names.push((name, port)),
                HostName::Below(name) => listed.below.push((name, port)),
                HostName::Address(ip) => listed.addresses.push((ip, port)),
            }
        }
        listed.names.sort();
        listed.below.sort();
        listed.addresses.sort();
        listed.hosts = hosts;
        listed
    }

    /// As the policy has them.
    pub(crate) fn patterns(&self) -> &[HostPattern] {
        &self.hosts.allowed
    }

    /// Whether a client that asks for the twin of a listed name is sent to it.
    pub(crate) fn redirects(&self) -> bool {
        self.hosts.www_redirect
    }

    fn has(&self, authority: &Authority<'_>, secure: bool) -> bool {
        if self.any {
            return true;
        }
        let port = port_of(authority, secure);
        if let Some(ip) = authority.ip() {
            return has_port(&self.addresses, &ip, port);
        }
        self.has_name(authority.host(), port)
    }

    fn has_name(&self, name: &str, port: u16) -> bool {
        let above = || name.match_indices('.').map(|(dot, _)| &name[dot + 1..]);
        has_port(&self.names, name, port)
            || (!self.below.is_empty() && above().any(|name| has_port(&self.below, name, port)))
    }

    /// The listed name for one that is not, with or without `www.`.
    fn twin(&self, authority: &Authority<'_>, secure: bool) -> Option<String> {
        if !self.hosts.www_redirect || authority.ip().is_some() {
            return None;
        }
        let host = authority.host();
        let twin = match host.strip_prefix("www.") {
            Some(apex) => apex.to_owned(),
            None => format!("www.{host}"),
        };
        let port = port_of(authority, secure);
        self.has_name(&twin, port).then_some(twin)
    }
}

fn port_of(authority: &Authority<'_>, secure: bool) -> u16 {
    let default = if secure { 443 } else { 80 };
    authority.port().unwrap_or(default)
}

fn has_port<K, Q>(ports: &Ports<K>, key: &Q, port: u16) -> bool
where
    K: std::borrow::Borrow<Q>,
    Q: Ord + ?Sized,
{
    let start = ports.partition_point(|(known, _)| known.borrow() < key);
    let same = ports[start..]
        .iter()
        .take_while(|(known, _)| known.borrow() == key);
    let mut listed = same.map(|&(_, listed)| listed);
    listed.any(|listed| listed.is_none_or(|listed| listed == port))
}

/// The host that counts, if the request has one.
pub(super) fn check<'r>(
    facts: &Facts<'r>,
    any_host: bool,
) -> Result<Option<Authority<'r>>, Denial> {
    let rules = facts.compiled.hosts.as_ref().filter(|_| !any_host);
    let secure = facts.origination.secure;
    let is_listed = |host: &Authority<'_>| rules.is_none_or(|rules| rules.has(host, secure));
    let (own, fault) = match facts.short(facts.read.host).map_err(Denial::of)? {
        Single::Missing => (None, None),
        Single::One(host) => match Authority::parse(host) {
            Ok(host) => (Some(host), None),
            Err(_) => (None, Some(&HOST_MALFORMED)),
        },
        Single::Repeated => (None, Some(&HOST_REPEATED)),
    };
    let alone = facts.head.authority.is_none() && !facts.origination.trusted;
    if alone && rules.is_none() && fault.is_none() {
        return Ok(own);
    }
    let mut names = Names {
        counts: own,
        unlisted: false,
        fault,
    };
    if let Some(target) = facts.head.authority {
        names.add(Authority::parse(target), &HOST_MALFORMED, &is_listed);
    }
    let sources = &facts.compiled.sources;
    facts
        .origination
        .forwarded_hosts(sources, facts.head, &mut |host| {
            names.add(host, &HOST_FORWARDED, &is_listed);
        });

    let Names {
        counts,
        unlisted,
        fault,
    } = names;
    let answer = rules.and_then(|rules| rules.hosts.answer.as_ref());
    let deny = |reason| Err(Denial::of(reason).answered(answer));
    if let Some(reason) = fault {
        return deny(reason);
    }
    let (Some(rules), Some(host)) = (rules, &counts) else {
        return match (rules, counts) {
            (Some(_), None) => deny(&HOST_MISSING),
            (_, counts) => Ok(counts),
        };
    };
    if unlisted {
        return deny(&HOST_UNKNOWN);
    }
    if is_listed(host) {
        return Ok(counts);
    }
    let to_https = sources.https == Https::Redirect;
    match rules.twin(host, secure) {
        Some(twin) => Err(transport::to_name(
            facts.head,
            &twin,
            host.port().filter(|_| secure || !to_https),
            secure || to_https,
        )),
        None => deny(&HOST_UNKNOWN),
    }
}

/// The names of a request so far.
struct Names<'r> {
    /// The last one.
    counts: Option<Authority<'r>>,
    /// Whether one before it is not listed.
    unlisted: bool,
    fault: Option<&'static Reason>,
}

impl<'r> Names<'r> {
    fn add(
        &mut self,
        name: Result<Authority<'r>, Malformed>,
        reason: &'static Reason,
        is_listed: &dyn Fn(&Authority<'_>) -> bool,
    ) {
        match name {
            Ok(name) => {
                let same = self.counts.as_ref() == Some(&name);
                let before = self.counts.replace(name).filter(|_| !same);
                self.unlisted |= before.is_some_and(|before| !is_listed(&before));
            }
            Err(_) => self.fault = self.fault.or(Some(reason)),
        }
    }
}
