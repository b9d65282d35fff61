use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::header::{
    CACHE_CONTROL, CONTENT_LOCATION, DATE, ETAG, EXPIRES, IF_MATCH, IF_NONE_MATCH, LOCATION, VARY,
};
use http::{Method, Request, Response, StatusCode};
use pin_project_lite::pin_project;
use scim_core::ScimError;
use tower_service::Service;

use crate::body::Body;
use crate::error::error_response;
use crate::layer::ResponseFuture;
use crate::policy::{Action, Intent, Policies};
use crate::render::protect;
use crate::request::Tags;

/// The service of [`ConditionalLayer`](super::ConditionalLayer).
#[derive(Clone, Debug)]
pub struct ConditionalService<S> {
    inner: S,
    is_required: bool,
}

impl<S> ConditionalService<S> {
    pub(super) fn new(inner: S, is_required: bool) -> Self {
        Self { inner, is_required }
    }

    /// The service behind it.
    pub fn inner(&self) -> &S {
        &self.inner
    }

    /// The versions that the client already has, where the request reads.
    fn check<B>(&self, request: &Request<B>) -> Result<Option<Tags>, ScimError> {
        let read = |name| {
            Tags::read(request.headers(), &name).map_err(|error| ScimError::new(400, error.to_string()))
        };
        let if_match = read(IF_MATCH)?;
        let if_none_match = read(IF_NONE_MATCH)?;
        let changes = [Method::PUT, Method::PATCH, Method::DELETE].contains(request.method());
        if self.is_required && changes && if_match.is_none() {
            return Err(required("this server changes a resource only with the header If-Match"));
        }
        let reads = matches!(*request.method(), Method::GET | Method::HEAD);
        Ok(if_none_match.filter(|_| reads))
    }
}

impl<S, B> Service<Request<B>> for ConditionalService<S>
where
    S: Service<Request<B>, Response = Response<Body>, Error = Infallible>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = ConditionalFuture<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let had = self.check(&request);
        // What is in a Bulk is not known here.
        if self.is_required && *request.method() == Method::POST {
            Policies::add(request.extensions_mut(), named_version);
        }
        match had {
            Ok(had) => ConditionalFuture { had, future: ResponseFuture::inner(self.inner.call(request)) },
            Err(error) => {
                ConditionalFuture { had: None, future: ResponseFuture::ready(error_response(&error)) }
            }
        }
    }
}

/// The policy for operations of a Bulk.
fn named_version(intent: &Intent<'_>) -> Result<(), ScimError> {
    let changes = matches!(intent.action, Action::Replace | Action::Patch | Action::Delete);
    if changes && !intent.names_version {
        return Err(required(
            "this server carries out PUT, PATCH and DELETE of a bulk request only with `version`",
        ));
    }
    Ok(())
}

fn required(what: &str) -> ScimError {
    ScimError::new(428, format!("{what}: send the version that you have read, or `*` for any"))
}

pin_project! {
    /// The future of [`ConditionalService`].
    #[derive(Debug)]
    pub struct ConditionalFuture<F> {
        had: Option<Tags>,
        #[pin]
        future: ResponseFuture<F>,
    }
}

impl<F> Future for ConditionalFuture<F>
where
    F: Future<Output = Result<Response<Body>, Infallible>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let response = ready!(this.future.poll(context))?;
        let is_known = response.status() == StatusCode::OK
            && this
                .had
                .as_ref()
                .zip(response.headers().get(ETAG))
                .is_some_and(|(had, etag)| had.has(etag.as_bytes()));
        Poll::Ready(Ok(if is_known { not_modified(response) } else { response }))
    }
}

/// "The server generating a 304 response MUST generate any of the following header fields that would have been sent in a
/// 200" (RFC 9110 section 15.4.5)
fn not_modified(response: Response<Body>) -> Response<Body> {
    let (old, _) = response.into_parts();
    let (mut parts, body) = Response::new(Body::empty()).into_parts();
    parts.status = StatusCode::NOT_MODIFIED;
    for name in [CACHE_CONTROL, CONTENT_LOCATION, DATE, ETAG, EXPIRES, LOCATION, VARY] {
        for value in old.headers.get_all(&name) {
            parts.headers.append(&name, value.clone());
        }
    }
    parts.extensions = old.extensions;
    let mut response = Response::from_parts(parts, body);
    protect(&mut response);
    response
}
