//! An authority: `host[:port]`, as in a Host field or a `:authority` (RFC 9110 sections 4.2 and 7.2).
//!
//! ```text
//! authority  = host [ ":" port ]
//! host       = name / IPv4address / "[" IPv6address "]"
//! name       = label *( "." label ) [ "." ]          ; 253 characters at most
//! label      = 1*63( ALPHA / DIGIT / "-" / "_" )
//! port       = 1*5DIGIT                              ; 0 to 65535, no leading zero
//! ```
//!
//! This is narrower than <https://www.rfc-editor.org/rfc/rfc3986#section-3.2>: no userinfo, no percent-encoding, no
//! sub-delims, no zone, no empty port. No name in use has them, and two readers of one request disagree on them.
//! A name whose last label is a number is an address for a browser, so only the four-part decimal form is taken.
//!
//! ```
//! use mantlet_headers::Authority;
//! let authority = Authority::parse(b"Example.COM:8443")?;
//! assert_eq!((authority.host(), authority.port()), ("example.com", Some(8443)));
//! # Ok::<(), mantlet_headers::Malformed>(())
//! ```

use std::borrow::Cow;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use crate::malformed::Malformed;

const MAX_NAME: usize = 253;
const MAX_LABEL: usize = 63;

/// A host and perhaps a port, in lower case.
///
/// Equality is that of the text: `[::1]` and `[0:0:0:0:0:0:0:1]` differ, as they do for every browser and server that
/// compares authorities. [`Authority::ip`] is for those who want the address.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Authority<'a> {
    /// ASCII.
    host: Cow<'a, [u8]>,
    absolute: bool,
    port: Option<u16>,
}

impl<'a> Authority<'a> {
    /// Reads an authority; borrows from the input unless there is an upper-case letter in it.
    ///
    /// # Errors
    /// [`Malformed`] for anything that is not exactly a host and at most one port.
    pub fn parse(input: &'a [u8]) -> Result<Self, Malformed> {
        if is_plain(input) {
            return Ok(Self {
                host: Cow::Borrowed(input),
                absolute: false,
                port: None,
            });
        }
        let colon = match input.first() {
            None => {
                return Err(Malformed::new("authority.empty", 0..0, "the host is empty"));
            }
            Some(b'[') => {
                let Some(close) = input.iter().position(|&b| b == b']') else {
                    let message = "an IPv6 address without its closing bracket";
                    return Err(Malformed::new("authority.ipv6", 0..input.len(), message));
                };
                close + 1
            }
            Some(_) => input.iter().position(|&b| b == b':').unwrap_or(input.len()),
        };
        let (host, rest) = input.split_at(colon);
        let port = match rest {
            [] => None,
            [b':', digits @ ..] => match port(digits) {
                Some(port) => Some(port),
                None => {
                    let message = "the port is not a number from 0 to 65535 without leading zeros";
                    return Err(Malformed::new(
                        "authority.port",
                        colon..input.len(),
                        message,
                    ));
                }
            },
            _ => {
                let message = "only a port may follow an IPv6 address";
                return Err(Malformed::new(
                    "authority.ipv6",
                    colon..input.len(),
                    message,
                ));
            }
        };
        let (host, absolute, upper) = match host {
            [b'[', inner @ .., b']'] => {
                let text = ascii(inner).filter(|text| text.parse::<Ipv6Addr>().is_ok());
                if text.is_none() {
                    let message = "no IPv6 address between the brackets";
                    return Err(Malformed::new("authority.ipv6", 0..host.len(), message));
                }
                (host, false, host.iter().any(u8::is_ascii_uppercase))
            }
            [name @ .., b'.'] => (name, true, check_name(name)?),
            name => (name, false, check_name(name)?),
        };
        let host = match upper {
            true => Cow::Owned(host.to_ascii_lowercase()),
            false => Cow::Borrowed(host),
        };
        Ok(Self {
            host,
            absolute,
            port,
        })
    }

    /// The host in lower case, an IPv6 address in its brackets, a name without its final dot.
    pub fn host(&self) -> &str {
        // it is ASCII: the fallback is never taken
        std::str::from_utf8(&self.host).unwrap_or_default()
    }

    /// Whether the name was written with its final dot: the same name for DNS, another origin for a browser.
    pub const fn is_absolute(&self) -> bool {
        self.absolute
    }

    /// The port, if one was written.
    pub const fn port(&self) -> Option<u16> {
        self.port
    }

