//! HAR files (<https://w3c.github.io/web-performance/specs/HAR/Overview.html>): each document of a recorded session.
//!
//! Entries that redirect become the hops of the document they lead to; what is no document (images, scripts, calls) is left
//! out unless there is nothing else.

use serde::Deserialize;
use url::Url;

use super::{Unreadable, add, bounded, page};
use crate::headers::Headers;
use crate::observation::{Hop, Observation, Response};

#[derive(Deserialize)]
struct File {
    log: Log,
}

#[derive(Deserialize)]
struct Log {
    entries: Vec<Record>,
}

#[derive(Deserialize)]
struct Record {
    request: Request,
    response: Answer,
}

#[derive(Deserialize)]
struct Request {
    url: String,
}

#[derive(Deserialize)]
struct Answer {
    status: i64,
    #[serde(default)]
    headers: Vec<Pair>,
    #[serde(default)]
    content: Content,
}

#[derive(Deserialize)]
struct Pair {
    name: String,
    value: String,
}

#[derive(Default, Deserialize)]
struct Content {
    #[serde(default)]
    text: String,
    #[serde(default)]
    encoding: String,
}

/// Reads a HAR file; `None` if the text is JSON of another kind.
///
/// # Errors
/// [`Unreadable`] if an entry cannot be read, or if none is a response of http or https.
pub fn har(text: &[u8]) -> Result<Option<Vec<Observation>>, Unreadable> {
    bounded(text)?;
    let Ok(File { log }) = serde_json::from_slice(text) else {
        return Ok(None);
    };
    let mut documents = Vec::new();
    let mut others = Vec::new();
    let mut hops: Vec<Hop> = Vec::new();
    for (i, record) in log.entries.into_iter().enumerate() {
        let place = format!("log.entries[{i}]");
        // a request that got no answer has the status 0
        let Some(status) = u16::try_from(record.response.status)
            .ok()
            .filter(|&status| status >= 100)
        else {
            continue;
        };
        let Ok(url) = Url::parse(&record.request.url) else {
            continue;
        };
        if !matches!(url.scheme(), "http" | "https") {
            continue;
        }
        let mut headers = Headers::new();
        let mut size = 0;
        for Pair { name, value } in record.response.headers {
            // pseudo-fields of HTTP/2, as some browsers write them
            if name.starts_with(':') {
                continue;
            }
            // some browsers join repeated Set-Cookie lines by a line feed
            for value in value.split('\n') {
                add(&mut headers, &mut size, &name, value, &place)?;
            }
        }
        if (300..400).contains(&status) && headers.has("location") {
            hops.push(Hop {
                url,
                status,
                headers,
            });
            continue;
        }
        let body = match record.response.content.encoding.as_str() {
            "" => record.response.content.text,
            // base64 is for what is no text
            _ => String::new(),
        };
        let first = hops.first().map_or(&url, |hop| &hop.url).clone();
        let mut seen = page(first, Response::new(status, headers).body(body));
        if url.scheme() == "https" && seen.url.scheme() == "http" {
            seen.url = url;
            seen.tls = crate::Tls::Verified;
        }
        seen.hops = std::mem::take(&mut hops);
        match seen.response.is_html() {
            true => documents.push(seen),
            false => others.push(seen),
        }
    }
    let found = if documents.is_empty() {
        others
    } else {
        documents
    };
    if found.is_empty() {
        return Err(Unreadable::new(
            "log.entries",
            "no response of http or https",
        ));
    }
    Ok(Some(found))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_found_with_their_redirects() {
        let text = br#"{"log": {"entries": [
            {"request": {"url": "https://a.example/"}, "response": {"status": 302, "headers": [{"name": "Location", "value": "/b"}]}},
            {"request": {"url": "https://a.example/b"}, "response": {"status": 200, "content": {"text": "<p>"},
             "headers": [{"name": ":status", "value": "200"}, {"name": "content-type", "value": "text/html"},
                         {"name": "set-cookie", "value": "a=1\nb=2"}]}},
            {"request": {"url": "https://a.example/x.png"}, "response": {"status": 200, "headers": []}},
            {"request": {"url": "https://gone.example/"}, "response": {"status": 0, "headers": []}}]}}"#;
        let found = har(text).expect("read").expect("a HAR file");
        assert_eq!(found.len(), 1);
        assert_eq!(
            (found[0].url.as_str(), found[0].hops.len()),
            ("https://a.example/", 1)
        );
        assert_eq!(found[0].response.headers.all("set-cookie").count(), 2);
        assert_eq!(found[0].response.body, "<p>");
    }

    #[test]
    fn other_json_is_none_and_an_empty_file_is_refused() {
        assert_eq!(har(b"[]").expect("JSON"), None);
        assert!(har(br#"{"log": {"entries": []}}"#).is_err());
    }
}
