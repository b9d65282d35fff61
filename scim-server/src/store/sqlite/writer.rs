//! The thread that writes: one transaction for all writes that wait at the same time.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use scim_core::Version;
use tokio::sync::{mpsc, oneshot};

use super::super::StoreError;
use super::checkpoint::Checkpoints;
use super::error::{SqliteOpenError, all_failed, failed};
use super::options::SqliteOptions;

/// The thread, and the line before it.
pub(super) struct WriterThread {
    /// `None` only while being dropped.
    line: Option<mpsc::Sender<Box<dyn Job>>>,
    thread: Option<JoinHandle<()>>,
}

impl WriterThread {
    pub(super) fn start(
        connection: Connection,
        mut checkpoints: Option<Checkpoints>,
        options: &SqliteOptions,
    ) -> Result<Self, SqliteOpenError> {
        let (line, mut jobs) = mpsc::channel::<Box<dyn Job>>(options.queue.max(1));
        let limits = BatchLimits { writes: options.batch.max(1), time: options.batch_time };
        let thread = std::thread::Builder::new()
            .name("scim-sqlite-writer".to_owned())
            .spawn(move || {
                while let Some(first) = jobs.blocking_recv() {
                    if first.is_awaited() {
                        run_batch(&connection, first, &mut jobs, limits);
                        if let Some(checkpoints) = &mut checkpoints {
                            checkpoints.after_commit(&connection);
                        }
                    }
                }
                // The connection that writes is the last to close.
                drop(checkpoints);
                drop(connection);
            })
            .map_err(SqliteOpenError::Thread)?;
        Ok(Self { line: Some(line), thread: Some(thread) })
    }

    /// Runs a write and returns once it is on disk. If it fails, nothing of it stays.
    ///
    /// A write that is still waiting in line when its caller goes away is never begun.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Batch<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        run(self.line.clone(), work).await
    }

    /// A way to the thread that does not keep it from ending.
    pub(super) fn line(&self) -> WeakLine {
        WeakLine(self.line.as_ref().map(mpsc::Sender::downgrade))
    }
}

/// A way to the thread for as long as that is there.
pub(super) struct WeakLine(Option<mpsc::WeakSender<Box<dyn Job>>>);

impl WeakLine {
    /// As [`WriterThread::run`]; an error if there is no thread any more.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Batch<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        run(self.0.as_ref().and_then(mpsc::WeakSender::upgrade), work).await
    }
}

async fn run<T: Send + 'static>(
    line: Option<mpsc::Sender<Box<dyn Job>>>,
    work: impl FnOnce(&Batch<'_>) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    const GONE: &str = "the thread that writes has ended";
    let (answer, answered) = oneshot::channel();
    let job = Queued { work: Some(work), result: None, answer };
    let line = line.ok_or_else(|| StoreError::internal(GONE))?;
    line.send(Box::new(job)).await.map_err(|_| StoreError::internal(GONE))?;
    drop(line);
    answered.await.map_err(|_| StoreError::internal(GONE))?
}

impl Drop for WriterThread {
    /// Waits for the writes that are in line.
    fn drop(&mut self) {
        self.line = None;
        if let Some(thread) = self.thread.take() {
            // A panic there has already been reported where it happened.
            let _ = thread.join();
        }
    }
}

/// A transaction that several writes share.
pub(super) struct Batch<'c> {
    connection: &'c Connection,
    /// The last version that was given out.
    revision: Cell<u64>,
    started: Instant,
    time: Duration,
    /// Whether the present write is the first: then the transaction is all there is to take back.
    is_first: Cell<bool>,
}

/// How many writes a transaction takes in, and for how long.
#[derive(Clone, Copy)]
struct BatchLimits {
    writes: usize,
    time: Duration,
}

