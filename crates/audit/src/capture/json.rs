//! JSON captures: an object, or a list of them.
//!
//! ```text
//! { "url": "https://example.com/",            // asked for; required
//!   "https": true,                            // default: the scheme of url
//!   "verified": true,                         // whether the certificate is good; default true
//!   "status": 200,
//!   "headers": [["Name", "value"], ...],      // or an object of names and values or lists of values
//!   "body": "<!doctype html>...",
//!   "http": [{"url": "http://example.com/", "status": 301}, {"url": "https://example.com/", "status": 200}],
//!   "cors": {"origin": "https://other.example", "headers": [...]} }
//! ```
//!
//! `http` is the session on plain http: the hops, the page last; or pairs of URL and status, or the URLs alone; or an object
//! with `hops` and `verified`, or with the `status` and `location` of its first answer; `null` if nothing answers there. `cors` is the answer to a preflight: `null` if there was none.
//! More, for the profile mantlet: `hops` (redirects before the page), `again` (a second fetch), `not_found`, `error`
//! (responses: `status`, `headers`, `body`), `cross_site_post` (a status).

use serde_json::Value;
use url::Url;

use super::{Unreadable, add, bounded, few_values};
use crate::headers::Headers;
use crate::observation::{Cors, Hop, Http, Observation, Response, Session, Tls};

/// Whether the text held one capture or a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// One object.
    One(Box<Observation>),
    /// A list, each element read or not by itself.
    List(Vec<Result<Observation, Unreadable>>),
}

/// Reads captures; the first that is wrong spoils the list.
///
/// # Errors
/// [`Unreadable`] with the path of the value that is wrong.
pub fn json(text: &[u8]) -> Result<Vec<Observation>, Unreadable> {
    match entries(text)? {
        Entry::One(one) => Ok(vec![*one]),
        Entry::List(list) => list.into_iter().collect(),
    }
}

/// Reads captures; an element of a list that is wrong leaves the others as they are.
///
/// # Errors
/// [`Unreadable`] if the text is no JSON, or neither an object nor a list.
pub fn entries(text: &[u8]) -> Result<Entry, Unreadable> {
    bounded(text)?;
    few_values(text)?;
    let value: Value = serde_json::from_slice(text)
        .map_err(|error| Unreadable::new("capture", format!("not JSON: {error}")))?;
    match value {
        Value::Object(_) => Ok(Entry::One(Box::new(observation(&value, "capture")?))),
        Value::Array(list) => {
            let read = |(i, value): (usize, &Value)| observation(value, &format!("[{i}]"));
            Ok(Entry::List(list.iter().enumerate().map(read).collect()))
        }
        _ => Err(Unreadable::new(
            "capture",
            "an object, or a list of objects, is expected",
        )),
    }
}

fn observation(value: &Value, place: &str) -> Result<Observation, Unreadable> {
    let at = |key: &str| format!("{place}.{key}");
    if !value.is_object() {
        return Err(Unreadable::new(place, "an object is expected"));
    }
    let url = read_url(value.get("url"), &at("url"))?;
    let mut seen = Observation::new(url, read_response(value, place)?);
    let https = match value.get("https") {
        None => seen.tls.is_https(),
        // an object or a list is an https session: it answered
        Some(other) => read_flag(other).unwrap_or(true),
    };
    let verified = match value.get("verified") {
        None | Some(Value::Null) => true,
        Some(Value::Bool(verified)) => *verified,
        Some(_) => return Err(Unreadable::new(at("verified"), "true or false is expected")),
    };
    seen.tls = match (https, verified) {
        (false, _) => Tls::None,
        (true, true) => Tls::Verified,
        (true, false) => Tls::Unverified,
    };
    seen.http = match value.get("http") {
        None if !https => Http::Answered(staying(&seen)),
        None => Http::NotAsked,
        Some(Value::Null | Value::Bool(false)) => Http::Silent,
        Some(Value::Bool(true)) => Http::Answered(staying(&seen)),
        Some(session) => read_session(session, &seen, verified, &at("http"))?,
    };
    seen.cors = match value.get("cors") {
        None | Some(Value::Null | Value::Bool(false)) => None,
        Some(cors) => read_cors(cors, &at("cors"))?,
    };
    seen.hops = match value.get("hops") {
        None | Some(Value::Null) => Vec::new(),
        Some(hops) => read_hops(hops, &at("hops"))?,
    };
    let more = |key: &str| match value.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(response) => read_response(response, &at(key)).map(Some),
    };
    seen.again = more("again")?;
    seen.not_found = more("not_found")?;
    seen.error = more("error")?;
    seen.cross_site_post = match value.get("cross_site_post") {
        None | Some(Value::Null) => None,
        Some(status) => Some(read_status(status, &at("cross_site_post"))?),
    };
    Ok(seen)
}

