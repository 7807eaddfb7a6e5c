//! One request head: its grammar, and what two readers could read differently.
//!
//! The grammar is that of `httparse`, with the limits the HTTP library behind the gate has, so that what passes here passes
//! there. On top of it, in this order: method, target, each field, Host, framing.

use std::mem::MaybeUninit;

use http::{Method, Uri};
use httparse::{Error, Request, Status};

use super::fault::Fault;
use crate::believed::is_believed;

/// Fields a request may have; the HTTP library's limit, which it keeps on the stack.
const MAX_FIELDS: usize = 100;
/// Bytes a head may have, from the method to the empty line.
pub(super) const MAX_HEAD: usize = 64 * 1024;

/// What follows a head on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// So many bytes of body, perhaps none, then the next head.
    Length(u64),
    /// A chunked body, then the next head.
    Chunked,
    /// Another protocol, or the end.
    Upgrade,
}

/// How far a head is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scan {
    /// The empty line has not come.
    More,
    /// The head has so many bytes.
    Whole(usize),
    Bad(Fault),
}

/// Judges a head that is whole in `bytes`: its length, and what follows it. `None`: it is not whole or not well-formed, and
/// [`scan`] tells which.
pub(super) fn whole(bytes: &[u8]) -> Option<(usize, Result<Next, Fault>)> {
    let mut fields = [const { MaybeUninit::uninit() }; MAX_FIELDS];
    let mut request = Request::new(&mut []);
    let Ok(Status::Complete(len)) = request.parse_with_uninit_headers(bytes, &mut fields) else {
        return None;
    };
    if len > MAX_HEAD {
        return Some((len, Err(Fault::TooLarge)));
    }
    // every line of a parsed head ends where the next field or the empty line starts
    let mut start = len;
    let line_ends_well = |start: usize| bytes[..start].ends_with(b"\r\n");
    for field in request.headers.iter().rev() {
        if !line_ends_well(start) {
            return None;
        }
        start = field.name.as_ptr() as usize - bytes.as_ptr() as usize;
    }
    let empty = bytes[..len].ends_with(b"\r\n\r\n");
    if !line_ends_well(start) || !empty {
        return None;
    }
    Some((len, judge(&request)))
}

/// Looks for the end of a head line by line; `scanned` is how far an earlier look at the same head came. The verdict
/// depends on the bytes alone, not on how they arrive.
pub(super) fn scan(bytes: &[u8], scanned: &mut usize) -> Scan {
    let Some(first) = bytes.first() else {
        return Scan::More;
    };
    if !first.is_ascii_graphic() {
        return Scan::Bad(Fault::Syntax);
    }
    let bounded = &bytes[..bytes.len().min(MAX_HEAD)];
    while let Some(found) = memchr::memchr(b'\n', &bounded[*scanned..]) {
        let lf = *scanned + found;
        if !bounded[..lf].ends_with(b"\r") {
            return Scan::Bad(Fault::BareLf);
        }
        if bounded[..lf].ends_with(b"\n\r") {
            return Scan::Whole(lf + 1);
        }
        match bounded.get(lf + 1) {
            Some(b' ' | b'\t') => return Scan::Bad(Fault::Folded),
            Some(_) => *scanned = lf + 1,
            // the next byte decides
            None => {
                *scanned = lf;
                break;
            }
        }
    }
    if bytes.len() >= MAX_HEAD {
        return Scan::Bad(Fault::TooLarge);
    }
    Scan::More
}

/// Judges a head of exactly these bytes.
pub(super) fn parse(head: &[u8]) -> Result<Next, Fault> {
    let mut fields = [const { MaybeUninit::uninit() }; MAX_FIELDS];
    let mut request = Request::new(&mut []);
    match request.parse_with_uninit_headers(head, &mut fields) {
        Ok(Status::Complete(len)) if len == head.len() => judge(&request),
        Err(Error::TooManyHeaders) => Err(Fault::TooMany),
        Err(Error::Version) => Err(Fault::Version),
        Err(Error::Token) if is_target_beyond_ascii(head) => Err(Fault::Target),
        _ => Err(Fault::Syntax),
    }
}

