//! A store in memory: fast, complete, and gone with the process.

mod entry;
mod index;
mod list;
mod relations;
mod shape;
mod shards;
mod snapshot;
mod tables;

use std::collections::HashMap;
use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;

use async_trait::async_trait;
use scim_core::{ResourceId, TenantId, TypeDefinition, Version};
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, RwLock, Semaphore};

use super::change::Ahead;
use super::meter::Meter;
use super::perform::perform;
use super::select::{Found, find, is_plain_scan, page, select};
use super::view::{Stored, View as _, loaded};
use super::{Countdown, Load, Outcome, Page, Query, Record, ResourceStore, StoreError, Write};
use crate::context::RequestContext;
use crate::pause::pause;
use snapshot::Snapshot;
use tables::Tables;

/// A [`ResourceStore`] in memory.
///
/// Reads run side by side, writes one after the other. No lock outlives a write: between two writes of a
/// [`write_all`](ResourceStore::write_all) all those go on that have waited. Equality on indexed attributes,
/// adding a member to a group, a page of its members by cursor (`groups.value eq`) and reading by id cost the same however
/// much is stored. Other filters and sorting look
/// at every resource of the type; where these are more than a few thousand, or have many values, they do it on a thread of the
/// runtime's blocking pool, at the data as it was when they began, so that neither other requests nor writes wait for them
/// (writes wait where relations or what an index finds have to be looked at as well). As
/// many of these run at once as there are processors; others wait for their turn. None looks at more than
/// [`Limits::query_work`](crate::Limits::query_work) says, and none goes on when its request is given up.
///
/// ```
/// use scim_server::store::MemoryStore;
///
/// let store = MemoryStore::new();
/// assert_eq!(format!("{store:?}"), "MemoryStore { tenants: 0, revision: 0 }");
/// ```
pub struct MemoryStore {
    // NB: not the lock of the standard library, which whoever has just let go of it gets before those that wait.
    state: Arc<RwLock<State>>,
    /// For scans that are long.
    scans: Arc<Semaphore>,
}

/// Scans of more resources than this are long: they would keep other requests waiting for about a millisecond.
const LONG: usize = 2_000;

/// Queries that look at more values than this turn out to be long, and begin again elsewhere.
const SHORT: u64 = 50_000;

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
        let at_once = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        Self { state: Arc::default(), scans: Arc::new(Semaphore::new(at_once)) }
    }

    /// What a scan has to look at, however much that is; nothing for other queries.
    async fn snapshot(&self, context: &RequestContext, query: &Query) -> Option<Snapshot> {
        if !is_plain_scan(query) {
            return None;
        }
        let names = query.scopes.iter().map(|scope| Arc::clone(scope.definition.shared_name()));
        Some(self.state.read().await.tenants.get(&context.tenant)?.snapshot(names))
    }

    /// Answers a query here and now. It is given up once it has looked at so many values.
    async fn select(&self, context: &RequestContext, query: &Query, work: u64) -> Result<Page, StoreError> {
        self.state.read().await.select(context, query, &Meter::new(work))
    }

    /// Finds in a snapshot, on a thread on which nobody waits, what is loaded afterwards.
    async fn search(
        &self,
        runtime: &Handle,
        context: &RequestContext,
        query: &Query,
        snapshot: Snapshot,
    ) -> Result<Option<Page>, StoreError> {
        let turn = self.turn().await?;
        let (seeing, asked) = (context.clone(), query.clone());
        let search =
            move |meter: &Meter| find(&snapshot, &seeing, &asked, meter).map(|found| (snapshot, found));
        let (snapshot, found) = aside(runtime, turn, query.work, search).await?;
        self.load(context, query, &snapshot, found).await
    }

    /// As [`select`](Self::select), on a thread on which nobody waits. Writes wait for it, as it needs all tables.
    async fn select_aside(
        &self,
        runtime: &Handle,
        context: &RequestContext,
        query: &Query,
    ) -> Result<Page, StoreError> {
        let turn = self.turn().await?;
        let state = Arc::clone(&self.state).read_owned().await;
        let (seeing, asked) = (context.clone(), query.clone());
        aside(runtime, turn, query.work, move |meter: &Meter| state.select(&seeing, &asked, meter)).await
    }

    /// Waits until a long query may run.
    async fn turn(&self) -> Result<OwnedSemaphorePermit, StoreError> {
        Arc::clone(&self.scans).acquire_owned().await.map_err(StoreError::internal)
    }

    /// Loads what was found in a snapshot; none if some of that has changed, so that the parts would not fit.
    async fn load(
        &self,
        context: &RequestContext,
        query: &Query,
        snapshot: &Snapshot,
        found: Found,
    ) -> Result<Option<Page>, StoreError> {
        let state = self.state.read().await;
        let Some(tables) = state.tenants.get(&context.tenant) else { return Ok(None) };
        let mut stored = Vec::with_capacity(found.entries.len());
        for entry in &found.entries {
            match tables.row(entry.row())? {
                Some(now) if snapshot.version(now.row) == Some(now.record.version) => stored.push(now),
                _ => return Ok(None),
            }
        }
        page(tables, query, found, stored).map(Some)
    }

    /// Works out what can be before everybody else has to wait.
    async fn ahead(&self, context: &RequestContext, write: &mut Write) -> Ahead {
        match write {
            // Nothing will come of it.
            _ if context.budget.check_work().is_err() => Ahead::Nothing,
            Write::Create { new, .. } => Ahead::of_new(new, false),
            Write::Apply { target, changes, .. } if !changes.changes.is_empty() => {
                let state = self.state.read().await;
                let tables = state.tenants.get(&context.tenant);
                let found =
                    tables.and_then(|tables| tables.with_members(&target.id, target.definition.name()));
                drop(state);
                let Some(found) = found else { return Ahead::Nothing };
                let stored = found.stored.clone();
                let pieces = found.pieces(&found.stored.record.document);
                Ahead::of_changes(&target.definition, stored, pieces.as_deref(), changes)
            }
            _ => Ahead::Nothing,
        }
    }

    async fn perform(&self, context: &RequestContext, mut write: Write) -> Result<Outcome, StoreError> {
        let ahead = self.ahead(context, &mut write).await;
        self.state.write().await.perform(context, &mut write, ahead)
    }
}

