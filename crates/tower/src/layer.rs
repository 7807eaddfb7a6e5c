//! The layer and its service.

use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response, StatusCode};
use mantlet_engine::{Denial, Exchange, Form, Live, Reply, Step, Store, StoreDown, Verdict};
use tower_layer::Layer;
use tower_service::Service;

use crate::body::Body;
use crate::future::{Held, ResponseFuture};
use crate::head::head;
use crate::log::{self, Said};

/// Puts a policy around a service. Takes an [`Engine`](mantlet_engine::Engine), or a [`Live`] handle through which it can
/// be replaced later.
pub fn layer(policy: impl Into<Live>) -> MantletLayer {
    MantletLayer {
        live: policy.into(),
        store: None,
    }
}

/// Wraps services in [`Mantlet`]; made by [`layer`].
#[derive(Clone)]
pub struct MantletLayer {
    live: Live,
    store: Option<Arc<dyn Store>>,
}

impl MantletLayer {
    /// With a store, for the limits of the policy that several processes share. Without one they do what their `on_error`
    /// says, and the log tells.
    #[must_use]
    pub fn with_store(mut self, store: Arc<dyn Store>) -> Self {
        self.store = Some(store);
        self
    }
}

impl<S> Layer<S> for MantletLayer {
    type Service = Mantlet<S>;

    fn layer(&self, inner: S) -> Mantlet<S> {
        Mantlet {
            inner,
            live: self.live.clone(),
            store: self.store.clone(),
        }
    }
}

impl std::fmt::Debug for MantletLayer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MantletLayer(..)")
    }
}

/// A service with a policy in front of it.
#[derive(Clone)]
pub struct Mantlet<S> {
    inner: S,
    live: Live,
    store: Option<Arc<dyn Store>>,
}

impl<S: std::fmt::Debug> std::fmt::Debug for Mantlet<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mantlet")
            .field("inner", &self.inner)
            .finish_non_exhaustive()
    }
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for Mantlet<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>> + Clone,
{
    type Response = Response<Body<ResBody>>;
    type Error = S::Error;
    type Future = ResponseFuture<S, ReqBody>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        let engine = self.live.load();
        let mut head = head(&request);
        if engine.reads_clock() {
            head.now = mantlet_source::now();
            mantlet_source::sense(&engine, head.now);
        }
        let step = engine.on_request(&head);
        log::forgotten(&engine, &head, self.store.as_ref());
        let (verdict, exchange) = match (step, &self.store) {
            (Step::Decided(verdict, exchange), _) => (verdict, exchange),
            (Step::Waiting(waiting), Some(store)) => {
                let trip = store.run(waiting.batch());
                // the service that is ready is the one to call; its clone gets ready for the next request
                let clone = self.inner.clone();
                return ResponseFuture::waiting(Held {
                    trip,
                    waiting: *waiting,
                    inner: std::mem::replace(&mut self.inner, clone),
                    request,
                });
            }
            (step @ Step::Waiting(_), None) => {
                mantlet_source::hear(&Err(StoreDown::ABSENT));
                step.without_store()
            }
        };
        ResponseFuture::decided(&mut self.inner, request, verdict, exchange)
    }
}

/// What becomes of a request after call one.
pub(crate) enum Passed {
    On,
    Not(Box<Reply>),
}

/// Gives the application its permit, or the client its answer; the log hears what the checks said.
pub(crate) fn after_call_one<B>(
    request: &mut Request<B>,
    verdict: Verdict,
    exchange: &Exchange,
) -> Passed {
    match verdict {
        Verdict::Allow(permit) => {
            // the first insertion into extensions allocates: pay it only for what a handler can use
            if permit.tells() {
                for reason in permit.reported() {
                    let said = || Said {
                        reason: reason.code,
                        fix: Some(reason.fix),
                        status: None,
                        limits: Vec::new(),
                        client: permit.client(),
                    };
                    log::said(said, &head(request));
                }
                request.extensions_mut().insert(permit);
            }
            Passed::On
        }
        Verdict::Deny(denial) => {
            let head = head(request);
            let said = || Said {
                reason: denial.reason,
                fix: denial.fix,
                status: Some(denial.status),
                limits: denial
                    .limited
                    .as_ref()
                    .map(|limited| limited.by.clone())
                    .unwrap_or_default(),
                client: exchange.engine().hops(&head).first().copied(),
            };
            log::said(said, &head);
            let form = Form::of(request.headers());
            Passed::Not(Box::new(exchange.reply(&denial, request.method(), form)))
        }
        // a verdict this host does not know cannot let a request through
        _ => {
            let status = StatusCode::INTERNAL_SERVER_ERROR;
            let detail = "The service cannot answer this request.";
            let denial = Denial::new("verdict.unknown", status, detail);
            Passed::Not(Box::new(exchange.reply(
                &denial,
                request.method(),
                Form::Json,
            )))
        }
    }
}
