//! Bodies on their way through: a frame at a time, never a copy of the whole, and without trailers.
//!
//! Trailers end here in both directions (RFC 9110 section 6.5.1 allows it): a field that arrives after the checks is a field
//! that no check has seen.

use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::Instant;

use crate::upload::{Phase, Upload};
use crate::upstream::Lease;

/// A request body toward the application.
pub(crate) struct RequestBody {
    incoming: Option<Incoming>,
    upload: Option<Rc<Upload>>,
}

impl RequestBody {
    /// A body with nothing in it.
    pub(crate) fn empty() -> Self {
        Self {
            incoming: None,
            upload: None,
        }
    }

    /// The client's body, and where its progress can be read; `None` if it is empty. `patience` is how long it may stall.
    pub(crate) fn new(incoming: Incoming, patience: Duration) -> (Self, Option<Rc<Upload>>) {
        if incoming.is_end_stream() {
            return (Self::empty(), None);
        }
        let upload = Rc::new(Upload::new(patience, Instant::now()));
        let body = Self {
            incoming: Some(incoming),
            upload: Some(upload.clone()),
        };
        (body, Some(upload))
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let Some(incoming) = &mut self.incoming else {
            return Poll::Ready(None);
        };
        let frame = next_data(incoming, cx);
        if let Some(upload) = &self.upload {
            let (phase, bytes) = match &frame {
                Poll::Pending => (Phase::Client, 0),
                Poll::Ready(Some(Ok(frame))) => {
                    let bytes = frame.data_ref().map_or(0, Bytes::len);
                    (Phase::Application, bytes)
                }
                Poll::Ready(Some(Err(_))) => (Phase::Broken, 0),
                Poll::Ready(None) => (Phase::Application, 0),
            };
            upload.tell(phase, bytes, Instant::now());
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        match &self.incoming {
            Some(incoming) => incoming.size_hint(),
            None => SizeHint::with_exact(0),
        }
    }
}

/// A response body toward the client.
pub(crate) enum ResponseBody {
    /// Of the application.
    Streamed(Streamed),
    /// Of the proxy itself.
    Own(Option<Bytes>),
}

/// A response body of the application, with the connection it comes over.
pub(crate) struct Streamed {
    incoming: Incoming,
    lease: Option<Lease>,
    ended: bool,
}

impl Streamed {
    /// Without a lease, the connection has been given up already.
    pub(crate) fn new(incoming: Incoming, lease: Option<Lease>) -> Self {
        Self {
            incoming,
            lease,
            ended: false,
        }
    }
}

/// The connection goes back to the pool if the body came to its end; else it is closed, and the application learns that
/// nobody listens.
impl Drop for Streamed {
    fn drop(&mut self) {
        if (self.ended || self.incoming.is_end_stream())
            && let Some(lease) = self.lease.take()
        {
            lease.give_back();
        }
    }
}

impl ResponseBody {
    /// A body of the proxy itself.
    pub(crate) fn own(text: impl Into<Bytes>) -> Self {
        let bytes = text.into();
        Self::Own((!bytes.is_empty()).then_some(bytes))
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        match &mut *self {
            Self::Own(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Streamed(streamed) => {
                let frame = ready!(next_data(&mut streamed.incoming, cx));
                streamed.ended = frame.is_none();
                Poll::Ready(frame)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Own(bytes) => bytes.is_none(),
            Self::Streamed(streamed) => streamed.incoming.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Own(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, Bytes::len) as u64),
            Self::Streamed(streamed) => streamed.incoming.size_hint(),
        }
    }
}

/// The next data frame; trailers are passed over.
fn next_data(
    incoming: &mut Incoming,
    cx: &mut Context<'_>,
) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
    loop {
        match ready!(Pin::new(&mut *incoming).poll_frame(cx)) {
            Some(Ok(frame)) if !frame.is_data() => {}
            frame => return Poll::Ready(frame),
        }
    }
}
