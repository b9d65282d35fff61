use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, Uri};
use pin_project_lite::pin_project;
use scim_core::excerpt;
use tower_service::Service;

use crate::body::Body;
use crate::clock::IdGenerator;
use crate::context::{Principal, RequestId};
use crate::layer::audit::Outcome;
use crate::route::{RouteName, decode};
use crate::trail::Trail;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Ids of requests that come from outside are kept up to this length.
const LONGEST: usize = 128;
/// Paths with queries are logged up to this length.
const LONGEST_URI: usize = 2048;

/// The service of [`TraceLayer`](super::TraceLayer).
#[derive(Clone, Debug)]
pub struct TraceService<S> {
    inner: S,
    ids: Arc<dyn IdGenerator>,
    with_uri: bool,
}

impl<S> TraceService<S> {
    pub(super) fn new(inner: S, ids: Arc<dyn IdGenerator>, with_uri: bool) -> Self {
        Self { inner, ids, with_uri }
    }

    /// The service behind it.
    pub fn inner(&self) -> &S {
        &self.inner
    }
}

impl<S, B> Service<Request<B>> for TraceService<S>
where
    S: Service<Request<B>, Response = Response<Body>, Error = Infallible>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = TraceFuture<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let id = given(request.headers()).unwrap_or_else(|| RequestId::new(&self.ids.request_id()));
        request.extensions_mut().insert(id.clone());
        let method = request.method().clone();
        let uri = self.with_uri.then(|| redacted(request.uri()));
        let line =
            Line { id, method, uri, started: Instant::now(), trail: Trail::begin(request.extensions_mut()) };
        let pending = Pending(Some(line));
        TraceFuture { answer: self.inner.call(request), pending }
    }
}

pin_project! {
    /// The future of [`TraceService`].
    #[derive(Debug)]
    pub struct TraceFuture<F> {
        #[pin]
        answer: F,
        pending: Pending,
    }
}

impl<F> Future for TraceFuture<F>
where
    F: Future<Output = Result<Response<Body>, Infallible>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        // Held here, so that it ends with a panic in there, and tells of it.
        let mut pending = std::mem::take(this.pending);
        let Poll::Ready(Ok(mut response)) = this.answer.poll(context) else {
            *this.pending = pending;
            return Poll::Pending;
        };
        if let Some(line) = pending.0.take() {
            let principal = response.extensions().get::<Principal>();
            line.log(response.extensions().get::<RouteName>(), principal, Ok(response.status().as_u16()));
            if let Ok(value) = HeaderValue::from_str(line.id.as_str()) {
                response.headers_mut().insert(REQUEST_ID, value);
            }
        }
        Poll::Ready(Ok(response))
    }
}

/// What is known of a request from its beginning.
#[derive(Debug)]
struct Line {
    id: RequestId,
    method: Method,
    uri: Option<String>,
    started: Instant,
    trail: Trail,
}

impl Line {
    /// Logs how the request ended: with a status, or in which other way.
    fn log(&self, route: Option<&RouteName>, principal: Option<&Principal>, end: Result<u16, &'static str>) {
        tracing::info!(
            request_id = %self.id,
            method = excerpt(self.method.as_str()),
            route = route.map_or("-", RouteName::as_str),
            status = end.ok(),
            outcome = end.err(),
            duration_us = u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX),
            principal = principal.map_or_else(|| "-".to_owned(), Principal::to_string),
            uri = self.uri,
            "request"
        );
    }
}

/// The line of a request that is under way; dropped, it says that nobody has waited for the answer.
#[derive(Debug, Default)]
struct Pending(Option<Line>);

impl Drop for Pending {
    fn drop(&mut self) {
        if let Some(line) = self.0.take() {
            let found = line.trail.found();
            let outcome = Outcome::of_dropped(found.has_timed_out);
            line.log(found.route.as_ref(), found.principal.as_ref(), Err(outcome.as_str()));
        }
    }
}

/// Path and query without tokens, cut off where they are long.
fn redacted(uri: &Uri) -> String {
    let mut text = uri.path().to_owned();
    for (n, parameter) in uri.query().into_iter().flat_map(|query| query.split('&')).enumerate() {
        text.push(if n == 0 { '?' } else { '&' });
        let name = parameter.split('=').next().unwrap_or_default();
        // NB: a name may be written with escapes. What cannot be read is not shown.
        if decode(name).is_ok_and(|name| !name.to_ascii_lowercase().contains("token")) {
            text.push_str(parameter);
        } else {
            text.push_str("[redacted]");
        }
    }
    let cut = text.char_indices().nth(LONGEST_URI).map_or(text.len(), |(at, _)| at);
    text.truncate(cut);
    text
}

/// The id that a request brings, if it is one that may stand in a log line.
fn given(headers: &HeaderMap) -> Option<RequestId> {
    let text = headers.get(REQUEST_ID)?.to_str().ok()?;
    let legal =
        |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b':' | b'/' | b'+' | b'=');
    (!text.is_empty() && text.len() <= LONGEST && text.bytes().all(legal)).then(|| RequestId::new(text))
}
