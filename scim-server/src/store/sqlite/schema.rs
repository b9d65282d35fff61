//! Opening a database and bringing it up to date.

use std::path::Path;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use rusqlite_migration::{M, MigrationDefinitionError, Migrations};

use super::error::SqliteOpenError;
use super::keys;
use super::options::SqliteOptions;

/// Marks a database as one of these ("SCIM"), so that no other is mistaken for one.
const APPLICATION_ID: i32 = 0x5343_494d;

/// How many prepared statements each connection keeps; there are fewer different ones.
const STATEMENTS: usize = 64;

/// To what size, in bytes, the write-ahead log is cut back after it has grown.
const LARGEST_LOG: i64 = 64 * 1024 * 1024;

/// What made the tables what they are. Only ever add to it.
const MIGRATIONS: &[M<'static>] = &[
    M::up(include_str!("schema.sql")),
    M::up(include_str!("schema_key_rules.sql")),
    M::up(include_str!("schema_search.sql")),
];

/// Opens the connection that writes.
pub(super) fn open(path: &Path, options: &SqliteOptions) -> Result<Connection, SqliteOpenError> {
    create_private(path)
        .map_err(|cause| SqliteOpenError::Access { path: path.to_owned(), cause: cause.into() })?;
    let fail = |cause| SqliteOpenError::new(path, cause);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags).map_err(fail)?;
    configure(&connection, options).map_err(fail)?;
    if connection.is_readonly("main").map_err(fail)? {
        return Err(SqliteOpenError::ReadOnly { path: path.to_owned() });
    }
    check_owner(&connection, path)?;
    let mode: String =
        connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0)).map_err(fail)?;
    if !mode.eq_ignore_ascii_case("wal") {
        return Err(SqliteOpenError::NoSharedMemory { path: path.to_owned() });
    }
    connection.pragma_update(None, "journal_size_limit", LARGEST_LOG).map_err(fail)?;
    prepare(&mut connection, path)?;
    Ok(connection)
}

/// Opens a database that is in memory only.
pub(super) fn open_in_memory(options: &SqliteOptions) -> Result<Connection, SqliteOpenError> {
    let path = Path::new(":memory:");
    let fail = |cause| SqliteOpenError::new(path, cause);
    let mut connection = Connection::open_in_memory().map_err(fail)?;
    configure(&connection, options).map_err(fail)?;
    prepare(&mut connection, path)?;
    Ok(connection)
}

/// Opens another connection that may write, to a database that is up to date.
pub(super) fn open_beside(path: &Path, options: &SqliteOptions) -> Result<Connection, SqliteOpenError> {
    let fail = |cause| SqliteOpenError::new(path, cause);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(fail)?;
    configure(&connection, options).map_err(fail)?;
    Ok(connection)
}

/// Opens a connection that only reads.
pub(super) fn open_reader(path: &Path, options: &SqliteOptions) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    configure(&connection, options)?;
    Ok(connection)
}

fn configure(connection: &Connection, options: &SqliteOptions) -> rusqlite::Result<()> {
    connection.busy_timeout(options.busy_timeout)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    // Plans that do not depend on bound values: otherwise SQLite prepares each statement with `LIMIT ?` anew whenever
    // it is bound, which costs several times as much as running it.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    // What a savepoint has to put back, the pages that one write changes, is kept in memory: in a temporary file, as it is
    // past 64 KiB otherwise, it took a sixth of the time of a bulk request.
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.pragma_update(None, "synchronous", options.synchronous.as_str())?;
    // NB: a negative number counts KiB, a positive one pages.
    connection.pragma_update(None, "cache_size", -i64::from(options.cache_kib))?;
    // Nothing in a database file makes SQLite run what this program did not ask for.
    connection.pragma_update(None, "trusted_schema", false)
}

/// Refuses a database that has tables but was not made here.
fn check_owner(connection: &Connection, path: &Path) -> Result<(), SqliteOpenError> {
    let fail = |cause| SqliteOpenError::new(path, cause);
    let owner: i32 = connection.pragma_query_value(None, "application_id", |row| row.get(0)).map_err(fail)?;
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(fail)?;
    if owner == APPLICATION_ID || (owner == 0 && tables == 0) {
        Ok(())
    } else {
        Err(SqliteOpenError::Foreign { path: path.to_owned() })
    }
}

fn prepare(connection: &mut Connection, path: &Path) -> Result<(), SqliteOpenError> {
    Migrations::from_slice(MIGRATIONS).to_latest(connection).map_err(|error| match error {
        rusqlite_migration::Error::MigrationDefinition(MigrationDefinitionError::DatabaseTooFarAhead) => {
            SqliteOpenError::Newer { path: path.to_owned() }
        }
        rusqlite_migration::Error::RusqliteError { err, .. } => SqliteOpenError::new(path, err),
        other => SqliteOpenError::Other { path: path.to_owned(), cause: other.into() },
    })?;
    keys::bring_up_to_date(connection).map_err(|cause| SqliteOpenError::new(path, cause))?;
    connection
        .pragma_update(None, "application_id", APPLICATION_ID)
        .map_err(|cause| SqliteOpenError::new(path, cause))
}

/// Creates the file, if it is not there, for the owner only: it holds personal data. SQLite gives the files beside it
/// the same permissions.
fn create_private(path: &Path) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        // A file that can only be read gets a better message later.
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied && path.is_file() => Ok(()),
        other => other.map(drop),
    }
}
