//! Bulk requests of 1,000 creations, beside what SQLite does with the same rows alone.

use std::path::Path;
use std::time::Instant;

use anyhow::{Result, ensure};
use scim_server::store::SqliteStore;
use serde::{Deserialize, Serialize};

use super::disk::Rows;
use crate::client::Connection;
use crate::directory::bulk_ids;
use crate::population::Population;
use crate::process::DirectoryProgram;

/// Users per second.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Bulk {
    /// Through bulk requests of 1,000, one after the other, from memory and from SQLite.
    pub(crate) memory: f64,
    pub(crate) sqlite: f64,
    /// The same rows inserted into the same tables, 1,000 users in a transaction.
    pub(crate) raw: f64,
    /// The same, 64 users in a transaction.
    pub(crate) raw_by_64: f64,
}

const AT_ONCE: usize = 1000;
const REQUESTS: usize = 10;

pub(crate) async fn measure(program: &DirectoryProgram, folder: &Path) -> Result<Bulk> {
    let memory = through_requests(program, "memory").await?;
    let database = folder.join("bulk.db");
    let sqlite = through_requests(program, &format!("sqlite:{}", database.display())).await?;
    let rows = Rows::read(&database, AT_ONCE * REQUESTS)?;
    let raw = |name: &str, at_once| {
        let empty = folder.join(name);
        drop(SqliteStore::open(&empty)?);
        rows.insert(&empty, at_once)
    };
    Ok(Bulk { memory, sqlite, raw: raw("raw.db", AT_ONCE)?, raw_by_64: raw("raw64.db", 64)? })
}

async fn through_requests(program: &DirectoryProgram, store: &str) -> Result<f64> {
    let (server, target) = program.start(store).await?;
    let population = Population::new(9);
    let mut connection = Connection::new(target.address);
    let mut seconds = 0.0;
    for number in 0..REQUESTS {
        let mut body = Vec::new();
        population.write_bulk(number * AT_ONCE..(number + 1) * AT_ONCE, &mut body);
        let started = Instant::now();
        let answer = connection.send(&target, "POST", "/Bulk", &body).await?;
        seconds += started.elapsed().as_secs_f64();
        let created = bulk_ids(answer)?.len();
        ensure!(created == AT_ONCE, "{created} of {AT_ONCE} users were created");
    }
    server.stop().await?;
    Ok((AT_ONCE * REQUESTS) as f64 / seconds)
}
