//! One request: ask the engine, forward it or answer it, ask the engine again.
//!
//! Fails closed: a verdict this version does not know is a denial, and no response leaves but through call two.

use std::cell::{Cell, RefCell};
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;

use http::header::{ALLOW, CONNECTION, CONTENT_LENGTH, HOST, TRANSFER_ENCODING};
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri, Version, request};
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;
use mantlet_engine::{
    Denial, Engine, Evidence, Exchange, Form, Nonce, RequestHead, ResponseHead, Step, StoreDown,
    Verdict,
};

use crate::body::{RequestBody, ResponseBody, Streamed};
use crate::fields::{self, MANTLET_NONCE, MANTLET_REASON, Scheme, Trust, Way};
use crate::log::{self, Asker};
use crate::tunnel;
use crate::upstream::{Failure, Lease, Timer};
use crate::wire::{Announced, Signals};
use crate::worker::Worker;

/// What is known of a client's connection.
pub(crate) struct Client {
    worker: Rc<Worker>,
    /// The other end, or whom it announces.
    peer: IpAddr,
    /// The peer's address as a field value.
    peer_value: HeaderValue,
    /// Whether the peer is one that was announced.
    announced: bool,
    /// Whether the client came to an announcing balancer by TLS.
    tls: bool,
    timer: RefCell<Timer>,
    signals: Arc<Signals>,
    /// Requests so far: the gate counts them too.
    count: Cell<u64>,
}

/// What may be asked for, as far as the proxy is concerned.
const METHODS: HeaderValue =
    HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");

/// What is found of a request before the application is asked.
struct Judged {
    verdict: Verdict,
    exchange: Exchange,
    client: IpAddr,
    way: Way,
    /// For the log, if a check had something to say.
    evidence: Option<Evidence>,
}

/// Whether the connection goes on after a response.
#[derive(Clone, Copy, PartialEq, Eq)]
enum After {
    KeepAlive,
    Close,
}

impl Client {
    /// `neighbour` is at the other end, and announces somebody else or not.
    pub(crate) fn new(
        worker: Rc<Worker>,
        neighbour: IpAddr,
        announced: Announced,
        signals: Arc<Signals>,
    ) -> Self {
        let peer = announced.source.unwrap_or(neighbour);
        Self {
            worker,
            peer,
            peer_value: HeaderValue::try_from(peer.to_string())
                .unwrap_or_else(|_| HeaderValue::from_static("unknown")),
            announced: announced.source.is_some(),
            tls: announced.tls,
            timer: RefCell::default(),
            signals,
            count: Cell::new(0),
        }
    }

