//! The `combined` and `common` formats of nginx and Apache:
//! `ADDRESS IDENT USER [22/Nov/2026:15:00:00 +0000] "GET / HTTP/1.1" 200 5 "REFERER" "USER-AGENT"`.
//!
//! A user may have spaces and brackets in his name, so the time is looked for first.

use std::borrow::Cow;
use std::net::IpAddr;
use std::time::Duration;

use http::Method;
use jiff::civil::DateTime;
use jiff::tz::Offset;

use crate::line::{Line, Logged, Skipped, target};

const MONTHS: &[u8; 36] = b"JanFebMarAprMayJunJulAugSepOctNovDec";

/// Bytes of `22/Nov/2026:15:00:00 +0000`.
const TIME: usize = 26;

pub(crate) fn parse(line: &[u8]) -> Result<Line<'_>, Skipped> {
    let (before, unix, rest) = at_time(line).ok_or(Skipped::malformed(
        "no time like [22/Nov/2026:15:00:00 +0000] stands in it",
    ))?;
    let client = client(before).ok_or(Skipped::malformed(
        "no address of a client stands before the time",
    ))?;
    let (request, rest) = quoted(rest).ok_or(Skipped::malformed(
        "no request in quotes stands behind the time",
    ))?;
    let rest = answer(rest).ok_or(Skipped::malformed(
        "no status and size stand behind the request",
    ))?;
    let (method, wanted) = request_line(request).ok_or(Skipped::NoRequest)?;
    let (path, query) = target(unescaped(wanted));
    Ok(Line {
        unix,
        client,
        method,
        path,
        query,
        tls: false,
        fields: fields(rest),
    })
}

/// What stands before the time, the time, and what stands behind it.
fn at_time(line: &[u8]) -> Option<(&[u8], Duration, &[u8])> {
    memchr::memchr_iter(b'[', line).find_map(|open| {
        let close = open + 1 + TIME;
        let time = line.get(open + 1..close)?;
        let rest = line[close..].strip_prefix(b"]")?;
        Some((&line[..open], unix(time)?, rest))
    })
}

/// The client's address; a name of a virtual host may stand before it.
fn client(before: &[u8]) -> Option<IpAddr> {
    let words = before.split(|&b| b == b' ').filter(|word| !word.is_empty());
    words.take(2).find_map(|word| {
        let text = std::str::from_utf8(word).ok()?;
        text.parse().ok()
    })
}

/// `22/Nov/2026:15:00:00 +0000`
fn unix(time: &[u8]) -> Option<Duration> {
    let time: &[u8; TIME] = time.try_into().ok()?;
    let shaped = [(2, b'/'), (6, b'/'), (11, b':'), (14, b':'), (17, b':')];
    let shaped = shaped.iter().all(|(at, b)| time[*at] == *b);
    if !shaped || time[20] != b' ' {
        return None;
    }
    let month = MONTHS.chunks(3).position(|name| *name == time[3..6])?;
    let two = |at: usize| number(&time[at..at + 2]);
    let sign = match time[21] {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let local = DateTime::new(
        number(&time[7..11])?,
        i8::try_from(month + 1).ok()?,
        i8::try_from(two(0)?).ok()?,
        i8::try_from(two(12)?).ok()?,
        i8::try_from(two(15)?).ok()?,
        // a leap second, where a clock has one
        i8::try_from(two(18)?.min(59)).ok()?,
        0,
    );
    let east = i32::from(two(22)?) * 3600 + i32::from(two(24)?) * 60;
    let offset = Offset::from_seconds(sign * east).ok()?;
    let timestamp = offset.to_timestamp(local.ok()?).ok()?;
    u64::try_from(timestamp.as_second())
        .ok()
        .map(Duration::from_secs)
}

fn number(digits: &[u8]) -> Option<i16> {
    digits.iter().try_fold(0i16, |number, b| {
        let digit = b.is_ascii_digit().then(|| i16::from(b - b'0'))?;
        number.checked_mul(10)?.checked_add(digit)
    })
}

/// What stands in quotes at the beginning, still escaped, and what stands behind it.
fn quoted(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let text = text.trim_ascii_start().strip_prefix(b"\"")?;
    let mut from = 0;
    loop {
        let at = from + memchr::memchr2(b'"', b'\\', text.get(from..)?)?;
        match text[at] {
            b'"' => return Some((&text[..at], &text[at + 1..])),
            _ => from = at + 2,
        }
    }
}

/// What stands behind the status and the size.
fn answer(text: &[u8]) -> Option<&[u8]> {
    let (status, rest) = word(text)?;
    let (size, rest) = word(rest)?;
    let is_number = |word: &[u8]| word.iter().all(u8::is_ascii_digit);
    let right = status.len() == 3 && is_number(status) && (size == b"-" || is_number(size));
    right.then_some(rest)
}

fn word(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let text = text.strip_prefix(b" ")?;
    let end = memchr::memchr(b' ', text).unwrap_or(text.len());
    (end > 0).then(|| text.split_at(end))
}

/// Method and target; nothing of bytes that were no request, such as a TLS handshake on a plain port.
fn request_line(request: &[u8]) -> Option<(Method, &[u8])> {
    let method = memchr::memchr(b' ', request)?;
    let rest = &request[method + 1..];
    let version = memchr::memrchr(b' ', rest).filter(|at| rest[at + 1..].starts_with(b"HTTP/"));
    let target = &rest[..version.unwrap_or(rest.len())];
    let method = Method::from_bytes(&request[..method]).ok()?;
    (!target.is_empty()).then_some((method, target))
}

/// What `combined` has behind `common`, and nginx's `main` behind that.
fn fields(mut rest: &[u8]) -> Logged<'_> {
    let mut fields = Logged::new();
    for name in ["referer", "user-agent", "x-forwarded-for"] {
        let Some((value, behind)) = quoted(rest) else {
            break;
        };
        rest = behind;
        // whoever has a format of his own has other things there
        let fits = name != "x-forwarded-for" || lists_addresses(value);
        if value != b"-" && fits {
            fields.push((Cow::Borrowed(name), unescaped(value)));
        }
    }
    fields
}