impl Batch<'_> {
    pub(super) fn connection(&self) -> &Connection {
        self.connection
    }

    /// For how long it takes in further writes.
    pub(super) fn time(&self) -> Duration {
        self.time
    }

    /// Whether the transaction has lasted so long that what can wait should wait for the next.
    pub(super) fn is_full(&self) -> bool {
        self.started.elapsed() >= self.time
    }

    /// Whether SQLite has rolled the transaction back by itself, as when a disk is full.
    pub(super) fn is_lost(&self) -> bool {
        self.connection.is_autocommit()
    }

    /// The last version that was given out.
    pub(super) fn revision(&self) -> u64 {
        self.revision.get()
    }

    /// Takes back what the present write has done, which began after this version was given out.
    pub(super) fn undo(&self, revision: u64) -> Result<(), StoreError> {
        self.take_back(revision).map_err(failed)
    }

    /// Hands out again what was handed out after this version, as nothing of it has stayed.
    pub(super) fn forget_since(&self, revision: u64) {
        self.revision.set(revision);
    }

    fn take_back(&self, revision: u64) -> rusqlite::Result<()> {
        if !self.is_first.get() {
            self.forget_since(revision);
            return execute(self.connection, "ROLLBACK TO job");
        }
        execute(self.connection, "ROLLBACK")?;
        // Another process may have its turn here.
        self.revision.set(begin_transaction(self.connection)?);
        Ok(())
    }

    /// Runs one of several parts of a write: if it fails, nothing of it stays, but the others do.
    ///
    /// The outer error is that of the whole write.
    pub(super) fn part<T>(
        &self,
        work: impl FnOnce() -> Result<T, StoreError>,
    ) -> Result<Result<T, StoreError>, StoreError> {
        let revision = self.revision();
        execute(self.connection, "SAVEPOINT part").map_err(failed)?;
        let result = caught(work);
        if self.is_lost() {
            // Without a transaction there are no other parts either.
            return match result {
                Err(error) => Err(error),
                Ok(_) => Err(StoreError::internal("the transaction of a write has ended")),
            };
        }
        if result.is_err() {
            execute(self.connection, "ROLLBACK TO part").map_err(failed)?;
            self.forget_since(revision);
        }
        execute(self.connection, "RELEASE part").map_err(failed)?;
        Ok(result)
    }

    /// A version that no resource has had.
    pub(super) fn next_version(&self) -> Version {
        let next = self.revision.get().saturating_add(1);
        self.revision.set(next);
        Version::new(next)
    }
}

/// A write in line.
trait Job: Send {
    /// Whether its caller still waits for what it comes to.
    fn is_awaited(&self) -> bool;

    /// Runs it and says whether what it has written is to stay.
    fn run(&mut self, batch: &Batch<'_>) -> bool;

    /// Puts an error in the place of what it came to, as the transaction is lost.
    fn fail(&mut self, error: StoreError);

    /// Tells the caller what it came to.
    fn answer(self: Box<Self>);
}

struct Queued<T, F> {
    work: Option<F>,
    result: Option<Result<T, StoreError>>,
    answer: oneshot::Sender<Result<T, StoreError>>,
}

impl<T, F> Job for Queued<T, F>
where
    T: Send,
    F: FnOnce(&Batch<'_>) -> Result<T, StoreError> + Send,
{
    fn is_awaited(&self) -> bool {
        !self.answer.is_closed()
    }

    fn run(&mut self, batch: &Batch<'_>) -> bool {
        let Some(work) = self.work.take() else { return false };
        let result = caught(|| work(batch));
        let keep = result.is_ok();
        self.result = Some(result);
        keep
    }

    fn fail(&mut self, error: StoreError) {
        // The one that brought the transaction down knows best why.
        if !matches!(self.result, Some(Err(StoreError::Unavailable(_) | StoreError::Internal(_)))) {
            self.result = Some(Err(error));
        }
    }

    fn answer(self: Box<Self>) {
        if let Some(result) = self.result {
            // Nobody waits any more if the request was given up.
            let _ = self.answer.send(result);
        }
    }
}

/// Runs work that may panic. The savepoint around it is rolled back, so nothing that was broken half-way is seen again.
pub(super) fn caught<T>(work: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(StoreError::internal("a write panicked")))
}

fn run_batch(
    connection: &Connection,
    first: Box<dyn Job>,
    line: &mut mpsc::Receiver<Box<dyn Job>>,
    limits: BatchLimits,
) {
    let mut jobs = vec![first];
    let result = begin(connection, limits.time).and_then(|batch| {
        let before = batch.revision.get();
        let mut at = 0_usize;
        while let Some(job) = jobs.get_mut(at) {
            run_job(&batch, job.as_mut())?;
            at = at.saturating_add(1);
            if at == jobs.len()
                && at < limits.writes
                && !batch.is_full()
                && let Ok(next) = line.try_recv()
            {
                jobs.push(next);
            }
        }
        if batch.revision.get() != before {
            let mut update = connection.prepare_cached("UPDATE revision SET value = ?1")?;
            update.execute([batch.revision.get()])?;
        }
        execute(connection, "COMMIT")
    });
    if let Err(error) = result {
        if !connection.is_autocommit() {
            // If this fails as well, the next transaction cannot begin and says so.
            let _ = execute(connection, "ROLLBACK");
        }
        // What a write came to in a transaction that failed means nothing, errors included.
        let error = Arc::new(error);
        jobs.iter_mut().for_each(|job| job.fail(all_failed(&error)));
    }
    jobs.into_iter().for_each(Job::answer);
}

fn begin(connection: &Connection, time: Duration) -> rusqlite::Result<Batch<'_>> {
    if !connection.is_autocommit() {
        execute(connection, "ROLLBACK")?;
    }
    let revision = Cell::new(begin_transaction(connection)?);
    Ok(Batch { connection, revision, started: Instant::now(), time, is_first: Cell::new(true) })
}