    /// Answers a request; every response has passed call two.
    pub(crate) async fn answer(&self, request: Request<Incoming>) -> Response<ResponseBody> {
        let (mut parts, body) = request.into_parts();
        let after = if parts.headers.contains_key(http::header::UPGRADE) {
            // what follows on the wire is in the new protocol, or in the old one: nobody can tell
            After::Close
        } else {
            After::KeepAlive
        };
        let number = self.count.replace(self.count.get() + 1);
        let form = Form::of(&parts.headers);
        let mut response = match self.signals.fault_of(number) {
            // what the HTTP library hands out is a stand-in, of which nobody has asked anything
            Some(fault) => {
                log::refused(fault, self.peer);
                let denial = Denial::new(fault.reason(), fault.status(), fault.detail());
                let exchange = self.worker.live.load().on_unreadable();
                self.reply(&exchange, &denial, &parts.method, form)
            }
            None => {
                let Judged {
                    verdict,
                    exchange,
                    client,
                    way,
                    evidence,
                } = self.judge(&parts).await;
                let evidence = evidence.as_ref();
                let outcome = match verdict {
                    Verdict::Allow(permit) => {
                        for reason in permit.reported() {
                            log::reported(reason, &self.asker(client, &parts, evidence));
                        }
                        let answer = self.forward(&mut parts, body, way, permit.nonce()).await;
                        // what the client got wrong, or did not send, tells nothing of the application
                        let application = |denial: &Denial| denial.status.is_server_error();
                        if answer.as_ref().is_err_and(application) && exchange.reads_clock() {
                            exchange.unanswered(mantlet_source::now());
                        }
                        answer
                    }
                    Verdict::Deny(denial) => Err(denial),
                    _ => Err(Denial::new(
                        "proxy.verdict",
                        StatusCode::SERVICE_UNAVAILABLE,
                        "The service cannot answer right now.",
                    )),
                };
                let leaving = outcome.map(|mut response| {
                    leave(&exchange, &mut response);
                    response
                });
                leaving.unwrap_or_else(|denial| {
                    log::answered(&denial, &self.asker(client, &parts, evidence));
                    self.reply(&exchange, &denial, &parts.method, form)
                })
            }
        };
        let closes = match response.status() {
            StatusCode::SWITCHING_PROTOCOLS => false,
            // the rest of the body may still come
            StatusCode::REQUEST_TIMEOUT => true,
            _ => after == After::Close,
        };
        if closes {
            response
                .headers_mut()
                .insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }

    fn asker<'a>(
        &self,
        client: IpAddr,
        parts: &'a request::Parts,
        evidence: Option<&'a Evidence>,
    ) -> Asker<'a> {
        Asker {
            peer: self.peer,
            client,
            method: &parts.method,
            path: parts.uri.path(),
            evidence,
        }
    }

    /// The facts of a request.
    fn head<'p>(&self, parts: &'p request::Parts) -> RequestHead<'p> {
        let path = parts.uri.path().as_bytes();
        let mut head = RequestHead::new(&parts.method, path, &parts.headers);
        head.query = parts.uri.query().map(str::as_bytes);
        head.authority = parts
            .uri
            .authority()
            .map(|authority| authority.as_str().as_bytes());
        head.peer = Some(self.peer);
        head.tls = self.tls;
        head.announced = self.announced;
        head
    }

    /// Call one, who the client is, and what the application may be told of the request's way.
    async fn judge(&self, parts: &request::Parts) -> Judged {
        let (step, engine) = {
            let engine = self.worker.live.load();
            let mut head = self.head(parts);
            if engine.reads_clock() {
                head.now = mantlet_source::now();
                mantlet_source::sense(&engine, head.now);
            }
            if self.count.get() == 1 {
                // a proxy speaks for its clients from the first request on; the others need not be looked at
                log::untrusted_proxy(&engine, &head);
            }
            (engine.on_request(&head), Engine::clone(&engine))
        };
        let (verdict, exchange) = match (step, &self.worker.store) {
            (Step::Decided(verdict, exchange), _) => (verdict, exchange),
            (Step::Waiting(waiting), Some(store)) => {
                let replies = store.run(waiting.batch()).await;
                mantlet_source::hear(&replies);
                waiting.resume(replies)
            }
            (step @ Step::Waiting(_), None) => {
                mantlet_source::hear(&Err(StoreDown::ABSENT));
                step.without_store()
            }
        };
        let head = self.head(parts);
        let mut way = Way {
            addresses: self.peer_value.clone(),
            host: None,
            scheme: match exchange.is_secure() {
                true => Scheme::Https,
                false => Scheme::Http,
            },
            trust: Trust::Untrusted,
            engine: engine.clone(),
        };
        let mut client = self.peer;
        if engine.believes(&head) {
            let hops = engine.hops(&head);
            client = hops.first().copied().unwrap_or(client);
            way.addresses = fields::joined(&hops).unwrap_or(way.addresses);
            let host = engine.forwarded_host(&head);
            way.host = host.and_then(|host| HeaderValue::try_from(host.to_string()).ok());
            way.trust = Trust::Trusted;
        }
        let quiet =
            matches!(&verdict, Verdict::Allow(permit) if permit.reported().next().is_none());
        Judged {
            evidence: (!quiet && log::listens()).then(|| Evidence::of(&head)),
            verdict,
            exchange,
            client,
            way,
        }
    }

    /// The application's answer, or why there is none. Takes the fields out of `parts`.
    async fn forward(
        &self,
        parts: &mut request::Parts,
        body: Incoming,
        way: Way,
        nonce: Option<Nonce>,
    ) -> Result<Response<ResponseBody>, Denial> {
        let mut headers = std::mem::take(&mut parts.headers);
        let websocket = fields::is_websocket(&parts.method, parts.version, &headers);
        if !headers.contains_key(HOST)
            && let Some(authority) = parts.uri.authority()
            && let Ok(host) = HeaderValue::from_str(authority.as_str())
        {
            headers.insert(HOST, host);
        }
        fields::rewrite_request(&mut headers, way).map_err(|_| {
            Denial::new(
                "wire.connection-names",
                StatusCode::BAD_REQUEST,
                "Connection names a field that every recipient needs.",
            )
        })?;
        if !headers.contains_key(HOST) {
            // HTTP/1.0; after the rewriting, which would tell it on as the client's word
            headers.insert(HOST, self.worker.config.upstream.authority().clone());
        }
        if self.worker.config.nonce_upstream
            && let Some(nonce) = nonce
            && let Ok(mut value) = HeaderValue::from_str(nonce.as_str())
        {
            value.set_sensitive(true);
            headers.insert(MANTLET_NONCE, value);
        }
        let client_upgrade = parts.extensions.remove::<OnUpgrade>();
        if websocket {
            fields::add_upgrade(&mut headers);
        }
        let (body, upload) = RequestBody::new(body, self.worker.config.timeouts.response);
        if upload.is_some() && !headers.contains_key(CONTENT_LENGTH) {
            // said outright, for the client side of the library sends no body with GET unless told
            headers.insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
        }

        let mut request = Request::new(body);
        *request.method_mut() = parts.method.clone();
        *request.uri_mut() = origin_form(&parts.uri);
        *request.version_mut() = Version::HTTP_11;
        *request.headers_mut() = headers;
        let mut timer = self.timer.take();
        let sent = self
            .worker
            .pool
            .send(request, upload.as_deref(), &mut timer)
            .await;
        self.timer.replace(timer);
        let (response, lease) = sent.map_err(|failure| denial_of(&failure))?;

        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            return match client_upgrade {
                Some(client) if websocket => self.switch(response, lease, client),
                _ => Err(bad_gateway("upstream.upgrade")),
            };
        }
        let (mut head, body) = response.into_parts();
        check_framing(&head.headers).map_err(bad_gateway)?;
        let lease = if http_body::Body::is_end_stream(&body) && announces_body(&head.headers) {
            // to HEAD, or a 304: if the body comes all the same, it must not be read as the next response
            None
        } else {
            Some(lease)
        };
        fields::rewrite_response(&mut head.headers);
        if let Some(length) = http_body::Body::size_hint(&body).exact()
            && length > 0
        {
            head.headers
                .insert(CONTENT_LENGTH, HeaderValue::from(length));
        }
        head.version = Version::HTTP_11;
        let body = ResponseBody::Streamed(Streamed::new(body, lease));
        Ok(Response::from_parts(head, body))
    }

    /// Passes a 101 on and joins the two connections.
    fn switch(
        &self,
        response: Response<Incoming>,
        lease: Lease,
        client: OnUpgrade,
    ) -> Result<Response<ResponseBody>, Denial> {
        if !fields::accepts_websocket(response.headers()) {
            return Err(bad_gateway("upstream.upgrade"));
        }
        let (mut head, body) = response.into_parts();
        let application = hyper::upgrade::on(Response::from_parts(
            {
                let (mut bare, ()) = Response::new(()).into_parts();
                bare.extensions = std::mem::take(&mut head.extensions);
                bare
            },
            body,
        ));
        fields::rewrite_response(&mut head.headers);
        fields::add_upgrade(&mut head.headers);
        head.version = Version::HTTP_11;
        // the connection has left HTTP: it is no pool's any more
        drop(lease);
        self.signals.switch();
        tunnel::spawn(client, application);
        Ok(Response::from_parts(head, ResponseBody::Own(None)))
    }

    /// An answer of the proxy itself.
    fn reply(
        &self,
        exchange: &Exchange,
        denial: &Denial,
        method: &Method,
        form: Form,
    ) -> Response<ResponseBody> {
        let reply = exchange.reply(denial, method, form);
        let mut response = Response::new(ResponseBody::own(reply.body));
        *response.status_mut() = reply.status;
        *response.headers_mut() = reply.headers;
        if reply.status == StatusCode::METHOD_NOT_ALLOWED {
            // RFC 9110 section 15.5.6
            response.headers_mut().insert(ALLOW, METHODS);
        }
        if self.worker.config.tell_reason {
            response
                .headers_mut()
                .insert(MANTLET_REASON, HeaderValue::from_static(denial.reason));
        }
        response
    }
}

