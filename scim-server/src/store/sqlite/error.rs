use std::error::Error;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::ErrorCode;

use super::super::{StoreError, UnavailableError};

/// Why a database could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SqliteOpenError {
    /// The path cannot be read and written.
    #[error(
        "the database `{}` cannot be opened; check that its folder exists and that this user may write to both",
        path.display()
    )]
    Access {
        /// The path.
        path: PathBuf,
        /// What the system said.
        #[source]
        cause: Box<dyn Error + Send + Sync>,
    },
    /// The file can only be read.
    #[error("the database `{}` can only be read; check that this user may write to it", path.display())]
    ReadOnly {
        /// The path.
        path: PathBuf,
    },
    /// The file is something else.
    #[error("`{}` is not a SQLite database", path.display())]
    NotADatabase {
        /// The path.
        path: PathBuf,
    },
    /// The database has other tables.
    #[error("the database `{}` belongs to another program", path.display())]
    Foreign {
        /// The path.
        path: PathBuf,
    },
    /// A later version of this program made the database.
    #[error("the database `{}` was made by a newer version of this program; start that one", path.display())]
    Newer {
        /// The path.
        path: PathBuf,
    },
    /// The file system does not support what SQLite needs for reading and writing at once.
    #[error("the database `{}` is on a file system that does not support shared memory; use a local disk", path.display())]
    NoSharedMemory {
        /// The path.
        path: PathBuf,
    },
    /// Another process has the database locked.
    #[error("the database `{}` is in use by another process", path.display())]
    Busy {
        /// The path.
        path: PathBuf,
    },
    /// No thread could be started.
    #[error("the database thread could not be started")]
    Thread(#[source] io::Error),
    /// Anything else.
    #[error("the database `{}` could not be prepared", path.display())]
    Other {
        /// The path.
        path: PathBuf,
        /// What happened.
        #[source]
        cause: Box<dyn Error + Send + Sync>,
    },
}

impl SqliteOpenError {
    pub(super) fn new(path: &std::path::Path, cause: rusqlite::Error) -> Self {
        let path = path.to_owned();
        match cause.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => Self::NotADatabase { path },
            Some(ErrorCode::ReadOnly) => Self::ReadOnly { path },
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy { path },
            Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
                Self::Access { path, cause: cause.into() }
            }
            _ => Self::Other { path, cause: cause.into() },
        }
    }
}

/// When it makes sense to try again after a failure that may pass.
const RETRY_AFTER: Duration = Duration::from_secs(2);

/// A failure of the database as callers see it.
pub(super) fn failed(error: rusqlite::Error) -> StoreError {
    if may_pass(&error) { unavailable(error) } else { StoreError::internal(error) }
}

/// The same for everybody whose write was part of a transaction that failed.
pub(super) fn all_failed(error: &Arc<rusqlite::Error>) -> StoreError {
    if may_pass(error) { unavailable(Arc::clone(error)) } else { StoreError::internal(Arc::clone(error)) }
}

/// The same failure for each of several writes.
pub(super) fn each_failed<T>(error: StoreError, count: usize) -> Vec<Result<T, StoreError>> {
    let (retry_after, cause) = match error {
        StoreError::Unavailable(UnavailableError { retry_after, cause }) => (Some(retry_after), cause),
        StoreError::Internal(cause) => (None, cause),
        other => (None, other.into()),
    };
    let cause: Arc<dyn Error + Send + Sync> = cause.into();
    let failure = || match retry_after {
        Some(retry_after) => UnavailableError { retry_after, cause: Box::new(Arc::clone(&cause)) }.into(),
        None => StoreError::internal(Arc::clone(&cause)),
    };
    (0..count).map(|_| Err(failure())).collect()
}

pub(super) fn unavailable(cause: impl Into<Box<dyn Error + Send + Sync>>) -> StoreError {
    StoreError::Unavailable(UnavailableError { retry_after: RETRY_AFTER, cause: cause.into() })
}

fn may_pass(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(
            ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::DiskFull
                | ErrorCode::SystemIoFailure
                | ErrorCode::CannotOpen
                | ErrorCode::ReadOnly
                | ErrorCode::PermissionDenied
                | ErrorCode::OutOfMemory
                | ErrorCode::OperationInterrupted
                | ErrorCode::FileLockingProtocolFailed
        )
    )
}

/// Whether a row was refused because its key is there already.
pub(super) fn is_taken(error: &rusqlite::Error) -> bool {
    use rusqlite::ffi::{SQLITE_CONSTRAINT_PRIMARYKEY, SQLITE_CONSTRAINT_UNIQUE};
    error.sqlite_error().is_some_and(|error| {
        matches!(error.extended_code, SQLITE_CONSTRAINT_PRIMARYKEY | SQLITE_CONSTRAINT_UNIQUE)
    })
}
