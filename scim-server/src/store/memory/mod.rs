//! A store in memory: fast, complete, and gone with the process.

mod tables;

use std::collections::HashMap;
use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;

use async_trait::async_trait;
use scim_core::{ResourceId, TenantId, TypeDefinition, Version};
use tokio::sync::RwLock;

use super::perform::perform;
use super::select::select;
use super::view::{View as _, loaded};
use super::{Countdown, Load, Outcome, Page, Query, Record, ResourceStore, StoreError, Write};
use crate::context::RequestContext;
use crate::pause::pause;
use tables::Tables;

/// A [`ResourceStore`] in memory.
///
/// Reads run side by side, writes one after the other. No lock outlives a write: between two writes of a
/// [`write_all`](ResourceStore::write_all) all those go on that have waited. Equality on indexed attributes,
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
    // NB: not the lock of the standard library, which whoever has just let go of it gets before those that wait.
    state: RwLock<State>,
}

/// INVARIANT: a change is worked out in full before the first table is touched, so that a panic on the way leaves
/// nothing half done.
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
}

impl State {
    /// Carries out a write; nothing happens if it fails.
    fn perform(&mut self, context: &RequestContext, mut write: Write) -> Result<Outcome, StoreError> {
        let tables = self.tenants.entry(context.tenant.clone()).or_default();
        let version = Version::new(self.revision.saturating_add(1));
        let outcome = perform(tables, context, version, &mut write)?;
        if outcome.is_change() {
            self.revision = version.number();
        }
        Ok(outcome)
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("MemoryStore");
        let Ok(state) = self.state.try_read() else { return shown.finish_non_exhaustive() };
        shown.field("tenants", &state.tenants.len()).field("revision", &state.revision).finish()
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
        let state = self.state.read().await;
        let Some(tables) = state.tenants.get(&context.tenant) else { return Ok(None) };
        let found = tables.find(id)?.filter(|s| &*s.record.resource_type == definition.name());
        found.map(|stored| loaded(tables, definition, stored, load)).transpose()
    }

    async fn query(&self, context: &RequestContext, query: &Query) -> Result<Page, StoreError> {
        let state = self.state.read().await;
        match state.tenants.get(&context.tenant) {
            Some(tables) => select(tables, context, query),
            None => select(&Tables::default(), context, query),
        }
    }

    async fn write(&self, context: &RequestContext, write: Write) -> Result<Outcome, StoreError> {
        self.state.write().await.perform(context, write)
    }

    async fn write_all(
        &self,
        context: &RequestContext,
        writes: Vec<Write>,
        stop_after: Option<NonZeroUsize>,
    ) -> Vec<Result<Outcome, StoreError>> {
        let mut countdown = Countdown::new(stop_after);
        let mut results = Vec::with_capacity(writes.len());
        for write in writes {
            let result = self.state.write().await.perform(context, write);
            context.note_write(results.len(), &result);
            let is_last = countdown.ends_with(&result);
            results.push(result);
            if is_last {
                break;
            }
            // Tasks of this thread go on too, and a request whose time is up ends here.
            pause().await;
        }
        results
    }
}
