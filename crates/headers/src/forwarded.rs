//! What proxies say of the request they passed on: Forwarded (RFC 7239) and the older X-Forwarded-* lists.
//!
//! ```text
//! Forwarded         = 1#( [ pair ] *( ";" [ pair ] ) )       ; pair: token "=" ( token / quoted-string )
//! X-Forwarded-For   = 1#node                                 ; address, address:port, [v6], [v6]:port, unknown, _name
//! X-Forwarded-Proto = 1#( "http" / "https" )
//! X-Forwarded-Host  = 1#authority
//! ```
//!
//! Each proxy appends, so the last element is by the nearest one: both readers go from right to left, over several
//! field lines too, and the caller stops at the first proxy it does not trust. Junk is an item of its own, never
//! skipped: left of it nobody knows who wrote what.
//! <https://www.rfc-editor.org/rfc/rfc7239#section-4>
//!
//! ```
//! use mantlet_headers::forwarded::{Node, list};
//! let lines: [&[u8]; 1] = [b"203.0.113.7, 10.0.0.2"];
//! let nearest = list(lines).next().and_then(|item| Node::parse(item?).ok());
//! assert_eq!(nearest.and_then(|node| node.ip()), "10.0.0.2".parse().ok());
//! ```

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::ops::Range;

use crate::authority::Authority;
use crate::malformed::Malformed;
use crate::octets::{is_token, split_quoted, trim_ows};
use crate::origin::Scheme;

/// Who spoke to a proxy (RFC 7239 section 6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Node {
    /// An address, perhaps with its port.
    Address(IpAddr, Option<u16>),
    /// `unknown`, or an obfuscated identifier (`_hidden`): the proxy does not tell.
    Hidden,
}

impl Node {
    /// Reads a node, with or without the brackets that RFC 7239 asks of IPv6 and X-Forwarded-For lacks.
    ///
    /// # Errors
    /// [`Malformed`] for anything else, a host name too.
    pub fn parse(input: &[u8]) -> Result<Self, Malformed> {
        let malformed = || {
            Malformed::new(
                "forwarded.node",
                0..input.len(),
                "neither an address nor unknown nor an obfuscated name",
            )
        };
        let text = std::str::from_utf8(input).map_err(|_| malformed())?;
        if text.eq_ignore_ascii_case("unknown") || is_obfuscated(text) {
            return Ok(Self::Hidden);
        }
        if let Ok(ip) = text.parse::<IpAddr>() {
            return Ok(Self::Address(ip, None));
        }
        if let Ok(SocketAddr::V4(address)) = text.parse() {
            return Ok(Self::Address((*address.ip()).into(), Some(address.port())));
        }
        if let Ok(address) = text.parse::<SocketAddrV6>()
            && address.scope_id() == 0
        {
            return Ok(Self::Address((*address.ip()).into(), Some(address.port())));
        }
        if let Some(inner) = text.strip_prefix('[').and_then(|t| t.strip_suffix(']')) {
            return match inner.parse::<Ipv6Addr>() {
                Ok(ip) => Ok(Self::Address(ip.into(), None)),
                Err(_) => Err(malformed()),
            };
        }
        // an obfuscated port: "192.0.2.1:_p", "[2001:db8::1]:_p"
        match text.rsplit_once(':') {
            Some((host, port)) if is_obfuscated(port) => match host.strip_prefix('[') {
                Some(_) => match Self::parse(host.as_bytes()) {
                    Ok(Self::Address(ip, None)) => Ok(Self::Address(ip, None)),
                    _ => Err(malformed()),
                },
                None => match host.parse::<Ipv4Addr>() {
                    Ok(ip) => Ok(Self::Address(ip.into(), None)),
                    Err(_) => Err(malformed()),
                },
            },
            Some((host, port))
                if (is_obfuscated(host) || host.eq_ignore_ascii_case("unknown"))
                    && port.parse::<u16>().is_ok() =>
            {
                Ok(Self::Hidden)
            }
            _ => Err(malformed()),
        }
    }

    /// The address, if it is told; an IPv4 address written as IPv6 comes back as IPv4.
    pub fn ip(&self) -> Option<IpAddr> {
        match self {
            Self::Address(ip, _) => Some(ip.to_canonical()),
            Self::Hidden => None,
        }
    }
}

fn is_obfuscated(text: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
    text.len() > 1 && text.starts_with('_') && text.bytes().all(allowed)
}

