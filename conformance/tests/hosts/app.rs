//! The application of the Rust hosts: it answers what the case says, and notes what it is told.

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use mantlet_conformance::{Response as Answer, Told};
use mantlet_tower::{ClientAddress, Nonce, Permit};

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

/// What a handler reads of its request.
pub(crate) fn told<B>(request: &Request<B>) -> Told {
    let extensions = request.extensions();
    let client = ClientAddress::of(extensions).ok();
    let permit = extensions.get::<Permit>();
    let reported = permit.into_iter().flat_map(Permit::reported);
    Told {
        client: client.map(|ClientAddress(address)| address),
        reported: Some(reported.map(|reason| reason.code.to_owned()).collect()),
    }
}
