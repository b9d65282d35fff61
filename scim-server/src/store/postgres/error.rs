use std::error::Error;
use std::path::PathBuf;
use std::time::Duration;

use deadpool_postgres::PoolError;
use tokio_postgres::error::SqlState;

use super::super::{StoreError, UnavailableError};

/// Why a store in PostgreSQL could not be set up. None of these shows the URL, which has a password in it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PostgresOpenError {
    /// The URL is not one of a PostgreSQL database.
    #[error(
        "the database URL cannot be understood; it looks like postgres://user:password@host:5432/name?sslmode=verify-full, \
         with `%` codes for special characters"
    )]
    Url,
    /// The URL asks for a protection that does not exist.
    #[error(
        "the `sslmode` of the database URL is one of disable, prefer, require, verify-ca and verify-full"
    )]
    SslMode,
    /// The certificates that the server's is checked by cannot be read.
    #[error("the certificates in `{}`, which the `sslrootcert` of the database URL names, cannot be read", path.display())]
    RootCertificates {
        /// The file.
        path: PathBuf,
        /// What happened.
        #[source]
        cause: Box<dyn Error + Send + Sync>,
    },
    /// TLS cannot be set up.
    #[error("TLS for the database cannot be set up")]
    Tls(#[source] Box<dyn Error + Send + Sync>),
    /// No thread could be started, or there are no connections to be had.
    #[error("the threads that speak with the database could not be started")]
    Threads(#[source] Box<dyn Error + Send + Sync>),
}

/// The database's tables were made by a later version of this program.
#[derive(Debug, thiserror::Error)]
#[error("the tables were made by a newer version of this program; start that one")]
pub(super) struct NewerTables;

/// When it makes sense to try again after a failure that may pass.
const RETRY_AFTER: Duration = Duration::from_secs(2);

/// What a failure of a statement means for the transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// Nothing has failed.
    Fine,
    /// The transaction has failed, for a reason that stays.
    Failed,
    /// Another transaction was in the way: the same once more may succeed.
    Again,
    /// The connection is of no use any more.
    Lost,
}

/// What a failure means for the transaction that it happened in.
pub(super) fn fate(error: &tokio_postgres::Error) -> Fate {
    match error.code() {
        // A resource that the write refers to has been deleted since it was looked up; looking again tells.
        Some(code)
            if [
                SqlState::T_R_SERIALIZATION_FAILURE,
                SqlState::T_R_DEADLOCK_DETECTED,
                SqlState::FOREIGN_KEY_VIOLATION,
            ]
            .contains(code) =>
        {
            Fate::Again
        }
        Some(code) if is_ending(code) => Fate::Lost,
        Some(_) => Fate::Failed,
        None => Fate::Lost,
    }
}

/// A failure of the database as callers see it.
pub(super) fn failed(error: tokio_postgres::Error) -> StoreError {
    if may_pass(&error) { unavailable(error) } else { StoreError::internal(error) }
}

/// A failure to get a connection.
pub(super) fn no_connection(error: PoolError) -> StoreError {
    match error {
        PoolError::Backend(error) if !may_pass(&error) => {
            // A wrong password or a database that is not there may be put right without a restart too.
            tracing::error!(error = %chain(&error), "the database refuses connections");
            unavailable(error)
        }
        other => unavailable(other),
    }
}

/// A store that cannot work now.
pub(super) fn unavailable(cause: impl Into<Box<dyn Error + Send + Sync>>) -> StoreError {
    StoreError::Unavailable(UnavailableError { retry_after: RETRY_AFTER, cause: cause.into() })
}

/// The failure of a query. That its statement has taken too long says something about the question, which would take as
/// long again.
pub(super) fn of_query(error: StoreError) -> StoreError {
    match &error {
        StoreError::Unavailable(UnavailableError { cause, .. })
            if cause
                .downcast_ref::<tokio_postgres::Error>()
                .is_some_and(|cause| cause.code() == Some(&SqlState::QUERY_CANCELED)) =>
        {
            StoreError::QueryWorkSpent
        }
        _ => error,
    }
}

/// Whether a row was refused because its key is there already.
pub(super) fn is_taken(error: &tokio_postgres::Error) -> bool {
    error.code() == Some(&SqlState::UNIQUE_VIOLATION)
}

fn may_pass(error: &tokio_postgres::Error) -> bool {
    let Some(code) = error.code() else { return true };
    // By class: connection exception, insufficient resources, operator intervention.
    matches!(code.code().get(..2), Some("08" | "53" | "57" | "40"))
        || [
            SqlState::READ_ONLY_SQL_TRANSACTION,
            SqlState::LOCK_NOT_AVAILABLE,
            SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT,
            SqlState::IO_ERROR,
        ]
        .contains(code)
}

/// Whether the server closes the connection after it has said this, or is not the one to write to any more.
fn is_ending(code: &SqlState) -> bool {
    code.code().starts_with("08")
        || [
            SqlState::ADMIN_SHUTDOWN,
            SqlState::CRASH_SHUTDOWN,
            SqlState::CANNOT_CONNECT_NOW,
            SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT,
            SqlState::READ_ONLY_SQL_TRANSACTION,
        ]
        .contains(code)
}

/// The same failure for each of several writes.
pub(super) fn each_failed<T>(error: StoreError, count: usize) -> Vec<Result<T, StoreError>> {
    let (retry_after, cause): (_, Box<dyn Error + Send + Sync>) = match error {
        StoreError::Unavailable(UnavailableError { retry_after, cause }) => (Some(retry_after), cause),
        StoreError::Internal(cause) => (None, cause),
        StoreError::Contended => return (0..count).map(|_| Err(StoreError::Contended)).collect(),
        other => (None, other.into()),
    };
    let cause: std::sync::Arc<dyn Error + Send + Sync> = cause.into();
    let failure = || match retry_after {
        Some(retry_after) => {
            UnavailableError { retry_after, cause: Box::new(std::sync::Arc::clone(&cause)) }.into()
        }
        None => StoreError::internal(std::sync::Arc::clone(&cause)),
    };
    (0..count).map(|_| Err(failure())).collect()
}

/// An error with all its causes, for the log. The texts come from the server and the driver, and show no password.
pub(super) fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        text.push_str(": ");
        text.push_str(&next.to_string());
        cause = next.source();
    }
    text
}