    /// The address, if the host is one.
    pub fn ip(&self) -> Option<IpAddr> {
        // an address ends in a digit or a bracket, a name hardly ever
        if !matches!(self.host.last(), Some(b'0'..=b'9' | b']')) {
            return None;
        }
        let text = self.host();
        match text.strip_prefix('[').and_then(|t| t.strip_suffix(']')) {
            Some(inner) => inner.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
            None => text.parse::<Ipv4Addr>().ok().map(IpAddr::V4),
        }
    }

    /// The same authority, free of the input's lifetime.
    pub fn into_owned(self) -> Authority<'static> {
        Authority {
            host: Cow::Owned(self.host.into_owned()),
            absolute: self.absolute,
            port: self.port,
        }
    }
}

impl FromStr for Authority<'static> {
    type Err = Malformed;

    fn from_str(input: &str) -> Result<Self, Malformed> {
        Authority::parse(input.as_bytes()).map(Authority::into_owned)
    }
}

impl fmt::Display for Authority<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.host())?;
        if self.absolute {
            f.write_str(".")?;
        }
        match self.port {
            Some(port) => write!(f, ":{port}"),
            None => Ok(()),
        }
    }
}

fn ascii(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes)
        .ok()
        .filter(|text| text.is_ascii())
}

fn port(digits: &[u8]) -> Option<u16> {
    let leading_zero = digits.len() > 1 && digits[0] == b'0';
    if leading_zero || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    ascii(digits)?.parse().ok()
}

/// Whether the input is a name as most are: short, in lower case, without a port, and no number at its end. It is on the way
/// of every request, so it branches once a name and not once a byte.
fn is_plain(input: &[u8]) -> bool {
    let mut before = DOT;
    let mut faults = 0;
    for &byte in input {
        let class = CLASS[usize::from(byte)];
        // two dots in a row leave an empty label
        faults |= class & (before | OTHER);
        before = class & DOT;
    }
    let last = || {
        let dot = input.iter().rposition(|&b| b == b'.');
        input[dot.map_or(0, |dot| dot + 1)]
    };
    faults == 0 && before != DOT && input.len() <= MAX_LABEL && !last().is_ascii_digit()
}

/// The class of a dot; that of a letter in lower case, a digit, `-` and `_` is 0.
const DOT: u8 = 1;
/// The class of everything else.
const OTHER: u8 = 2;

const CLASS: [u8; 256] = {
    let mut table = [OTHER; 256];
    let mut byte = 0u8;
    while byte < 128 {
        table[byte as usize] = match byte {
            b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' => 0,
            b'.' => DOT,
            _ => OTHER,
        };
        byte += 1;
    }
    table
};

/// Whether a name, which is well-formed, has an upper-case letter.
fn check_name(name: &[u8]) -> Result<bool, Malformed> {
    let Some(text) = ascii(name) else {
        return Err(
            Malformed::new("authority.name", 0..name.len(), "the host is not ASCII")
                .hint("write an internationalised name in its xn-- form"),
        );
    };
    if name.is_empty() || name.len() > MAX_NAME {
        let message = "a host name has 1 to 253 characters";
        return Err(Malformed::new("authority.name", 0..name.len(), message));
    }
    let mut start = 0;
    for label in text.split('.') {
        let span = start..start + label.len();
        start = span.end + 1;
        if label.is_empty() || label.len() > MAX_LABEL {
            let message = "a label of a host name has 1 to 63 characters";
            return Err(Malformed::new("authority.name", span, message));
        }
        if let Some(at) = label
            .bytes()
            .position(|b| !(b.is_ascii_alphanumeric() || b == b'-' || b == b'_'))
        {
            let message = "a host name has letters, digits, hyphens, underscores and dots only";
            let at = span.start + at;
            return Err(Malformed::new("authority.name", at..at + 1, message));
        }
    }
    let last = text.rsplit('.').next().unwrap_or_default();
    if ends_in_number(last) && text.parse::<Ipv4Addr>().is_err() {
        let message = "a name that ends in a number is an IPv4 address, and this is none in its four-part form";
        return Err(Malformed::new("authority.ipv4", 0..name.len(), message));
    }
    Ok(name.iter().any(u8::is_ascii_uppercase))
}

