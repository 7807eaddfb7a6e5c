//! The application of the Rust hosts: it answers what the case says.

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use mantlet_conformance::Response as Answer;
use mantlet_tower::Nonce;

pub(crate) fn answer<B>(answer: &Answer, request: &Request<B>) -> Response<Full<Bytes>> {
    let nonce = Nonce::of(request.extensions())
        .ok()
        .map(|nonce| nonce.to_string());
    let body = match request.method() == Method::HEAD || answer.status() == StatusCode::NOT_MODIFIED
    {
        true => String::new(),
        false => answer.body(nonce.as_deref()),
    };
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = answer.status();
    for (name, value) in answer.lines() {
        response.headers_mut().append(name, value.clone());
    }
    response
}