/// Call two.
fn leave(exchange: &Exchange, response: &mut Response<ResponseBody>) {
    let status = response.status();
    let mut head = ResponseHead::new(status, response.headers());
    head.now = exchange.reads_clock().then(mantlet_source::now);
    let edits = exchange.on_response(&head);
    edits.apply(response.headers_mut());
}

/// A target without scheme and authority (RFC 9112 section 3.2.1); one that is so already is passed as it came.
///
/// The URI type reads an empty path as `/`, so that `OPTIONS http://a` becomes `OPTIONS /`, where RFC 9112 section 3.2.4 asks
/// for `OPTIONS *`: here the two cannot be told apart.
fn origin_form(uri: &Uri) -> Uri {
    if uri.authority().is_none() {
        return uri.clone();
    }
    match uri.path_and_query() {
        Some(target) => Uri::from(target.clone()),
        None => Uri::from(PathAndQuery::from_static("/")),
    }
}

/// A response whose length two readers could read differently (RFC 9112 section 6.3) is no response.
fn check_framing(headers: &HeaderMap) -> Result<(), &'static str> {
    let mut lengths = headers.get_all(CONTENT_LENGTH).iter();
    let mut encodings = headers.get_all(TRANSFER_ENCODING).iter();
    let (length, encoding) = (lengths.next(), encodings.next());
    if lengths.next().is_some() || encodings.next().is_some() {
        return Err("upstream.framing-repeated");
    }
    if length.is_some() && encoding.is_some() {
        return Err("upstream.length-and-encoding");
    }
    if length.is_some_and(|value| !value.as_bytes().iter().all(u8::is_ascii_digit)) {
        return Err("upstream.length");
    }
    if encoding.is_some_and(|value| !value.as_bytes().eq_ignore_ascii_case(b"chunked")) {
        return Err("upstream.encoding");
    }
    Ok(())
}

