//! Connections that read beside the writer.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use r2d2::{ManageConnection, Pool};
use rusqlite::Connection;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use super::super::StoreError;
use super::error::{SqliteOpenError, failed, unavailable};
use super::options::SqliteOptions;
use super::schema;

/// A pool of reading connections.
pub(super) struct Readers {
    pool: Pool<Manager>,
    /// As many permits as there are connections, so that whoever waits for one blocks no thread.
    free: Arc<Semaphore>,
    busy_timeout: Duration,
}

struct Manager {
    path: PathBuf,
    options: SqliteOptions,
}

impl ManageConnection for Manager {
    type Connection = Connection;
    type Error = rusqlite::Error;

    fn connect(&self) -> Result<Connection, rusqlite::Error> {
        schema::open_reader(&self.path, &self.options)
    }

    fn is_valid(&self, _: &mut Connection) -> Result<(), rusqlite::Error> {
        // A connection to a file does not go away.
        Ok(())
    }

    fn has_broken(&self, connection: &mut Connection) -> bool {
        // A panic may have left a transaction open.
        !connection.is_autocommit()
    }
}

impl Readers {
    pub(super) fn open(path: &Path, options: &SqliteOptions) -> Result<Self, SqliteOpenError> {
        let manager = Manager { path: path.to_owned(), options: options.clone() };
        let pool = Pool::builder()
            .max_size(options.readers.max(1))
            .min_idle(Some(0))
            .max_lifetime(None)
            .idle_timeout(None)
            .test_on_check_out(false)
            .connection_timeout(options.busy_timeout)
            .build(manager)
            .map_err(|cause| SqliteOpenError::Other { path: path.to_owned(), cause: cause.into() })?;
        let permits = usize::try_from(options.readers.max(1)).unwrap_or(1);
        Ok(Self { pool, free: Arc::new(Semaphore::new(permits)), busy_timeout: options.busy_timeout })
    }

    /// As [`run`](Self::run), for a read that looks at a few rows: on this thread, where a connection is open and free and
    /// no other process is in the way. To hand it to another thread and back would take several times as long as the read.
    pub(super) async fn run_short<T: Send + 'static>(
        &self,
        work: impl Fn(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        if let Some(done) = self.try_here(&work) {
            return done;
        }
        self.run(work).await
    }

    fn try_here<T>(
        &self,
        work: impl Fn(&Connection) -> Result<T, StoreError>,
    ) -> Option<Result<T, StoreError>> {
        let _permit = self.free.try_acquire().ok()?;
        let connection = self.pool.try_get()?;
        // Whoever waits for another process does so on a thread of its own.
        match read(&connection, Duration::ZERO, work) {
            Err(StoreError::Unavailable(_)) => None,
            result => Some(result),
        }
    }

    /// Runs a read that sees one state of the database from beginning to end.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let permit = Arc::clone(&self.free).acquire_owned().await.map_err(StoreError::internal)?;
        let (pool, busy_timeout) = (self.pool.clone(), self.busy_timeout);
        spawn_blocking(move || {
            let connection = pool.get().map_err(unavailable)?;
            let result = read(&connection, busy_timeout, work);
            drop(connection);
            drop(permit);
            result
        })
        .await
        .map_err(StoreError::internal)?
    }
}

/// Lets a read see one state of the database, for which it waits no longer than this for another process.
fn read<T>(
    connection: &Connection,
    busy_timeout: Duration,
    work: impl FnOnce(&Connection) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    connection.busy_timeout(busy_timeout).map_err(failed)?;
    let transaction = connection.unchecked_transaction().map_err(failed)?;
    work(&transaction)
}
