use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, Request, Response};
use scim_core::ScimError;
use tower_service::Service;

use super::layer::Open;
use super::{AuthError, VerifyToken};
use crate::body::Body;
use crate::context::Principal;
use crate::error::error_response;

/// The service of [`AuthLayer`](super::AuthLayer).
#[derive(Clone)]
pub struct AuthService<S> {
    inner: S,
    verify: Arc<dyn VerifyToken>,
    open: Open,
}

impl<S> AuthService<S> {
    pub(super) fn new(inner: S, verify: Arc<dyn VerifyToken>, open: Open) -> Self {
        Self { inner, verify, open }
    }

    /// The service behind it.
    pub fn inner(&self) -> &S {
        &self.inner
    }
}

impl<S: fmt::Debug> fmt::Debug for AuthService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthService").field("inner", &self.inner).field("verify", &self.verify).finish()
    }
}

impl<S, B> Service<Request<B>> for AuthService<S>
where
    S: Service<Request<B>, Response = Response<Body>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
    B: Send + 'static,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        // The service that was polled ready goes into the future, its clone stays behind.
        let clone = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, clone);
        let verify = Arc::clone(&self.verify);
        let open = Arc::clone(&self.open);
        Box::pin(async move {
            let (mut parts, body) = request.into_parts();
            if open(&parts) {
                return inner.call(Request::from_parts(parts, body)).await;
            }
            let principal = match authenticate(&*verify, &parts.headers).await {
                Ok(principal) => principal,
                Err(refusal) => return Ok(refusal),
            };
            parts.extensions.insert(principal.clone());
            let mut response = inner.call(Request::from_parts(parts, body)).await?;
            // For layers around this one that log or count.
            response.extensions_mut().insert(principal);
            Ok(response)
        })
    }
}

async fn authenticate(verify: &dyn VerifyToken, headers: &HeaderMap) -> Result<Principal, Response<Body>> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else {
        return Err(challenge("a bearer token is needed: send it as `Authorization: Bearer <token>`", None));
    };
    if values.next().is_some() {
        return Err(challenge("the header Authorization must be sent once only", Some("invalid_request")));
    }
    let Some(token) = value.to_str().ok().and_then(bearer) else {
        let detail = "the header Authorization must be `Bearer <token>`";
        return Err(challenge(detail, Some("invalid_request")));
    };
    verify.verify(token).await.map_err(|error| match error {
        AuthError::Unknown => challenge("the bearer token is not valid", Some("invalid_token")),
        AuthError::Refused(error) if error.status() == 401 => {
            challenge(error.detail(), Some("invalid_token"))
        }
        AuthError::Refused(error) => error_response(&error),
    })
}

/// The token of a header value. The scheme is compared without case (RFC 7235 section 2.1); a value of one word is
/// the token itself, as Okta sends it where the administrator has left the word out.
fn bearer(value: &str) -> Option<&str> {
    let value = value.trim();
    let token = match value.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim(),
        Some(_) => return None,
        None if value.eq_ignore_ascii_case("bearer") => return None,
        None => value,
    };
    (!token.is_empty() && !token.contains(' ')).then_some(token)
}

/// 401 with the challenge of RFC 6750 section 3.
fn challenge(detail: &str, error: Option<&'static str>) -> Response<Body> {
    let mut response = error_response(&ScimError::new(401, detail));
    let value = match error {
        None => HeaderValue::from_static("Bearer realm=\"SCIM\""),
        Some("invalid_request") => {
            HeaderValue::from_static("Bearer realm=\"SCIM\", error=\"invalid_request\"")
        }
        Some(_) => HeaderValue::from_static("Bearer realm=\"SCIM\", error=\"invalid_token\""),
    };
    response.headers_mut().insert(WWW_AUTHENTICATE, value);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scheme_has_no_case_and_may_be_missing() {
        for value in ["Bearer abc", "bearer abc", "BEARER  abc", "abc", " abc "] {
            assert_eq!(bearer(value), Some("abc"), "{value}");
        }
        for value in ["", "Bearer", "Bearer ", "Basic abc", "Bearer a b"] {
            assert_eq!(bearer(value), None, "{value}");
        }
    }
}