fn read_flag(value: &Value) -> Option<bool> {
    match value {
        Value::Null => Some(false),
        Value::Bool(flag) => Some(*flag),
        _ => None,
    }
}

fn read_url(value: Option<&Value>, place: &str) -> Result<Url, Unreadable> {
    let Some(Value::String(text)) = value else {
        return Err(Unreadable::new(
            place,
            "a URL such as \"https://example.com/\" is expected",
        ));
    };
    let url =
        Url::parse(text).map_err(|error| Unreadable::new(place, format!("{text:?}: {error}")))?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(Unreadable::new(place, "neither http: nor https:"));
    }
    Ok(url)
}

fn read_status(value: &Value, place: &str) -> Result<u16, Unreadable> {
    let status = value.as_u64().and_then(|status| u16::try_from(status).ok());
    status
        .filter(|status| (100..=999).contains(status))
        .ok_or_else(|| Unreadable::new(place, "a status code is expected"))
}

fn read_response(value: &Value, place: &str) -> Result<Response, Unreadable> {
    let status = match value.get("status") {
        None | Some(Value::Null) => 200,
        Some(status) => read_status(status, &format!("{place}.status"))?,
    };
    let headers = match value.get("headers") {
        None | Some(Value::Null) => Headers::new(),
        Some(headers) => read_headers(headers, &format!("{place}.headers"))?,
    };
    let response = Response::new(status, headers);
    match value.get("body") {
        None | Some(Value::Null) => Ok(response),
        Some(Value::String(body)) => Ok(response.body(body.as_str())),
        Some(_) => Err(Unreadable::new(
            format!("{place}.body"),
            "a text is expected",
        )),
    }
}

/// `[[name, value], ...]`, `[{"name": ..., "value": ...}, ...]` or `{name: value or [values], ...}`.
fn read_headers(value: &Value, place: &str) -> Result<Headers, Unreadable> {
    let mut headers = Headers::new();
    let mut size = 0;
    let pairs_expected =
        |place: String| Unreadable::new(place, "[\"name\", \"value\"] is expected");
    match value {
        Value::Array(list) => {
            for (i, field) in list.iter().enumerate() {
                let place = format!("{place}[{i}]");
                let (name, value) = match field {
                    Value::Array(pair) => match pair.as_slice() {
                        [Value::String(name), Value::String(value)] => (name, value),
                        _ => return Err(pairs_expected(place)),
                    },
                    Value::Object(field) => match (field.get("name"), field.get("value")) {
                        (Some(Value::String(name)), Some(Value::String(value))) => (name, value),
                        _ => return Err(pairs_expected(place)),
                    },
                    _ => return Err(pairs_expected(place)),
                };
                add(&mut headers, &mut size, name, value, &place)?;
            }
        }
        Value::Object(fields) => {
            for (name, values) in fields {
                let place = format!("{place}.{name}");
                let values = match values {
                    Value::Array(values) => values.as_slice(),
                    one => std::slice::from_ref(one),
                };
                for value in values {
                    let Value::String(value) = value else {
                        return Err(Unreadable::new(
                            place,
                            "a text, or a list of texts, is expected",
                        ));
                    };
                    add(&mut headers, &mut size, name, value, &place)?;
                }
            }
        }
        _ => {
            return Err(Unreadable::new(
                place,
                "a list of [\"name\", \"value\"] is expected",
            ));
        }
    }
    Ok(headers)
}

/// A session of one hop: the page itself over plain http.
fn staying(seen: &Observation) -> Session {
    let mut url = seen.url.clone();
    // a URL of http or https takes either scheme
    let _ = url.set_scheme("http");
    let hop = Hop {
        url,
        status: seen.response.status,
        headers: seen.response.headers.clone(),
    };
    Session {
        hops: vec![hop],
        verified: true,
    }
}

