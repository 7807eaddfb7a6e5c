//! The text of `curl -i`: a status line, fields, an empty line, a body. With `-L`, the heads of the redirects come first.
//!
//! ```
//! use mantlet_audit::capture::raw;
//! let text = b"HTTP/1.1 301 Moved\r\nLocation: https://example.com/a\r\n\r\nHTTP/2 200\r\nServer: x\r\n\r\n<p>";
//! let seen = raw(text, &"https://example.com/".parse()?)?;
//! assert_eq!((seen.hops.len(), seen.response.status, seen.response.body.as_str()), (1, 200, "<p>"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use url::Url;

use super::{Unreadable, add, bounded, page};
use crate::headers::Headers;
use crate::observation::{Hop, Observation, Response};

/// The most heads that one text may hold.
const MAX_HEADS: usize = 32;

/// Reads a response that was seen at `url`; the heads before the last one are its redirects.
///
/// # Errors
/// [`Unreadable`] with the line that is wrong: no status line, no field, a head that does not end.
pub fn raw(text: &[u8], url: &Url) -> Result<Observation, Unreadable> {
    bounded(text)?;
    let mut rest = text.trim_ascii_start();
    let mut line_number = 1 + text[..text.len() - rest.len()]
        .iter()
        .filter(|&&b| b == b'\n')
        .count();
    let mut hops: Vec<Hop> = Vec::new();
    let mut current = url.clone();
    loop {
        let head = Head::read(rest, &mut line_number)?;
        rest = head.rest;
        let goes_on = rest.starts_with(b"HTTP/");
        // 1xx, the answer of a proxy to CONNECT, a 401 of a handshake: not hops of the session
        let location = head
            .headers
            .first("location")
            .filter(|_| (300..400).contains(&head.status));
        if !goes_on {
            let body = String::from_utf8_lossy(rest).into_owned();
            let mut seen = page(
                url.clone(),
                Response::new(head.status, head.headers).body(body),
            );
            seen.hops = hops;
            return Ok(seen);
        }
        if let Some(location) = location {
            let next = current.join(location).map_err(|error| {
                Unreadable::new(
                    format!("line {line_number}"),
                    format!("Location {location:?}: {error}"),
                )
            })?;
            let url = std::mem::replace(&mut current, next);
            hops.push(Hop {
                url,
                status: head.status,
                headers: head.headers,
            });
        }
        if hops.len() > MAX_HEADS {
            let message = format!("more than {MAX_HEADS} redirects");
            return Err(Unreadable::new(format!("line {line_number}"), message));
        }
    }
}

struct Head<'a> {
    status: u16,
    headers: Headers,
    rest: &'a [u8],
}

impl<'a> Head<'a> {
    fn read(text: &'a [u8], line_number: &mut usize) -> Result<Self, Unreadable> {
        let place = |n: usize| format!("line {n}");
        let (first, mut rest) = line(text).ok_or_else(|| {
            Unreadable::new(place(*line_number), "the text ends within the status line")
        })?;
        let first = String::from_utf8_lossy(first);
        let mut words = first.split_ascii_whitespace();
        let version = words.next().is_some_and(|word| word.starts_with("HTTP/"));
        let status = words
            .next()
            .filter(|word| version && word.len() == 3)
            .and_then(|word| word.parse().ok())
            .ok_or_else(|| {
                Unreadable::new(
                    place(*line_number),
                    "a status line such as HTTP/1.1 200 OK is expected",
                )
            })?;
        let mut headers = Headers::new();
        let mut size = 0;
        loop {
            *line_number += 1;
            let (field, after) = line(rest).ok_or_else(|| {
                Unreadable::new(
                    place(*line_number),
                    "the text ends within the header section: it was cut off",
                )
            })?;
            rest = after;
            if field.is_empty() {
                *line_number += 1;
                return Ok(Self {
                    status,
                    headers,
                    rest,
                });
            }
            let field = String::from_utf8_lossy(field);
            let Some((name, value)) = field.split_once(':') else {
                return Err(Unreadable::new(
                    place(*line_number),
                    "a field such as Name: value is expected",
                ));
            };
            add(&mut headers, &mut size, name, value, &place(*line_number))?;
        }
    }
}

/// A line without its end, and what follows; `None` if it does not end.
fn line(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = text.iter().position(|&b| b == b'\n')?;
    let line = &text[..end];
    Some((line.strip_suffix(b"\r").unwrap_or(line), &text[end + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url() -> Url {
        Url::parse("https://example.com/").expect("a URL")
    }

    #[test]
    fn an_interim_response_is_no_hop() {
        let seen = raw(
            b"HTTP/1.1 100 Continue\n\nHTTP/1.1 200 OK\nA: b\n\nbody",
            &url(),
        )
        .expect("read");
        assert_eq!(
            (seen.hops.len(), seen.response.headers.first("a")),
            (0, Some("b"))
        );
    }

    #[test]
    fn what_is_wrong_is_told_by_its_line() {
        for (text, at) in [
            ("HTTP/1.1 200 OK", "line 1"),
            ("HTTP/1.1 200 OK\r\nA: b\r\n", "line 3"),
            ("HTTP/1.1 2000 OK\r\n\r\n", "line 1"),
            ("GET / HTTP/1.1\r\n\r\n", "line 1"),
            ("HTTP/1.1 200 OK\nno field\n\n", "line 2"),
            ("HTTP/1.1 200 OK\nA: \0\n\n", "line 2"),
        ] {
            assert_eq!(
                raw(text.as_bytes(), &url()).expect_err(text).place,
                at,
                "{text:?}"
            );
        }
    }
}
