//! A store in memory: fast, complete, and gone with the process.

mod tables;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use async_trait::async_trait;
use scim_core::{ChangeSet, ResourceId, TenantId, TypeDefinition, Version};

use super::change::{Mutation, Outcome, Removal, Writer};
use super::select::select;
use super::view::{View as _, loaded};
use super::{
    Load, NewResource, Page, Precondition, Query, Record, Replacement, ResourceStore, StoreError, Written,
};
use crate::context::RequestContext;
use tables::Tables;

/// A [`ResourceStore`] in memory.
///
/// Reads run side by side, writes one after the other; no lock outlives a call. Equality on indexed attributes,
/// adding a member to a group and reading by id cost the same however much is stored. Other filters and sorting look
/// at every resource of the type.
///
/// ```
/// use scim_server::store::MemoryStore;
///
/// let store = MemoryStore::new();
/// assert_eq!(format!("{store:?}"), "MemoryStore { tenants: 0, revision: 0 }");
/// ```
#[derive(Default)]
pub struct MemoryStore {
    state: RwLock<State>,
}

/// INVARIANT: a change is worked out in full before the first table is touched, so that a panic on the way leaves
/// nothing half done behind a poisoned lock.
#[derive(Default)]
struct State {
    tenants: HashMap<TenantId, Tables>,
    /// The version of the last write.
    revision: u64,
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs a write: `work` says what it comes to, and nothing happens if it fails.
    fn write<T>(
        &self,
        context: &RequestContext,
        definition: &TypeDefinition,
        work: impl FnOnce(&mut Session<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        let State { tenants, revision } = &mut *state;
        let tables = tenants.entry(context.tenant.clone()).or_default();
        work(&mut Session { tables, revision, context, definition })
    }
}

/// One write while it holds the lock.
struct Session<'a> {
    tables: &'a mut Tables,
    revision: &'a mut u64,
    context: &'a RequestContext,
    definition: &'a TypeDefinition,
}

impl Session<'_> {
    fn next_version(&self) -> Version {
        Version::new(self.revision.saturating_add(1))
    }

    fn writer(&self) -> Writer<'_, Tables> {
        Writer {
            view: self.tables,
            context: self.context,
            definition: self.definition,
            version: self.next_version(),
        }
    }

    fn commit(&mut self, mutation: Mutation, load: Load) -> Result<Record, StoreError> {
        let version = mutation.record.version;
        let stored = self.tables.commit(self.definition, mutation)?;
        *self.revision = version.number();
        loaded(self.tables, self.definition, stored, load)
    }

    fn finish(&mut self, outcome: Outcome, load: Load) -> Result<Option<Written>, StoreError> {
        Ok(match outcome {
            Outcome::Missing => None,
            Outcome::Unchanged(stored) => {
                Some(Written::new(loaded(self.tables, self.definition, stored, load)?, false))
            }
            Outcome::Changed(mutation) => Some(Written::new(self.commit(mutation, load)?, true)),
        })
    }

    fn remove(&mut self, removal: &Removal) {
        let version = self.next_version();
        self.tables.remove(removal, version);
        *self.revision = version.number();
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.read();
        f.debug_struct("MemoryStore")
            .field("tenants", &state.tenants.len())
            .field("revision", &state.revision)
            .finish()
    }
}

#[async_trait]
impl ResourceStore for MemoryStore {
    async fn create(
        &self,
        context: &RequestContext,
        definition: &Arc<TypeDefinition>,
        new: NewResource,
        load: Load,
    ) -> Result<Record, StoreError> {
        self.write(context, definition, |session| {
            let mutation = session.writer().create(new)?;
            session.commit(mutation, load)
        })
    }

    async fn get(
        &self,
        context: &RequestContext,
        definition: &Arc<TypeDefinition>,
        id: &ResourceId,
        load: Load,
    ) -> Result<Option<Record>, StoreError> {
        let state = self.read();
        let Some(tables) = state.tenants.get(&context.tenant) else { return Ok(None) };
        let found = tables.find(id)?.filter(|s| &*s.record.resource_type == definition.name());
        found.map(|stored| loaded(tables, definition, stored, load)).transpose()
    }

    async fn query(&self, context: &RequestContext, query: &Query) -> Result<Page, StoreError> {
        let state = self.read();
        match state.tenants.get(&context.tenant) {
            Some(tables) => select(tables, context, query),
            None => select(&Tables::default(), context, query),
        }
    }

    async fn replace(
        &self,
        context: &RequestContext,
        definition: &Arc<TypeDefinition>,
        id: &ResourceId,
        replacement: Replacement,
        precondition: Precondition,
        load: Load,
    ) -> Result<Option<Written>, StoreError> {
        self.write(context, definition, |session| {
            let outcome = session.writer().replace(id, replacement, &precondition)?;
            session.finish(outcome, load)
        })
    }

    async fn apply(
        &self,
        context: &RequestContext,
        definition: &Arc<TypeDefinition>,
        id: &ResourceId,
        changes: ChangeSet,
        precondition: Precondition,
        load: Load,
    ) -> Result<Option<Written>, StoreError> {
        self.write(context, definition, |session| {
            let outcome = session.writer().apply(id, &changes, &precondition)?;
            session.finish(outcome, load)
        })
    }

    async fn delete(
        &self,
        context: &RequestContext,
        definition: &Arc<TypeDefinition>,
        id: &ResourceId,
        precondition: Precondition,
    ) -> Result<bool, StoreError> {
        self.write(context, definition, |session| {
            let Some(removal) = session.writer().delete(id, &precondition)? else { return Ok(false) };
            session.remove(&removal);
            Ok(true)
        })
    }
}
