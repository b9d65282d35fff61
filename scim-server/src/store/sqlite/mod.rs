//! A store in one SQLite file: durable, with no server to run.

mod checkpoint;
mod error;
mod keys;
mod options;
mod readers;
mod rows;
mod schema;
mod search;
mod write;
mod writer;

use std::collections::HashSet;
use std::fmt;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, Weak};
use std::time::Instant;

use async_trait::async_trait;
use scim_core::{ResourceId, TenantId, TypeDefinition};
use tokio::runtime::Handle;

use super::change::Ahead;
use super::meter::Meter;
use super::perform::perform;
use super::select::{finds_one, select};
use super::view::{Row, View as _, loaded};
use super::{Countdown, Load, Outcome, Page, Query, Record, ResourceStore, StoreError, Write};
use crate::context::RequestContext;
use checkpoint::Checkpoints;
use readers::Readers;
use rows::Rows;
use writer::{Batch, WriterThread, caught};

pub use error::SqliteOpenError;
pub use options::{SqliteOptions, Synchronous};

/// A [`ResourceStore`] in a SQLite database.
///
/// # How it works
///
/// One thread writes. Writes that wait at the same time share one transaction, each in a savepoint of its own, and
/// none is answered before that transaction is on disk: many writers at once cost little more than one. The writes of
/// one [`write_all`](ResourceStore::write_all) share a transaction too, as many as fit in
/// [`SqliteOptions::batch_time`]; others have their turn before the rest. A write that nobody waits for any more when
/// its turn comes is not begun. Reads run
/// beside it on connections of their own and see a state between two transactions (write-ahead log). Those of a few rows,
/// by id or by unique values, are done where they are asked for, without a switch of threads; others on the blocking pool.
///
/// SQLite as it is built in by default has one lock around the page caches of all connections. To build it without, as the
/// binaries of this project are, set `LIBSQLITE3_FLAGS="-USQLITE_ENABLE_MEMORY_MANAGEMENT -DSQLITE_DEFAULT_MEMSTATUS=0"`
/// for cargo, such as in `[env]` of `.cargo/config.toml`.
///
/// Equality on indexed attributes, adding a member to a group, a page of its members by cursor (`groups.value eq`) and
/// reading by id cost the same however much is stored; `sw` of indexed attributes costs what it finds.
/// Other filters, sorting and counting are done in SQL, over a second form of each resource of the type that has all
/// values as they compare. What SQL cannot decide (binary values, `$ref` of relations, `display` of relations where case
/// does not matter, `meta.location`) is decided on the resources themselves, where nothing else excludes them.
///
/// That form is made by the schemas in force when a resource is written. Where they have changed since, or an earlier
/// version of this program made the file, queries look at the resources themselves, and have the new form made in the
/// background.
///
/// The keys of unique and indexed values are made by the schemas in force when a resource is written too. Whoever changes
/// how an existing attribute compares, or whether it is unique, writes the resources again. Where a new version of this
/// program compares the user names of RFC 7643 in another way, it makes their keys anew when it opens the database.
///
/// # Several processes
///
/// Several processes on one machine may open one file: each write reads the newest state, and versions never repeat.
/// A file on a network share is not safe.
pub struct SqliteStore {
    path: Option<PathBuf>,
    // Before the writer, so that the last connection to close is the one that writes.
    readers: Option<Readers>,
    writer: WriterThread,
    /// The types, by tenant, whose search documents are being made anew.
    refreshing: Refreshing,
}

