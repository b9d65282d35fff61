use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use ::metrics::{counter, gauge, histogram};
use http::header::CONTENT_LENGTH;
use http::{Method, Request, Response, StatusCode};
use http_body::Body as _;
use tower_service::Service;

use crate::body::Body;
use crate::route::RouteName;

pub(super) const REQUESTS: &str = "scim_requests_total";
pub(super) const CANCELLED: &str = "scim_requests_cancelled_total";
pub(super) const DURATION: &str = "scim_request_duration_seconds";
pub(super) const IN_FLIGHT: &str = "scim_requests_in_flight";
pub(super) const REQUEST_BYTES: &str = "scim_request_body_bytes";
pub(super) const RESPONSE_BYTES: &str = "scim_response_body_bytes";

/// The service of [`MetricsLayer`](super::MetricsLayer).
#[derive(Clone, Debug)]
pub struct MetricsService<S> {
    inner: S,
}

impl<S> MetricsService<S> {
    pub(super) fn new(inner: S) -> Self {
        Self { inner }
    }

    /// The service behind it.
    pub fn inner(&self) -> &S {
        &self.inner
    }
}

impl<S, B> Service<Request<B>> for MetricsService<S>
where
    S: Service<Request<B>, Response = Response<Body>, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let length =
            request.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
        let under_way = UnderWay::new(method(request.method()));
        let answer = self.inner.call(request);
        Box::pin(async move {
            let response = answer.await?;
            under_way.finish(length, &response);
            Ok(response)
        })
    }
}

/// A request under way, until it is dropped.
struct UnderWay {
    method: &'static str,
    started: Instant,
    is_answered: bool,
}

impl UnderWay {
    fn new(method: &'static str) -> Self {
        gauge!(IN_FLIGHT).increment(1.0);
        Self { method, started: Instant::now(), is_answered: false }
    }

    fn finish(mut self, length: Option<u32>, response: &Response<Body>) {
        self.is_answered = true;
        let method = self.method;
        let status = class(response.status());
        let route = response.extensions().get::<RouteName>();
        let route = route.map_or_else(|| "other".to_owned(), |route| route.as_str().to_owned());
        counter!(REQUESTS, "route" => route.clone(), "method" => method, "status" => status).increment(1);
        histogram!(DURATION, "route" => route.clone(), "method" => method, "status" => status)
            .record(self.started.elapsed().as_secs_f64());
        if let Some(length) = length {
            histogram!(REQUEST_BYTES, "route" => route.clone(), "method" => method).record(length);
        }
        if let Some(length) =
            response.body().size_hint().exact().and_then(|length| u32::try_from(length).ok())
        {
            histogram!(RESPONSE_BYTES, "route" => route, "method" => method).record(length);
        }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        gauge!(IN_FLIGHT).decrement(1.0);
        if !self.is_answered {
            counter!(CANCELLED, "method" => self.method).increment(1);
        }
    }
}

fn method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

fn class(status: StatusCode) -> &'static str {
    match status.as_u16() {
        100..=199 => "1xx",
        200..=299 => "2xx",
        300..=399 => "3xx",
        400..=499 => "4xx",
        500..=599 => "5xx",
        _ => "other",
    }
}
