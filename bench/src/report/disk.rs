//! What a disk and SQLite allow, with nothing of ours in between.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use rusqlite::types::Value;
use rusqlite::{Connection, OpenFlags, params_from_iter};
use serde::{Deserialize, Serialize};

/// What durable writes cost.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Disk {
    /// How many appends of so many KiB the disk makes durable in a second, one after the other.
    pub(crate) commits_per_second: f64,
    pub(crate) commit_kib: usize,
    /// How many creations share one commit at most: one of each connection.
    pub(crate) group: usize,
    /// Users per second that SQLite alone inserts, in durable transactions of this group.
    pub(crate) sqlite_rate: Option<f64>,
}

impl Disk {
    /// How many creations in a second the group commit of the disk allows.
    pub(crate) fn limit(&self) -> f64 {
        self.commits_per_second * self.group as f64
    }
}

/// How many KiB of the log one creation takes in a group: a page, as neighbours share theirs.
const KIB_PER_CREATION: usize = 4;

/// Appends and syncs for a while.
pub(crate) fn measure(folder: &Path, group: usize, time: Duration) -> Result<Disk> {
    let path = folder.join("appended");
    let commit_kib = group.saturating_mul(KIB_PER_CREATION);
    let bytes = vec![0x5a; commit_kib.saturating_mul(1024)];
    let mut file = File::create(&path)?;
    let started = Instant::now();
    let mut commits = 0_u32;
    while started.elapsed() < time || commits < 10 {
        file.write_all(&bytes)?;
        file.sync_data()?;
        commits = commits.saturating_add(1);
    }
    let commits_per_second = f64::from(commits) / started.elapsed().as_secs_f64();
    std::fs::remove_file(&path)?;
    Ok(Disk { commits_per_second, commit_kib, group, sqlite_rate: None })
}

/// The rows that stand for users in a database, to be inserted again elsewhere: of whatever tables the store has.
#[derive(Debug)]
pub(crate) struct Rows {
    users: usize,
    tables: Vec<Table>,
}

#[derive(Debug)]
struct Table {
    insert: String,
    rows: Vec<Vec<Value>>,
}

impl Rows {
    /// Reads the rows of a database with this many users: of the tables that have at least one for each.
    pub(crate) fn read(database: &Path, users: usize) -> Result<Self> {
        let connection = Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        let mut names = connection.prepare(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY rowid",
        )?;
        let names: Vec<String> = names.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
        let mut tables = Vec::new();
        for name in names {
            // What refers to a user comes in the order of the users, as it was written.
            let mut keys = connection.prepare("SELECT \"from\" FROM pragma_foreign_key_list(?1)")?;
            let key = keys.query_map([&name], |row| row.get::<_, String>(0))?.next().transpose()?;
            let order = key.map(|key| format!(r#" ORDER BY "{key}""#)).unwrap_or_default();
            let mut select = connection.prepare(&format!(r#"SELECT * FROM "{name}"{order}"#))?;
            let columns = select.column_count();
            let rows = select.query_map([], |row| (0..columns).map(|at| row.get(at)).collect())?;
            let rows: Vec<Vec<Value>> = rows.collect::<Result<_, _>>()?;
            if rows.len() >= users {
                let marks = vec!["?"; columns].join(", ");
                tables.push(Table { insert: format!(r#"INSERT INTO "{name}" VALUES ({marks})"#), rows });
            }
        }
        ensure!(!tables.is_empty(), "no table of the database has a row for each user");
        Ok(Self { users, tables })
    }

    /// Inserts them into an empty database of the same tables, so many users in one durable transaction, and returns
    /// how many users that is in a second.
    pub(crate) fn insert(&self, database: &Path, users_at_once: usize) -> Result<f64> {
        let mut connection = Connection::open(database)?;
        connection.pragma_update(None, "foreign_keys", true)?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        let started = Instant::now();
        let parts = self.users.div_ceil(users_at_once.max(1)).max(1);
        for part in 0..parts {
            let transaction = connection.transaction()?;
            for table in &self.tables {
                let mut insert = transaction.prepare_cached(&table.insert)?;
                // Whole users, each of whom has as many rows as the others.
                let of_users = |part| table.rows.len() * (self.users * part / parts) / self.users.max(1);
                let (begin, end) = (of_users(part), of_users(part + 1));
                for row in table.rows.get(begin..end).context("there are fewer rows")? {
                    insert.execute(params_from_iter(row))?;
                }
            }
            transaction.commit()?;
        }
        Ok(self.users as f64 / started.elapsed().as_secs_f64())
    }
}
