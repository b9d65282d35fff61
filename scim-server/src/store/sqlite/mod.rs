//! A store in one SQLite file: durable, with no server to run.

mod error;
mod options;
mod readers;
mod rows;
mod schema;
mod write;
mod writer;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use scim_core::{ChangeSet, ResourceId, TypeDefinition};

use super::change::{Outcome, Writer};
use super::select::select;
use super::view::{View as _, loaded};
use super::{
    Load, NewResource, Page, Precondition, Query, Record, Replacement, ResourceStore, StoreError, Written,
};
use crate::context::RequestContext;
use readers::Readers;
use rows::Rows;
use writer::{Batch, WriterThread};

pub use error::SqliteOpenError;
pub use options::{SqliteOptions, Synchronous};

/// A [`ResourceStore`] in a SQLite database.
///
/// # How it works
///
/// One thread writes. Writes that wait at the same time share one transaction, each in a savepoint of its own, and
/// none is answered before that transaction is on disk: many writers at once cost little more than one. Reads run
/// beside it on connections of their own and see a state between two transactions (write-ahead log).
///
/// Equality on indexed attributes, adding a member to a group and reading by id cost the same however much is stored.
/// Other filters and sorting read every resource of the type.
///
/// The keys of unique and indexed values are made by the schemas in force when a resource is written. Whoever changes
/// how an existing attribute compares, or whether it is unique, writes the resources again.
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
        Ok(Self { path: Some(path.to_owned()), readers: Some(readers), writer })
    }

    /// A database that is in memory only, for tests. Reads and writes run one after the other.
    ///
    /// # Errors
    /// [`SqliteOpenError`] when there is no memory or thread to be had.
    pub fn in_memory() -> Result<Self, SqliteOpenError> {
        let options = SqliteOptions::default();
        let connection = schema::open_in_memory(&options)?;
        Ok(Self { path: None, readers: None, writer: WriterThread::start(connection, &options)? })
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

    async fn write<T: Send + 'static>(
        &self,
        context: &RequestContext,
        definition: &Arc<TypeDefinition>,
        work: impl FnOnce(&Session<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (context, definition) = (context.clone(), Arc::clone(definition));
        self.writer
            .run(move |batch| {
                let rows = Rows::new(batch.connection(), &context);
                work(&Session { batch, rows, context: &context, definition: &definition })
            })
            .await
    }
}

/// One write within its savepoint.
struct Session<'a> {
    batch: &'a Batch<'a>,
    rows: Rows<'a>,
    context: &'a RequestContext,
    definition: &'a TypeDefinition,
}

impl<'a> Session<'a> {
    fn writer(&self) -> Writer<'_, Rows<'a>> {
        Writer {
            view: &self.rows,
            context: self.context,
            definition: self.definition,
            version: self.batch.next_version(),
        }
    }

    fn finish(&self, outcome: Outcome, load: Load) -> Result<Option<Written>, StoreError> {
        let (stored, changed) = match outcome {
            Outcome::Missing => return Ok(None),
            Outcome::Unchanged(stored) => (stored, false),
            Outcome::Changed(mutation) => (self.rows.commit(self.definition, mutation)?, true),
        };
        Ok(Some(Written::new(loaded(&self.rows, self.definition, stored, load)?, changed)))
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore").field("path", &self.path).finish_non_exhaustive()
    }
}

#[async_trait]
impl ResourceStore for SqliteStore {
    async fn create(
        &self,
        context: &RequestContext,
        definition: &Arc<TypeDefinition>,
        new: NewResource,
        load: Load,
    ) -> Result<Record, StoreError> {
        self.write(context, definition, move |session| {
            let mutation = session.writer().create(new)?;
            let stored = session.rows.commit(session.definition, mutation)?;
            loaded(&session.rows, session.definition, stored, load)
        })
        .await
    }

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
        self.read(context, move |rows| select(rows, &asking, &query)).await
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
        let id = id.clone();
        self.write(context, definition, move |session| {
            session.finish(session.writer().replace(&id, replacement, &precondition)?, load)
        })
        .await
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
        let id = id.clone();
        self.write(context, definition, move |session| {
            session.finish(session.writer().apply(&id, &changes, &precondition)?, load)
        })
        .await
    }

    async fn delete(
        &self,
        context: &RequestContext,
        definition: &Arc<TypeDefinition>,
        id: &ResourceId,
        precondition: Precondition,
    ) -> Result<bool, StoreError> {
        let id = id.clone();
        self.write(context, definition, move |session| {
            let writer = session.writer();
            let Some(removal) = writer.delete(&id, &precondition)? else { return Ok(false) };
            session.rows.remove(&removal, writer.version)?;
            Ok(true)
        })
        .await
    }
}

#[cfg(test)]
mod tests;
