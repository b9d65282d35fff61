use std::fmt;
use std::sync::Arc;

use http::Method;
use http::request::Parts;
use tower_layer::Layer;

use super::{AuthService, VerifyToken};
use crate::route::{Mounts, is_discovery};

/// Says whether a request needs no token.
pub(super) type Open = Arc<dyn Fn(&Parts) -> bool + Send + Sync>;

/// Lets requests in that carry a known bearer token, and answers the others with 401 and a challenge.
#[derive(Clone)]
pub struct AuthLayer {
    verify: Arc<dyn VerifyToken>,
    open: Open,
}

impl AuthLayer {
    /// Every request needs a token.
    #[must_use]
    pub fn new(verify: impl VerifyToken + 'static) -> Self {
        Self { verify: Arc::new(verify), open: Arc::new(|_| false) }
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
    #[must_use]
    pub fn with_open_discovery<'a>(self, prefixes: impl IntoIterator<Item = &'a str>) -> Self {
        let mounts = Mounts::new(prefixes);
        self.with_open(move |parts| {
            matches!(parts.method, Method::GET | Method::HEAD)
                && mounts.split(parts.uri.path()).is_some_and(|(_, rest)| is_discovery(rest))
        })
    }
}

impl<S> Layer<S> for AuthLayer {
    type Service = AuthService<S>;

    fn layer(&self, inner: S) -> AuthService<S> {
        AuthService::new(inner, Arc::clone(&self.verify), Arc::clone(&self.open))
    }
}

impl fmt::Debug for AuthLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthLayer").field("verify", &self.verify).finish_non_exhaustive()
    }
}
