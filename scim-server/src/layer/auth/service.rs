use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Request, Response};
use scim_core::{ScimError, TenantId};
use tower_service::Service;

use super::{Access, AuthError, AuthLayer, Scope, TenantAccess};
use crate::body::Body;
use crate::error::{error_response, insert_retry_after};
use crate::layer::tenant;

/// The service of [`AuthLayer`].
#[derive(Clone)]
pub struct AuthService<S> {
    inner: S,
    layer: AuthLayer,
}

impl<S> AuthService<S> {
    pub(super) fn new(inner: S, layer: AuthLayer) -> Self {
        Self { inner, layer }
    }

    /// The service behind it.
    pub fn inner(&self) -> &S {
        &self.inner
    }
}

impl<S: fmt::Debug> fmt::Debug for AuthService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthService").field("inner", &self.inner).field("verify", &self.layer.verify).finish()
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
        let layer = self.layer.clone();
        Box::pin(async move {
            let (mut parts, body) = request.into_parts();
            if (layer.open)(&parts) {
                return inner.call(Request::from_parts(parts, body)).await;
            }
            let access = match layer.authenticate(&parts.headers).await {
                Ok(access) => access,
                Err(refusal) => return Ok(refusal),
            };
            let principal = access.principal.clone();
            let mut response = match layer.authorize(&mut parts, &access) {
                Ok(()) => {
                    parts.extensions.insert(principal.clone());
                    parts.extensions.insert(access);
                    inner.call(Request::from_parts(parts, body)).await?
                }
                Err(refusal) => *refusal,
            };
            // For layers around this one that log or count.
            response.extensions_mut().insert(principal);
            Ok(response)
        })
    }
}

impl AuthLayer {
    async fn authenticate(&self, headers: &HeaderMap) -> Result<Access, Response<Body>> {
        let mut values = headers.get_all(AUTHORIZATION).iter();
        let Some(value) = values.next() else {
            let detail = "a bearer token is needed: send it as `Authorization: Bearer <token>`";
            return Err(self.challenge(401, detail, ""));
        };
        if values.next().is_some() {
            let detail = "the header Authorization must be sent once only";
            return Err(self.challenge(401, detail, "invalid_request"));
        }
        let Some(token) = value.to_str().ok().and_then(bearer) else {
            let detail = "the header Authorization must be `Bearer <token>`";
            return Err(self.challenge(401, detail, "invalid_request"));
        };
        self.verify.access(token).await.map_err(|error| match error {
            AuthError::Unknown => self.challenge(401, "the bearer token is not valid", "invalid_token"),
            AuthError::Refused(error) if error.status() == 401 => {
                self.challenge(401, error.detail(), "invalid_token")
            }
            AuthError::Refused(error) => error_response(&error),
            AuthError::Unavailable { retry_after } => {
                let detail = "bearer tokens cannot be checked now; try again";
                let mut response = error_response(&ScimError::new(503, detail));
                insert_retry_after(&mut response, retry_after);
                response
            }
        })
    }

    fn authorize(&self, parts: &mut Parts, access: &Access) -> Result<(), Box<Response<Body>>> {
        let chosen = parts.extensions.get::<TenantId>();
        tenant::check(chosen, &access.tenants).map_err(|error| Box::new(error_response(&error)))?;
        if let (None, TenantAccess::Only(tenant)) = (chosen, &access.tenants) {
            parts.extensions.insert(tenant.clone());
        }
        let needed = Scope::of(parts);
        if !access.scopes.has(needed) {
            let detail = format!("the bearer token gives no {} access", needed.word());
            let name = self.verify.scope_name(needed).filter(|name| is_scope_token(name));
            let code = match name {
                Some(name) => format!("insufficient_scope\", scope=\"{name}"),
                None => "insufficient_scope".to_owned(),
            };
            return Err(Box::new(self.challenge(403, &detail, &code)));
        }
        let allowed = self.policy.as_ref().map_or(Ok(()), |policy| policy(parts, access));
        allowed.map_err(|error| Box::new(error_response(&error)))
    }

    /// The answer with the challenge of RFC 6750 section 3.
    fn challenge(&self, status: u16, detail: &str, code: &str) -> Response<Body> {
        let mut response = error_response(&ScimError::new(status, detail));
        let mut value = format!("Bearer realm=\"{}\"", self.realm);
        if !code.is_empty() {
            value.push_str(&format!(", error=\"{code}\""));
        }
        let value = HeaderValue::try_from(value).unwrap_or(HeaderValue::from_static("Bearer"));
        response.headers_mut().insert(WWW_AUTHENTICATE, value);
        response
    }
}

/// `scope-token` of RFC 6749 section 3.3
fn is_scope_token(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| matches!(b, 0x21 | 0x23..=0x5b | 0x5d..=0x7e))
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
