use std::fmt;
use std::sync::Arc;

use http::Method;
use http::request::Parts;
use scim_core::ScimError;
use tower_layer::Layer;

use super::{Access, AuthService, VerifyToken};
use crate::policy::Intent;
use crate::route::{Mounts, is_discovery};

type Open = dyn Fn(&Parts) -> bool + Send + Sync;
type Policy = dyn Fn(&Intent<'_>, &Access) -> Result<(), ScimError> + Send + Sync;

/// Lets requests in that carry a known bearer token which is good for what they want.
///
/// | request | answer | challenge (RFC 6750 section 3) |
/// |---|---|---|
/// | without a token, or with another scheme | 401 | no error code |
/// | with two tokens | 400 | `invalid_request` |
/// | with a token that is malformed, unknown, expired or forged | 401 | `invalid_token` |
/// | that the token may not do: reading needs read access, the rest write access | 403 | `insufficient_scope` |
/// | for data of a tenant that the token is not for | 404, as for a tenant that does not exist | |
/// | while tokens cannot be checked | 503 with `Retry-After` | |
#[derive(Clone)]
pub struct AuthLayer {
    pub(super) verify: Arc<dyn VerifyToken>,
    pub(super) open: Arc<Open>,
    pub(super) policy: Option<Arc<Policy>>,
    pub(super) realm: Arc<str>,
}

impl AuthLayer {
    /// Every request needs a token.
    #[must_use]
    pub fn new(verify: impl VerifyToken + 'static) -> Self {
        Self { verify: Arc::new(verify), open: Arc::new(|_| false), policy: None, realm: "SCIM".into() }
    }

    /// Requests for which this holds need no token: discovery, for example. A token that they carry is not looked
    /// at.
    #[must_use]
    pub fn with_open(mut self, open: impl Fn(&Parts) -> bool + Send + Sync + 'static) -> Self {
        self.open = Arc::new(open);
        self
    }

    /// Lets everybody read the discovery endpoints of a service under these path prefixes, and nothing else: clients
    /// may learn how to authenticate before they do (RFC 7644 section 4). Give the prefixes that
    /// [`mounted_at`](crate::ScimServiceBuilder::mounted_at) has got; `""` or `"/"` is the root.
    ///
    /// The prefixes are held against the path as it is here. A layer that takes something off it, such as
    /// [`TenantLayer::by_path`](crate::layer::tenant::TenantLayer::by_path), belongs outside of this one: inside, a path
    /// that is open here could come to mean something else.
    #[must_use]
    pub fn with_open_discovery<'a>(self, prefixes: impl IntoIterator<Item = &'a str>) -> Self {
        let mounts = Mounts::new(prefixes);
        self.with_open(move |parts| {
            matches!(parts.method, Method::GET | Method::HEAD)
                && mounts.split(parts.uri.path()).is_some_and(|(_, rest)| is_discovery(rest))
        })
    }

    /// Asks this about everything that a request with a good token is about to do: who, and what to do to which resource
    /// (RFC 7644 section 2). What it refuses is answered with its error, such as a 403.
    ///
    /// The service asks once it knows what a request comes to, so that no way of writing a path leads around it: also
    /// about each operation of a Bulk, and about each type that a search would look at; see [`policy`](crate::policy).
    /// Whatever stands in the place of [`ScimService`](crate::ScimService) has to ask itself.
    #[must_use]
    pub fn with_policy(
        mut self,
        policy: impl Fn(&Intent<'_>, &Access) -> Result<(), ScimError> + Send + Sync + 'static,
    ) -> Self {
        self.policy = Some(Arc::new(policy));
        self
    }

    /// The realm of challenges. Default: `SCIM`. Characters that cannot stand in a quoted text are left out.
    #[must_use]
    pub fn with_realm(mut self, realm: &str) -> Self {
        let legal = |c: &char| matches!(c, ' '..='~') && !matches!(c, '"' | '\\');
        self.realm = realm.chars().filter(legal).collect::<String>().into();
        self
    }
}

impl<S> Layer<S> for AuthLayer {
    type Service = AuthService<S>;

    fn layer(&self, inner: S) -> AuthService<S> {
        AuthService::new(inner, self.clone())
    }
}

impl fmt::Debug for AuthLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthLayer").field("verify", &self.verify).finish_non_exhaustive()
    }
}