fn lists_addresses(value: &[u8]) -> bool {
    value.split(|&b| b == b',').all(|one| {
        let text = std::str::from_utf8(one.trim_ascii()).ok();
        text.is_some_and(|text| text.parse::<IpAddr>().is_ok())
    })
}

/// Without the escapes of nginx and Apache; what is no escape stays.
fn unescaped(text: &[u8]) -> Cow<'_, [u8]> {
    if memchr::memchr(b'\\', text).is_none() {
        return Cow::Borrowed(text);
    }
    let mut plain = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&first, behind)) = rest.split_first() {
        let (byte, behind) = match (first, behind) {
            (b'\\', [b'x' | b'X', high, low, behind @ ..]) => match (hex(*high), hex(*low)) {
                (Some(high), Some(low)) => (high << 4 | low, behind),
                _ => (first, &rest[1..]),
            },
            (b'\\', [quote @ (b'"' | b'\\'), behind @ ..]) => (*quote, behind),
            (b'\\', [b'n', behind @ ..]) => (b'\n', behind),
            (b'\\', [b't', behind @ ..]) => (b'\t', behind),
            (b'\\', [b'r', behind @ ..]) => (b'\r', behind),
            _ => (first, behind),
        };
        plain.push(byte);
        rest = behind;
    }
    Cow::Owned(plain)
}

fn hex(digit: u8) -> Option<u8> {
    let value = char::from(digit).to_digit(16)?;
    u8::try_from(value).ok()
}

#[cfg(test)]
mod tests {
    use http::HeaderName;
    use http::header::{REFERER, USER_AGENT};
    use mantlet_engine::{Fields, Single};
    use proptest::prelude::*;

    use super::*;

    const LINE: &str = r#"192.0.2.1 - - [22/Nov/2026:15:00:07 +0000] "GET /a?b=c HTTP/1.1" 200 5 "https://a.example/" "curl/8""#;
    const FORWARDED: HeaderName = HeaderName::from_static("x-forwarded-for");

