//! The names a service answers to: `example.com`, `*.example.com`, `[::1]:8080`.

use std::net::IpAddr;
use std::str::FromStr;

use crate::authority::Authority;
use crate::malformed::Malformed;

/// A host, or all below a name, with a port or for any.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct HostPattern {
    /// Which hosts.
    pub name: HostName,
    /// At which port; `None`: at any.
    pub port: Option<u16>,
}

/// Which hosts a [`HostPattern`] means.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum HostName {
    /// `*`
    Any,
    /// This name, in lower case, without a final dot.
    Exact(Box<str>),
    /// Every name below this one, and not the name itself.
    Below(Box<str>),
    /// This address, however it is written.
    Address(IpAddr),
}

impl FromStr for HostPattern {
    type Err = Malformed;

    /// Reads a pattern, in any case; a final dot says nothing.
    fn from_str(text: &str) -> Result<Self, Malformed> {
        if text == "*" {
            let name = HostName::Any;
            return Ok(Self { name, port: None });
        }
        let (below, rest, shift) = match text.strip_prefix("*.") {
            Some(rest) => (true, rest, 2),
            None => (false, text, 0),
        };
        if let Some(at) = text.find("://") {
            let message = "a host has no scheme";
            return Err(Malformed::new("host.scheme", 0..at + 3, message).hint("example.com"));
        }
        if let Some(at) = rest.find('*') {
            let span = shift + at..shift + at + 1;
            let message = "a wildcard stands for whole labels in front";
            return Err(Malformed::new("host.wildcard", span, message).hint("*.example.com"));
        }
        let authority = Authority::parse(rest.as_bytes()).map_err(|bad| bad.shifted(shift))?;
        let host = || Box::from(authority.host());
        let name = match (below, authority.ip()) {
            (true, Some(_)) => {
                let message = "there are no names below an address";
                return Err(Malformed::new("host.wildcard", 0..text.len(), message));
            }
            (false, Some(ip)) => HostName::Address(ip),
            (true, None) => HostName::Below(host()),
            (false, None) => HostName::Exact(host()),
        };
        let port = authority.port();
        Ok(Self { name, port })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<(HostName, Option<u16>), &'static str> {
        let pattern = text.parse::<HostPattern>();
        pattern.map(|p| (p.name, p.port)).map_err(|bad| bad.code)
    }

    #[test]
    fn names_wildcards_and_addresses() {
        assert_eq!(read("*"), Ok((HostName::Any, None)));
        let exact = HostName::Exact("example.com".into());
        assert_eq!(read("Example.COM."), Ok((exact.clone(), None)));
        assert_eq!(read("example.com:8080"), Ok((exact, Some(8080))));
        let below = HostName::Below("example.com".into());
        assert_eq!(read("*.example.com"), Ok((below, None)));
        let loopback = HostName::Address("::1".parse().expect("an address"));
        assert_eq!(read("[0:0::1]:80"), Ok((loopback, Some(80))));
    }

    #[test]
    fn what_can_never_match_is_refused() {
        for (text, code) in [
            ("", "authority.empty"),
            ("https://example.com", "host.scheme"),
            ("a.*.example.com", "host.wildcard"),
            ("*example.com", "host.wildcard"),
            ("*.*.example.com", "host.wildcard"),
            ("*.10.0.0.1", "host.wildcard"),
            ("*.", "authority.empty"),
            ("example.com/", "authority.name"),
            ("ex\u{e4}mple.com", "authority.name"),
            ("example.com:http", "authority.port"),
        ] {
            assert_eq!(read(text), Err(code), "{text}");
        }
    }
}