impl SqliteStore {
    /// Opens or creates a database with the default [`SqliteOptions`].
    ///
    /// # Errors
    /// [`SqliteOpenError`] as [`SqliteStore::open_with`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self, SqliteOpenError> {
        Self::open_with(path, &SqliteOptions::default())
    }

    /// Opens or creates a database. It is brought up to date if an earlier version of this program made it. A new
    /// file may be read and written by its owner only.
    ///
    /// # Errors
    /// [`SqliteOpenError`] when the path cannot be read and written, the file is no database or belongs to another
    /// program, or a later version of this program made it.
    pub fn open_with(path: impl AsRef<Path>, options: &SqliteOptions) -> Result<Self, SqliteOpenError> {
        let path = path.as_ref();
        let connection = schema::open(path, options)?;
        let readers = Readers::open(path, options)?;
        let checkpoints = Checkpoints::start(&connection, path, options)?;
        let writer = WriterThread::start(connection, Some(checkpoints), options)?;
        Ok(Self { path: Some(path.to_owned()), readers: Some(readers), writer, refreshing: Arc::default() })
    }

    /// A database that is in memory only, for tests. Reads and writes run one after the other.
    ///
    /// # Errors
    /// [`SqliteOpenError`] when there is no memory or thread to be had.
    pub fn in_memory() -> Result<Self, SqliteOpenError> {
        let options = SqliteOptions::default();
        let connection = schema::open_in_memory(&options)?;
        let writer = WriterThread::start(connection, None, &options)?;
        Ok(Self { path: None, readers: None, writer, refreshing: Arc::default() })
    }

    /// Makes the search documents of a type anew beside whatever else is done, a few at a time, unless that is under
    /// way. It ends early with the store; the next query that meets old ones begins again.
    fn refresh(&self, context: &RequestContext, definition: Arc<TypeDefinition>) {
        let Ok(runtime) = Handle::try_current() else { return };
        let (context, line, refreshing) = (context.clone(), self.writer.line(), Arc::clone(&self.refreshing));
        let key = (context.tenant.clone(), Arc::clone(definition.shared_name()));
        if !refreshing.lock().is_ok_and(|mut running| running.insert(key.clone())) {
            return;
        }
        runtime.spawn(async move {
            let mut after = Some(Row::MIN);
            while let Some(row) = after {
                let (context, definition) = (context.clone(), Arc::clone(&definition));
                let made = line
                    .run(move |batch| Rows::new(batch.connection(), &context).make_anew(&definition, row));
                after = made.await.unwrap_or_else(|error| {
                    tracing::debug!(%error, "search documents were not made anew");
                    None
                });
            }
            if let Ok(mut running) = refreshing.lock() {
                running.remove(&key);
            }
        });
    }

    async fn read<T: Send + 'static>(
        &self,
        context: &RequestContext,
        work: impl FnOnce(&Rows<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let context = context.clone();
        match &self.readers {
            Some(readers) => readers.run(move |connection| work(&Rows::new(connection, &context))).await,
            None => self.writer.run(move |batch| work(&Rows::new(batch.connection(), &context))).await,
        }
    }

    /// As [`read`](Self::read), for what looks at a few rows. The work is told how many values it may look at.
    async fn read_short<T: Send + 'static>(
        &self,
        context: &RequestContext,
        work: impl Fn(&Rows<'_>, u64) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let Some(readers) = &self.readers else {
            return self.read(context, move |rows| work(rows, u64::MAX)).await;
        };
        let context = context.clone();
        readers.run_short(move |connection, most| work(&Rows::new(connection, &context), most)).await
    }
}

/// Whether not much comes with one resource of a type: a group has any number of members, a user is in some groups.
fn is_short(definition: &TypeDefinition, load: Load) -> bool {
    load == Load::None || definition.relations().is_empty()
}

type Refreshing = Arc<Mutex<HashSet<(TenantId, Arc<str>)>>>;

/// Carries out one write in the savepoint that it is in.
fn perform_in(
    batch: &Batch<'_>,
    context: &RequestContext,
    write: &mut Write,
    ahead: Ahead,
) -> Result<Outcome, StoreError> {
    perform(&mut Rows::new(batch.connection(), context), context, batch.next_version(), write, ahead)
}

type Outcomes = Vec<Result<Outcome, StoreError>>;

/// The writes of a [`write_all`](ResourceStore::write_all) that are still to be carried out.
struct Rest {
    writes: Vec<Write>,
    countdown: Countdown,
    /// Whether they are carried out apart from each other, as one has failed half-way.
    apart: bool,
    /// Gone once nobody waits for them any more.
    caller: Weak<()>,
}

/// One of several writes that are carried out together has changed something before it failed.
struct HalfWay;

impl Rest {
    /// Carries out as many writes as one transaction has time for, at least one.
    ///
    /// Savepoints between them cost a third of the whole, so they are left out until a write fails half-way; what has
    /// come before it is then carried out again. Most that fail do so before they have changed anything.
    fn perform_some(&mut self, batch: &Batch<'_>, context: &RequestContext) -> Result<Outcomes, StoreError> {
        if !self.apart {
            let revision = batch.revision();
            let together = self.each(
                || batch.is_full(),
                |write| {
                    let (before, version) = (batch.connection().total_changes(), batch.revision());
                    let result = caught(|| perform_in(batch, context, write, Ahead::Nothing));
                    let has_changed = || batch.connection().total_changes() != before || batch.is_lost();
                    if result.is_err() {
                        if has_changed() {
                            return Err(HalfWay);
                        }
                        batch.forget_since(version);
                    }
                    Ok(result)
                },
            );
            match together {
                Ok(outcomes) => return Ok(outcomes),
                Err(HalfWay) => {
                    self.apart = true;
                    batch.undo(revision)?;
                }
            }
        }
        let started = Instant::now();
        self.each(
            || started.elapsed() >= batch.time(),
            |write| batch.part(|| perform_in(batch, context, write, Ahead::Nothing)),
        )
    }

