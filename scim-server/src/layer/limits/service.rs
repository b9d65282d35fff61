use std::convert::Infallible;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::header::{CONNECTION, CONTENT_LENGTH};
use http::{HeaderValue, Request, Response};
use http_body::Body as HttpBody;
use scim_core::ScimError;
use tower_service::Service;

use super::{LimitedBody, LimitsLayer};
use crate::body::Body;
use crate::error::{Error, error_response, insert_retry_after};
use crate::trail::Trail;

/// Times are cut down to a year: what is later than the clock can tell would end in a panic.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// The service of [`LimitsLayer`].
#[derive(Clone, Debug)]
pub struct LimitsService<S> {
    inner: S,
    limits: LimitsLayer,
}

impl<S> LimitsService<S> {
    pub(super) fn new(inner: S, limits: LimitsLayer) -> Self {
        Self { inner, limits }
    }

    /// The service behind it.
    pub fn inner(&self) -> &S {
        &self.inner
    }
}

impl<S, B> Service<Request<B>> for LimitsService<S>
where
    S: Service<Request<LimitedBody<B>>, Response = Response<Body>, Error = Infallible>,
    S::Future: Send + 'static,
    B: HttpBody,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let limit = self.limits.body.unwrap_or(usize::MAX);
        if declared(&request).is_some_and(|length| length > u64::try_from(limit).unwrap_or(u64::MAX)) {
            return refuse(too_large(limit));
        }
        let permit = match &self.limits.room {
            None => None,
            Some(room) => match Arc::clone(room).try_acquire_owned() {
                Ok(permit) => Some(permit),
                Err(_) => return refuse(busy()),
            },
        };
        let (mut parts, body) = request.into_parts();
        let trail = self.limits.time.map(|_| Trail::begin(&mut parts.extensions));
        let (body, progress) = LimitedBody::new(body, limit);
        let answer = self.inner.call(Request::from_parts(parts, body));
        let time = self.limits.time.map(|time| time.min(LONGEST));
        Box::pin(async move {
            let answer = match time {
                None => answer.await,
                Some(time) => {
                    let mut answer = pin!(answer);
                    match tokio::time::timeout(time, answer.as_mut()).await {
                        Ok(answer) => answer,
                        Err(_) => {
                            let mut refusal =
                                if progress.is_complete() { too_slow(time) } else { not_sent(time) };
                            // Before the request is dropped, so that whoever reports that knows why.
                            if let Some(trail) = &trail {
                                trail.time_out(&mut refusal);
                            }
                            Ok(refusal)
                        }
                    }
                }
            };
            drop(permit);
            // What the service makes of a body that breaks off does not say why it did.
            if progress.is_too_large() { Ok(too_large(limit)) } else { answer }
        })
    }
}

fn refuse(
    response: Response<Body>,
) -> Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>> {
    Box::pin(std::future::ready(Ok(response)))
}

fn declared<B: HttpBody>(request: &Request<B>) -> Option<u64> {
    let header = request.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    header.max(Some(request.body().size_hint().lower()))
}

fn too_large(limit: usize) -> Response<Body> {
    error_response(&ScimError::new(413, Error::BodyTooLarge { limit }.to_string()))
}

fn busy() -> Response<Body> {
    let error =
        ScimError::new(503, "this server has as many requests under way as it takes at once; try again");
    let mut response = error_response(&error);
    insert_retry_after(&mut response, Duration::from_secs(1));
    response
}

fn too_slow(time: Duration) -> Response<Body> {
    let detail = format!(
        "the request took longer than {time:?}; it may have been carried out all the same, wholly or in part, so look before trying again"
    );
    let mut response = error_response(&ScimError::new(503, detail));
    insert_retry_after(&mut response, Duration::from_secs(1));
    response
}

/// "the server SHOULD send the "close" connection option" (RFC 9110 section 15.5.9)
fn not_sent(time: Duration) -> Response<Body> {
    let error = ScimError::new(408, format!("the body of the request did not arrive within {time:?}"));
    let mut response = error_response(&error);
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    response
}
