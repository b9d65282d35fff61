use std::convert::Infallible;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use http::{Request, Response};
use pin_project_lite::pin_project;
use tower_service::Service;

use crate::body::Body;
use crate::context::RequestId;
use crate::error::internal_response;

/// The service of [`PanicGuardLayer`](super::PanicGuardLayer).
#[derive(Clone, Debug)]
pub struct PanicGuardService<S> {
    inner: S,
}

impl<S> PanicGuardService<S> {
    pub(super) fn new(inner: S) -> Self {
        Self { inner }
    }

    /// The service behind it.
    pub fn inner(&self) -> &S {
        &self.inner
    }
}

impl<S, B> Service<Request<B>> for PanicGuardService<S>
where
    S: Service<Request<B>, Response = Response<Body>, Error = Infallible>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = PanicGuardFuture<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let request_id = request.extensions().get::<RequestId>().cloned();
        // NB: nothing of a request is shared with others but what services guard against panics themselves, as the
        // standard library's locks do.
        let future = catch_unwind(AssertUnwindSafe(|| self.inner.call(request))).ok();
        PanicGuardFuture { future, request_id }
    }
}

pin_project! {
    /// The future of [`PanicGuardService`].
    #[derive(Debug)]
    pub struct PanicGuardFuture<F> {
        // Gone once it has panicked.
        #[pin]
        future: Option<F>,
        request_id: Option<RequestId>,
    }
}

impl<F> Future for PanicGuardFuture<F>
where
    F: Future<Output = Result<Response<Body>, Infallible>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let mut this = self.project();
        if let Some(future) = this.future.as_mut().as_pin_mut()
            && let Ok(polled) = catch_unwind(AssertUnwindSafe(|| future.poll(context)))
        {
            return polled;
        }
        // What is left of the future is dropped here, and a panic of that kept in as well.
        let _ = catch_unwind(AssertUnwindSafe(|| this.future.set(None)));
        let request_id = this.request_id.as_ref();
        tracing::error!(request_id = request_id.map_or("-", RequestId::as_str), "a request ended in a panic");
        Poll::Ready(Ok(internal_response(request_id)))
    }
}
