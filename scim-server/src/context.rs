//! What a request brings along to every room it passes.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use scim_core::{Registry, TenantId};

/// Everything that a store and the code around it know of the request that they work for.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RequestContext {
    /// Whose data the request is about. Data of two tenants never mix.
    pub tenant: TenantId,
    /// Who asks, if the request was authenticated.
    pub principal: Option<Principal>,
    /// The id under which this request is logged and that its answer carries.
    pub request_id: RequestId,
    /// The time of the request: what `meta` says of anything it writes.
    pub now: DateTime<Utc>,
    /// The schemas and resource types in force.
    pub registry: Arc<Registry>,
    /// The base URL of locations, such as `https://example.com/scim/v2`; no slash at the end.
    pub base_url: Arc<str>,
}

impl RequestContext {
    /// A context of the default tenant with no principal, for use outside HTTP and in tests.
    #[must_use]
    pub fn new(registry: Arc<Registry>, now: DateTime<Utc>) -> Self {
        Self {
            tenant: TenantId::default(),
            principal: None,
            request_id: RequestId::new("none"),
            now,
            registry,
            base_url: Arc::from(""),
        }
    }

    /// The same for another tenant.
    #[must_use]
    pub fn with_tenant(mut self, tenant: TenantId) -> Self {
        self.tenant = tenant;
        self
    }

    /// The same at another time.
    #[must_use]
    pub fn with_now(mut self, now: DateTime<Utc>) -> Self {
        self.now = now;
        self
    }

    /// The same under another base URL.
    #[must_use]
    pub fn with_base_url(mut self, base_url: &str) -> Self {
        self.base_url = base_url.trim_end_matches('/').into();
        self
    }
}

/// Who a request comes from: the name of an access-control subject (RFC 7644 section 2), such as that of a token.
/// Never a secret.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Principal(Arc<str>);

impl Principal {
    /// A principal with this name.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self(name.into())
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The id of one request, as it stands in logs and in the header `X-Request-Id` of the answer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RequestId(Arc<str>);

impl RequestId {
    /// A request id with this text.
    #[must_use]
    pub fn new(id: &str) -> Self {
        Self(id.into())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The address at the other end of a connection: an extension that `serve` puts on every request. Behind a proxy it is
/// the proxy's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PeerAddr(pub SocketAddr);
