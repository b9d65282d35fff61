use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use scim_core::ScimError;
use tower_service::Service;

use super::RateLimitLayer;
use super::buckets::Limiter;
use crate::body::Body;
use crate::error::{error_response, insert_retry_after};
use crate::layer::ResponseFuture;

/// The service of [`RateLimitLayer`].
#[derive(Clone, Debug)]
pub struct RateLimitService<S> {
    inner: S,
    layer: RateLimitLayer,
    limiter: Arc<Limiter>,
}

impl<S> RateLimitService<S> {
    pub(super) fn new(inner: S, layer: RateLimitLayer, limiter: Arc<Limiter>) -> Self {
        Self { inner, layer, limiter }
    }

    /// The service behind it.
    pub fn inner(&self) -> &S {
        &self.inner
    }
}

impl<S, B> Service<Request<B>> for RateLimitService<S>
where
    S: Service<Request<B>, Response = Response<Body>, Error = Infallible>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let (parts, body) = request.into_parts();
        match self.limiter.check(&(self.layer.key)(&parts)) {
            Ok(()) => ResponseFuture::inner(self.inner.call(Request::from_parts(parts, body))),
            Err(wait) => {
                let RateLimitLayer { requests, per, .. } = self.layer;
                let detail =
                    format!("there were more than {requests} requests in {per:?}; wait before you try again");
                let mut response = error_response(&ScimError::new(429, detail));
                insert_retry_after(&mut response, wait);
                ResponseFuture::ready(response)
            }
        }
    }
}
