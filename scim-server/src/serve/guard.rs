use std::borrow::Cow;
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http::header::{CONNECTION, HOST};
use http::{HeaderValue, Request, Response, Version};
use hyper::body::Incoming;
use pin_project_lite::pin_project;
use scim_core::{ScimError, excerpt};
use tower_service::Service;

use super::framing::Requests;
use crate::body::Body;
use crate::context::PeerAddr;
use crate::error::{Error, error_response, insert_retry_after, internal_response};
use crate::service::may_be_host;
use crate::trail::Trail;
use crate::within::{TimeIsUp, Within};

/// Answers 503 when a request takes too long, and 400 when it does not say which server it is for or where it ends.
/// Tells the service who is at the other end of the connection.
#[derive(Clone, Debug)]
pub(super) struct Guard<S> {
    inner: S,
    requests: Arc<Requests>,
    peer: PeerAddr,
    timeout: Duration,
}

impl<S> Guard<S> {
    pub(super) fn new(inner: S, requests: Arc<Requests>, peer: PeerAddr, timeout: Duration) -> Self {
        Self { inner, requests, peer, timeout }
    }
}

/// The service of one connection.
///
/// A clone of it for each request would make all connections count the references to what they share, and processors
/// would spend more time on passing those counts on than on the requests.
#[derive(Debug)]
pub(super) struct OfConnection<S>(Arc<Mutex<Guard<S>>>);

impl<S> OfConnection<S> {
    pub(super) fn new(guard: Guard<S>) -> Self {
        Self(Arc::new(Mutex::new(guard)))
    }
}

impl<S> hyper::service::Service<Request<Incoming>> for OfConnection<S>
where
    S: Service<Request<Incoming>, Response = Response<Body>, Error = Infallible>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = AnswerFuture<S, S::Future>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        AnswerFuture::Waits { guard: Arc::clone(&self.0), request: Some(request) }
    }
}

pin_project! {
    /// The answer of a service that is asked once it is ready.
    #[derive(Debug)]
    #[project = AnswerProjection]
    pub(super) enum AnswerFuture<S, F> {
        Waits { guard: Arc<Mutex<Guard<S>>>, request: Option<Request<Incoming>> },
        Asked { #[pin] answer: GuardFuture<F> },
    }
}

impl<S> Future for AnswerFuture<S, S::Future>
where
    S: Service<Request<Incoming>, Response = Response<Body>, Error = Infallible>,
{
    type Output = Result<Response<Body>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if let AnswerProjection::Waits { guard, request } = self.as_mut().project() {
            let answer = {
                let mut guard = guard.lock().unwrap_or_else(PoisonError::into_inner);
                let Ok(()) = ready!(guard.poll_ready(context));
                request.take().map(|request| guard.call(request))
            };
            let Some(answer) = answer else { return Poll::Ready(Ok(internal_response(None))) };
            self.set(Self::Asked { answer });
        }
        match self.project() {
            AnswerProjection::Asked { answer } => answer.poll(context),
            AnswerProjection::Waits { .. } => Poll::Pending,
        }
    }
}

/// A refusal after which nothing more is read from the connection.
fn refuse(why: &str) -> Response<Body> {
    let mut response = error_response(&ScimError::new(400, why));
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    response
}

impl<S> Service<Request<Incoming>> for Guard<S>
where
    S: Service<Request<Incoming>, Response = Response<Body>, Error = Infallible>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = GuardFuture<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<Incoming>) -> Self::Future {
        let kind = match self.problem(&request) {
            Some(why) => Kind::Refused { response: Some(refuse(&why)) },
            None => {
                request.extensions_mut().insert(self.peer);
                let trail = Trail::begin(request.extensions_mut());
                let answer = Within::new(Some(self.timeout), self.inner.call(request));
                Kind::Passed { answer, trail, timeout: self.timeout }
            }
        };
        GuardFuture { kind, requests: Arc::clone(&self.requests) }
    }
}

impl<S> Guard<S> {
    /// Why a request does not reach the service.
    fn problem(&self, request: &Request<Incoming>) -> Option<Cow<'static, str>> {
        if let Some(why) = self.requests.next_is_refused() {
            return Some(why.into());
        }
        let host = request.headers().get(HOST);
        // "A server MUST respond with a 400 ... to any HTTP/1.1 request message that lacks a Host header field" (RFC
        // 9112 section 3.2)
        if request.version() == Version::HTTP_11 && host.is_none() {
            return Some("the header Host is missing".into());
        }
        let host =
            host.filter(|host| !host.to_str().is_ok_and(|host| may_be_host(host, request.version())))?;
        let host = excerpt(&String::from_utf8_lossy(host.as_bytes()));
        Some(Error::Host(host).to_string().into())
    }
}

pin_project! {
    /// The future of [`Guard`].
    #[derive(Debug)]
    pub(super) struct GuardFuture<F> {
        #[pin]
        kind: Kind<F>,
        requests: Arc<Requests>,
    }
}

pin_project! {
    #[derive(Debug)]
    #[project = KindProjection]
    enum Kind<F> {
        Passed { #[pin] answer: Within<F>, trail: Trail, timeout: Duration },
        Refused { response: Option<Response<Body>> },
    }
}

impl<F> Future for GuardFuture<F>
where
    F: Future<Output = Result<Response<Body>, Infallible>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let response = match this.kind.project() {
            KindProjection::Passed { answer, trail, timeout } => match ready!(answer.poll(context)) {
                Ok(Ok(response)) => response,
                Err(TimeIsUp) => {
                    let mut response = too_slow(*timeout);
                    // Before the request is dropped, so that whoever reports that knows why.
                    trail.time_out(&mut response);
                    response
                }
            },
            // Polled again after it was ready, which callers must not do, it has nothing better to say.
            KindProjection::Refused { response } => {
                response.take().unwrap_or_else(|| internal_response(None))
            }
        };
        this.requests.answer();
        Poll::Ready(Ok(response))
    }
}

fn too_slow(timeout: Duration) -> Response<Body> {
    let error = ScimError::new(
        503,
        format!(
            "the request took longer than {timeout:?}; it may have been carried out all the same, wholly or in part, so look before trying again"
        ),
    );
    let mut response = error_response(&error);
    insert_retry_after(&mut response, Duration::from_secs(1));
    response
}
