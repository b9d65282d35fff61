//! Connections that read beside the writer.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

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
    /// As many, less one, for reads that may take long: they leave the others a connection.
    long: Arc<Semaphore>,
    busy_timeout: Duration,
    time: Duration,
}

/// A read on the thread of its request that looks at more values than this turns out to be long, and begins again elsewhere.
const SHORT: u64 = 50_000;

/// After so many of its steps, some ten microseconds, SQLite asks whether to go on.
const STEPS: i32 = 1_000;

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
        let readers = options.readers.max(1);
        let pool = Pool::builder()
            .max_size(readers)
            .min_idle(Some(0))
            .max_lifetime(None)
            .idle_timeout(None)
            .test_on_check_out(false)
            .connection_timeout(options.busy_timeout)
            .build(manager)
            .map_err(|cause| SqliteOpenError::Other { path: path.to_owned(), cause: cause.into() })?;
        let permits = usize::try_from(readers).unwrap_or(1);
        Ok(Self {
            pool,
            free: Arc::new(Semaphore::new(permits)),
            long: Arc::new(Semaphore::new(permits.saturating_sub(1).max(1))),
            busy_timeout: options.busy_timeout,
            time: options.read_time,
        })
    }

    /// As [`run`](Self::run), for a read that looks at a few rows: on this thread, where a connection is open and free and
    /// no other process is in the way. To hand it to another thread and back would take several times as long as the read.
    /// The work is told how many values it may look at.
    pub(super) async fn run_short<T: Send + 'static>(
        &self,
        work: impl Fn(&Connection, u64) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        match self.try_here(|connection| work(connection, SHORT)) {
            Some(Err(StoreError::QueryWorkSpent)) => {
                self.run(move |connection| work(connection, u64::MAX)).await
            }
            Some(done) => done,
            None => self.run_aside(move |connection| work(connection, u64::MAX)).await,
        }
    }

    fn try_here<T>(
        &self,
        work: impl Fn(&Connection) -> Result<T, StoreError>,
    ) -> Option<Result<T, StoreError>> {
        let _permit = self.free.try_acquire().ok()?;
        let connection = self.pool.try_get()?;
        // Whoever waits for another process does so on a thread of its own.
        match read(&connection, Duration::ZERO, None, work) {
            Err(StoreError::Unavailable(_)) => None,
            result => Some(result),
        }
    }

    /// Runs a read that sees one state of the database from beginning to end. It is given up when it takes too long, and
    /// when nobody waits for it any more.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let turn = Arc::clone(&self.long).acquire_owned().await.map_err(StoreError::internal)?;
        self.run_aside(move |connection| {
            let result = work(connection);
            drop(turn);
            result
        })
        .await
    }

    async fn run_aside<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let permit = Arc::clone(&self.free).acquire_owned().await.map_err(StoreError::internal)?;
        let (pool, busy_timeout) = (self.pool.clone(), self.busy_timeout);
        let caller = Arc::new(());
        let patience = Patience {
            until: Instant::now().checked_add(self.time),
            is_over: Arc::default(),
            caller: Arc::downgrade(&caller),
        };
        let done = spawn_blocking(move || {
            let connection = pool.get().map_err(unavailable)?;
            let is_over = Arc::clone(&patience.is_over);
            let result = read(&connection, busy_timeout, Some(patience), work);
            drop(connection);
            drop(permit);
            match result {
                Err(_) if is_over.load(Ordering::Relaxed) => Err(StoreError::QueryWorkSpent),
                result => result,
            }
        });
        done.await.map_err(StoreError::internal)?
    }
}

/// How long a read may go on.
struct Patience {
    until: Option<Instant>,
    /// Whether the time was over.
    is_over: Arc<AtomicBool>,
    /// Gone once nobody waits any more.
    caller: Weak<()>,
}