/// Runs a long query on a thread of the blocking pool. It ends with whoever waits for it.
async fn aside<T: Send + 'static>(
    runtime: &Handle,
    turn: OwnedSemaphorePermit,
    work: u64,
    query: impl FnOnce(&Meter) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    let caller = Arc::new(());
    let waits = Arc::downgrade(&caller);
    let done = runtime.spawn_blocking(move || {
        let done = query(&Meter::new(work).for_caller(waits));
        drop(turn);
        done
    });
    done.await.map_err(StoreError::internal)?
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl State {
    fn select(&self, context: &RequestContext, query: &Query, meter: &Meter) -> Result<Page, StoreError> {
        match self.tenants.get(&context.tenant) {
            Some(tables) => select(tables, context, query, meter),
            None => select(&Tables::default(), context, query, meter),
        }
    }

    /// Carries out a write; nothing happens if it fails.
    fn perform(
        &mut self,
        context: &RequestContext,
        write: &mut Write,
        ahead: Ahead,
    ) -> Result<Outcome, StoreError> {
        let tables = self.tenants.entry(context.tenant.clone()).or_default();
        let version = Version::new(self.revision.saturating_add(1));
        let outcome = perform(tables, context, version, write, ahead)?;
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
        let Some((row, record)) = tables.record(id, definition.name()) else { return Ok(None) };
        loaded(tables, definition, Stored { row, record, display: None }, load).map(Some)
    }

    async fn query(&self, context: &RequestContext, query: &Query) -> Result<Page, StoreError> {
        let Ok(runtime) = Handle::try_current() else { return self.select(context, query, query.work).await };
        let snapshot = self.snapshot(context, query).await;
        if snapshot.as_ref().is_none_or(|snapshot| snapshot.len() <= LONG) {
            match self.select(context, query, query.work.min(SHORT)).await {
                Err(StoreError::QueryWorkSpent) if query.work > SHORT => {}
                done => return done,
            }
        }
        if let Some(snapshot) = snapshot
            && let Some(page) = self.search(&runtime, context, query, snapshot).await?
        {
            return Ok(page);
        }
        self.select_aside(&runtime, context, query).await
    }

    async fn write(&self, context: &RequestContext, write: Write) -> Result<Outcome, StoreError> {
        let outcome = self.perform(context, write).await;
        // Whoever has been given the lock by this write is a task of this thread, and would have it stand idle until the
        // answer to this one is sent.
        pause().await;
        outcome
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
            let result = self.perform(context, write).await;
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

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use scim_core::{Object, Registry, Resource, Value};
    use scim_filter::{Filter, ResolveOptions};

    use super::super::{NewResource, Scope, Target};
    use super::*;

    /// A long scan finds what a short one finds, also of resources that change and go.
    #[tokio::test(flavor = "multi_thread")]
    async fn long_scans_see_what_is_there() {
        let registry = Registry::rfc7643();
        let user = Arc::clone(registry.by_name("User").unwrap());
        let context = RequestContext::new(registry, DateTime::UNIX_EPOCH);
        let store = MemoryStore::new();
        let filter = Filter::parse(r#"title sw "T1""#).unwrap().resolve(&*user, &ResolveOptions::default());
        let scope = Scope::all(Arc::clone(&user)).with_filter(Some(filter.unwrap()));
        let query = Query::new(vec![scope], 5);
        for n in 0..=LONG {
            let attributes: Object =
                [("userName", format!("u{n}")), ("title", format!("T{n}"))].into_iter().collect();
            let new = NewResource::new(
                n.to_string().parse().unwrap(),
                Resource::from_attributes(attributes),
                vec![],
            );
            store.write(&context, Write::create(&user, new)).await.unwrap();
        }
        assert!(store.snapshot(&context, &query).await.is_some());
        let ids = |page: &Page| page.records.iter().map(|r| r.id.to_string()).collect::<Vec<_>>();
        let page = store.query(&context, &query).await.unwrap();
        assert_eq!(
            (page.total_results, ids(&page)),
            (Some(1_111), ["1", "10", "11", "12", "13"].map(String::from).into())
        );
        // What has gone since the snapshot is not loaded.
        let snapshot = store.snapshot(&context, &query).await.unwrap();
        let found = find(&snapshot, &context, &query, &Meter::new(u64::MAX)).unwrap();
        let target = Target::new(&user, &"10".parse().unwrap());
        store.write(&context, Write::delete(target)).await.unwrap();
        assert!(store.load(&context, &query, &snapshot, found).await.unwrap().is_none());
        assert_eq!(store.query(&context, &query).await.unwrap().total_results, Some(1_110));
    }

    /// Long queries end with whoever waits for them, and leave their turn to others.
    #[tokio::test(flavor = "multi_thread")]
    async fn queries_that_nobody_waits_for_make_room() {
        let registry = Registry::rfc7643();
        let user = Arc::clone(registry.by_name("User").unwrap());
        let context = RequestContext::new(registry, DateTime::UNIX_EPOCH);
        let store = MemoryStore::new();
        let emails = |n: usize| -> Vec<Value> {
            (0..n).map(|n| Value::Object([("value", format!("a{n}"))].into_iter().collect())).collect()
        };
        for n in 0..200 {
            let mut attributes: Object = [("userName", format!("u{n}"))].into_iter().collect();
            attributes.insert("emails", emails(2_000));
            let id = n.to_string().parse().unwrap();
            let new = NewResource::new(id, Resource::from_attributes(attributes), vec![]);
            store.write(&context, Write::create(&user, new)).await.unwrap();
        }
        // A few minutes in all.
        let text = vec![r#"emails.value co "zz""#; 120].join(" or ");
        let limits = scim_filter::Limits::search();
        let filter = Filter::parse_with(&text, &limits.into()).unwrap();
        let filter = filter.resolve(&*user, &ResolveOptions::default()).unwrap();
        let query = Query::new(vec![Scope::all(Arc::clone(&user)).with_filter(Some(filter))], 5);
        // As many as run at once, at least on machines of up to four processors, and more.
        let ask = || async {
            let one = store.query(&context, &query);
            assert!(tokio::time::timeout(std::time::Duration::from_millis(100), one).await.is_err());
        };
        tokio::join!(ask(), ask(), ask(), ask(), ask(), ask());
        let few = query.clone().with_work(1_000);
        assert!(matches!(store.query(&context, &few).await, Err(StoreError::QueryWorkSpent)));
        drop(store.turn().await.unwrap());
        assert_eq!(Arc::strong_count(&store.state), 1);
    }
}
