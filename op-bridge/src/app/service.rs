use std::convert::Infallible;
use std::future::{self, Future};
use std::pin::Pin;
use std::task::{Context, Poll};

use http::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, HOST, LOCATION, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use scim_core::{ScimError, excerpt};
use scim_server::error::error_response;
use scim_server::{Body, Error, RequestId, RouteName};
use tower_service::Service;

use crate::health::Health;

type Answer = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

/// Answers what needs no token, and hands everything else on.
#[derive(Clone, Debug)]
pub struct Front<S> {
    inner: S,
}

impl<S> Front<S> {
    /// Before `inner`, which authenticates.
    pub fn new(inner: S) -> Self {
        Self { inner }
    }
}

impl<S, B> Service<Request<B>> for Front<S>
where
    S: Service<Request<B>, Response = Response<Body>, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Answer;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Answer {
        // The path has ids and the query is about people: the line that ends the request names the route.
        tracing::debug!(
            request_id = request.extensions().get::<RequestId>().map_or("-", RequestId::as_str),
            method = excerpt(request.method().as_str()),
            "request received"
        );
        let reads = matches!(*request.method(), Method::GET | Method::HEAD);
        let answer = match request.uri().path() {
            "/ping" => refusal(&request, "/ping").unwrap_or_else(|| plain("/ping", StatusCode::OK, "pong\n")),
            // Without a token nobody asks for SCIM here: load balancers probe it, as they do with the original.
            "/" if reads && !request.headers().contains_key(AUTHORIZATION) => refusal(&request, "/")
                .unwrap_or_else(|| {
                    let mut response = plain("/", StatusCode::TEMPORARY_REDIRECT, "");
                    response.headers_mut().insert(LOCATION, HeaderValue::from_static("/app"));
                    response
                }),
            "/app" | "/app/" => {
                refusal(&request, "/app").unwrap_or_else(|| plain("/app", StatusCode::OK, about()))
            }
            _ => return Box::pin(self.inner.call(request)),
        };
        Box::pin(future::ready(Ok(answer)))
    }
}

fn about() -> &'static str {
    concat!(
        "op-scim-bridge ",
        env!("CARGO_PKG_VERSION"),
        " is running.\n\nSCIM 2.0 is served at /scim/v2, with the bearer token.\n",
        "GET /health with the bearer token says how the bridge is. This version has no status page.\n"
    )
}

fn plain(route: &'static str, status: StatusCode, text: &'static str) -> Response<Body> {
    let mut response = Response::new(Body::from(text.as_bytes().to_vec()));
    *response.status_mut() = status;
    response.extensions_mut().insert(RouteName::new(route));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    insert_safety(headers);
    response
}

/// The answer to what none of the routes beside SCIM takes, as SCIM has it.
fn refusal<B>(request: &Request<B>, route: &'static str) -> Option<Response<Body>> {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    let error = if request.headers().get_all(HOST).iter().nth(1).is_some() {
        Error::Hosts
    } else if !reads {
        Error::Method { method: excerpt(request.method().as_str()), allow: "GET, HEAD" }
    } else {
        return None;
    };
    let id = request.extensions().get::<RequestId>().cloned().unwrap_or_else(|| RequestId::new("-"));
    let mut response = error.to_response(&id);
    response.extensions_mut().insert(RouteName::new(route));
    Some(response)
}

/// What the answers of SCIM have, too.
fn insert_safety(headers: &mut HeaderMap) {
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
}

/// Answers `/health`, and hands everything else on. To be put behind authentication.
#[derive(Clone, Debug)]
pub struct WithHealth<S> {
    inner: S,
    health: Health,
}

impl<S> WithHealth<S> {
    /// Before `inner`.
    pub fn new(inner: S, health: Health) -> Self {
        Self { inner, health }
    }

    fn health(&self) -> Response<Body> {
        let snapshot = self.health.snapshot();
        let Ok(json) = serde_json::to_vec(&snapshot) else {
            return error_response(&ScimError::new(500, "the health report could not be written"));
        };
        let mut response = Response::new(Body::from(json));
        response.extensions_mut().insert(RouteName::new("/health"));
        if !snapshot.is_healthy() {
            *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
        }
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        insert_safety(headers);
        response
    }
}

impl<S, B> Service<Request<B>> for WithHealth<S>
where
    S: Service<Request<B>, Response = Response<Body>, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Answer;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Answer {
        if request.uri().path() != "/health" {
            return Box::pin(self.inner.call(request));
        }
        let answer = refusal(&request, "/health").unwrap_or_else(|| self.health());
        Box::pin(future::ready(Ok(answer)))
    }
}