/// Whether the target has bytes beyond ASCII, be they UTF-8 or not.
fn is_target_beyond_ascii(head: &[u8]) -> bool {
    head.split(|&b| b == b'\r')
        .find(|line| !matches!(line, [] | [b'\n']))
        .and_then(|line| line.split(|&b| b == b' ').nth(1))
        .is_some_and(|target| !target.is_ascii())
}

fn judge(request: &Request<'_, '_>) -> Result<Next, Fault> {
    let method = request.method.unwrap_or_default();
    let target = request.path.unwrap_or_default();
    let is_11 = request.version == Some(1);
    match method {
        "GET" | "POST" | "HEAD" | "PUT" | "DELETE" | "OPTIONS" | "PATCH" => {}
        "CONNECT" => return Err(Fault::Connect),
        "TRACE" => return Err(Fault::Trace),
        other => {
            Method::from_bytes(other.as_bytes()).map_err(|_| Fault::Syntax)?;
        }
    }
    check_target(method, target)?;

    let mut host: Option<&[u8]> = None;
    let mut length: Option<u64> = None;
    let mut chunked = false;
    let mut upgrade = false;
    for field in request.headers.iter() {
        let name = field.name;
        match name.len() {
            4 if name.eq_ignore_ascii_case("host") => match host.replace(field.value) {
                None => {}
                Some(_) => return Err(Fault::HostRepeated),
            },
            7 if name.eq_ignore_ascii_case("upgrade") => upgrade = true,
            14 if name.eq_ignore_ascii_case("content-length") => {
                match length.replace(number(field.value)?) {
                    None => {}
                    Some(_) => return Err(Fault::LengthRepeated),
                }
            }
            17 if name.eq_ignore_ascii_case("transfer-encoding") => {
                if std::mem::replace(&mut chunked, true) {
                    return Err(Fault::EncodingRepeated);
                }
                if !field.value.eq_ignore_ascii_case(b"chunked") || !is_11 {
                    return Err(Fault::Encoding);
                }
            }
            _ if name.bytes().any(is_mark) && is_alias(name) => {
                return Err(Fault::Underscore);
            }
            _ => {}
        }
    }

    match host {
        None if is_11 => return Err(Fault::HostMissing),
        None => {}
        Some(host) if host.is_empty() || !host.iter().all(|&b| is_host(b)) => {
            return Err(Fault::Host);
        }
        Some(host) => check_authority(target, host)?,
    }
    match (length, chunked) {
        (Some(_), true) => Err(Fault::LengthAndEncoding),
        (Some(1..), false) | (None, true) if upgrade => Err(Fault::UpgradeBody),
        _ if upgrade => Ok(Next::Upgrade),
        (None, true) => Ok(Next::Chunked),
        (length, false) => Ok(Next::Length(length.unwrap_or(0))),
    }
}

/// The forms of RFC 9112 section 3.2, and what the URI type behind the gate takes and gives back unchanged.
fn check_target(method: &str, target: &str) -> Result<(), Fault> {
    if target.starts_with('/') && target.bytes().all(|b| PLAIN[usize::from(b)]) {
        return Ok(());
    }
    // the URI type takes UTF-8; no form of a target has it, and servers differ in what they make of it
    if !target.is_ascii() {
        return Err(Fault::Target);
    }
    if target == "*" {
        return match method {
            "OPTIONS" => Ok(()),
            _ => Err(Fault::Target),
        };
    }
    // a fragment would be dropped on the way
    if target.contains('#') {
        return Err(Fault::Target);
    }
    let uri = Uri::try_from(target).map_err(|_| Fault::Target)?;
    let unchanged = uri
        .path_and_query()
        .is_some_and(|found| found.as_str() == target);
    let absolute = matches!(uri.scheme_str(), Some("http" | "https"));
    // user information (RFC 9110 section 4.2.4): without Host it would become a part of one
    if absolute && uri.authority().is_some_and(|a| a.as_str().contains('@')) {
        return Err(Fault::Authority);
    }
    match target.starts_with('/') {
        true if unchanged => Ok(()),
        false if absolute => Ok(()),
        _ => Err(Fault::Target),
    }
}

