//! The response on its way out: one trip to a store where call one needs it, then the service, call two, and the edits.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::{Request, Response};
use mantlet_engine::{Exchange, Reply, ResponseHead, Trip, Verdict, Waiting};
use tower_service::Service;

use crate::body::Body;
use crate::layer::{Passed, after_call_one};

pin_project_lite::pin_project! {
    /// Waits for the application, or answers in its place. As with any future, polling it again once it was ready is a
    /// mistake: after a denial it then stays pending for ever, and nobody is woken.
    pub struct ResponseFuture<S, B>
    where
        S: Service<Request<B>>,
    {
        #[pin]
        source: Source<S, S::Future, B>,
    }
}

pin_project_lite::pin_project! {
    #[project = SourceProj]
    enum Source<S, F, B> {
        Waiting { held: Option<Box<Held<S, B>>> },
        Inner { #[pin] future: F, exchange: Exchange },
        Denied { reply: Option<Box<Reply>> },
    }
}

/// A request that waits for a store.
pub(crate) struct Held<S, B> {
    pub(crate) trip: Trip,
    pub(crate) waiting: Waiting,
    /// Ready to be called.
    pub(crate) inner: S,
    pub(crate) request: Request<B>,
}

impl<S: Service<Request<B>>, B> ResponseFuture<S, B> {
    pub(crate) fn waiting(held: Held<S, B>) -> Self {
        let held = Some(Box::new(held));
        Self {
            source: Source::Waiting { held },
        }
    }

    /// Calls `inner`, or answers in its place.
    pub(crate) fn decided(
        inner: &mut S,
        mut request: Request<B>,
        verdict: Verdict,
        exchange: Exchange,
    ) -> Self {
        let source = match after_call_one(&mut request, verdict, &exchange) {
            Passed::On => Source::Inner {
                future: inner.call(request),
                exchange,
            },
            Passed::Not(reply) => Source::Denied { reply: Some(reply) },
        };
        Self { source }
    }
}

impl<S, B, R> Future for ResponseFuture<S, B>
where
    S: Service<Request<B>, Response = Response<R>>,
{
    type Output = Result<Response<Body<R>>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut source = self.project().source;
        loop {
            match source.as_mut().project() {
                SourceProj::Waiting { held } => {
                    // taken only once the store has answered
                    let Some(waiting) = held.as_mut() else {
                        return Poll::Pending;
                    };
                    let replies = ready!(waiting.trip.as_mut().poll(cx));
                    let Some(held) = held.take() else {
                        return Poll::Pending;
                    };
                    let Held {
                        waiting,
                        mut inner,
                        request,
                        ..
                    } = *held;
                    mantlet_source::hear(&replies);
                    let (verdict, exchange) = waiting.resume(replies);
                    let next = Self::decided(&mut inner, request, verdict, exchange);
                    source.set(next.source);
                }
                SourceProj::Inner { future, exchange } => {
                    let mut response = ready!(future.poll(cx))?.map(Body::inner);
                    let mut head = ResponseHead::new(response.status(), response.headers());
                    head.now = exchange.reads_clock().then(mantlet_source::now);
                    let edits = exchange.on_response(&head);
                    edits.apply(response.headers_mut());
                    return Poll::Ready(Ok(response));
                }
                SourceProj::Denied { reply } => {
                    // polled again after it was ready: a panic would take the connection's other requests with it
                    let Some(reply) = reply.take() else {
                        return Poll::Pending;
                    };
                    let mut response = Response::new(Body::reply(reply.body));
                    *response.status_mut() = reply.status;
                    *response.headers_mut() = reply.headers;
                    return Poll::Ready(Ok(response));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::future::{pending, ready};
    use std::pin::pin;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Waker;
    use std::time::Duration;

    use http::Request;
    use mantlet_engine::policy::{
        Counted, Counting, Https, KeyPart, Limit, OnError, Policy, Rules, Scoped,
    };
    use mantlet_engine::{Batch, Engine, OsEntropy, Store, StoreDown, StoreState};
    use mantlet_limit::{Algorithm, Quota, Rule};
    use tower::Layer;
    use tower_service::Service;

    use super::*;

    #[test]
    fn a_denial_polled_again_is_pending_and_no_panic() {
        let mut policy = Policy::new(Scoped::any(Rules::default()));
        policy.https = Https::Redirect;
        let inner =
            tower::service_fn(async |_: Request<()>| Ok::<_, Infallible>(Response::new(())));
        let mut service = crate::layer(Engine::new(policy, OsEntropy)).layer(inner);
        let mut request = Request::new(());
        let host = http::HeaderValue::from_static("app.example");
        request.headers_mut().insert(http::header::HOST, host);
        let mut future = pin!(service.call(request));
        let mut cx = Context::from_waker(Waker::noop());
        assert!(future.as_mut().poll(&mut cx).is_ready());
        assert!(future.as_mut().poll(&mut cx).is_pending());
    }

    /// Counts what it is asked, and answers that it is down, or never.
    struct Watched {
        trips: AtomicUsize,
        answers: bool,
    }

    impl Store for Watched {
        fn run(&self, _: &Batch) -> Trip {
            self.trips.fetch_add(1, Ordering::Relaxed);
            match self.answers {
                true => Box::pin(ready(Err(StoreDown::ABSENT))),
                false => Box::pin(pending()),
            }
        }

        fn state(&self) -> StoreState {
            StoreState::default()
        }
    }

    /// Two requests, and two under way at once.
    fn engine(counted: Counted) -> Engine {
        let quota = Quota::new(2, Duration::from_secs(3_600)).expect("a quota");
        let rule = Rule::new(quota, Algorithm::TokenBucket).expect("a rule");
        let mut everybody = Limit::new("everybody", Counting::Requests(rule));
        everybody.key = vec![KeyPart::Everybody];
        everybody.counted = counted;
        let under_way = Counting::Concurrency {
            min: 2,
            max: 2,
            health: Vec::new(),
        };
        let mut policy = Policy::new(Scoped::any(Rules::default()));
        policy.limits = vec![Limit::new("upstream", under_way), everybody];
        Engine::new(policy, OsEntropy)
    }

    fn under_way(engine: &Engine) -> Option<(u32, u32)> {
        let mut states = engine.limit_states(mantlet_source::now());
        states.find_map(|state| state.under_way)
    }

    #[test]
    fn limits_of_this_process_make_no_trip() {
        let store = Arc::new(Watched {
            trips: AtomicUsize::new(0),
            answers: true,
        });
        let inner =
            tower::service_fn(async |_: Request<()>| Ok::<_, Infallible>(Response::new(())));
        let layer = crate::layer(engine(Counted::Here)).with_store(store.clone());
        let mut service = layer.layer(inner);
        let mut cx = Context::from_waker(Waker::noop());
        for status in [200, 200, 429] {
            let future = service.call(Request::new(()));
            assert!(!matches!(future.source, Source::Waiting { .. }));
            let Poll::Ready(Ok(response)) = pin!(future).poll(&mut cx) else {
                unreachable!("the service answers at once");
            };
            assert_eq!(response.status(), status);
        }
        assert_eq!(store.trips.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn a_client_that_goes_away_leaves_its_place_whether_the_store_or_the_service_is_waited_for() {
        let shared = Counted::Shared {
            on_error: OnError::Open,
            nodes: 1,
        };
        for answers in [false, true] {
            let engine = engine(shared);
            let store = Arc::new(Watched {
                trips: AtomicUsize::new(0),
                answers,
            });
            let hanging =
                tower::service_fn(|_: Request<()>| pending::<Result<Response<()>, Infallible>>());
            let layer = crate::layer(engine.clone()).with_store(store.clone());
            let mut service = layer.layer(hanging);
            let mut cx = Context::from_waker(Waker::noop());
            for trips in 1..=5 {
                let mut future = Box::pin(service.call(Request::new(())));
                assert!(future.as_mut().poll(&mut cx).is_pending());
                assert_eq!(under_way(&engine), Some((1, 2)));
                drop(future);
                assert_eq!(under_way(&engine), Some((0, 2)));
                assert_eq!(store.trips.load(Ordering::Relaxed), trips);
            }
        }
    }
}
