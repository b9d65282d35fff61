use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http::header::{CONNECTION, CONTENT_LENGTH};
use http::{HeaderValue, Request, Response};
use http_body::Body as HttpBody;
use pin_project_lite::pin_project;
use scim_core::ScimError;
use tokio::sync::OwnedSemaphorePermit;
use tower_service::Service;

use super::body::Progress;
use super::{LimitedBody, LimitsLayer};
use crate::body::Body;
use crate::error::{Error, error_response, insert_retry_after, internal_response};
use crate::trail::Trail;
use crate::within::{TimeIsUp, Within};

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
    B: HttpBody,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = LimitsFuture<S::Future>;

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
        let answer = Within::new(time, answer);
        LimitsFuture { kind: Kind::Passed { answer, limits: Held { limit, time, trail, permit, progress } } }
    }
}

pin_project! {
    /// The future of [`LimitsService`].
    #[derive(Debug)]
    pub struct LimitsFuture<F> {
        #[pin]
        kind: Kind<F>,
    }
}

pin_project! {
    #[derive(Debug)]
    #[project = KindProjection]
    enum Kind<F> {
        Passed { #[pin] answer: Within<F>, limits: Held },
        Refused { response: Option<Response<Body>> },
    }
}

/// What one request is held to.
#[derive(Debug)]
struct Held {
    limit: usize,
    time: Option<Duration>,
    trail: Option<Trail>,
    /// Given back once there is an answer.
    permit: Option<OwnedSemaphorePermit>,
    progress: Arc<Progress>,
}

impl<F> Future for LimitsFuture<F>
where
    F: Future<Output = Result<Response<Body>, Infallible>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let response = match self.project().kind.project() {
            KindProjection::Passed { answer, limits } => {
                let answer = ready!(answer.poll(context));
                limits.permit = None;
                match answer {
                    // What the service makes of a body that breaks off does not say why it did.
                    _ if limits.progress.is_too_large() => too_large(limits.limit),
                    Ok(Ok(response)) => response,
                    Err(TimeIsUp) => limits.give_up(),
                }
            }
            // Polled again after it was ready, which callers must not do, it has nothing better to say.
            KindProjection::Refused { response } => {
                response.take().unwrap_or_else(|| internal_response(None))
            }
        };
        Poll::Ready(Ok(response))
    }
}

impl Held {
    /// The answer when the time is up.
    fn give_up(&self) -> Response<Body> {
        let time = self.time.unwrap_or_default();
        let mut refusal = if self.progress.is_complete() { too_slow(time) } else { not_sent(time) };
        // Before the request is dropped, so that whoever reports that knows why.
        if let Some(trail) = &self.trail {
            trail.time_out(&mut refusal);
        }
        refusal
    }
}

fn refuse<F>(response: Response<Body>) -> LimitsFuture<F> {
    LimitsFuture { kind: Kind::Refused { response: Some(response) } }
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
