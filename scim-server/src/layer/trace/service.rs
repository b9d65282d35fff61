use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, Uri};
use scim_core::excerpt;
use tower_service::Service;

use crate::body::Body;
use crate::clock::IdGenerator;
use crate::context::{Principal, RequestId};
use crate::route::{RouteName, decode};

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
    S::Future: Send + 'static,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let id = given(request.headers()).unwrap_or_else(|| RequestId::new(&self.ids.request_id()));
        request.extensions_mut().insert(id.clone());
        let method = excerpt(request.method().as_str());
        let uri = self.with_uri.then(|| redacted(request.uri()));
        let started = Instant::now();
        let answer = self.inner.call(request);
        Box::pin(async move {
            let mut response = answer.await?;
            let route = response.extensions().get::<RouteName>().map_or("-", RouteName::as_str);
            let principal = response.extensions().get::<Principal>().map_or("-", Principal::as_str);
            tracing::info!(
                request_id = %id,
                method,
                route,
                status = response.status().as_u16(),
                duration_us = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX),
                principal,
                uri,
                "request"
            );
            if let Ok(value) = HeaderValue::from_str(id.as_str()) {
                response.headers_mut().insert(REQUEST_ID, value);
            }
            Ok(response)
        })
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
