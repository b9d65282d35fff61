//! Whether a database can be written, as its writes tell.

use std::error::Error;
use std::sync::Arc;

use rusqlite::ErrorCode;
use tokio::sync::watch;

/// What is known about writing one database. Clones share it.
///
/// Only failures of the disk count, or of what is on it: no room, an error of input or output, a file that may only be
/// read, that is damaged, that has gone, or that another program holds. A value that no database takes says nothing about the disk.
#[derive(Clone, Debug, Default)]
pub(crate) struct Disk(watch::Sender<Condition>);

/// How it is to write.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Condition {
    /// The last write that had something to write found that the disk takes nothing.
    pub(crate) write_failed: bool,
    /// There was no room for a few changes when it was last looked for.
    pub(crate) no_room: bool,
}

impl Condition {
    pub(crate) fn is_failing(self) -> bool {
        self.write_failed || self.no_room
    }
}

impl Disk {
    pub(crate) fn condition(&self) -> Condition {
        *self.0.borrow()
    }

    /// Learns of every write that fails while others did not, and of every one that succeeds after these.
    pub(crate) fn watch(&self) -> watch::Receiver<Condition> {
        self.0.subscribe()
    }

    /// A write has failed in this way.
    pub(crate) fn note_failure(&self, error: &(dyn Error + 'static)) {
        if is_of_the_disk(error) {
            self.note_write(false);
        }
    }

    /// A write that had something to write has reached the disk, or found that it takes nothing.
    pub(crate) fn note_write(&self, reached: bool) {
        self.0.send_if_modified(|condition| {
            std::mem::replace(&mut condition.write_failed, !reached) == reached
        });
    }

    /// Room has been looked for.
    pub(crate) fn note_room(&self, found: bool) {
        self.0.send_if_modified(|condition| std::mem::replace(&mut condition.no_room, !found) == found);
    }
}

/// Whether the disk, or the file on it, is at fault in an error or one of its causes.
pub(crate) fn is_of_the_disk(error: &(dyn Error + 'static)) -> bool {
    has_code(error, is_code_of_the_disk)
}

/// Whether an error, or one of its causes, says that a file is damaged or no database.
pub(crate) fn is_of_damage(error: &(dyn Error + 'static)) -> bool {
    has_code(error, |code| matches!(code, ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
}

fn has_code(error: &(dyn Error + 'static), wanted: fn(ErrorCode) -> bool) -> bool {
    // What shares an error hands on to the error's cause, and would hide the error itself.
    if let Some(shared) = error.downcast_ref::<Arc<dyn Error + Send + Sync>>() {
        return has_code(&**shared, wanted);
    }
    let shared = error.downcast_ref::<Arc<rusqlite::Error>>().map(|shared| &**shared);
    let code = error.downcast_ref().or(shared).and_then(rusqlite::Error::sqlite_error_code);
    code.is_some_and(wanted) || error.source().is_some_and(|cause| has_code(cause, wanted))
}

fn is_code_of_the_disk(code: ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::DiskFull
            | ErrorCode::SystemIoFailure
            | ErrorCode::ReadOnly
            | ErrorCode::PermissionDenied
            | ErrorCode::CannotOpen
            | ErrorCode::DatabaseCorrupt
            | ErrorCode::NotADatabase
            // Held by another program for longer than the bridge waits.
            | ErrorCode::DatabaseBusy
    )
}

#[cfg(test)]
mod tests {
    use rusqlite::ffi;
    use scim_server::store::StoreError;

    use super::*;
    use crate::account::AccountError;

    fn failure(code: i32) -> rusqlite::Error {
        rusqlite::Error::SqliteFailure(ffi::Error::new(code), None)
    }

    #[test]
    fn the_disk_is_told_from_what_is_written_however_it_is_wrapped() {
        for (code, expected) in [
            (ffi::SQLITE_FULL, true),
            (ffi::SQLITE_IOERR_WRITE, true),
            (ffi::SQLITE_IOERR_FSYNC, true),
            (ffi::SQLITE_READONLY_DBMOVED, true),
            (ffi::SQLITE_CORRUPT, true),
            (ffi::SQLITE_NOTADB, true),
            (ffi::SQLITE_CANTOPEN, true),
            (ffi::SQLITE_PERM, true),
            (ffi::SQLITE_CONSTRAINT_UNIQUE, false),
            (ffi::SQLITE_BUSY, true),
            (ffi::SQLITE_TOOBIG, false),
            (ffi::SQLITE_MISMATCH, false),
        ] {
            let shared: Arc<dyn Error + Send + Sync> = Arc::new(failure(code));
            let wrapped: [Box<dyn Error>; 5] = [
                Box::new(failure(code)),
                Box::new(AccountError::from(failure(code))),
                Box::new(StoreError::internal(failure(code))),
                Box::new(StoreError::internal(Arc::new(failure(code)))),
                Box::new(StoreError::internal(shared)),
            ];
            for error in wrapped {
                assert_eq!(is_of_the_disk(&*error), expected, "{code}: {error:?}");
            }
        }
        let no_key = AccountError::Unavailable { reason: "the person has no key", source: None };
        assert!(!is_of_the_disk(&no_key));
        assert!(!is_of_the_disk(&rusqlite::Error::QueryReturnedNoRows));
    }

    #[test]
    fn only_a_change_of_what_is_known_wakes_whoever_watches() {
        let disk = Disk::default();
        let mut watching = disk.watch();
        disk.note_write(true);
        disk.note_room(true);
        disk.note_failure(&rusqlite::Error::QueryReturnedNoRows);
        assert!(!watching.has_changed().unwrap());
        disk.note_failure(&failure(ffi::SQLITE_FULL));
        assert!(watching.borrow_and_update().write_failed);
        disk.note_failure(&failure(ffi::SQLITE_FULL));
        assert!(!watching.has_changed().unwrap());
        disk.note_room(false);
        disk.note_write(true);
        assert_eq!(*watching.borrow_and_update(), Condition { write_failed: false, no_room: true });
        disk.note_room(true);
        assert!(watching.has_changed().unwrap() && !disk.condition().is_failing());
    }
}