/// Whether the framing fields speak of a body with something in it.
fn announces_body(headers: &HeaderMap) -> bool {
    let zero = |value: &HeaderValue| value.as_bytes().iter().all(|&b| b == b'0');
    headers.contains_key(TRANSFER_ENCODING)
        || headers
            .get(CONTENT_LENGTH)
            .is_some_and(|value| !zero(value))
}

fn bad_gateway(reason: &'static str) -> Denial {
    Denial::new(
        reason,
        StatusCode::BAD_GATEWAY,
        "The application behind this proxy did not give a valid answer.",
    )
}

fn denial_of(failure: &Failure) -> Denial {
    match failure {
        Failure::Connect(error) => {
            tracing::warn!(%error, "cannot connect to the upstream");
            Denial::new(
                "upstream.down",
                StatusCode::BAD_GATEWAY,
                "The application behind this proxy cannot be reached.",
            )
        }
        Failure::ConnectTimeout => Denial::new(
            "upstream.connect-timeout",
            StatusCode::GATEWAY_TIMEOUT,
            "The application behind this proxy cannot be reached in time.",
        ),
        Failure::ResponseTimeout => Denial::new(
            "upstream.timeout",
            StatusCode::GATEWAY_TIMEOUT,
            "The application behind this proxy did not answer in time.",
        ),
        Failure::UploadTimeout => Denial::new(
            "wire.body-timeout",
            StatusCode::REQUEST_TIMEOUT,
            "The request body did not come in time.",
        ),
        Failure::Upload => Denial::new(
            "wire.body",
            StatusCode::BAD_REQUEST,
            "The request body ended early or is malformed.",
        ),
        Failure::Broken(error) => {
            tracing::warn!(%error, "no valid answer of the upstream");
            bad_gateway("upstream.broken")
        }
    }
}