impl Patience {
    /// Whether the read is to be given up.
    fn is_at_end(&self) -> bool {
        let is_over = self.until.is_some_and(|until| Instant::now() >= until);
        if is_over {
            self.is_over.store(true, Ordering::Relaxed);
        }
        is_over || self.caller.strong_count() == 0
    }
}

/// Lets a read see one state of the database, for which it waits no longer than this for another process.
fn read<T>(
    connection: &Connection,
    busy_timeout: Duration,
    patience: Option<Patience>,
    work: impl FnOnce(&Connection) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    connection.busy_timeout(busy_timeout).map_err(failed)?;
    // The one of the read before is gone with this, however that has ended.
    let ask = patience.map(|patience| move || patience.is_at_end());
    connection.progress_handler(STEPS, ask).map_err(failed)?;
    let transaction = connection.unchecked_transaction().map_err(failed)?;
    work(&transaction)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes minutes.
    const ENDLESS: &str = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) \
        SELECT count(*) FROM (SELECT i FROM n LIMIT 1000000000)";

    fn readers(options: SqliteOptions) -> (tempfile::TempDir, Readers) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("scim.db");
        drop(schema::open(&path, &options).unwrap());
        (folder, Readers::open(&path, &options).unwrap())
    }

    fn ask(connection: &Connection, sql: &str) -> Result<i64, StoreError> {
        connection.query_row(sql, [], |row| row.get(0)).map_err(failed)
    }

    #[tokio::test]
    async fn a_read_that_takes_too_long_is_given_up() {
        let options = SqliteOptions::default().with_readers(1).with_read_time(Duration::from_millis(50));
        let (_folder, readers) = readers(options);
        let given_up = readers.run(|connection| ask(connection, ENDLESS)).await;
        assert!(matches!(given_up, Err(StoreError::QueryWorkSpent)), "{given_up:?}");
        assert_eq!(readers.run(|connection| ask(connection, "SELECT 1")).await.unwrap(), 1);
        // The time was that of the read before.
        assert_eq!(readers.run_short(|connection, _| ask(connection, "SELECT 1")).await.unwrap(), 1);
    }

    #[tokio::test]
    async fn a_read_that_nobody_waits_for_makes_room() {
        let options = SqliteOptions::default().with_readers(1).with_read_time(Duration::from_secs(3_600));
        let (_folder, readers) = readers(options);
        let read = readers.run(|connection| ask(connection, ENDLESS));
        assert!(tokio::time::timeout(Duration::from_millis(50), read).await.is_err());
        assert_eq!(readers.run(|connection| ask(connection, "SELECT 1")).await.unwrap(), 1);
    }

    #[tokio::test]
    async fn long_reads_leave_a_connection_to_short_ones() {
        let options = SqliteOptions::default().with_readers(2).with_read_time(Duration::from_secs(3_600));
        let (_folder, readers) = readers(options);
        let long = || readers.run(|connection| ask(connection, ENDLESS));
        let short = async {
            // The long ones have begun.
            tokio::time::sleep(Duration::from_millis(50)).await;
            readers.run_short(|connection, _| ask(connection, "SELECT 1")).await
        };
        tokio::select! {
            biased;
            done = short => assert_eq!(done.unwrap(), 1),
            _ = async { tokio::join!(long(), long(), long()) } => panic!("they have ended"),
        }
    }

    #[tokio::test]
    async fn what_is_not_short_after_all_is_read_elsewhere() {
        let (_folder, readers) = readers(SqliteOptions::default());
        let here = std::thread::current().id();
        // Opens a connection, which is done elsewhere.
        readers.run_short(|connection, _| ask(connection, "SELECT 1")).await.unwrap();
        let is_here = readers.run_short(move |_, _| Ok(std::thread::current().id() == here)).await;
        assert!(is_here.unwrap());
        let most = readers
            .run_short(|_, most| if most < u64::MAX { Err(StoreError::QueryWorkSpent) } else { Ok(most) });
        assert_eq!(most.await.unwrap(), u64::MAX);
    }
}