fn read_session(
    value: &Value,
    seen: &Observation,
    verified: bool,
    place: &str,
) -> Result<Http, Unreadable> {
    let keys = ["hops", "redirects", "route", "chain"];
    let (list, own) = match value {
        Value::Array(_) => (Some(value), None),
        Value::Object(object) => (
            keys.iter()
                .find_map(|key| object.get(*key))
                .filter(|list| list.is_array()),
            object.get("verified").and_then(Value::as_bool),
        ),
        _ => {
            let message = "null, or a list of hops {\"url\", \"status\"}, is expected";
            return Err(Unreadable::new(place, message));
        }
    };
    let hops = match list {
        Some(list) => read_hops(list, place)?,
        None => {
            let url = match value.get("url") {
                Some(url) => read_url(Some(url), &format!("{place}.url"))?,
                None => staying(seen).hops.remove(0).url,
            };
            let Response {
                status, headers, ..
            } = read_response(value, place)?;
            let mut hops = vec![Hop {
                url,
                status,
                headers,
            }];
            let location = value.get("location").and_then(Value::as_str);
            let location = location
                .or(hops[0].headers.first("location"))
                .map(str::to_owned);
            if let Some(location) = location {
                let next = hops[0].url.join(&location);
                let next = next.map_err(|error| {
                    Unreadable::new(format!("{place}.location"), error.to_string())
                })?;
                let (status, headers) = (seen.response.status, Headers::new());
                hops.push(Hop {
                    url: next,
                    status,
                    headers,
                });
            }
            hops
        }
    };
    let Some(last) = hops.last() else {
        return Ok(Http::Silent);
    };
    // what ends on https shares the certificate of the page, unless the capture says otherwise
    let verified = own.unwrap_or(last.url.scheme() == "http" || verified);
    Ok(Http::Answered(Session { hops, verified }))
}

fn read_hops(value: &Value, place: &str) -> Result<Vec<Hop>, Unreadable> {
    let Value::Array(list) = value else {
        return Err(Unreadable::new(place, "a list of hops is expected"));
    };
    let mut hops = Vec::with_capacity(list.len().min(16));
    for (i, hop) in list.iter().enumerate() {
        let place = format!("{place}[{i}]");
        let last = i + 1 == list.len();
        let (url, response) = match hop {
            Value::String(_) => {
                let status = if last { 200 } else { 301 };
                (
                    read_url(Some(hop), &place)?,
                    Response::new(status, Headers::new()),
                )
            }
            Value::Object(object) => (
                read_url(object.get("url"), &format!("{place}.url"))?,
                read_response(hop, &place)?,
            ),
            Value::Array(pair) => {
                let [url, status] = pair.as_slice() else {
                    return Err(Unreadable::new(place, "[\"url\", status] is expected"));
                };
                let status = read_status(status, &place)?;
                (
                    read_url(Some(url), &place)?,
                    Response::new(status, Headers::new()),
                )
            }
            _ => {
                return Err(Unreadable::new(
                    place,
                    "{\"url\", \"status\"} or a URL is expected",
                ));
            }
        };
        let Response {
            status, headers, ..
        } = response;
        hops.push(Hop {
            url,
            status,
            headers,
        });
    }
    Ok(hops)
}