/// The elements of a comma-separated list from right to left, trimmed; `None` for an empty one.
///
/// An empty element is junk: a proxy that appends to an empty field leaves one, and so does a forger.
pub fn list<'a, L>(lines: L) -> impl Iterator<Item = Option<&'a [u8]>>
where
    L: IntoIterator<Item = &'a [u8], IntoIter: DoubleEndedIterator>,
{
    lines
        .into_iter()
        .rev()
        .flat_map(|line| line.rsplit(|&b| b == b','))
        .map(|element| Some(trim_ows(element)).filter(|element| !element.is_empty()))
}

/// One element of Forwarded: what one proxy says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Element {
    /// `for`: who spoke to the proxy.
    pub client: Option<Node>,
    /// `by`: where the proxy was spoken to.
    pub proxy: Option<Node>,
    /// `host`: the Host field as the proxy got it.
    pub host: Option<Authority<'static>>,
    /// `proto`: the scheme as the proxy got it.
    pub scheme: Option<Scheme>,
}

/// The elements of Forwarded from right to left.
///
/// A line with a quotation mark that never closes is one junk element as a whole: where its elements end is unknown.
pub fn elements<'a, L>(lines: L) -> impl Iterator<Item = Result<Element, Malformed>>
where
    L: IntoIterator<Item = &'a [u8], IntoIter: DoubleEndedIterator>,
{
    lines.into_iter().rev().flat_map(|line| {
        let parts = match split(line, b',') {
            Ok(parts) => parts
                .into_iter()
                .map(|part| Element::parse(&line[part.clone()]).map_err(|m| m.shifted(part.start)))
                .collect(),
            Err(malformed) => vec![Err(malformed)],
        };
        parts.into_iter().rev()
    })
}

impl Element {
    /// Reads one element: pairs separated by semicolons.
    ///
    /// # Errors
    /// [`Malformed`] for a broken pair, a repeated name, or a value that is not what its name asks for.
    pub fn parse(input: &[u8]) -> Result<Self, Malformed> {
        let mut element = Self::default();
        let mut empty = true;
        for part in split(input, b';')? {
            let pair = &input[part.clone()];
            if pair.is_empty() {
                continue;
            }
            empty = false;
            element
                .pair(pair)
                .map_err(|malformed| malformed.shifted(part.start))?;
        }
        if empty {
            let message = "an element of Forwarded without a pair";
            return Err(Malformed::new("forwarded.empty", 0..input.len(), message));
        }
        Ok(element)
    }

    fn pair(&mut self, pair: &[u8]) -> Result<(), Malformed> {
        let junk = |message| Malformed::new("forwarded.pair", 0..pair.len(), message);
        let Some(at) = pair.iter().position(|&b| b == b'=') else {
            return Err(junk("a pair of Forwarded has a name and a value"));
        };
        let (name, value) = (&pair[..at], &pair[at + 1..]);
        if !is_token(name) {
            return Err(junk("the name is not a token"));
        }
        let Some(value) = unquote(value) else {
            return Err(junk("the value is neither a token nor a quoted string"));
        };
        let name = name.to_ascii_lowercase();
        let repeated = match name.as_slice() {
            b"for" => self.client.is_some(),
            b"by" => self.proxy.is_some(),
            b"host" => self.host.is_some(),
            b"proto" => self.scheme.is_some(),
            _ => false,
        };
        if repeated {
            return Err(junk("the name is given twice in one element"));
        }
        let whole = |malformed: Malformed| Malformed {
            span: at + 1..pair.len(),
            ..malformed
        };
        match name.as_slice() {
            b"for" => self.client = Some(Node::parse(&value).map_err(whole)?),
            b"by" => self.proxy = Some(Node::parse(&value).map_err(whole)?),
            b"host" => {
                let authority = Authority::parse(&value).map_err(whole)?;
                self.host = Some(authority.into_owned());
            }
            b"proto" => {
                let text = std::str::from_utf8(&value).unwrap_or_default();
                self.scheme = Some(text.parse().map_err(whole)?);
            }
            _ => {}
        }
        Ok(())
    }
}

fn split(input: &[u8], separator: u8) -> Result<Vec<Range<usize>>, Malformed> {
    split_quoted(input, separator).map_err(|at| {
        let message = "a quoted string that never ends";
        Malformed::new("forwarded.quote", at..input.len(), message)
    })
}

