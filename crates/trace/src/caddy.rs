//! The JSON lines of Caddy's access log: `{"ts": ..., "request": {"remote_ip": ..., "method": ..., "uri": ..., "headers": ...}}`.
//!
//! <https://caddyserver.com/docs/logging>. `client_ip` is whom Caddy takes for the client, where it trusts a proxy in front; else
//! it is `remote_ip`.
//!
//! Where it fails open: Caddy writes `REDACTED` for Cookie and Authorization unless it is told otherwise, so all clients have the
//! same there. A limit that counts by one of these is tried with one key for all.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use http::Method;
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};

use crate::line::{Line, Logged, Skipped, target};

#[derive(Deserialize)]
struct Entry<'a> {
    #[serde(borrow)]
    ts: Option<Time<'a>>,
    #[serde(borrow)]
    request: Option<Request<'a>>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Time<'a> {
    Number(f64),
    #[serde(borrow)]
    Text(Cow<'a, str>),
}

#[derive(Deserialize)]
struct Request<'a> {
    #[serde(borrow)]
    client_ip: Option<Cow<'a, str>>,
    #[serde(borrow)]
    remote_ip: Option<Cow<'a, str>>,
    /// With its port, as Caddy wrote it before 2.5.
    #[serde(borrow)]
    remote_addr: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    method: Cow<'a, str>,
    #[serde(borrow, default)]
    uri: Cow<'a, str>,
    #[serde(borrow, default)]
    headers: Headers<'a>,
    tls: Option<IgnoredAny>,
}

#[derive(Default)]
struct Headers<'a>(Logged<'a>);

#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Headers<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Names<'a>(PhantomData<&'a ()>);

        impl<'de: 'a, 'a> Visitor<'de> for Names<'a> {
            type Value = Headers<'a>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("fields by name, each with a list of values")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = Logged::new();
                while let Some((Text(name), values)) =
                    map.next_entry::<Text<'a>, Vec<Text<'a>>>()?
                {
                    for Text(value) in values {
                        let value = match value {
                            Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
                            Cow::Owned(text) => Cow::Owned(text.into_bytes()),
                        };
                        fields.push((name.clone(), value));
                    }
                }
                Ok(Headers(fields))
            }
        }

        deserializer.deserialize_map(Names(PhantomData))
    }
}

pub(crate) fn parse(line: &[u8]) -> Result<Line<'_>, Skipped> {
    let entry: Entry<'_> = serde_json::from_slice(line)
        .map_err(|error| Skipped::Malformed(format!("no line of Caddy's: {error}").into()))?;
    let request = entry.request.ok_or(Skipped::NoRequest)?;
    let unix = entry.ts.as_ref().and_then(unix).ok_or(Skipped::malformed(
        "ts is no time: seconds since 1970, or as in RFC 3339",
    ))?;
    let client = client(&request).ok_or(Skipped::malformed(
        "neither client_ip nor remote_ip is an address",
    ))?;
    let method = Method::from_bytes(request.method.as_bytes());
    let method = method.map_err(|_| Skipped::NoRequest)?;
    if request.uri.is_empty() {
        return Err(Skipped::NoRequest);
    }
    let (path, query) = target(match request.uri {
        Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
        Cow::Owned(text) => Cow::Owned(text.into_bytes()),
    });
    Ok(Line {
        unix,
        client,
        method,
        path,
        query,
        tls: request.tls.is_some(),
        fields: request.headers.0,
    })
}

fn client(request: &Request<'_>) -> Option<IpAddr> {
    let words = [&request.client_ip, &request.remote_ip];
    let told = words
        .into_iter()
        .flatten()
        .find_map(|word| word.parse().ok());
    let with_port = || request.remote_addr.as_ref()?.parse::<SocketAddr>().ok();
    told.or_else(|| Some(with_port()?.ip()))
}