/// An absolute-form target must name the Host (RFC 9112 section 3.2.2 lets the target win; recipients differ).
fn check_authority(target: &str, host: &[u8]) -> Result<(), Fault> {
    if target.starts_with('/') || target == "*" {
        return Ok(());
    }
    let Some((scheme, rest)) = target.split_once("://") else {
        return Err(Fault::Target);
    };
    let port: &[u8] = match scheme.eq_ignore_ascii_case("https") {
        true => b":443",
        false => b":80",
    };
    let authority = rest.split(['/', '?']).next().unwrap_or_default().as_bytes();
    let bare = |name: &[u8]| name.strip_suffix(port).unwrap_or(name).to_ascii_lowercase();
    if bare(authority) == bare(host) {
        Ok(())
    } else {
        Err(Fault::Authority)
    }
}

/// Digits alone (RFC 9110 section 8.6): no sign, no list.
fn number(value: &[u8]) -> Result<u64, Fault> {
    let digits = !value.is_empty() && value.iter().all(u8::is_ascii_digit);
    let number = std::str::from_utf8(value)
        .ok()
        .filter(|_| digits)
        .and_then(|text| text.parse::<u64>().ok())
        // above it the library behind the gate has no lengths
        .filter(|&number| number <= i64::MAX as u64);
    number.ok_or(Fault::Length)
}

/// What CGI and WSGI make `_` of in a name, as they do of `-` (RFC 3875 section 4.1.18 for `-`; servers differ in the others).
fn is_mark(byte: u8) -> bool {
    !byte.is_ascii_alphanumeric() && byte != b'-'
}

/// Whether a name with marks becomes that of a field that frames the message, that is believed, or that is ours.
#[cold]
fn is_alias(name: &str) -> bool {
    let name = name
        .replace(|c: char| !c.is_ascii_alphanumeric(), "-")
        .to_ascii_lowercase();
    matches!(
        name.as_str(),
        "content-length" | "content-type" | "transfer-encoding"
    ) || is_believed(&name)
        || ["mantlet-", "sec-fetch-", "proxy-"]
            .iter()
            .any(|prefix| name.starts_with(prefix))
}

/// RFC 3986 `host [ ":" port ]`, less the comma.
fn is_host(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+;=:[]".contains(&byte)
}

/// Bytes of a path and query that RFC 3986 allows as they are.
const PLAIN: [bool; 256] = {
    let mut table = [false; 256];
    let others = b"/?-._~%!$&'()*+,;=:@";
    let mut i = 0;
    while i < others.len() {
        table[others[i] as usize] = true;
        i += 1;
    }
    let mut byte = 0;
    while byte < 256 {
        if (byte as u8).is_ascii_alphanumeric() {
            table[byte] = true;
        }
        byte += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_targets_come_out_of_the_uri_type_as_they_went_in() {
        for byte in (0..=255u8).filter(|&b| PLAIN[usize::from(b)]) {
            for around in ["/", "/?", "//", "/a?b"] {
                let target = format!("{around}{}", char::from(byte));
                let uri = Uri::try_from(target.as_str()).unwrap();
                assert_eq!(uri.to_string(), target);
                assert!(uri.authority().is_none());
            }
        }
    }

    #[test]
    fn a_parsed_head_has_line_ends_where_they_are_looked_for() {
        let (len, next) = whole(b"GET / HTTP/1.1\r\nHost: a\r\nx:  y \t\r\n\r\nrest").unwrap();
        assert_eq!((len, next), (36, Ok(Next::Length(0))));
        for bare in [
            "GET / HTTP/1.1\nHost: a\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\nx: y\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\n\n",
            "GET / HTTP/1.1\r\nHost: a\n\r\n",
        ] {
            assert_eq!(whole(bare.as_bytes()), None, "{bare:?}");
            assert_eq!(scan(bare.as_bytes(), &mut 0), Scan::Bad(Fault::BareLf));
        }
    }
}