fn unquote(value: &[u8]) -> Option<Cow<'_, [u8]>> {
    let [b'"', inner @ .., b'"'] = value else {
        return is_token(value).then_some(Cow::Borrowed(value));
    };
    if !inner.iter().any(|b| matches!(b, b'\\' | b'"')) {
        return Some(Cow::Borrowed(inner));
    }
    let mut plain = Vec::with_capacity(inner.len());
    let mut bytes = inner.iter();
    while let Some(&b) = bytes.next() {
        match b {
            b'"' => return None,
            b'\\' => plain.push(*bytes.next()?),
            _ => plain.push(b),
        }
    }
    Some(Cow::Owned(plain))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn lists_run_from_the_nearest_proxy_outwards() {
        let lines: [&[u8]; 2] = [b"a, b", b" c ,,d"];
        let items: Vec<_> = list(lines).collect();
        let expected: [Option<&[u8]>; 5] = [Some(b"d"), None, Some(b"c"), Some(b"b"), Some(b"a")];
        assert_eq!(items, expected);
    }

    #[test]
    fn nodes_come_in_every_spelling() {
        for (input, address, port) in [
            ("192.0.2.1", "192.0.2.1", None),
            ("192.0.2.1:80", "192.0.2.1", Some(80)),
            ("2001:db8::1", "2001:db8::1", None),
            ("[2001:db8::1]", "2001:db8::1", None),
            ("[2001:db8::1]:80", "2001:db8::1", Some(80)),
            ("192.0.2.1:_p", "192.0.2.1", None),
            ("[2001:db8::1]:_p", "2001:db8::1", None),
        ] {
            let node = Node::parse(input.as_bytes());
            assert_eq!(node, Ok(Node::Address(ip(address), port)), "{input}");
        }
        for input in ["unknown", "UNKNOWN", "_hidden", "_a:80"] {
            assert_eq!(Node::parse(input.as_bytes()), Ok(Node::Hidden), "{input}");
        }
        for input in [
            "",
            "_",
            "example.com",
            "192.0.2.1:",
            "192.0.2.1:x",
            "[::1",
            "[192.0.2.1]",
            "fe80::1%1",
        ] {
            assert!(Node::parse(input.as_bytes()).is_err(), "{input}");
        }
        let mapped = Node::parse(b"::ffff:192.0.2.1").expect("an address");
        assert_eq!(mapped.ip(), Some(ip("192.0.2.1")));
    }

    #[test]
    fn forwarded_elements_are_read_from_the_right() {
        let lines: [&[u8]; 2] = [
            br#"for=192.0.2.60;proto=http;by=203.0.113.43"#,
            br#"For="[2001:db8:cafe::17]:4711";Host="a.example:1";ext="x,y;z", for=unknown"#,
        ];
        let read: Vec<_> = elements(lines).collect::<Result<_, _>>().expect("elements");
        assert_eq!(read.len(), 3);
        assert_eq!(read[0].client, Some(Node::Hidden));
        assert_eq!(
            read[1].client,
            Some(Node::Address(ip("2001:db8:cafe::17"), Some(4711)))
        );
        assert_eq!(read[1].host, "a.example:1".parse().ok());
        assert_eq!(read[2].scheme, Some(Scheme::Http));
        assert_eq!(read[2].proxy, Some(Node::Address(ip("203.0.113.43"), None)));
    }

    #[test]
    fn junk_is_reported_and_not_skipped() {
        for line in [
            r#"for=""#,
            r#"for="1.2.3.4, for=10.0.0.1"#,
            "for",
            "=x",
            "for=1.2.3.4;for=1.2.3.5",
            "for=example.com",
            "proto=ftp",
            "host=a/b",
            r#"host="a@b""#,
            "",
            ";",
            r#"for="1.2"3""#,
        ] {
            let first = elements([line.as_bytes()]).next();
            assert!(matches!(first, Some(Err(_))), "{line}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read(input in proptest::collection::vec(any::<u8>(), 0..60)) {
            for element in elements([input.as_slice()]) {
                if let Err(malformed) = element {
                    prop_assert!(malformed.span.end <= input.len());
                }
            }
            for item in list([input.as_slice()]).flatten() {
                let _ = Node::parse(item);
            }
        }

        #[test]
        fn forwarded_like_text_is_read(input in r#"[a-z0-9=;,:."\\\[\] -]{0,60}"#) {
            for element in elements([input.as_bytes()]) {
                if let Err(malformed) = element {
                    prop_assert!(malformed.span.end <= input.len());
                }
            }
        }
    }
}