/// Since 1970: Caddy writes seconds, or milliseconds or nanoseconds where it is told to. No two of these can be meant by one
/// number between 1973 and 5138.
fn unix(time: &Time<'_>) -> Option<Duration> {
    match time {
        Time::Number(number) => {
            let seconds = match *number {
                number if number < 1e11 => number,
                number if number < 1e14 => number / 1e3,
                number => number / 1e9,
            };
            // a double holds no more of today's time
            let micros = (seconds * 1e6).round();
            (0.0..1e18)
                .contains(&micros)
                .then(|| Duration::from_micros(micros as u64))
        }
        Time::Text(text) => {
            let timestamp: jiff::Timestamp = text.parse().ok()?;
            Duration::try_from(timestamp.as_duration()).ok()
        }
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderName;
    use mantlet_engine::{Fields, Single};

    use super::*;

    const LINE: &str = r#"{"level":"info","ts":1795359607.25,"logger":"http.log.access.log0","msg":"handled request","request":{"remote_ip":"192.0.2.1","remote_port":"4711","client_ip":"198.51.100.7","proto":"HTTP/2.0","method":"GET","host":"example.com","uri":"/a?b=c","headers":{"User-Agent":["curl/8"],"X-Api-Key":["k\"1"],"Via":["a","b"]},"tls":{"resumed":false,"version":772}},"bytes_read":0,"status":200}"#;

    fn read(line: &str) -> Line<'_> {
        parse(line.as_bytes()).expect("a request")
    }

    #[test]
    fn a_line_is_read() {
        let line = read(LINE);
        assert_eq!(line.unix, Duration::from_millis(1_795_359_607_250));
        assert_eq!(line.client.to_string(), "198.51.100.7");
        assert_eq!((&line.method, &*line.path), (&Method::GET, &b"/a"[..]));
        assert_eq!(line.query.as_deref(), Some(&b"b=c"[..]));
        assert!(line.tls);
        let field = |name| line.single(&HeaderName::from_static(name));
        assert_eq!(field("x-api-key"), Single::One(b"k\"1"));
        assert_eq!(field("via"), Single::Repeated);
        assert_eq!(field("cookie"), Single::Missing);
    }

    #[test]
    fn the_client_is_who_caddy_takes_for_it_or_the_other_end() {
        let older = LINE.replace(r#""client_ip":"198.51.100.7","#, "");
        assert_eq!(read(&older).client.to_string(), "192.0.2.1");
        let oldest = older.replace(r#""remote_ip":"192.0.2.1""#, r#""remote_addr":"[::1]:80""#);
        assert_eq!(read(&oldest).client.to_string(), "::1");
        let plain = LINE.replace(r#","tls":{"resumed":false,"version":772}"#, "");
        assert!(!read(&plain).tls);
    }

    #[test]
    fn the_time_is_read_in_every_unit_that_caddy_writes() {
        for time in [
            "1795359607250",
            "1795359607250000000",
            "\"2026-11-22T15:00:07.250Z\"",
            "\"2026-11-22T16:00:07.250+0100\"",
        ] {
            let line = LINE.replace("1795359607.25", time);
            let unix = read(&line).unix;
            assert_eq!(unix.as_millis(), 1_795_359_607_250, "{time}");
        }
        for wrong in ["-1", "\"noon\"", "null", "1e300"] {
            let line = LINE.replace("1795359607.25", wrong);
            let skipped = parse(line.as_bytes()).expect_err("malformed").to_string();
            assert!(skipped.starts_with("ts is no time"), "{wrong}: {skipped}");
        }
    }

    #[test]
    fn what_is_no_access_line_is_told_apart() {
        let other = br#"{"level":"info","ts":1795359607.25,"msg":"serving initial configuration"}"#;
        assert_eq!(parse(other), Err(Skipped::NoRequest));
        let empty = LINE.replace("/a?b=c", "");
        assert_eq!(parse(empty.as_bytes()), Err(Skipped::NoRequest));
    }

    #[test]
    fn what_cannot_be_read_says_why() {
        for (line, why) in [
            (&LINE[..80], "no line of Caddy's: EOF"),
            ("{}}", "no line of Caddy's: trailing"),
            (
                &LINE.replace("198.51.100.7", "x").replace("192.0.2.1", "y"),
                "neither client_ip",
            ),
            (
                &LINE.replace("[\"curl/8\"]", "7"),
                "no line of Caddy's: invalid type",
            ),
        ] {
            let skipped = parse(line.as_bytes()).expect_err("malformed").to_string();
            assert!(skipped.starts_with(why), "{line}: {skipped}");
        }
    }
}
