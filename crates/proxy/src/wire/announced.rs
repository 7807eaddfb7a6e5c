//! What a balancer says of a connection before the bytes of the client: PROXY protocol, version 1 (a line) and 2 (binary),
//! <https://www.haproxy.org/download/3.2/doc/proxy-protocol.txt>.
//!
//! Where the head ends is found here, so that a part of one is never judged; what it says is read by `proxy-header`. Who may
//! send one is the policy's to say: nobody guesses, for a stranger could write one too.
//!
//! ```
//! use mantlet_proxy::wire::Announced;
//!
//! let bytes = b"PROXY TCP4 192.0.2.7 198.51.100.1 50000 443\r\nGET / HTTP/1.1\r\n";
//! let (length, announced) = Announced::parse(bytes)?.unwrap();
//! assert_eq!(announced.source, Some([192, 0, 2, 7].into()));
//! assert_eq!(&bytes[length..], b"GET / HTTP/1.1\r\n");
//! # Ok::<_, mantlet_proxy::wire::Unannounced>(())
//! ```

use std::io;
use std::net::IpAddr;

use proxy_header::{ParseConfig, ProxyHeader, Tlv};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

/// How version 1 begins, which is a line of at most [`MAX_LINE`] bytes (section 2.1).
const LINE: &[u8] = b"PROXY ";
const MAX_LINE: usize = 107;
/// How version 2 begins (section 2.2). Command, family and length follow.
const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
const FIXED: usize = 16;
/// Version 2, the command LOCAL.
const LOCAL: u8 = 0x20;
/// Bytes that a head may have; nginx has the same limit. The protocol allows 64 KiB, for addresses of 216 at most and what a
/// balancer adds.
const MAX: usize = 4096;

/// What a balancer says of a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Announced {
    /// The client's address. `None`: the balancer speaks for itself, as for a health check (LOCAL, UNKNOWN), or the client has
    /// no IP address; the peer is then the client.
    pub source: Option<IpAddr>,
    /// Whether the client came to the balancer by TLS, which version 2 alone can say (PP2_TYPE_SSL).
    pub tls: bool,
}

/// Why a connection does not begin with a PROXY protocol head.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unannounced {
    /// The first bytes are none.
    #[error("it does not begin with a PROXY protocol head")]
    Missing,
    /// It begins as one and goes on otherwise.
    #[error("its PROXY protocol head is malformed")]
    Malformed,
    /// More than 4096 bytes.
    #[error("its PROXY protocol head is too large")]
    TooLarge,
    /// The stream ended, or broke, before the head did.
    #[error("it ended before its PROXY protocol head did")]
    Ended,
    /// It took too long.
    #[error("its PROXY protocol head did not come in time")]
    Late,
    /// The proxy stops.
    #[error("the proxy stops, and its PROXY protocol head has not come")]
    Stopping,
}

impl Unannounced {
    /// The stable code: for logs and tests.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Missing => "proxy-protocol.missing",
            Self::Malformed => "proxy-protocol.malformed",
            Self::TooLarge => "proxy-protocol.too-large",
            Self::Ended => "proxy-protocol.ended",
            Self::Late => "proxy-protocol.timeout",
            Self::Stopping => "proxy-protocol.stopping",
        }
    }
}

impl Announced {
    /// Reads the head at the start of `bytes`: how long it is, and what it says. `Ok(None)`: it is not whole yet.
    ///
    /// # Errors
    /// [`Unannounced`]: no bytes that may follow make a head of these.
    pub fn parse(bytes: &[u8]) -> Result<Option<(usize, Self)>, Unannounced> {
        let Some(length) = length(bytes)? else {
            return Ok(None);
        };
        let head = &bytes[..length];
        if head.starts_with(SIGNATURE) && head[SIGNATURE.len()] == LOCAL {
            // whatever it says of addresses is to be discarded, the family too (section 2.2)
            return Ok(Some((length, Self::default())));
        }
        let wanted = ParseConfig {
            include_tlvs: true,
            ..ParseConfig::default()
        };
        match ProxyHeader::parse(head, wanted) {
            Ok((header, read)) if read == length => Ok(Some((length, Self::of(&header)?))),
            _ => Err(Unannounced::Malformed),
        }
    }

    fn of(header: &ProxyHeader<'_>) -> Result<Self, Unannounced> {
        let mut tls = false;
        for extension in header.tlvs() {
            match extension {
                Ok(Tlv::Ssl(ssl)) => tls |= ssl.client_ssl(),
                Ok(_) => {}
                Err(_) => return Err(Unannounced::Malformed),
            }
        }
        let source = header
            .proxied_address()
            .map(|address| address.source.ip().to_canonical());
        Ok(Self { source, tls })
    }

