//! One request and its response, on a connection of their own.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, header};
use http_body_util::Empty;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use mantlet_audit::{Headers, Response};
use tokio::task::JoinHandle;
use url::{Position, Url};

use crate::body;
use crate::connect::{Stream, connect};
use crate::failure::Failure;
use crate::options::Options;
use crate::tls::{Party, Tls, Trust};

/// The most fields of a response; a browser's own limit is by size.
const MAX_FIELDS: usize = 512;

/// What drives a connection; it ends with its request, so that a slow server keeps nothing.
pub(crate) struct Driver(JoinHandle<()>);

impl Driver {
    pub(crate) fn of<F>(connection: F) -> Self
    where
        F: Future<Output = hyper::Result<()>> + Send + 'static,
    {
        // its failures reach the request as well
        Self(tokio::spawn(async move { drop(connection.await) }))
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A request, but for what every request has.
pub(crate) struct Ask<'a> {
    pub(crate) method: Method,
    pub(crate) url: &'a Url,
    /// Fields beside those of every request.
    pub(crate) headers: HeaderMap,
    pub(crate) trust: Trust,
    pub(crate) party: Party,
}

/// A response, and whether its body was cut.
pub(crate) struct Answer {
    pub(crate) response: Response,
    pub(crate) remark: Option<String>,
}

/// Asks, and reads what came as far as it may be long. Only a body that a browser shows as a document is read.
pub(crate) async fn ask(ask: Ask<'_>, options: &Options, tls: &Tls) -> Result<Answer, Failure> {
    let url = ask.url;
    let stream = connect(url, options, tls, ask.trust, ask.party).await?;
    let request = request(ask, options)?;
    let of_exchange = |error: hyper::Error| Failure::of_exchange(&error, options.head);
    let (mut sender, connection) = http1::Builder::new()
        .max_buf_size(options.head.max(8 << 10))
        .max_headers(MAX_FIELDS)
        .handshake::<TokioIo<Box<dyn Stream>>, Empty<Bytes>>(TokioIo::new(stream))
        .await
        .map_err(of_exchange)?;
    let _driver = Driver::of(connection);
    let response = sender.send_request(request).await.map_err(of_exchange)?;
    let (head, incoming) = response.into_parts();
    let encoding = head.headers.get(header::CONTENT_ENCODING).cloned();
    let mut response = Response::new(head.status.as_u16(), fields(&head.headers));
    let mut remark = None;
    if response.is_html() {
        let encoding = encoding
            .as_ref()
            .map_or("", |value| value.to_str().unwrap_or("?"));
        let read = body::read(incoming, encoding, options).await?;
        remark = read.remark.map(|what| format!("{url}: {what}"));
        response.body = read.text;
    }
    Ok(Answer { response, remark })
}

fn request(ask: Ask<'_>, options: &Options) -> Result<Request<Empty<Bytes>>, Failure> {
    let Ask {
        method,
        url,
        headers,
        ..
    } = ask;
    let through_proxy = options.proxy.is_some() && url.scheme() == "http";
    let target = match through_proxy {
        true => &url[..Position::AfterQuery],
        false => &url[Position::BeforePath..Position::AfterQuery],
    };
    let mut request = Request::builder()
        .method(method)
        .uri(target)
        .body(Empty::new())
        .map_err(|_| Failure::of_url(url))?;
    let own = request.headers_mut();
    let host = HeaderValue::from_str(&url[Position::BeforeHost..Position::AfterPort]);
    own.insert(header::HOST, host.map_err(|_| Failure::of_url(url))?);
    own.insert(header::USER_AGENT, options.user_agent.clone());
    let accept = "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8";
    own.insert(header::ACCEPT, HeaderValue::from_static(accept));
    own.insert(
        header::ACCEPT_ENCODING,
        HeaderValue::from_static("gzip, br"),
    );
    own.insert(header::CONNECTION, HeaderValue::from_static("close"));
    if let Some(proxy) = options.proxy.as_ref().filter(|_| through_proxy)
        && let Some(value) = &proxy.authorization
    {
        own.insert(header::PROXY_AUTHORIZATION, value.clone());
    }
    // the caller's word replaces ours
    own.extend(headers);
    Ok(request)
}

/// Names and values as text; a byte that is no UTF-8 is read as Latin-1, as browsers read fields.
fn fields(map: &HeaderMap) -> Headers {
    let text = |value: &HeaderValue| match std::str::from_utf8(value.as_bytes()) {
        Ok(text) => text.to_owned(),
        Err(_) => value
            .as_bytes()
            .iter()
            .map(|byte| char::from(*byte))
            .collect(),
    };
    let mut headers = Headers::new();
    for (name, value) in map {
        headers.push(name.as_str(), text(value));
    }
    headers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_of_other_bytes_is_text() {
        let mut map = HeaderMap::new();
        let value = HeaderValue::from_bytes(b"caf\xe9").expect("a value");
        map.insert("x-name", value);
        assert_eq!(fields(&map).first("X-Name"), Some("caf\u{e9}"));
    }
}
