//! The store behind the bridge, with a short form for each kind of write, and whether it can be written.

use std::ops::Deref;
use std::sync::Arc;

use async_trait::async_trait;
use scim_core::{ChangeSet, Object, Resource, ResourceId, TenantId, TypeDefinition};
use scim_server::RequestContext;
use scim_server::store::{
    Load, NewResource, Outcome, Page, Precondition, Query, Record, Replacement, ResourceStore, StoreError,
    Target, Write, Written,
};
use tokio::sync::watch;

use super::error::refusal;
use super::store::BridgeStore;

/// The one user of the tenant that is only there to be written.
const PROBE: &str = "op-bridge:probe";

/// What the bridge keeps beside the account.
#[derive(Clone, Debug)]
pub(super) struct Records(Arc<Watched>);

impl Records {
    pub(super) fn new(store: Arc<dyn ResourceStore>) -> Self {
        Self(Arc::new(Watched { store, failing: watch::Sender::new(false) }))
    }

    pub(super) async fn create(
        &self,
        context: &RequestContext,
        definition: &Arc<TypeDefinition>,
        new: NewResource,
        load: Load,
    ) -> Result<Record, StoreError> {
        self.write(context, Write::create(definition, new).with_load(load)).await?.into_created()
    }

    pub(super) async fn replace(
        &self,
        context: &RequestContext,
        definition: &Arc<TypeDefinition>,
        id: &ResourceId,
        replacement: Replacement,
        precondition: Precondition,
        load: Load,
    ) -> Result<Option<Written>, StoreError> {
        let target = Target::new(definition, id).with_precondition(precondition);
        self.write(context, Write::replace(target, replacement).with_load(load)).await?.into_written()
    }

    pub(super) async fn apply(
        &self,
        context: &RequestContext,
        definition: &Arc<TypeDefinition>,
        id: &ResourceId,
        changes: ChangeSet,
        precondition: Precondition,
        load: Load,
    ) -> Result<Option<Written>, StoreError> {
        let target = Target::new(definition, id).with_precondition(precondition);
        self.write(context, Write::apply(target, changes).with_load(load)).await?.into_written()
    }

    pub(super) async fn delete(
        &self,
        context: &RequestContext,
        definition: &Arc<TypeDefinition>,
        id: &ResourceId,
        precondition: Precondition,
    ) -> Result<bool, StoreError> {
        let target = Target::new(definition, id).with_precondition(precondition);
        self.write(context, Write::delete(target)).await?.into_deleted()
    }
}

impl Deref for Records {
    type Target = dyn ResourceStore;

    fn deref(&self) -> &Self::Target {
        &*self.0
    }
}

/// A store, and whether a write to it has failed.
#[derive(Debug)]
struct Watched {
    store: Arc<dyn ResourceStore>,
    failing: watch::Sender<bool>,
}

#[async_trait]
impl ResourceStore for Watched {
    async fn get(
        &self,
        context: &RequestContext,
        definition: &Arc<TypeDefinition>,
        id: &ResourceId,
        load: Load,
    ) -> Result<Option<Record>, StoreError> {
        self.store.get(context, definition, id, load).await
    }

    async fn query(&self, context: &RequestContext, query: &Query) -> Result<Page, StoreError> {
        self.store.query(context, query).await
    }

    async fn write(&self, context: &RequestContext, write: Write) -> Result<Outcome, StoreError> {
        let done = self.store.write(context, write).await;
        if let Err(StoreError::Unavailable(_) | StoreError::Internal(_)) = &done {
            self.failing.send_replace(true);
        }
        done
    }
}

impl BridgeStore {
    /// Writes something that nobody sees, to find out whether the store behind the bridge can be written.
    ///
    /// # Errors
    ///
    /// When it cannot.
    pub async fn probe(&self) -> Result<(), StoreError> {
        let Some(users) = self.registry.by_name("User") else { return Ok(()) };
        let tenant = PROBE.parse::<TenantId>().map_err(StoreError::internal)?;
        let context = RequestContext::new(Arc::clone(&self.registry), self.clock.now()).with_tenant(tenant);
        let id: ResourceId = "probe".parse().map_err(StoreError::internal)?;
        let mut attributes = Object::new();
        attributes.insert("userName", id.as_str());
        let new = NewResource::new(id.clone(), Resource::from_attributes(attributes), Vec::new());
        // One may be left of a process that has died in between.
        self.inner.delete(&context, users, &id, Precondition::Any).await?;
        self.inner.create(&context, users, new, Load::None).await?;
        self.inner.delete(&context, users, &id, Precondition::Any).await?;
        self.inner.0.failing.send_if_modified(std::mem::take);
        Ok(())
    }

    /// Whether the account has nobody but its owner while the view has people: nobody is ever deleted in an account, so
    /// it is another one than the view was made of.
    ///
    /// # Errors
    ///
    /// When the account or the store cannot be read.
    pub async fn has_lost_its_account(&self) -> Result<bool, StoreError> {
        let Some(users) = self.registry.by_name("User") else { return Ok(false) };
        let people = self.account.people().await.map_err(refusal)?;
        if people.len() > 1 {
            return Ok(false);
        }
        let context = RequestContext::new(Arc::clone(&self.registry), self.clock.now());
        let view = self.all(&context, users, Load::None).await?;
        Ok(!view.is_empty() && !people.iter().any(|person| view.contains_key(person.id.as_str())))
    }

    /// Whether a write to the store behind the bridge has failed, and no [probe](Self::probe) has succeeded since.
    pub fn failing(&self) -> watch::Receiver<bool> {
        self.inner.0.failing.subscribe()
    }
}
