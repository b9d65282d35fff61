//! A store in one SQLite file: durable, with no server to run.

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
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use scim_core::{ResourceId, TenantId, TypeDefinition};
use tokio::runtime::Handle;

use super::perform::perform;
use super::select::select;
use super::view::{Row, View as _, loaded};
use super::{Countdown, Load, Outcome, Page, Query, Record, ResourceStore, StoreError, Write};
use crate::context::RequestContext;
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
/// one [`write_all`](ResourceStore::write_all) are always in one transaction. Reads run
/// beside it on connections of their own and see a state between two transactions (write-ahead log).
///
/// Equality on indexed attributes, adding a member to a group and reading by id cost the same however much is stored.
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
        let writer = WriterThread::start(connection, options)?;
        Ok(Self { path: Some(path.to_owned()), readers: Some(readers), writer, refreshing: Arc::default() })
    }

    /// A database that is in memory only, for tests. Reads and writes run one after the other.
    ///
    /// # Errors
    /// [`SqliteOpenError`] when there is no memory or thread to be had.
    pub fn in_memory() -> Result<Self, SqliteOpenError> {
        let options = SqliteOptions::default();
        let connection = schema::open_in_memory(&options)?;
        let writer = WriterThread::start(connection, &options)?;
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
}

type Refreshing = Arc<Mutex<HashSet<(TenantId, Arc<str>)>>>;

/// Carries out one write in the savepoint that it is in.
fn perform_in(batch: &Batch<'_>, context: &RequestContext, write: Write) -> Result<Outcome, StoreError> {
    perform(&mut Rows::new(batch.connection(), context), context, batch.next_version(), write)
}

type Outcomes = Vec<Result<Outcome, StoreError>>;

/// Carries out writes, each in a savepoint of its own.
fn perform_apart(
    batch: &Batch<'_>,
    context: &RequestContext,
    writes: Vec<Write>,
    stop_after: Option<NonZeroUsize>,
) -> Result<Outcomes, StoreError> {
    let mut countdown = Countdown::new(stop_after);
    let mut results = Vec::with_capacity(writes.len());
    for write in writes {
        let result = batch.part(|| perform_in(batch, context, write))?;
        let is_last = countdown.ends_with(&result);
        results.push(result);
        if is_last {
            break;
        }
    }
    Ok(results)
}

/// Carries out writes with no savepoints between them, which cost a third of the whole; `None` if one of them has
/// failed half-way. Most that fail do so before they have changed anything.
fn perform_together(
    batch: &Batch<'_>,
    context: &RequestContext,
    writes: &[Write],
    stop_after: Option<NonZeroUsize>,
) -> Option<Outcomes> {
    let mut countdown = Countdown::new(stop_after);
    let mut results = Vec::with_capacity(writes.len());
    for write in writes {
        let before = batch.connection().total_changes();
        let result = caught(|| perform_in(batch, context, write.clone()));
        if result.is_err() && (batch.connection().total_changes() != before || batch.is_lost()) {
            return None;
        }
        let is_last = countdown.ends_with(&result);
        results.push(result);
        if is_last {
            break;
        }
    }
    Some(results)
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
        let (id, definition) = (id.clone(), Arc::clone(definition));
        self.read(context, move |rows| {
            let found = rows.find(&id)?.filter(|s| &*s.record.resource_type == definition.name());
            found.map(|stored| loaded(rows, &definition, stored, load)).transpose()
        })
        .await
    }

    async fn query(&self, context: &RequestContext, query: &Query) -> Result<Page, StoreError> {
        let (asking, query) = (context.clone(), query.clone());
        let answered = self.read(context, move |rows| {
            let page = select(rows, &asking, &query)?;
            Ok((page, rows.outdated.take()))
        });
        let (page, outdated) = answered.await?;
        for definition in outdated {
            self.refresh(context, definition);
        }
        Ok(page)
    }

    async fn write(&self, context: &RequestContext, write: Write) -> Result<Outcome, StoreError> {
        let context = context.clone();
        self.writer.run(move |batch| perform_in(batch, &context, write)).await
    }

    async fn write_all(
        &self,
        context: &RequestContext,
        writes: Vec<Write>,
        stop_after: Option<NonZeroUsize>,
    ) -> Vec<Result<Outcome, StoreError>> {
        let (count, context) = (writes.len(), context.clone());
        let done = self.writer.run(move |batch| {
            let revision = batch.revision();
            if let Some(results) = perform_together(batch, &context, &writes, stop_after) {
                return Ok(results);
            }
            batch.undo(revision)?;
            perform_apart(batch, &context, writes, stop_after)
        });
        match done.await {
            Ok(results) => results,
            Err(error) => error::each_failed(error, stop_after.map_or(count, |most| count.min(most.get()))),
        }
    }
}

#[cfg(test)]
mod tests;
