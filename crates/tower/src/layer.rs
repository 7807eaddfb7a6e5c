//! The layer and its service.

use std::task::{Context, Poll};

use http::{Request, Response, StatusCode};
use mantlet_engine::{Denial, Form, Live, Verdict};
use tower_layer::Layer;
use tower_service::Service;

use crate::body::Body;
use crate::future::ResponseFuture;
use crate::head::head;
use crate::log::{self, Said};

/// Puts a policy around a service. Takes an [`Engine`](mantlet_engine::Engine), or a [`Live`] handle through which it can
/// be replaced later.
pub fn layer(policy: impl Into<Live>) -> MantletLayer {
    MantletLayer {
        live: policy.into(),
    }
}

/// Wraps services in [`Mantlet`]; made by [`layer`].
#[derive(Clone, Debug)]
pub struct MantletLayer {
    live: Live,
}

impl<S> Layer<S> for MantletLayer {
    type Service = Mantlet<S>;

    fn layer(&self, inner: S) -> Mantlet<S> {
        Mantlet {
            inner,
            live: self.live.clone(),
        }
    }
}

/// A service with a policy in front of it.
#[derive(Clone, Debug)]
pub struct Mantlet<S> {
    inner: S,
    live: Live,
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for Mantlet<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
{
    type Response = Response<Body<ResBody>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<ReqBody>) -> Self::Future {
        let engine = self.live.load();
        let head = head(&request);
        let (verdict, exchange) = engine.on_request(&head);
        log::forgotten(&engine, &head);
        match verdict {
            Verdict::Allow(permit) => {
                // the first insertion into extensions allocates: pay it only for what a handler can use
                if permit.tells() {
                    for reason in permit.reported() {
                        let said = || Said {
                            reason: reason.code,
                            fix: Some(reason.fix),
                            status: None,
                            client: permit.client(),
                        };
                        log::said(said, &head);
                    }
                    request.extensions_mut().insert(permit);
                }
                ResponseFuture::inner(self.inner.call(request), exchange)
            }
            Verdict::Deny(denial) => {
                let said = || Said {
                    reason: denial.reason,
                    fix: denial.fix,
                    status: Some(denial.status),
                    client: engine.hops(&head).first().copied(),
                };
                log::said(said, &head);
                let form = Form::of(request.headers());
                ResponseFuture::denied(exchange.reply(&denial, request.method(), form))
            }
            // a verdict this host does not know cannot let a request through
            _ => {
                let status = StatusCode::INTERNAL_SERVER_ERROR;
                let detail = "The service cannot answer this request.";
                let denial = Denial::new("verdict.unknown", status, detail);
                ResponseFuture::denied(exchange.reply(&denial, request.method(), Form::Json))
            }
        }
    }
}
