//! What a request brings along to every room it passes.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use http::uri::Scheme;
use scim_core::{Registry, TenantId};

use crate::policy::Policies;
use crate::store::{Outcome, StoreError, WriteBudget};
use crate::trail::Trail;

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
    /// What may be done.
    pub(crate) policies: Policies,
    /// Who wants to know what is found out about the request.
    pub(crate) trail: Option<Trail>,
    /// What the writes of the request may cost.
    pub budget: WriteBudget,
    /// Whether the client may write and not read.
    pub(crate) write_only: bool,
}

impl RequestContext {
    /// A context of the default tenant with no principal and an unlimited budget, for use outside HTTP and in tests.
    #[must_use]
    pub fn new(registry: Arc<Registry>, now: DateTime<Utc>) -> Self {
        Self {
            tenant: TenantId::default(),
            principal: None,
            request_id: RequestId::new("none"),
            now,
            registry,
            base_url: Arc::from(""),
            policies: Policies::default(),
            trail: None,
            budget: WriteBudget::unlimited(),
            write_only: false,
        }
    }

    /// Tells the audit log and whoever else listens that the `nth` of several writes (from zero) is done, so that it is
    /// known even if nobody waits for the others.
    ///
    /// For stores with a [`write_all`](crate::store::ResourceStore::write_all) of their own: call it for each write once
    /// its result is settled, for writes in one transaction that is after the commit. A store that does not has a batch
    /// that was abandoned reported as a whole. Failures are not noted.
    pub fn note_write(&self, nth: usize, result: &Result<Outcome, StoreError>) {
        if let (Some(trail), Ok(outcome)) = (&self.trail, result) {
            trail.end_write(nth, outcome);
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

    /// The same with another budget.
    #[must_use]
    pub fn with_budget(mut self, budget: WriteBudget) -> Self {
        self.budget = budget;
        self
    }

    /// The same under another base URL.
    #[must_use]
    pub fn with_base_url(mut self, base_url: &str) -> Self {
        self.base_url = base_url.trim_end_matches('/').into();
        self
    }
}

/// Who a request comes from: an access-control subject (RFC 7644 section 2), such as that of a token. Never a secret.
///
/// Two of them are the same where name and issuer are. As text, the issuer stands in brackets behind the name.
///
/// ```
/// use scim_server::Principal;
///
/// let (ours, theirs) = (Principal::new("alice"), Principal::new("alice").issued_by("https://login.example.com/"));
/// assert_ne!(ours, theirs);
/// assert_eq!(ours.to_string(), "alice");
/// assert_eq!(theirs.to_string(), "alice (https://login.example.com/)");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Principal {
    name: Arc<str>,
    issuer: Option<Arc<str>>,
}

impl Principal {
    /// A principal with this name, which the configuration of this server has given.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self { name: name.into(), issuer: None }
    }

    /// The same name, given by this issuer: the `iss` of its tokens.
    #[must_use]
    pub fn issued_by(mut self, issuer: &str) -> Self {
        self.issuer = Some(issuer.into());
        self
    }

    /// The same, counted apart from this one: requests of one client on many processors do not wait for each other then.
    pub(crate) fn apart(&self) -> Self {
        Self { name: Arc::from(&*self.name), issuer: self.issuer.as_deref().map(Arc::from) }
    }

    /// The name. Principals of several issuers may have the same.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.name
    }

    /// Who has given the name; none where that is the configuration of this server.
    #[must_use]
    pub fn issuer(&self) -> Option<&str> {
        self.issuer.as_deref()
    }
}

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        self.issuer.as_ref().map_or(Ok(()), |issuer| write!(f, " ({issuer})"))
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

/// The other end of the connection that a request came by, as an extension of the request. Servers set it; layers such
/// as [`forwarded`](crate::layer::forwarded) and `rate_limit` read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PeerAddr(pub SocketAddr);

/// The address of the client that a request comes from, as an extension of the request: what
/// [`forwarded`](crate::layer::forwarded) has learned from proxies that are trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ClientAddr(pub IpAddr);

impl ClientAddr {
    /// Where a request comes from: what a layer has found out, else the other end of the connection.
    #[must_use]
    pub fn of(extensions: &http::Extensions) -> Option<Self> {
        let peer = || extensions.get::<PeerAddr>().map(|peer| Self(peer.0.ip()));
        extensions.get::<Self>().copied().or_else(peer)
    }
}

/// Says that the client may write and not read, as an extension of the request. The layer [`auth`](crate::layer::auth) sets
/// it for tokens without the scope to read; other layers may.
///
/// Answers to POST, PUT and PATCH, at `/Me` as well, then show `id`, `schemas`, `meta` and what is `returned: always`, whatever
/// `attributes` and `excludedAttributes` ask for, and a 409 does not repeat the value that is taken. Whether a write
/// succeeds, whether it changes the version, and what a value filter in the path of a PATCH finds still tell something. To
/// refuse requests that read is left to whoever sets it.
///
/// ```
/// use http::Request;
/// use http_body_util::BodyExt;
/// use scim_server::context::WriteOnly;
/// use scim_server::store::MemoryStore;
/// use scim_server::{Body, ScimService};
/// use tower::ServiceExt;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let service = ScimService::builder(MemoryStore::new()).build();
/// let user = r#"{"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "ada"}"#;
/// let request = Request::post("/Users").extension(WriteOnly).body(Body::from(user.as_bytes().to_vec()))?;
/// let created = service.oneshot(request).await?.into_body().collect().await?.to_bytes();
/// let created = std::str::from_utf8(&created)?;
/// assert!(created.contains(r#""id":"#) && !created.contains("ada"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct WriteOnly;

/// The scheme that a client has used, as told by a proxy that is trusted.
#[derive(Clone, Debug)]
pub(crate) struct SaidScheme(pub(crate) Scheme);

/// What a layer has taken off the front of the path, such as `/t/acme`, as an extension of the request. Locations have
/// it in front of the mount.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PathPrefix(Arc<str>);

impl PathPrefix {
    /// A prefix with one slash before and none after it.
    #[must_use]
    pub fn new(prefix: &str) -> Self {
        match prefix.trim_matches('/') {
            "" => Self("".into()),
            prefix => Self(format!("/{prefix}").into()),
        }
    }

    /// The prefix, as it stands in URLs.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The URL that the locations of one answer begin with, such as `https://acme.example.com/scim/v2`, as an extension of
/// the request. It goes before what the service was told and before what the client has asked.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BaseUrl(Arc<str>);

impl BaseUrl {
    /// A base URL; a slash at its end does not count.
    #[must_use]
    pub fn new(url: &str) -> Self {
        Self(url.trim_end_matches('/').into())
    }

    /// The URL.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn shared(&self) -> Arc<str> {
        Arc::clone(&self.0)
    }
}