    /// Carries out one write after the other until it is time to let others go on; those are left then.
    fn each<E>(
        &mut self,
        is_time: impl Fn() -> bool,
        mut carry_out: impl FnMut(&mut Write) -> Result<Result<Outcome, StoreError>, E>,
    ) -> Result<Outcomes, E> {
        let mut countdown = self.countdown;
        let mut is_over = false;
        let mut outcomes = Vec::with_capacity(self.writes.len());
        for write in &mut self.writes {
            let outcome = carry_out(write)?;
            is_over = countdown.ends_with(&outcome);
            outcomes.push(outcome);
            if is_over || is_time() || self.caller.strong_count() == 0 {
                break;
            }
        }
        self.countdown = countdown;
        let done = if is_over { self.writes.len() } else { outcomes.len() };
        self.writes.drain(..done);
        Ok(outcomes)
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore").field("path", &self.path).finish_non_exhaustive()
    }
}

#[async_trait]
impl ResourceStore for SqliteStore {
    async fn get(
        &self,
        context: &RequestContext,
        definition: &Arc<TypeDefinition>,
        id: &ResourceId,
        load: Load,
    ) -> Result<Option<Record>, StoreError> {
        let is_short = is_short(definition, load);
        let (id, definition) = (id.clone(), Arc::clone(definition));
        let work = move |rows: &Rows<'_>, _| {
            let found = rows.find(&id)?.filter(|s| &*s.record.resource_type == definition.name());
            found.map(|stored| loaded(rows, &definition, stored, load)).transpose()
        };
        if is_short {
            self.read_short(context, work).await
        } else {
            self.read(context, move |rows| work(rows, u64::MAX)).await
        }
    }

    async fn query(&self, context: &RequestContext, query: &Query) -> Result<Page, StoreError> {
        let (asking, query) = (context.clone(), query.clone());
        let is_short =
            finds_one(&query) && query.scopes.iter().all(|one| is_short(&one.definition, query.load));
        let work = move |rows: &Rows<'_>, most: u64| {
            let page = select(rows, &asking, &query, &Meter::new(query.work.min(most)))?;
            Ok((page, rows.outdated.take()))
        };
        let answered = if is_short {
            self.read_short(context, work).await
        } else {
            self.read(context, move |rows| work(rows, u64::MAX)).await
        };
        let (page, outdated) = answered?;
        for definition in outdated {
            self.refresh(context, definition);
        }
        Ok(page)
    }

    async fn write(&self, context: &RequestContext, mut write: Write) -> Result<Outcome, StoreError> {
        let context = context.clone();
        // The thread that writes does nothing that can be done by others.
        let ahead = match &mut write {
            Write::Create { new, .. } if context.budget.check_work().is_ok() => {
                Ahead::of_new(new, Rows::SEARCHES)
            }
            _ => Ahead::Nothing,
        };
        self.writer.run(move |batch| perform_in(batch, &context, &mut write, ahead)).await
    }

    async fn write_all(
        &self,
        context: &RequestContext,
        writes: Vec<Write>,
        stop_after: Option<NonZeroUsize>,
    ) -> Vec<Result<Outcome, StoreError>> {
        let caller = Arc::new(());
        let mut outcomes = Vec::with_capacity(writes.len());
        let mut rest = Rest {
            writes,
            countdown: Countdown::new(stop_after),
            apart: false,
            caller: Arc::downgrade(&caller),
        };
        while !rest.writes.is_empty() {
            let most = rest.countdown.left().map_or(usize::MAX, NonZeroUsize::get);
            let left = rest.writes.len().min(most);
            let shared = context.clone();
            let some = self.writer.run(move |batch| {
                let outcomes = rest.perform_some(batch, &shared)?;
                Ok((outcomes, rest))
            });
            match some.await {
                Ok((some, after)) => {
                    for outcome in some {
                        context.note_write(outcomes.len(), &outcome);
                        outcomes.push(outcome);
                    }
                    rest = after;
                }
                Err(error) => {
                    outcomes.extend(error::each_failed(error, left));
                    break;
                }
            }
        }
        outcomes
    }
}

#[cfg(test)]
mod tests;
