//! The store behind the bridge, with a short form for each kind of write, and whether it can be written.

use std::num::NonZeroUsize;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use scim_core::{ChangeSet, Object, Resource, ResourceId, TenantId, TypeDefinition};
use scim_server::RequestContext;
use scim_server::store::{
    Load, NewResource, Outcome, Page, Precondition, Query, Record, Replacement, ResourceStore, StoreError,
    Target, Write, Written,
};

use super::store::BridgeStore;
use crate::disk::Disk;

/// The tenant of what is only there to be written.
const PROBE: &str = "op-bridge:probe";

/// What the bridge keeps beside the account.
#[derive(Clone, Debug)]
pub(super) struct Records(Arc<Watched>);

impl Records {
    pub(super) fn new(store: Arc<dyn ResourceStore>) -> Self {
        Self(Arc::new(Watched { store, disk: Disk::default(), is_unsettled: AtomicBool::new(false) }))
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

/// A store, and whether what was to be written to it has reached the disk.
#[derive(Debug)]
struct Watched {
    store: Arc<dyn ResourceStore>,
    disk: Disk,
    /// Whether something that was to be written may be there or not, and the account has it otherwise.
    is_unsettled: AtomicBool,
}

impl Watched {
    fn note(&self, done: &Result<Outcome, StoreError>) {
        match done {
            // It may have been the same before, and then nothing has been written.
            Ok(Outcome::Written(written)) if !written.changed => {}
            Ok(Outcome::Created(_) | Outcome::Written(_) | Outcome::Deleted) => self.disk.note_write(true),
            Ok(_) => {}
            // Whoever says so has a reason: a database that is away, a folder that has gone.
            Err(StoreError::Unavailable(_)) => {
                self.is_unsettled.store(true, Ordering::Relaxed);
                self.disk.note_write(false);
            }
            Err(error) => self.disk.note_failure(error),
        }
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
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
        self.note(&done);
        done
    }

    async fn write_all(
        &self,
        context: &RequestContext,
        writes: Vec<Write>,
        stop_after: Option<NonZeroUsize>,
    ) -> Vec<Result<Outcome, StoreError>> {
        let done = self.store.write_all(context, writes, stop_after).await;
        done.iter().for_each(|done| self.note(done));
        done
    }
}

impl BridgeStore {
    /// Whether what was to be written to the store behind the bridge has reached the disk.
    pub(crate) fn disk(&self) -> &Disk {
        &self.inner.0.disk
    }

    /// Whether a write has failed, since this was last taken back, in a way that leaves open what has been written.
    pub(crate) fn is_unsettled(&self) -> bool {
        self.inner.0.is_unsettled.load(Ordering::Relaxed)
    }

    /// Takes that back: view and account are about to be compared.
    pub(crate) fn settle(&self) {
        self.inner.0.is_unsettled.store(false, Ordering::Relaxed);
    }

    /// Writes something that nobody sees, to find out whether the store behind the bridge can be written.
    pub(crate) async fn probe(&self) -> Result<(), StoreError> {
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
        self.inner.delete(&context, users, &id, Precondition::Any).await.map(drop)
    }
}
