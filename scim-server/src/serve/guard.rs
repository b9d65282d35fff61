use std::convert::Infallible;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::header::{CONNECTION, HOST};
use http::{HeaderValue, Request, Response, Version};
use hyper::body::Incoming;
use scim_core::{ScimError, excerpt};
use tower_service::Service;

use super::framing::Requests;
use crate::body::Body;
use crate::context::PeerAddr;
use crate::error::{Error, error_response, insert_retry_after};
use crate::service::may_be_host;
use crate::trail::Trail;

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

/// A refusal after which nothing more is read from the connection.
fn refuse(why: &str) -> Response<Body> {
    let mut response = error_response(&ScimError::new(400, why));
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    response
}

impl<S> Service<Request<Incoming>> for Guard<S>
where
    S: Service<Request<Incoming>, Response = Response<Body>, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<Incoming>) -> Self::Future {
        let (answer, requests) = (self.answer(request), Arc::clone(&self.requests));
        Box::pin(async move {
            let response = answer.await;
            requests.answer();
            response
        })
    }
}

impl<S> Guard<S>
where
    S: Service<Request<Incoming>, Response = Response<Body>, Error = Infallible>,
    S::Future: Send + 'static,
{
    fn answer(&mut self, mut request: Request<Incoming>) -> <Self as Service<Request<Incoming>>>::Future {
        if let Some(why) = self.requests.next_is_refused() {
            return Box::pin(std::future::ready(Ok(refuse(why))));
        }
        // "A server MUST respond with a 400 ... to any HTTP/1.1 request message that lacks a Host header field" (RFC
        // 9112 section 3.2)
        if request.version() == Version::HTTP_11 && !request.headers().contains_key(HOST) {
            return Box::pin(std::future::ready(Ok(refuse("the header Host is missing"))));
        }
        if let Some(host) = request.headers().get(HOST)
            && !host.to_str().is_ok_and(|host| may_be_host(host, request.version()))
        {
            let host = excerpt(&String::from_utf8_lossy(host.as_bytes()));
            return Box::pin(std::future::ready(Ok(refuse(&Error::Host(host).to_string()))));
        }
        request.extensions_mut().insert(self.peer);
        let trail = Trail::begin(request.extensions_mut());
        let answer = self.inner.call(request);
        let timeout = self.timeout;
        Box::pin(async move {
            let mut answer = pin!(answer);
            tokio::time::timeout(timeout, answer.as_mut()).await.unwrap_or_else(|_| {
                let error =
                    ScimError::new(503, format!("the request took longer than {timeout:?}; it may have been carried out all the same, wholly or in part, so look before trying again"));
                let mut response = error_response(&error);
                insert_retry_after(&mut response, Duration::from_secs(1));
                // Before the request is dropped, so that whoever reports that knows why.
                trail.time_out(&mut response);
                Ok(response)
            })
        })
    }
}