/// <https://url.spec.whatwg.org/#ends-in-a-number-checker>
fn ends_in_number(label: &str) -> bool {
    let hex = label
        .strip_prefix("0x")
        .or_else(|| label.strip_prefix("0X"));
    label.bytes().all(|b| b.is_ascii_digit())
        || hex.is_some_and(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(input: &str) -> Result<(String, bool, Option<u16>), &'static str> {
        Authority::parse(input.as_bytes())
            .map(|a| (a.host().to_owned(), a.is_absolute(), a.port()))
            .map_err(|malformed| malformed.code)
    }

    #[test]
    fn hosts_are_lowered_and_ports_are_numbers() {
        let ok = |host: &str, absolute, port| Ok((host.to_owned(), absolute, port));
        assert_eq!(read("example.com"), ok("example.com", false, None));
        assert_eq!(read("EXAMPLE.com.:0"), ok("example.com", true, Some(0)));
        assert_eq!(read("my_host:65535"), ok("my_host", false, Some(65535)));
        assert_eq!(read("127.0.0.1:80"), ok("127.0.0.1", false, Some(80)));
        assert_eq!(read("[::FFFF:1]:80"), ok("[::ffff:1]", false, Some(80)));
        assert_eq!(
            read("xn--exmple-cua.com"),
            ok("xn--exmple-cua.com", false, None)
        );
    }

    #[test]
    fn everything_else_is_malformed() {
        for (input, code) in [
            ("", "authority.empty"),
            (".", "authority.name"),
            (":80", "authority.name"),
            ("example.com:", "authority.port"),
            ("example.com:bogus", "authority.port"),
            ("example.com:08443", "authority.port"),
            ("example.com:99999", "authority.port"),
            ("example.com:+80", "authority.port"),
            ("user@example.com", "authority.name"),
            ("user:pw@example.com", "authority.port"),
            ("example.com/", "authority.name"),
            ("a, b", "authority.name"),
            ("a..b", "authority.name"),
            ("a b", "authority.name"),
            (" a", "authority.name"),
            ("%61", "authority.name"),
            ("ex\u{e4}mple.com", "authority.name"),
            ("[::1", "authority.ipv6"),
            ("[::1]x", "authority.ipv6"),
            ("[::1%25eth0]", "authority.ipv6"),
            ("[v1.a]", "authority.ipv6"),
            ("::1", "authority.port"),
            ("127.1", "authority.ipv4"),
            ("0x7f.0.0.1", "authority.ipv4"),
            ("a.0x7f", "authority.ipv4"),
            ("256.0.0.1", "authority.ipv4"),
        ] {
            assert_eq!(read(input), Err(code), "{input}");
        }
    }

    #[test]
    fn lower_case_input_is_borrowed() {
        let authority = Authority::parse(b"example.com:1").expect("an authority");
        assert!(matches!(authority.host, Cow::Borrowed(_)));
    }

    #[test]
    fn addresses_are_recognised() {
        let ip = |input: &'static str| Authority::parse(input.as_bytes()).ok().and_then(|a| a.ip());
        assert_eq!(ip("10.0.0.1:80"), "10.0.0.1".parse().ok());
        assert_eq!(ip("[0:0::1]"), "::1".parse().ok());
        assert_eq!(ip("example.com"), None);
    }

    proptest! {
        #[test]
        fn a_plain_name_is_a_well_formed_one(input in r"[a-zA-Z0-9.:_-]{0,70}") {
            if is_plain(input.as_bytes()) {
                prop_assert_eq!(check_name(input.as_bytes()), Ok(false));
            }
        }

        #[test]
        fn printed_authorities_parse_to_themselves(
            host in r"[a-z][a-z0-9_-]{0,20}(\.[a-z][a-z0-9-]{0,10}){0,3}\.?", port: Option<u16>,
        ) {
            let text = port.map_or_else(|| host.clone(), |port| format!("{host}:{port}"));
            let authority: Authority<'static> = text.parse().expect("an authority");
            prop_assert_eq!(authority.to_string(), text);
        }

        #[test]
        fn any_bytes_are_read(input in proptest::collection::vec(any::<u8>(), 0..40)) {
            match Authority::parse(&input) {
                Ok(authority) => {
                    let text = authority.to_string();
                    prop_assert_eq!(Authority::parse(text.as_bytes()), Ok(authority));
                }
                Err(malformed) => prop_assert!(malformed.span.end <= input.len()),
            }
        }

        #[test]
        fn host_like_text_is_read(input in r"[a-zA-Z0-9.:\[\]@%_-]{0,30}") {
            match Authority::parse(input.as_bytes()) {
                Ok(authority) => {
                    let text = authority.to_string();
                    prop_assert_eq!(Authority::parse(text.as_bytes()), Ok(authority));
                }
                Err(malformed) => prop_assert!(malformed.span.end <= input.len()),
            }
        }
    }
}