/// Begins a transaction and returns the last version that was given out.
fn begin_transaction(connection: &Connection) -> rusqlite::Result<u64> {
    execute(connection, "BEGIN IMMEDIATE")?;
    connection.prepare_cached("SELECT value FROM revision")?.query_row([], |row| row.get(0))
}

/// Runs one write, if anybody waits for it, so that nothing of it stays if it fails. An error means that the whole
/// transaction is lost.
///
/// The first has no savepoint. With one around it SQLite keeps what each of its pages was, and a bulk request of a thousand
/// creations took twice as long.
fn run_job(batch: &Batch<'_>, job: &mut dyn Job) -> rusqlite::Result<()> {
    if !job.is_awaited() {
        return Ok(());
    }
    let connection = batch.connection;
    let is_first = batch.is_first.get();
    if !is_first {
        execute(connection, "SAVEPOINT job")?;
    }
    let (revision, changes) = (batch.revision(), connection.total_changes());
    let keep = job.run(batch);
    if connection.is_autocommit() {
        // SQLite rolls back by itself when a disk is full or fails.
        let lost = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_IOERR);
        return Err(rusqlite::Error::SqliteFailure(lost, Some("the transaction was rolled back".to_owned())));
    }
    if !keep {
        if connection.total_changes() == changes {
            batch.forget_since(revision);
        } else {
            batch.take_back(revision)?;
        }
    }
    // One that has changed nothing leaves the next one first.
    if !is_first {
        execute(connection, "RELEASE job")?;
    } else if keep {
        batch.is_first.set(false);
    }
    Ok(())
}

fn execute(connection: &Connection, sql: &'static str) -> rusqlite::Result<()> {
    connection.prepare_cached(sql)?.execute([]).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn started() -> WriterThread {
        let options = SqliteOptions::default();
        WriterThread::start(super::super::schema::open_in_memory(&options).unwrap(), None, &options).unwrap()
    }

    fn count(batch: &Batch<'_>) -> Result<i64, StoreError> {
        batch
            .connection()
            .query_row("SELECT count FROM counts UNION ALL SELECT 0 LIMIT 1", [], |row| row.get(0))
            .map_err(failed)
    }

    fn insert(batch: &Batch<'_>) -> Result<(), StoreError> {
        insert_as(batch, "a")
    }

    fn insert_as(batch: &Batch<'_>, id: &str) -> Result<(), StoreError> {
        let sql = "INSERT INTO resources (tenant, type, id, created, last_modified, version, document) \
                   VALUES ('t', 'User', ?1, 0, 0, 1, x'')";
        batch.connection().execute(sql, [id]).map(drop).map_err(failed)
    }

    #[tokio::test]
    async fn writes_of_one_transaction_that_fail_take_back_only_themselves() {
        for fails in [[true, false, false], [false, true, false], [true, true, false], [false, false, true]] {
            let writer = started();
            let (queued, are_queued) = std::sync::mpsc::channel();
            let part = |id: &'static str, fails: bool| {
                move |batch: &Batch<'_>| {
                    insert_as(batch, id)?;
                    let version = batch.next_version();
                    if fails { Err(StoreError::internal("on purpose")) } else { Ok(version) }
                }
            };
            let [first, second, third] = fails;
            let (one, two, three, ()) = tokio::join!(
                writer.run(move |batch| {
                    are_queued.recv().unwrap();
                    part("a", first)(batch)
                }),
                writer.run(part("b", second)),
                writer.run(part("c", third)),
                async { queued.send(()).unwrap() },
            );
            let done = [one, two, three];
            assert_eq!(done.each_ref().map(Result::is_err), fails);
            let mut versions: Vec<_> = done.into_iter().flatten().collect();
            let kept = versions.len();
            versions.dedup();
            assert_eq!(versions.len(), kept, "{fails:?}");
            assert_eq!(writer.run(count).await.unwrap(), i64::try_from(kept).unwrap(), "{fails:?}");
        }
    }

    #[tokio::test]
    async fn a_write_that_panics_leaves_nothing_and_stops_nobody() {
        let writer = started();
        let panicked = writer.run(|batch| -> Result<(), StoreError> {
            insert(batch)?;
            panic!("on purpose");
        });
        assert!(matches!(panicked.await, Err(StoreError::Internal(_))));
        assert_eq!(writer.run(count).await.unwrap(), 0);
        writer.run(insert).await.unwrap();
        assert_eq!(writer.run(count).await.unwrap(), 1);
    }

    #[tokio::test]
    async fn when_the_transaction_is_lost_everybody_in_it_is_told() {
        let writer = started();
        let lost = writer.run(|batch| {
            insert(batch)?;
            // As SQLite does by itself when a disk is full.
            batch.connection().execute_batch("ROLLBACK").map_err(failed)
        });
        assert!(matches!(lost.await, Err(StoreError::Unavailable(_))));
        assert_eq!(writer.run(count).await.unwrap(), 0);
        writer.run(insert).await.unwrap();
        assert_eq!(writer.run(count).await.unwrap(), 1);
    }
}
