//! One thread that writes, a few connections that read.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};
use tokio::sync::{Semaphore, mpsc, oneshot};

use super::super::AccountError;
use crate::disk::{Disk, is_of_the_disk};

/// Connections that read at the same time.
const READERS: u32 = 4;
/// Writes that wait in the queue; more callers wait to get in.
const QUEUE: usize = 1024;
/// The most writes in one commit.
const BATCH: usize = 256;
/// How long a connection waits for another process, such as a command of the administrator.
const BUSY: Duration = Duration::from_secs(10);

/// Does one write inside the transaction, and says what to do once it is known whether it was committed.
type Job = Box<dyn FnOnce(&mut Transaction<'_>) -> Done + Send>;

/// What has become of a write before the commit.
struct Done {
    answer: Box<dyn FnOnce(Committed) + Send>,
    /// The disk did not take it.
    failed_on_disk: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Committed {
    Yes,
    No,
}

#[derive(Debug)]
pub(super) struct Database {
    jobs: mpsc::Sender<Job>,
    readers: r2d2::Pool<Reader>,
    turns: Arc<Semaphore>,
    disk: Disk,
}

impl Database {
    /// Uses the database at `path`, whose tables exist.
    pub(super) fn open(path: &Path) -> Result<Self, rusqlite::Error> {
        let mut writer = connect(path)?;
        let (jobs, mut queue) = mpsc::channel::<Job>(QUEUE);
        let disk = Disk::default();
        let noted = disk.clone();
        thread::Builder::new()
            .name("account-writer".to_owned())
            .spawn(move || {
                while let Some(first) = queue.blocking_recv() {
                    commit(&mut writer, first, &mut queue, &noted);
                }
            })
            .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
        let readers = r2d2::Pool::builder()
            .max_size(READERS)
            .min_idle(Some(0))
            .build(Reader { path: path.to_owned() })
            .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
        Ok(Self { jobs, readers, turns: Arc::new(Semaphore::new(READERS as usize)), disk })
    }

    /// Runs `work` in the writing thread; returns after its effects are on the disk. If it fails, it has had
    /// no effect.
    pub(super) async fn write<T, F>(&self, work: F) -> Result<T, AccountError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, AccountError> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let job: Job = Box::new(move |transaction| {
            let result = in_savepoint(transaction, work);
            let failed_on_disk = result.as_ref().is_err_and(|error| is_of_the_disk(error));
            let answer = Box::new(move |committed| {
                let result = match committed {
                    Committed::Yes => result,
                    Committed::No => result.and(Err(AccountError::Unavailable {
                        reason: "the change could not be saved",
                        source: None,
                    })),
                };
                // Nobody listens if the caller has gone away in the meantime.
                let _ = reply.send(result);
            });
            Done { answer, failed_on_disk }
        });
        tracing::trace!("account database write");
        let stopped =
            || AccountError::Unavailable { reason: "its database could not be written", source: None };
        self.jobs.send(job).await.map_err(|_| stopped())?;
        answer.await.map_err(|_| stopped())?
    }

    /// Whether what was to be written has reached the disk.
    pub(super) fn disk(&self) -> &Disk {
        &self.disk
    }

    /// Writes a page as it is, to find out whether the disk takes it.
    pub(super) async fn probe(&self) -> Result<(), AccountError> {
        self.write(|database| {
            let version: i64 = database.pragma_query_value(None, "user_version", |row| row.get(0))?;
            Ok(database.pragma_update(None, "user_version", version)?)
        })
        .await?;
        self.disk.note_write(true);
        Ok(())
    }

    /// Runs `work` on a connection that only reads, and sees everything that has been answered.
    pub(super) async fn read<T, F>(&self, work: F) -> Result<T, AccountError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, AccountError> + Send + 'static,
    {
        tracing::trace!("account database read");
        let busy = |error| AccountError::unavailable("its database gave no connection", error);
        // Wait for a turn here, not in a thread of the blocking pool.
        let turn = Arc::clone(&self.turns).acquire_owned().await;
        let readers = self.readers.clone();
        tokio::task::spawn_blocking(move || {
            let _turn = turn;
            let mut connection = readers.get().map_err(busy)?;
            // One transaction, so that several statements see one state.
            work(&*connection.transaction()?)
        })
        .await
        .map_err(|error| AccountError::unavailable("reading was interrupted", error))?
    }
}

impl From<rusqlite::Error> for AccountError {
    fn from(error: rusqlite::Error) -> Self {
        Self::unavailable("its database failed", error)
    }
}

/// Whether a statement failed because a value that must be unique is there already.
pub(super) fn is_duplicate(error: &rusqlite::Error) -> bool {
    matches!(error, rusqlite::Error::SqliteFailure(failure, _)
    if matches!(
        failure.extended_code,
        rusqlite::ffi::SQLITE_CONSTRAINT_UNIQUE | rusqlite::ffi::SQLITE_CONSTRAINT_PRIMARYKEY
    ))
}

/// Opens the database for writing, with the settings that durability rests on.
pub(super) fn connect(path: &Path) -> Result<Connection, rusqlite::Error> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(BUSY)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

fn commit(writer: &mut Connection, first: Job, queue: &mut mpsc::Receiver<Job>, disk: &Disk) {
    let mut answers = Vec::new();
    let changes = writer.total_changes();
    let committed = match writer.transaction_with_behavior(TransactionBehavior::Immediate) {
        Ok(mut transaction) => {
            answers.push(first(&mut transaction));
            // A disk that takes nothing may end the transaction: what came after that would be outside of it.
            while answers.len() < BATCH
                && !transaction.is_autocommit()
                && let Ok(job) = queue.try_recv()
            {
                answers.push(job(&mut transaction));
            }
            transaction.commit()
        }
        // Dropping the job tells its caller.
        Err(error) => Err(error),
    };
    if let Err(error) = &committed {
        tracing::error!(%error, writes = answers.len(), "the account's database could not be written");
    }
    let failed_on_disk = answers.iter().any(|done: &Done| done.failed_on_disk);
    match &committed {
        Err(error) => disk.note_failure(error),
        Ok(()) if failed_on_disk => {}
        // A transaction that changes nothing writes nothing, and so does not tell.
        Ok(()) if writer.total_changes() == changes => {}
        Ok(()) => disk.note_write(true),
    }
    if failed_on_disk {
        disk.note_write(false);
    }
    let committed = if committed.is_ok() { Committed::Yes } else { Committed::No };
    for done in answers {
        (done.answer)(committed);
    }
}

fn in_savepoint<T>(
    transaction: &mut Transaction<'_>,
    work: impl FnOnce(&Connection) -> Result<T, AccountError>,
) -> Result<T, AccountError> {
    let savepoint = transaction.savepoint()?;
    // Dropping a savepoint takes back what was done in it.
    let result = work(&savepoint)?;
    savepoint.commit()?;
    Ok(result)
}

/// Opens connections for the pool of readers.
#[derive(Debug)]
struct Reader {
    path: PathBuf,
}

impl r2d2::ManageConnection for Reader {
    type Connection = Connection;
    type Error = rusqlite::Error;

    fn connect(&self) -> Result<Connection, rusqlite::Error> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&self.path, flags)?;
        connection.busy_timeout(BUSY)?;
        connection.pragma_update(None, "query_only", true)?;
        connection.set_prepared_statement_cache_capacity(64);
        Ok(connection)
    }

    fn is_valid(&self, connection: &mut Connection) -> Result<(), rusqlite::Error> {
        connection.execute_batch("SELECT 1")
    }

    fn has_broken(&self, _: &mut Connection) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn database() -> (tempfile::TempDir, Database) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("d.sqlite3");
        connect(&path).unwrap().execute_batch("CREATE TABLE t (n INTEGER PRIMARY KEY)").unwrap();
        let database = Database::open(&path).unwrap();
        (folder, database)
    }

    fn insert(n: i64) -> impl FnOnce(&Connection) -> Result<(), AccountError> {
        move |database| Ok(database.execute("INSERT INTO t VALUES (?1)", [n]).map(drop)?)
    }

    async fn count(database: &Database) -> i64 {
        database.read(|d| Ok(d.query_one("SELECT count(*) FROM t", [], |row| row.get(0))?)).await.unwrap()
    }

    #[tokio::test]
    async fn a_failed_write_takes_back_only_itself() {
        let (_folder, database) = database();
        let database = Arc::new(database);
        let tasks: Vec<_> = (0..500)
            .map(|n| {
                let database = Arc::clone(&database);
                tokio::spawn(async move {
                    database
                        .write(move |d| {
                            insert(n)(d)?;
                            if n % 2 == 0 { Err(AccountError::Locked) } else { Ok(()) }
                        })
                        .await
                })
            })
            .collect();
        let mut kept = 0;
        for task in tasks {
            kept += i64::from(task.await.unwrap().is_ok());
        }
        assert_eq!(kept, 250);
        assert_eq!(count(&database).await, 250);
    }

    #[tokio::test]
    async fn duplicates_are_told_from_other_failures() {
        let (_folder, database) = database();
        database.write(insert(1)).await.unwrap();
        let duplicate = database
            .write(|d| {
                let error = d.execute("INSERT INTO t VALUES (1)", []).unwrap_err();
                Ok(is_duplicate(&error))
            })
            .await
            .unwrap();
        assert!(duplicate);
        assert_eq!(count(&database).await, 1);
    }

    #[tokio::test]
    async fn a_write_that_finds_no_room_is_remembered_until_one_has_reached_the_disk() {
        let (_folder, database) = database();
        let failing = || database.disk().condition().is_failing();
        let limit = async |pages: u32| {
            let set = move |d: &Connection| {
                Ok(d.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))?)
            };
            database.write(set).await.unwrap();
        };
        let large = || {
            database.write(|d| {
                d.execute_batch("CREATE TABLE IF NOT EXISTS large (b BLOB)")?;
                Ok(d.execute("INSERT INTO large VALUES (zeroblob(100000))", []).map(drop)?)
            })
        };
        database.write(|_| Err::<(), _>(AccountError::Locked)).await.unwrap_err();
        let missing = || AccountError::Unavailable { reason: "a key is missing", source: None };
        database.write(move |_| Err::<(), _>(missing())).await.unwrap_err();
        database.write(insert(1)).await.unwrap();
        database.write(insert(1)).await.unwrap_err();
        assert!(!failing(), "refused, but not for want of room");
        limit(4).await;
        assert!(large().await.unwrap_err().is_transient());
        assert!(failing());
        database.write(|_| Ok(())).await.unwrap();
        assert!(failing(), "there was nothing to write");
        assert_eq!(count(&database).await, 1, "reading goes on");
        database.write(insert(2)).await.unwrap();
        assert!(!failing(), "there was room for this one");
        assert!(large().await.unwrap_err().is_transient());
        assert!(failing());
        limit(1000).await;
        assert!(failing());
        database.probe().await.unwrap();
        assert!(!failing());
        large().await.unwrap();
        assert!(!failing());
    }

    #[tokio::test]
    async fn readers_cannot_write() {
        let (_folder, database) = database();
        let refused = database.read(insert(1)).await.unwrap_err();
        assert!(refused.is_transient());
        assert_eq!(refused.to_string(), "the account is not available: its database failed");
    }
}