fn read_cors(value: &Value, place: &str) -> Result<Option<Cors>, Unreadable> {
    let (origin, headers) = match value {
        Value::Array(_) => (None, read_headers(value, place)?),
        Value::Object(object) => {
            if let Some(status) = object.get("status").filter(|status| !status.is_null()) {
                let status = read_status(status, &format!("{place}.status"))?;
                if !(200..300).contains(&status) {
                    return Ok(None);
                }
            }
            let headers = match object.get("headers") {
                None | Some(Value::Null) => Headers::new(),
                Some(headers) => read_headers(headers, &format!("{place}.headers"))?,
            };
            let asked = ["origin", "request_origin", "requestOrigin"];
            let origin = asked
                .iter()
                .find_map(|key| object.get(*key))
                .and_then(Value::as_str);
            (origin.map(str::to_owned), headers)
        }
        _ => {
            return Err(Unreadable::new(
                place,
                "{\"origin\", \"headers\"} is expected",
            ));
        }
    };
    Ok(Some(Cors { origin, headers }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> Observation {
        json(text.as_bytes()).expect(text).remove(0)
    }

    #[test]
    fn what_is_absent_has_a_default() {
        let seen = one(r#"{"url": "https://example.com/"}"#);
        assert_eq!((seen.tls, seen.response.status), (Tls::Verified, 200));
        assert_eq!((seen.http, seen.cors), (Http::NotAsked, None));
        let plain = one(r#"{"url": "http://example.com/"}"#);
        assert!(matches!(plain.http, Http::Answered(session) if session.hops.len() == 1));
        let refused = one(r#"{"url": "https://example.com/", "verified": false, "http": null}"#);
        assert_eq!((refused.tls, refused.http), (Tls::Unverified, Http::Silent));
    }

    #[test]
    fn headers_are_pairs_or_an_object() {
        let pairs = one(r#"{"url": "https://a.example/", "headers": [["A", "1"], ["a", " 2 "]]}"#);
        let object = one(r#"{"url": "https://a.example/", "headers": {"a": ["1", "2"]}}"#);
        for seen in [pairs, object] {
            assert_eq!(seen.response.headers.combined("a").as_deref(), Some("1, 2"));
        }
    }

    #[test]
    fn a_session_is_hops_or_urls_or_an_object() {
        let hops = r#"[{"url": "http://a.example/", "status": 301}, {"url": "https://a.example/", "status": 200}]"#;
        let urls = r#"["http://a.example/", "https://a.example/"]"#;
        for session in [
            hops.to_owned(),
            urls.to_owned(),
            format!(r#"{{"hops": {hops}}}"#),
            r#"{"status": 301, "location": "https://a.example/"}"#.to_owned(),
            r#"{"status": 301, "headers": [["Location", "https://a.example/"]]}"#.to_owned(),
            r#"[["http://a.example/", 301], ["https://a.example/", 200]]"#.to_owned(),
        ] {
            let seen = one(&format!(
                r#"{{"url": "https://a.example/", "verified": false, "http": {session}}}"#
            ));
            let Http::Answered(session) = seen.http else {
                panic!("an answer")
            };
            let urls: Vec<_> = session
                .hops
                .iter()
                .map(|hop| (hop.url.as_str(), hop.status))
                .collect();
            assert_eq!(
                urls,
                [("http://a.example/", 301), ("https://a.example/", 200)]
            );
            assert!(!session.verified);
        }
    }

    #[test]
    fn a_preflight_that_failed_is_none() {
        let cors = |status| {
            one(&format!(
            r#"{{"url": "https://a.example/", "cors": {{"origin": "https://b.example", "status": {status}, "headers": []}}}}"#
        )).cors
        };
        assert!(cors(405).is_none() && cors(204).is_some());
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        for (text, place) in [
            ("", "capture"),
            ("[1", "capture"),
            ("7", "capture"),
            ("[7]", "[0]"),
            ("{}", "capture.url"),
            (r#"{"url": "ftp://a.example/"}"#, "capture.url"),
            (
                r#"{"url": "https://a.example/", "status": 99}"#,
                "capture.status",
            ),
            (
                r#"{"url": "https://a.example/", "headers": [["a"]]}"#,
                "capture.headers[0]",
            ),
            (
                r#"{"url": "https://a.example/", "headers": [["a b", ""]]}"#,
                "capture.headers[0]",
            ),
            (
                r#"{"url": "https://a.example/", "headers": [["a", "x\ny"]]}"#,
                "capture.headers[0]",
            ),
            (
                r#"{"url": "https://a.example/", "http": [7]}"#,
                "capture.http[0]",
            ),
            (
                r#"{"url": "https://a.example/", "cors": 7}"#,
                "capture.cors",
            ),
            (
                r#"{"url": "https://a.example/", "body": 7}"#,
                "capture.body",
            ),
        ] {
            assert_eq!(
                json(text.as_bytes()).expect_err(text).place,
                place,
                "{text}"
            );
        }
    }

    #[test]
    fn one_bad_element_leaves_the_others() {
        let Ok(Entry::List(list)) = entries(br#"[{"url": "https://a.example/"}, {}]"#) else {
            panic!("a list")
        };
        assert!(list[0].is_ok() && list[1].is_err());
    }

    #[test]
    fn many_values_are_refused_before_they_take_memory() {
        let text = format!("[{}0]", "0,".repeat(super::super::MAX_VALUES));
        let error = json(text.as_bytes()).expect_err("too many");
        assert!(error.message.contains("split the list"), "{error}");
        let quoted = format!(
            r#"{{"url": "https://a.example/", "body": "{}\\\""}}"#,
            ",".repeat(super::super::MAX_VALUES)
        );
        assert!(json(quoted.as_bytes()).is_ok());
    }

    #[test]
    fn a_huge_section_is_refused() {
        let value = "x".repeat(super::super::MAX_SECTION);
        let text = format!(r#"{{"url": "https://a.example/", "headers": [["a", "{value}"]]}}"#);
        assert!(
            json(text.as_bytes())
                .expect_err("too large")
                .message
                .contains("above")
        );
    }
}