    fn read(line: &str) -> Line<'_> {
        parse(line.as_bytes()).expect("a request")
    }

    fn value(line: &Line<'_>, name: &HeaderName) -> Option<String> {
        match line.single(name) {
            Single::One(value) => Some(String::from_utf8(value.to_vec()).expect("text")),
            _ => None,
        }
    }

    #[test]
    fn a_line_of_combined_is_read() {
        let line = read(LINE);
        assert_eq!(line.unix, Duration::from_secs(1_795_359_607));
        assert_eq!(line.client.to_string(), "192.0.2.1");
        assert_eq!((&line.method, &*line.path), (&Method::GET, &b"/a"[..]));
        assert_eq!(line.query.as_deref(), Some(&b"b=c"[..]));
        assert_eq!(
            value(&line, &REFERER).as_deref(),
            Some("https://a.example/")
        );
        assert_eq!(value(&line, &USER_AGENT).as_deref(), Some("curl/8"));
    }

    #[test]
    fn the_time_is_read_with_its_zone() {
        let of = |time: &str| unix(time.as_bytes()).map(|unix| unix.as_secs());
        // the example of Apache's manual
        assert_eq!(of("10/Oct/2000:13:55:36 -0700"), Some(971_211_336));
        assert_eq!(of("29/Feb/2024:00:00:00 +0530"), Some(1_709_145_000));
        assert_eq!(
            of("30/Jun/2012:23:59:60 +0000"),
            of("30/Jun/2012:23:59:59 +0000")
        );
        for wrong in [
            "29/Feb/2023:00:00:00 +0000",
            "10/Okt/2000:13:55:36 -0700",
            "10/Oct/2000:25:55:36 -0700",
            "1 /Oct/2000:13:55:36 -0700",
            "10/Oct/2000:13:55:36 07000",
            "10-Oct-2000:13:55:36 -0700",
            "10/Oct/1960:13:55:36 -0700",
        ] {
            assert_eq!(of(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_line_of_common_has_no_fields() {
        let line = read(r#"::1 - - [22/Nov/2026:15:00:07 +0000] "POST /login HTTP/1.0" 302 -"#);
        assert_eq!(line.client.to_string(), "::1");
        assert_eq!(line.method, Method::POST);
        assert!(line.fields.is_empty());
    }

    #[test]
    fn a_user_may_be_called_anything() {
        let line = read(r#"::1 - a [b] c [22/Nov/2026:15:00:07 +0000] "GET / HTTP/1.1" 200 1"#);
        assert_eq!(line.client.to_string(), "::1");
    }

    #[test]
    fn a_virtual_host_may_stand_before_the_client() {
        let line = LINE.replacen("192", "example.com:443 192", 1);
        assert_eq!(read(&line).client.to_string(), "192.0.2.1");
    }

    #[test]
    fn escapes_are_undone() {
        let line = r#"::1 - - [22/Nov/2026:15:00:07 +0000] "GET /a\x22b\\\"?c HTTP/1.1" 200 1 "\t\n\r\q" "\xZZ""#;
        let line = read(line);
        assert_eq!(&*line.path, br#"/a"b\""#);
        assert_eq!(value(&line, &REFERER).as_deref(), Some("\t\n\r\\q"));
        assert_eq!(value(&line, &USER_AGENT).as_deref(), Some("\\xZZ"));
    }

    #[test]
    fn the_main_format_of_nginx_has_forwarded_addresses() {
        let line = format!("{LINE} \"198.51.100.7, 10.0.0.1\"");
        let told = value(&read(&line), &FORWARDED);
        assert_eq!(told.as_deref(), Some("198.51.100.7, 10.0.0.1"));
        for other in ["-", "0.003", ""] {
            let line = format!("{LINE} \"{other}\" 0.5");
            assert_eq!(value(&read(&line), &FORWARDED), None);
        }
    }

    #[test]
    fn what_was_no_request_is_told_apart() {
        for request in [
            "-",
            "",
            r"\x16\x03\x01\x02",
            "GET",
            "GET ",
            "G@T / HTTP/1.1",
        ] {
            let line = LINE.replace("GET /a?b=c HTTP/1.1", request);
            assert_eq!(parse(line.as_bytes()), Err(Skipped::NoRequest), "{line}");
        }
        assert_eq!(&*read(&LINE.replace(" HTTP/1.1", "")).path, b"/a");
        assert_eq!(&*read(&LINE.replace("/a?b", "/a b")).path, b"/a b=c");
    }

    #[test]
    fn what_cannot_be_read_says_what_is_missing() {
        for (line, why) in [
            ("", "no time"),
            ("192.0.2.1 - - \"GET / HTTP/1.1\" 200 5", "no time"),
            (&LINE.replace("192.0.2.1", "client.example"), "no address"),
            (&LINE.replace("\"GET", "GET"), "no request"),
            (&LINE[..60], "no request"),
            (&LINE.replace(" 200 ", " ok "), "no status"),
            (&LINE.replace(" 200 5", " 200 "), "no status"),
        ] {
            let skipped = parse(line.as_bytes()).expect_err("malformed").to_string();
            assert!(skipped.starts_with(why), "{line}: {skipped}");
        }
    }

    /// As nginx writes it: the quote, the backslash, and what is no printable ASCII, as `\xXX`.
    fn escaped(bytes: &[u8]) -> String {
        let escape = |b: &u8| match b {
            b'"' | b'\\' | 0..=31 | 127..=255 => format!("\\x{b:02X}"),
            b => char::from(*b).to_string(),
        };
        bytes.iter().map(escape).collect()
    }

    proptest! {
        #[test]
        fn what_nginx_escapes_is_read_as_it_came(
            path in proptest::collection::vec(any::<u8>(), 0..40),
            agent in proptest::collection::vec(any::<u8>(), 0..40),
        ) {
            prop_assume!(agent != b"-" && !path.contains(&b'?'));
            let line = format!(
                "::1 - - [22/Nov/2026:15:00:07 +0000] \"GET /{} HTTP/1.1\" 200 5 \"-\" \"{}\"",
                escaped(&path),
                escaped(&agent),
            );
            let line = read(&line);
            prop_assert_eq!(&line.path[1..], path);
            prop_assert_eq!(line.single(&USER_AGENT), Single::One(&agent));
        }

        #[test]
        fn any_bytes_are_read_or_refused(line in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse(&line);
            let behind = [LINE.as_bytes(), &line].concat();
            prop_assert!(parse(&behind).is_ok());
        }
    }
}
