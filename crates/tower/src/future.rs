//! The response on its way out: call two, then the edits.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::Response;
use mantlet_engine::{Exchange, Reply, ResponseHead};

use crate::body::Body;

pin_project_lite::pin_project! {
    /// Waits for the application, or answers in its place. As with any future, polling it again once it was ready is a
    /// mistake: after a denial it then stays pending for ever, and nobody is woken.
    pub struct ResponseFuture<F> {
        #[pin]
        source: Source<F>,
    }
}

pin_project_lite::pin_project! {
    #[project = SourceProj]
    enum Source<F> {
        Inner { #[pin] future: F, exchange: Exchange },
        Denied { reply: Option<Box<Reply>> },
    }
}

impl<F> ResponseFuture<F> {
    pub(crate) fn inner(future: F, exchange: Exchange) -> Self {
        Self {
            source: Source::Inner { future, exchange },
        }
    }

    pub(crate) fn denied(reply: Reply) -> Self {
        Self {
            source: Source::Denied {
                reply: Some(Box::new(reply)),
            },
        }
    }
}

impl<F, B, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = Result<Response<Body<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().source.project() {
            SourceProj::Inner { future, exchange } => {
                let mut response = ready!(future.poll(cx))?.map(Body::inner);
                let head = ResponseHead::new(response.status(), response.headers());
                let edits = exchange.on_response(&head);
                edits.apply(response.headers_mut());
                Poll::Ready(Ok(response))
            }
            SourceProj::Denied { reply } => {
                // polled again after it was ready: a panic would take the connection's other requests with it
                let Some(reply) = reply.take() else {
                    return Poll::Pending;
                };
                let mut response = Response::new(Body::reply(reply.body));
                *response.status_mut() = reply.status;
                *response.headers_mut() = reply.headers;
                Poll::Ready(Ok(response))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::pin::pin;
    use std::task::Waker;

    use http::Request;
    use mantlet_engine::policy::{Https, Policy, Rules, Scoped};
    use mantlet_engine::{Engine, OsEntropy};
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
}
