use std::fmt;
use std::sync::Arc;

use http::request::Parts;
use tower_layer::Layer;

use super::{AuthService, VerifyToken};

/// Lets requests in that carry a known bearer token, and answers the others with 401 and a challenge.
#[derive(Clone)]
pub struct AuthLayer {
    verify: Arc<dyn VerifyToken>,
    open: fn(&Parts) -> bool,
}

impl AuthLayer {
    /// Every request needs a token.
    #[must_use]
    pub fn new(verify: impl VerifyToken + 'static) -> Self {
        Self { verify: Arc::new(verify), open: |_| false }
    }

    /// Requests for which this holds need no token: discovery, for example. A token that they carry is not looked
    /// at.
    #[must_use]
    pub fn with_open(mut self, open: fn(&Parts) -> bool) -> Self {
        self.open = open;
        self
    }
}

impl<S> Layer<S> for AuthLayer {
    type Service = AuthService<S>;

    fn layer(&self, inner: S) -> AuthService<S> {
        AuthService::new(inner, Arc::clone(&self.verify), self.open)
    }
}

impl fmt::Debug for AuthLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthLayer").field("verify", &self.verify).finish_non_exhaustive()
    }
}

/// Whether a request reads one of the discovery endpoints, under whatever prefix: what RFC 7644 section 4 allows to
/// be read before authenticating.
#[must_use]
pub(super) fn is_discovery(parts: &Parts) -> bool {
    let mut segments = parts.uri.path().split('/').filter(|segment| !segment.is_empty());
    matches!(parts.method, http::Method::GET | http::Method::HEAD)
        && segments.any(|segment| matches!(segment, "ServiceProviderConfig" | "ResourceTypes" | "Schemas"))
}

impl AuthLayer {
    /// Leaves the discovery endpoints open: clients may learn how to authenticate before they do (RFC 7644 section
    /// 4).
    #[must_use]
    pub fn with_open_discovery(self) -> Self {
        self.with_open(is_discovery)
    }
}
