//! A store in memory: fast, complete, and gone with the process.

mod tables;

use std::collections::HashMap;
use std::fmt;
use std::num::NonZeroUsize;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use async_trait::async_trait;
use scim_core::{ResourceId, TenantId, TypeDefinition, Version};

use super::perform::perform;
use super::select::select;
use super::view::{View as _, loaded};
use super::{Countdown, Load, Outcome, Page, Query, Record, ResourceStore, StoreError, Write};
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

    /// Runs writes, which find the same data and nobody else.
    fn writing<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        work(&mut self.state.write().unwrap_or_else(PoisonError::into_inner))
    }
}

impl State {
    /// Carries out a write; nothing happens if it fails.
    fn perform(&mut self, context: &RequestContext, write: Write) -> Result<Outcome, StoreError> {
        let tables = self.tenants.entry(context.tenant.clone()).or_default();
        let version = Version::new(self.revision.saturating_add(1));
        let outcome = perform(tables, context, version, write)?;
        if outcome.is_change() {
            self.revision = version.number();
        }
        Ok(outcome)
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

    async fn write(&self, context: &RequestContext, write: Write) -> Result<Outcome, StoreError> {
        self.writing(|state| state.perform(context, write))
    }

    async fn write_all(
        &self,
        context: &RequestContext,
        writes: Vec<Write>,
        stop_after: Option<NonZeroUsize>,
    ) -> Vec<Result<Outcome, StoreError>> {
        self.writing(|state| {
            let mut countdown = Countdown::new(stop_after);
            let mut results = Vec::with_capacity(writes.len());
            for write in writes {
                let result = state.perform(context, write);
                let is_last = countdown.ends_with(&result);
                results.push(result);
                if is_last {
                    break;
                }
            }
            results
        })
    }
}
