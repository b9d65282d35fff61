//! Moving what the write-ahead log has into the database, beside the writes.

use std::cell::Cell;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::Connection;

use super::error::SqliteOpenError;
use super::options::SqliteOptions;
use super::schema;

/// After so many pages of the log they are moved: a page that was written several times is moved once, and readers look
/// through the log for each page.
const PAGES: u32 = 4_000;

/// So long a writer waits for readers of the log, to begin it anew.
const PATIENCE: Duration = Duration::from_millis(10);

thread_local! {
    /// How many pages the log has after the last commit of this thread.
    static IN_LOG: Cell<u32> = const { Cell::new(0) };
}

/// The thread that moves most of the log, which takes long and stops nobody, as seen by the one that writes. That one moves
/// the few pages that have come in meanwhile: only so does the log begin anew.
///
/// SQLite by itself moves all of it between two writes, after every thousand pages.
pub(super) struct Checkpoints {
    /// `None` only while being dropped.
    begin: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
    /// Whether the thread has moved what was in the log when it began.
    is_moved: Arc<AtomicBool>,
    is_moving: bool,
    /// How many pages the log may have before the next time.
    next: u32,
    busy_timeout: Duration,
}

impl Checkpoints {
    /// Takes over from SQLite for the connection that writes.
    pub(super) fn start(
        writer: &Connection,
        path: &Path,
        options: &SqliteOptions,
    ) -> Result<Self, SqliteOpenError> {
        let connection = schema::open_beside(path, options)?;
        let (begin, begun) = sync_channel(1);
        let is_moved = Arc::new(AtomicBool::new(false));
        let done = Arc::clone(&is_moved);
        let thread = std::thread::Builder::new()
            .name("scim-sqlite-log".to_owned())
            .spawn(move || move_on(&connection, &begun, &done))
            .map_err(SqliteOpenError::Thread)?;
        writer.wal_hook(Some(|_, pages| {
            IN_LOG.set(u32::try_from(pages).unwrap_or(0));
            Ok(())
        }));
        Ok(Self {
            begin: Some(begin),
            thread: Some(thread),
            is_moved,
            is_moving: false,
            next: PAGES,
            busy_timeout: options.busy_timeout,
        })
    }

    /// Sees to the log after a commit of this thread.
    pub(super) fn after_commit(&mut self, writer: &Connection) {
        let pages = IN_LOG.get();
        if pages < PAGES {
            self.next = PAGES;
        }
        if self.is_moving {
            if self.is_moved.swap(false, Ordering::Acquire) {
                self.is_moving = false;
                self.next = pages.saturating_add(PAGES);
                if let Err(error) = self.begin_anew(writer) {
                    tracing::debug!(%error, "the write-ahead log goes on");
                }
            }
        } else if pages >= self.next {
            self.is_moving = self.begin.as_ref().is_some_and(|begin| begin.try_send(()).is_ok());
        }
    }

    /// Moves what is left, and has the next write begin the log anew unless readers need it.
    fn begin_anew(&self, writer: &Connection) -> rusqlite::Result<()> {
        writer.busy_timeout(PATIENCE)?;
        let done = checkpoint(writer, "RESTART");
        writer.busy_timeout(self.busy_timeout)?;
        done
    }
}

impl Drop for Checkpoints {
    fn drop(&mut self) {
        self.begin = None;
        if let Some(thread) = self.thread.take() {
            // A panic there has already been reported where it happened.
            let _ = thread.join();
        }
    }
}

fn move_on(connection: &Connection, begun: &Receiver<()>, is_moved: &AtomicBool) {
    while begun.recv().is_ok() {
        if let Err(error) = checkpoint(connection, "PASSIVE") {
            tracing::debug!(%error, "the write-ahead log was not moved");
        }
        is_moved.store(true, Ordering::Release);
    }
}

fn checkpoint(connection: &Connection, mode: &str) -> rusqlite::Result<()> {
    connection.pragma(None, "wal_checkpoint", mode, |_| Ok(()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes about so many pages, and says how many there are in the log then.
    fn write(connection: &Connection, pages: u32) -> u32 {
        let sql = "INSERT INTO resources (tenant, type, id, created, last_modified, version, document) \
                   SELECT 't', 'User', hex(randomblob(16)), 0, 0, 1, zeroblob(4096 * ?1)";
        connection.execute(sql, [pages]).unwrap();
        IN_LOG.get()
    }

    fn count(connection: &Connection) -> u32 {
        connection.query_row("SELECT count(*) FROM resources", [], |row| row.get(0)).unwrap()
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "the other thread is no task, and has to come along")]
    fn the_log_begins_anew_while_writes_go_on_and_once_readers_let_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("scim.db");
        let options = SqliteOptions::default().with_synchronous(super::super::Synchronous::Normal);
        let writer = schema::open(&path, &options).unwrap();
        let mut checkpoints = Checkpoints::start(&writer, &path, &options).unwrap();
        let reader = schema::open_reader(&path, &options).unwrap();
        let mut written = 0;
        let mut go_on = |until: &dyn Fn(u32, u32) -> bool| {
            for _ in 0..100_000 {
                let before = IN_LOG.get();
                let now = write(&writer, 100);
                written += 1;
                checkpoints.after_commit(&writer);
                if until(before, now) {
                    return written;
                }
                std::thread::sleep(Duration::from_millis(u64::from(now / PAGES)));
            }
            panic!("that never came");
        };
        go_on(&|before, now| before >= PAGES && now < PAGES);
        reader.execute_batch("BEGIN").unwrap();
        let seen = count(&reader);
        go_on(&|_, now| now > 3 * PAGES);
        assert_eq!(count(&reader), seen, "it sees what it saw");
        reader.execute_batch("COMMIT").unwrap();
        let written = go_on(&|before, now| before >= PAGES && now < PAGES);
        assert_eq!(count(&reader), written);
    }
}
