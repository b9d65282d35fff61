use std::time::Duration;

use super::claim::Claimant;

/// How a [`PostgresStore`](super::PostgresStore) uses its database.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PostgresOptions {
    /// How many connections there are at most, each for one read or write at a time; at least 1. Default 16.
    pub connections: usize,
    /// How long a request waits for a connection, whether none is free or the database is away. Default 5 seconds.
    pub acquire_timeout: Duration,
    /// How long the database may work on one statement, waiting for others included; at least a millisecond. Default
    /// 15 seconds.
    pub statement_timeout: Duration,
    /// After how long the writes of one [`write_all`](super::ResourceStore::write_all) that are left go into another
    /// transaction: others wait for the resources that it has locked. Default 250 milliseconds.
    pub batch_time: Duration,
    /// How often a write is tried at most that others keep getting in the way of; at least 1. Default 20.
    pub attempts: u32,
    /// For whom the database is kept, if not everybody may write at once. Default nobody.
    pub claimant: Option<Claimant>,
}

impl Default for PostgresOptions {
    fn default() -> Self {
        Self {
            connections: 16,
            acquire_timeout: Duration::from_secs(5),
            statement_timeout: Duration::from_secs(15),
            batch_time: Duration::from_millis(250),
            attempts: 20,
            claimant: None,
        }
    }
}

impl PostgresOptions {
    /// Sets how many connections there are at most.
    #[must_use]
    pub fn with_connections(mut self, connections: usize) -> Self {
        self.connections = connections.max(1);
        self
    }

    /// Sets how long a request waits for a connection.
    #[must_use]
    pub fn with_acquire_timeout(mut self, timeout: Duration) -> Self {
        self.acquire_timeout = timeout;
        self
    }

    /// Sets how long the database may work on one statement.
    #[must_use]
    pub fn with_statement_timeout(mut self, timeout: Duration) -> Self {
        self.statement_timeout = timeout.max(Duration::from_millis(1));
        self
    }

    /// Sets after how long the writes of one call that are left go into another transaction.
    #[must_use]
    pub fn with_batch_time(mut self, time: Duration) -> Self {
        self.batch_time = time;
        self
    }

    /// Sets how often a write is tried at most.
    #[must_use]
    pub fn with_attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts.max(1);
        self
    }

    /// Keeps the database for a claimant, of whose processes one writes at a time. Call
    /// [`PostgresStore::claim`](super::PostgresStore::claim) before anything is written.
    #[must_use]
    pub fn with_claimant(mut self, claimant: Claimant) -> Self {
        self.claimant = Some(claimant);
        self
    }
}
