use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Request, Response};
use scim_core::{ScimError, TenantId};
use tower_service::Service;

use super::{Access, AuthError, AuthLayer, Scope, TenantAccess};
use crate::body::Body;
use crate::context::WriteOnly;
use crate::error::{error_response, insert_retry_after};
use crate::layer::tenant;
use crate::policy::{Intent, Policies};
use crate::trail::Trail;

/// The service of [`AuthLayer`].
pub struct AuthService<S> {
    inner: S,
    layer: Arc<AuthLayer>,
    /// A service that has passed a request on, for one of the next.
    spare: Arc<Mutex<Option<S>>>,
}

impl<S> AuthService<S> {
    pub(super) fn new(inner: S, layer: AuthLayer) -> Self {
        Self { inner, layer: Arc::new(layer), spare: Arc::default() }
    }

    /// The service behind it.
    pub fn inner(&self) -> &S {
        &self.inner
    }
}

/// Nothing of a clone is counted together with the original, where each connection has one: the requests of two
/// processors would otherwise wait for each other's counts.
impl<S: Clone> Clone for AuthService<S> {
    fn clone(&self) -> Self {
        Self::new(self.inner.clone(), AuthLayer::clone(&self.layer))
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
        // The service that was polled ready goes into the future, another one stays behind.
        let spare = lock(&self.spare).take().unwrap_or_else(|| self.inner.clone());
        let mut inner = std::mem::replace(&mut self.inner, spare);
        let (layer, spare) = (Arc::clone(&self.layer), Arc::clone(&self.spare));
        Box::pin(async move {
            let (mut parts, body) = request.into_parts();
            if (layer.open)(&parts) {
                let answer = inner.call(Request::from_parts(parts, body));
                *lock(&spare) = Some(inner);
                return answer.await;
            }
            let access = match layer.authenticate(&parts.headers).await {
                Ok(access) => access,
                Err(refusal) => return Ok(refusal),
            };
            let principal = access.principal.clone();
            Trail::note(&parts.extensions, |found| found.principal = Some(principal.clone()));
            let mut response = match layer.authorize(&mut parts, &access) {
                Ok(()) => {
                    parts.extensions.insert(principal.clone());
                    if let Some(policy) = layer.policy.clone() {
                        let access = access.clone();
                        Policies::add(&mut parts.extensions, move |intent: &Intent<'_>| {
                            policy(intent, &access)
                        });
                    }
                    if !access.scopes.read {
                        parts.extensions.insert(WriteOnly);
                    }
                    parts.extensions.insert(access);
                    let answer = inner.call(Request::from_parts(parts, body));
                    *lock(&spare) = Some(inner);
                    answer.await?
                }
                Err(refusal) => *refusal,
            };
            // For layers around this one that log or count.
            response.extensions_mut().insert(principal);
            Ok(response)
        })
    }
}

fn lock<S>(spare: &Mutex<Option<S>>) -> MutexGuard<'_, Option<S>> {
    spare.lock().unwrap_or_else(PoisonError::into_inner)
}

impl AuthLayer {
    async fn authenticate(&self, headers: &HeaderMap) -> Result<Access, Response<Body>> {
        let mut values = headers.get_all(AUTHORIZATION).iter();
        let needed = "a bearer token is needed: send it as `Authorization: Bearer <token>`";
        let Some(value) = values.next() else { return Err(self.challenge(401, needed, "")) };
        // "invalid_request ... SHOULD respond with the HTTP 400 (Bad Request) status code" (RFC 6750 section 3.1)
        if values.next().is_some() {
            let detail = "the header Authorization must be sent once only";
            return Err(self.challenge(400, detail, "invalid_request"));
        }
        let token = match Credentials::read(value) {
            Credentials::Bearer(token) => token,
            // "... or attempted using an unsupported authentication method ... SHOULD NOT include an error code"
            Credentials::Other => return Err(self.challenge(401, needed, "")),
            Credentials::Broken => {
                // "The access token provided is ... malformed"
                let detail = "the header Authorization must be `Bearer <token>`";
                return Err(self.challenge(401, detail, "invalid_token"));
            }
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
            Trail::note(&parts.extensions, |found| found.tenant = Some(tenant.clone()));
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
        Ok(())
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

/// What the value of a header Authorization is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Credentials<'a> {
    /// A bearer token. The scheme is compared without case (RFC 7235 section 2.1); a value of one word is the token
    /// itself, as Okta sends it where the administrator has left the word out.
    Bearer(&'a str),
    /// Nothing, or a scheme that this server does not know.
    Other,
    /// A scheme without what belongs to it, or something else that cannot be read.
    Broken,
}

impl<'a> Credentials<'a> {
    fn read(value: &'a HeaderValue) -> Self {
        let Ok(value) = value.to_str().map(str::trim) else { return Self::Broken };
        let (scheme, token) = value.split_once(' ').unwrap_or(("", value));
        let (is_bearer, token) = (scheme.eq_ignore_ascii_case("bearer"), token.trim());
        match scheme {
            "" if token.is_empty() => Self::Other,
            "" if token.eq_ignore_ascii_case("bearer") => Self::Broken,
            "" => Self::Bearer(token),
            _ if is_bearer && !token.contains(' ') => Self::Bearer(token),
            _ if is_bearer => Self::Broken,
            _ => Self::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scheme_has_no_case_and_may_be_missing() {
        let read =
            |value: &'static str| Credentials::read(Box::leak(Box::new(HeaderValue::from_static(value))));
        for value in ["Bearer abc", "bearer abc", "BEARER  abc", "abc", " abc "] {
            assert_eq!(read(value), Credentials::Bearer("abc"), "{value}");
        }
        for value in ["Bearer", "bearer ", "Bearer a b"] {
            assert_eq!(read(value), Credentials::Broken, "{value}");
        }
        for value in ["", " ", "Basic abc", "Digest a=b, c=d"] {
            assert_eq!(read(value), Credentials::Other, "{value}");
        }
        let bytes = HeaderValue::from_bytes(b"Bearer \xff").unwrap();
        assert_eq!(Credentials::read(&bytes), Credentials::Broken);
    }
}