    /// Reads the head of a connection: what it says, and the bytes that came with it and follow it.
    pub(crate) async fn read(stream: &mut TcpStream) -> Result<(Self, Vec<u8>), Unannounced> {
        let mut bytes = Vec::with_capacity(1024);
        loop {
            if let Some((length, announced)) = Self::parse(&bytes)? {
                return Ok((announced, bytes.split_off(length)));
            }
            let read: io::Result<usize> = stream.read_buf(&mut bytes).await;
            if read.unwrap_or(0) == 0 {
                return Err(Unannounced::Ended);
            }
        }
    }
}

/// How long a head is, once all of it is there.
fn length(bytes: &[u8]) -> Result<Option<usize>, Unannounced> {
    let may_begin = |with: &[u8]| {
        bytes
            .iter()
            .zip(with)
            .all(|(found, wanted)| found == wanted)
    };
    if may_begin(LINE) {
        let line = &bytes[..bytes.len().min(MAX_LINE)];
        return match memchr::memchr(b'\n', line) {
            Some(lf) => Ok(Some(lf + 1)),
            None if line.len() == MAX_LINE => Err(Unannounced::Malformed),
            None => Ok(None),
        };
    }
    if may_begin(SIGNATURE) {
        let Some(&[high, low]) = bytes.get(FIXED - 2..FIXED) else {
            return Ok(None);
        };
        let length = FIXED + usize::from(u16::from_be_bytes([high, low]));
        if length > MAX {
            return Err(Unannounced::TooLarge);
        }
        return Ok((bytes.len() >= length).then_some(length));
    }
    Err(Unannounced::Missing)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Version 2: command and family, addresses and extensions.
    fn v2(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
        let length = u16::try_from(rest.len()).unwrap().to_be_bytes();
        [SIGNATURE, &[command, family], &length, rest].concat()
    }

    const V4: &[u8] = &[192, 0, 2, 7, 198, 51, 100, 1, 0xc3, 0x50, 1, 0xbb];

    fn says(bytes: &[u8]) -> Result<(Option<String>, bool), Unannounced> {
        let (length, announced) = Announced::parse(bytes)?.expect("a whole head");
        assert_eq!(length, bytes.len());
        Ok((announced.source.map(|ip| ip.to_string()), announced.tls))
    }

    fn from(source: &str) -> Result<(Option<String>, bool), Unannounced> {
        Ok((Some(source.to_owned()), false))
    }

    const NOBODY: Result<(Option<String>, bool), Unannounced> = Ok((None, false));

    #[test]
    fn a_line_tells_the_source() {
        let line = |line: &str| says(format!("{line}\r\n").as_bytes());
        assert_eq!(
            line("PROXY TCP4 192.0.2.7 198.51.100.1 50000 443"),
            from("192.0.2.7")
        );
        assert_eq!(
            line("PROXY TCP6 2001:db8::7 2001:db8::1 50000 443"),
            from("2001:db8::7")
        );
        assert_eq!(
            line("PROXY TCP6 ::ffff:192.0.2.7 ::1 50000 443"),
            from("192.0.2.7")
        );
        assert_eq!(line("PROXY UNKNOWN"), NOBODY);
        assert_eq!(line("PROXY UNKNOWN ffff::1 ffff::2 65535 65535"), NOBODY);
    }

    #[test]
    fn the_binary_head_tells_the_source() {
        let v6: Vec<u8> = (0..36).collect();
        assert_eq!(says(&v2(0x21, 0x11, V4)), from("192.0.2.7"));
        assert_eq!(
            says(&v2(0x21, 0x21, &v6)),
            from("1:203:405:607:809:a0b:c0d:e0f")
        );
        assert_eq!(says(&v2(0x21, 0x31, &[b'/'; 216])), NOBODY);
        assert_eq!(says(&v2(0x21, 0x00, b"")), NOBODY);
    }

    #[test]
    fn a_balancer_that_speaks_for_itself_announces_nobody() {
        let ssl = &[0x20, 0, 5, 1, 0, 0, 0, 0];
        for (family, rest) in [
            (0x00, &b""[..]),
            (0x11, V4),
            (0x11, b""),
            (0xff, b"?"),
            (0x00, ssl),
        ] {
            assert_eq!(says(&v2(LOCAL, family, rest)), NOBODY, "{family} {rest:?}");
        }
    }

    #[test]
    fn tls_is_what_the_client_bit_says() {
        let with = |extensions: &[u8]| says(&v2(0x21, 0x11, &[V4, extensions].concat()));
        let told = |tls| Ok((Some("192.0.2.7".to_owned()), tls));
        assert_eq!(with(&[0x20, 0, 5, 1, 0, 0, 0, 0]), told(true));
        assert_eq!(with(&[0x20, 0, 5, 7, 0, 0, 0, 0]), told(true));
        assert_eq!(with(&[0x20, 0, 5, 6, 0, 0, 0, 0]), told(false));
        // behind others: ALPN, padding, one that nobody knows
        assert_eq!(
            with(b"\x01\0\x02h2\x04\0\x01\0\xea\0\x01\xff\x20\0\x05\x01\0\0\0\0"),
            told(true)
        );
        let version = b"\x20\0\x0f\x01\0\0\0\0\x21\0\x07TLSv1.3";
        assert_eq!(with(version), told(true));
    }

    #[test]
    fn what_is_no_head_is_told_as_soon_as_it_shows() {
        let long = [LINE, b"UNKNOWN ", &[b'x'; MAX_LINE]].concat();
        let large = [SIGNATURE, b"\x21\x11\x0f\xf1"].concat();
        let cases: &[(&[u8], Unannounced)] = &[
            (b"G", Unannounced::Missing),
            (b"PROXX", Unannounced::Missing),
            (b"PROXY\t", Unannounced::Missing),
            (b"proxy TCP4 1.1.1.1 2.2.2.2 1 2\r\n", Unannounced::Missing),
            (b"\r\n\r\nGET", Unannounced::Missing),
            (b"\x16\x03\x01", Unannounced::Missing),
            (b"PROXY \r\n", Unannounced::Malformed),
            (
                b"PROXY TCP5 1.1.1.1 2.2.2.2 1 2\r\n",
                Unannounced::Malformed,
            ),
            (b"PROXY TCP4 1.1.1.1 2.2.2.2 1 2\n", Unannounced::Malformed),
            (b"PROXY TCP4 1.1.1.1 2.2.2.2 1\r\n", Unannounced::Malformed),
            (
                b"PROXY TCP4 1.1.1.1 2.2.2.2 1 2 3\r\n",
                Unannounced::Malformed,
            ),
            (
                b"PROXY TCP4 1.1.1.1 2.2.2.2 1 65536\r\n",
                Unannounced::Malformed,
            ),
            (
                b"PROXY TCP4 1.1.1.256 2.2.2.2 1 2\r\n",
                Unannounced::Malformed,
            ),
            (b"PROXY TCP4 ::1 ::1 1 2\r\n", Unannounced::Malformed),
            (
                b"PROXY TCP4  1.1.1.1 2.2.2.2 1 2\r\n",
                Unannounced::Malformed,
            ),
            (b"PROXY UNKNOWN\rx\r\n", Unannounced::Malformed),
            (&long, Unannounced::Malformed),
            (&large, Unannounced::TooLarge),
            (&v2(0x11, 0x11, V4), Unannounced::Malformed),
            (&v2(0x22, 0x11, V4), Unannounced::Malformed),
            (&v2(0x21, 0x13, V4), Unannounced::Malformed),
            (&v2(0x21, 0x11, &V4[..11]), Unannounced::Malformed),
            (&v2(0x21, 0x21, V4), Unannounced::Malformed),
            (&v2(0x21, 0x31, V4), Unannounced::Malformed),
            (
                &v2(0x21, 0x11, &[V4, &[0x20, 0, 9]].concat()),
                Unannounced::Malformed,
            ),
            (
                &v2(0x21, 0x11, &[V4, &[0x20, 0, 1, 1]].concat()),
                Unannounced::Malformed,
            ),
        ];
        for (bytes, expected) in cases {
            assert_eq!(Announced::parse(bytes), Err(*expected), "{bytes:?}");
        }
    }

    #[test]
    fn a_part_of_a_head_is_not_judged() {
        let extended = v2(0x21, 0x11, &[V4, b"\x20\0\x05\x01\0\0\0\0"].concat());
        let line = b"PROXY TCP4 192.0.2.7 198.51.100.1 50000 443\r\n";
        for head in [&line[..], b"PROXY UNKNOWN\r\n", &extended] {
            for end in 0..head.len() {
                assert_eq!(
                    Announced::parse(&head[..end]),
                    Ok(None),
                    "{end} of {head:?}"
                );
            }
            let more = [head, b"\nPROXY GET"].concat();
            let (length, announced) = Announced::parse(&more).unwrap().unwrap();
            assert_eq!(length, head.len());
            assert_eq!(Announced::parse(head), Ok(Some((length, announced))));
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_head_a_part_of_one_or_none_for_good(
            start in prop::sample::select(vec![&b""[..], LINE, b"PROXY TCP6 ", b"PROXY UNKNOWN", SIGNATURE,
                b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0", b"\r\n\r\n\0\r\nQUIT\n\x21\x21\0", b"\r\n\r\n\0\r\nQUIT\n\x20"]),
            rest in prop::collection::vec(any::<u8>(), 0..300),
        ) {
            let bytes = [start, &rest].concat();
            let mut before = Ok(None);
            for end in 0..=bytes.len() {
                let now = Announced::parse(&bytes[..end]);
                prop_assert!(before == Ok(None) || before == now, "{before:?} then {now:?}");
                before = now;
            }
            // patience is needed for no more than this
            prop_assert!(before != Ok(None) || bytes.len() < MAX);
        }
    }
}
