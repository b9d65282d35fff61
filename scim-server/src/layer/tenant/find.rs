use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use scim_core::{Quirks, Registry, ScimError, TenantId};

/// A tenant, and what is different for it.
#[derive(Clone, Debug)]
pub struct Tenant {
    pub(super) id: TenantId,
    pub(super) quirks: Option<Quirks>,
    pub(super) registry: Option<Arc<Registry>>,
}

impl Tenant {
    /// A tenant for which the service is as it is.
    #[must_use]
    pub fn new(id: TenantId) -> Self {
        Self { id, quirks: None, registry: None }
    }

    /// Tolerates these deviations in its requests, rather than those of the service.
    #[must_use]
    pub fn with_quirks(mut self, quirks: Quirks) -> Self {
        self.quirks = Some(quirks);
        self
    }

    /// Serves these schemas and resource types to it, rather than those of the service. The store has to cope with them.
    #[must_use]
    pub fn with_registry(mut self, registry: Arc<Registry>) -> Self {
        self.registry = Some(registry);
        self
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> &TenantId {
        &self.id
    }
}

/// Finds tenants by what requests call them: a table, or a directory of your own.
#[async_trait]
pub trait FindTenant: Send + Sync + fmt::Debug {
    /// The tenant that a request means, or none.
    ///
    /// # Errors
    /// The answer to a request whose tenant cannot be looked up now, such as a 503.
    async fn find(&self, key: &str) -> Result<Option<Tenant>, ScimError>;
}

#[async_trait]
impl<T: FindTenant + ?Sized> FindTenant for Arc<T> {
    async fn find(&self, key: &str) -> Result<Option<Tenant>, ScimError> {
        (**self).find(key).await
    }
}

/// A fixed table of tenants.
#[derive(Clone, Debug, Default)]
pub struct Tenants(HashMap<String, Tenant>);

impl Tenants {
    /// No tenants.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a tenant under what requests call it: the segment of a path, the name of a host in lower case, a principal
    /// as text, which is `name (issuer)` for those of access tokens. Case counts. Several keys may lead to one tenant.
    #[must_use]
    pub fn with(mut self, key: &str, tenant: Tenant) -> Self {
        self.0.insert(key.to_owned(), tenant);
        self
    }
}

#[async_trait]
impl FindTenant for Tenants {
    async fn find(&self, key: &str) -> Result<Option<Tenant>, ScimError> {
        Ok(self.0.get(key).cloned())
    }
}
