use std::sync::Arc;

use tower_layer::Layer;

use super::{FindTenant, Tenant, TenantService};
use crate::route::Mounts;

/// Finds out whose data each request is about.
#[derive(Clone, Debug)]
pub struct TenantLayer {
    pub(super) source: Source,
    pub(super) tenants: Arc<dyn FindTenant>,
    pub(super) base_url: Option<Arc<str>>,
    pub(super) anonymous: Option<Tenant>,
}

/// What names the tenant.
#[derive(Clone, Debug)]
pub(super) enum Source {
    Path(Arc<Mounts>),
    Subdomain(Arc<str>),
    Host,
    Principal,
}

impl TenantLayer {
    fn new(source: Source, tenants: impl FindTenant + 'static) -> Self {
        Self { source, tenants: Arc::new(tenants), base_url: None, anonymous: None }
    }

    /// By the segment of the path after a prefix: after `/t`, that of `/t/acme/scim/v2/Users` is `acme`. The service
    /// inside sees the path after it, and its locations begin with both.
    ///
    /// An [`AuthLayer`](crate::layer::auth::AuthLayer) with
    /// [`with_open_discovery`](crate::layer::auth::AuthLayer::with_open_discovery) belongs inside of this layer, so that
    /// its prefixes are held against the path that the service sees. No tenant can go by the name of an endpoint
    /// (`Schemas`, `ResourceTypes`, `ServiceProviderConfig`, `ServiceProviderConfigs`, `Bulk`, `Me`, `.search`, case
    /// aside): requests for it are answered 404 without a look at the table.
    #[must_use]
    pub fn by_path(prefix: &str, tenants: impl FindTenant + 'static) -> Self {
        Self::new(Source::Path(Arc::new(Mounts::new([prefix]))), tenants)
    }

    /// By the label before a domain: before `example.com`, that of `acme.example.com` is `acme`. Deeper names, and the
    /// domain itself, are no tenant.
    #[must_use]
    pub fn by_subdomain(domain: &str, tenants: impl FindTenant + 'static) -> Self {
        let domain = domain.trim_matches('.').to_ascii_lowercase();
        Self::new(Source::Subdomain(domain.into()), tenants)
    }

    /// By the whole name of the host that the client asks, in lower case and without port.
    #[must_use]
    pub fn by_host(tenants: impl FindTenant + 'static) -> Self {
        Self::new(Source::Host, tenants)
    }

    /// By who asks. It has to be inside of the layer that finds that out.
    #[must_use]
    pub fn by_principal(tenants: impl FindTenant + 'static) -> Self {
        Self::new(Source::Principal, tenants)
    }

    /// The tenant of requests without a principal, as of discovery that is open to everybody. Without it they are
    /// answered 404. Only of use with [`by_principal`](Self::by_principal).
    #[must_use]
    pub fn with_anonymous(mut self, tenant: Tenant) -> Self {
        self.anonymous = Some(tenant);
        self
    }

    /// Begins the locations of each tenant with this URL, in which `{tenant}` stands for what requests call it, as in
    /// `https://{tenant}.example.com/scim/v2`. It goes before the base URL of the service.
    #[must_use]
    pub fn with_base_url(mut self, url: &str) -> Self {
        self.base_url = Some(url.into());
        self
    }
}

impl<S> Layer<S> for TenantLayer {
    type Service = TenantService<S>;

    fn layer(&self, inner: S) -> TenantService<S> {
        TenantService::new(inner, self.clone())
    }
}
