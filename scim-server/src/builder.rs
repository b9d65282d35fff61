use std::sync::Arc;

use scim_core::{QuirkUses, Quirks, Registry};

use crate::clock::{Clock, IdGenerator, Sources};
use crate::cursor::{CursorKey, Cursors};
use crate::limits::Limits;
use crate::operation::{AuthenticationScheme, Me, MeBy, SubjectResolver};
use crate::registry::RegistryHandle;
use crate::route::Mounts;
use crate::service::{ScimService, Settings};

/// Puts a [`ScimService`] together.
#[derive(Debug)]
pub struct ScimServiceBuilder<S> {
    store: S,
    registry: Arc<Registry>,
    quirks: Quirks,
    limits: Limits,
    sources: Sources,
    base_url: Option<Arc<str>>,
    mounts: Mounts,
    authentication: Vec<AuthenticationScheme>,
    documentation: Option<String>,
    bulk: bool,
    cursor_key: Option<CursorKey>,
    me: Option<Me>,
}

impl<S> ScimServiceBuilder<S> {
    pub(crate) fn new(store: S) -> Self {
        Self {
            store,
            registry: Registry::rfc7643(),
            quirks: Quirks::interop(),
            limits: Limits::default(),
            sources: Sources::default(),
            base_url: None,
            mounts: Mounts::new([""]),
            authentication: vec![AuthenticationScheme::bearer_token()],
            documentation: None,
            bulk: true,
            cursor_key: None,
            me: None,
        }
    }

    /// Serves these schemas and resource types. Default: [`Registry::rfc7643`]. They can be exchanged later by
    /// [`ScimService::registry`]. For a single request, a layer may choose
    /// others by the extension `Arc<Registry>`.
    #[must_use]
    pub fn registry(mut self, registry: impl Into<Arc<Registry>>) -> Self {
        self.registry = registry.into();
        self
    }

    /// Tolerates these deviations. Default: [`Quirks::interop`]. Their uses are counted: see
    /// [`ScimService::quirk_uses`]. For a single request, as of one tenant, a layer may choose
    /// others by the extension [`Quirks`].
    #[must_use]
    pub fn quirks(mut self, quirks: Quirks) -> Self {
        self.quirks = quirks;
        self
    }

    /// Sets the limits.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Answers under each of these path prefixes, such as `/scim/v2`; the empty one is the root. Default: the root.
    #[must_use]
    pub fn mounted_at<'a>(mut self, prefixes: impl IntoIterator<Item = &'a str>) -> Self {
        self.mounts = Mounts::new(prefixes);
        self
    }

    /// Begins every location with this URL, such as `https://example.com/scim/v2`. Without it, locations begin with
    /// the authority and prefix that each client has asked, as plain HTTP whatever the request line says, unless a proxy
    /// that [`ForwardedLayer`](crate::layer::forwarded::ForwardedLayer) trusts tells otherwise: set it where TLS ends in
    /// front of this server. The extensions [`BaseUrl`](crate::context::BaseUrl) and [`PathPrefix`](crate::context::PathPrefix) of a
    /// request change it, as tenants with URLs of their own need.
    #[must_use]
    pub fn base_url(mut self, url: &str) -> Self {
        self.base_url = Some(url.trim_end_matches('/').into());
        self
    }

    /// Says in ServiceProviderConfig how clients authenticate. Default: a bearer token.
    #[must_use]
    pub fn authentication_schemes(mut self, schemes: Vec<AuthenticationScheme>) -> Self {
        self.authentication = schemes;
        self
    }

    /// Says in ServiceProviderConfig where administrators find help.
    #[must_use]
    pub fn documentation_uri(mut self, uri: &str) -> Self {
        self.documentation = Some(uri.to_owned());
        self
    }

    /// Whether there are bulk requests (RFC 7644 section 3.7). Default: yes. Without them, `/Bulk` is answered 501.
    #[must_use]
    pub fn bulk(mut self, on: bool) -> Self {
        self.bulk = on;
        self
    }

    /// Takes the time from this clock. Default: the machine's.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.sources.clock = clock;
        self
    }

    /// Takes ids from this generator. Default: random UUIDs.
    #[must_use]
    pub fn ids(mut self, ids: Arc<dyn IdGenerator>) -> Self {
        self.sources.ids = ids;
        self
    }

    /// Seals cursors with this key, so that other processes with the same key, and this one when it is started again,
    /// go on with lists that are being read. Default: a random key, and cursors end with the process.
    #[must_use]
    pub fn cursor_key(mut self, key: CursorKey) -> Self {
        self.cursor_key = Some(key);
        self
    }

    /// Serves `/Me`, the resource of the subject that is authenticated (RFC 7644 section 3.11): the one of this type
    /// whose attribute is the name of the [`Principal`](crate::Principal), whoever has issued it. Default: `/Me` is answered
    /// 501.
    ///
    /// Whoever may ask anything of this service may change and delete the own resource there: keep away who should not.
    #[must_use]
    pub fn me(mut self, resource_type: &str, by: MeBy) -> Self {
        self.me = Some(Me::Attribute(resource_type.into(), by));
        self
    }

    /// As [`me`](Self::me), where the resource of a subject is found in another way.
    #[must_use]
    pub fn me_with(mut self, resolver: Arc<dyn SubjectResolver>) -> Self {
        self.me = Some(Me::Resolver(resolver));
        self
    }

    /// The service.
    #[must_use]
    pub fn build(self) -> ScimService<S> {
        let quirks = match self.quirks.uses() {
            Some(_) => self.quirks,
            None => self.quirks.counted_by(&QuirkUses::new()),
        };
        ScimService::new(Settings {
            store: self.store,
            current: RegistryHandle::new(self.registry),
            own_quirks: quirks,
            limits: self.limits,
            sources: self.sources,
            base_url: self.base_url,
            mounts: self.mounts,
            authentication: self.authentication,
            documentation: self.documentation,
            bulk: self.bulk,
            cursors: Cursors::new(self.cursor_key.as_ref()),
            me: self.me,
        })
    }
}
