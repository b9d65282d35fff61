//! The future of layers that either pass a request on or refuse it.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::Response;
use pin_project_lite::pin_project;

use crate::body::Body;
use crate::error::internal_response;

pin_project! {
    /// The answer of the service inside, or one that is there already.
    #[derive(Debug)]
    pub struct ResponseFuture<F> {
        #[pin]
        kind: Kind<F>,
    }
}

pin_project! {
    #[derive(Debug)]
    #[project = KindProjection]
    enum Kind<F> {
        Inner { #[pin] future: F },
        Ready { response: Option<Response<Body>> },
    }
}

impl<F> ResponseFuture<F> {
    pub(crate) fn inner(future: F) -> Self {
        Self { kind: Kind::Inner { future } }
    }

    pub(crate) fn ready(response: Response<Body>) -> Self {
        Self { kind: Kind::Ready { response: Some(response) } }
    }
}

impl<F> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<Body>, Infallible>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        match self.project().kind.project() {
            KindProjection::Inner { future } => future.poll(context),
            // Polled again after it was ready, which callers must not do, it has nothing better to say.
            KindProjection::Ready { response } => {
                Poll::Ready(Ok(response.take().unwrap_or_else(|| internal_response(None))))
            }
        }
    }
}
