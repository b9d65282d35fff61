//! Connections, the threads that use them, and the tables.

use std::borrow::Cow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use deadpool_postgres::{
    Hook, HookError, Manager, ManagerConfig, Object, Pool, RecyclingMethod, Runtime as PoolRuntime,
};
use futures_util::future::{BoxFuture, FutureExt as _, Shared};
use refinery::{Migration, Runner};
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::task::spawn_blocking;
use tokio_postgres::NoTls;

use super::super::StoreError;
use super::claim::{IS_KEPT, Kept};
use super::connect::{Target, Tls};
use super::error::{NewerTables, PostgresOpenError, chain, failed, no_connection, unavailable};
use super::options::PostgresOptions;
use super::session::Session;

/// What made the tables what they are. Only ever add to it, and nothing that changes a primary key: once tables are spread,
/// Citus takes no other change in the statement that adds a key, and CockroachDB none that leaves it to the next one.
const MIGRATIONS: [(&str, &str); 3] = [
    ("V1__tables", include_str!("migrations/V1__tables.sql")),
    ("V2__claims", include_str!("migrations/V2__claims.sql")),
    ("V3__search", include_str!("migrations/V3__search.sql")),
];

/// The table in which the migrations are noted.
const MIGRATION_TABLE: &str = "scim_migrations";

/// How often the tables are brought up to date, as another process may be doing the same.
const MIGRATION_ATTEMPTS: u32 = 5;

/// Connections to one database.
///
/// They live on a runtime of their own, so that they work under any other, and outlive each.
pub(super) struct Connections {
    runtime: Option<Runtime>,
    shared: Arc<Inner>,
}

/// What the tasks have of it.
struct Inner {
    pool: Pool,
    options: PostgresOptions,
    is_ready: AtomicBool,
    preparation: Mutex<Option<Preparation>>,
}

type Preparation = Shared<BoxFuture<'static, Result<(), Arc<StoreError>>>>;

impl Connections {
    pub(super) fn new(target: Target, options: PostgresOptions) -> Result<Self, PostgresOpenError> {
        let Target { config, tls } = target;
        let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let manager = match tls {
            Tls::Off(NoTls) => Manager::from_config(config, NoTls, recycling),
            Tls::On(tls) => Manager::from_config(config, tls, recycling),
        };
        let settings = settings(&options);
        let pool = Pool::builder(manager)
            .max_size(options.connections.max(1))
            .runtime(PoolRuntime::Tokio1)
            .post_create(Hook::async_fn(move |client, _| {
                let settings = settings.clone();
                Box::pin(async move { client.batch_execute(&settings).await.map_err(HookError::Backend) })
            }))
            .build()
            .map_err(|error| PostgresOpenError::Threads(error.into()))?;
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .max_blocking_threads(options.connections.max(1))
            .thread_name("scim-postgres")
            .enable_all()
            .build()
            .map_err(|error| PostgresOpenError::Threads(error.into()))?;
        let shared = Inner { pool, options, is_ready: AtomicBool::new(false), preparation: Mutex::default() };
        Ok(Self { runtime: Some(runtime), shared: Arc::new(shared) })
    }

    /// What runs work with connections.
    pub(super) fn line(&self) -> Result<Line, StoreError> {
        const GONE: &str = "the threads that speak with the database have ended";
        let runtime = self.runtime.as_ref().ok_or_else(|| StoreError::internal(GONE))?;
        Ok(Line { runtime: runtime.handle().clone(), shared: Arc::clone(&self.shared) })
    }

    /// Runs work as [`Line::run`] does.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Session) -> T + Send + 'static,
    ) -> Result<(T, Ending), StoreError> {
        self.line()?.run(work).await
    }

    /// Waits.
    pub(super) async fn pause(&self, time: Duration) -> Result<(), StoreError> {
        let Some(runtime) = &self.runtime else { return Ok(()) };
        // Not every runtime that calls has a clock.
        runtime.spawn(async move { tokio::time::sleep(time).await }).await.map_err(StoreError::internal)
    }

    /// Waits until the database is there and its tables are up to date.
    pub(super) async fn ready(&self) -> Result<(), StoreError> {
        self.run(|_| ()).await.map(drop)
    }
}

impl Drop for Connections {
    fn drop(&mut self) {
        self.shared.pool.close();
        if let Some(runtime) = self.runtime.take() {
            // Dropping it would wait, which nobody may do in a task.
            runtime.shutdown_background();
        }
    }
}

/// Runs work with connections, for as long as there are threads to do so.
#[derive(Clone)]
pub(super) struct Line {
    runtime: Handle,
    shared: Arc<Inner>,
}

impl Line {
    /// Runs what nobody waits for.
    pub(super) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.runtime.spawn(work);
    }

    /// Runs work that blocks, with a connection of its own, on a thread of its own. It goes on if nobody waits for it
    /// any more.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Session) -> T + Send + 'static,
    ) -> Result<(T, Ending), StoreError> {
        let (shared, handle) = (Arc::clone(&self.shared), self.runtime.clone());
        let task = self.runtime.spawn(async move {
            let client = shared.acquire().await?;
            let session = Session::new(client, handle, shared.options.statement_timeout);
            spawn_blocking(move || {
                let result = work(&session);
                let ending = Ending { fate: session.fate(), is_in_doubt: session.is_in_doubt() };
                session.close();
                (result, ending)
            })
            .await
            .map_err(StoreError::internal)
        });
        task.await.map_err(StoreError::internal)?
    }
}

/// How a session has ended.
pub(super) struct Ending {
    pub fate: super::error::Fate,
    /// Whether a transaction may have been committed although that failed.
    pub is_in_doubt: bool,
}

/// What holds for all statements of a connection.
fn settings(options: &PostgresOptions) -> String {
    let millis = |time: Duration| i32::try_from(time.as_millis()).unwrap_or(i32::MAX);
    // A transaction that is idle belongs to a process that hangs or is cut off; others wait for its locks. A plan that
    // was made for empty tables must not be kept while they grow; not every database of this kind has the setting.
    format!(
        "SET statement_timeout = {0}; SET idle_in_transaction_session_timeout = {0}; \
         SET client_min_messages = warning; \
         SELECT set_config(name, 'force_custom_plan', false) FROM pg_settings WHERE name = 'plan_cache_mode'",
        millis(options.statement_timeout).max(1),
    )
}

impl Inner {
    /// A connection, once the tables are up to date.
    async fn acquire(self: &Arc<Self>) -> Result<Object, StoreError> {
        let patience = self.options.acquire_timeout;
        let acquired = tokio::time::timeout(patience, async {
            if !self.is_ready.load(Ordering::Acquire) {
                self.prepare().await?;
            }
            self.pool.get().await.map_err(no_connection)
        });
        acquired.await.unwrap_or_else(|_| Err(unavailable("no connection to the database in time")))
    }

    /// Waits for the one attempt to bring the tables up to date that is under way; it goes on if nobody waits.
    async fn prepare(self: &Arc<Self>) -> Result<(), StoreError> {
        let preparation = {
            let mut under_way = self.preparation.lock().unwrap_or_else(PoisonError::into_inner);
            match &*under_way {
                Some(attempt) if attempt.peek().is_none() => attempt.clone(),
                _ => {
                    let shared = Arc::clone(self);
                    let task = Handle::current().spawn(async move { shared.migrate().await });
                    let attempt = async move { task.await.map_err(StoreError::internal)?.map_err(Arc::new) };
                    under_way.insert(attempt.boxed().shared()).clone()
                }
            }
        };
        preparation.await.map_err(|error| match &*error {
            StoreError::Internal(_) => StoreError::internal(error),
            _ => unavailable(error),
        })
    }

    async fn migrate(&self) -> Result<(), StoreError> {
        let mut client = self.pool.get().await.map_err(no_connection)?;
        let mut result = bring_up_to_date(&mut client).await;
        if result.is_ok() && self.options.claimant.is_none() {
            result = match client.query_opt(IS_KEPT, &[]).await {
                Ok(None) => Ok(()),
                Ok(Some(_)) => Err(StoreError::internal(Kept)),
                Err(error) => Err(failed(error)),
            };
        }
        // It has other settings than the others.
        drop(Object::take(client));
        match &result {
            Ok(()) => self.is_ready.store(true, Ordering::Release),
            Err(error) => tracing::error!(error = %chain(error), "the tables cannot be used"),
        }
        result
    }
}

/// SQL that makes tables, as the server that calls itself this takes it. CockroachDB has no columns with the collation that
/// it has everywhere.
fn as_taken_by<'s>(server: &str, sql: &'s str) -> Cow<'s, str> {
    if server.starts_with("CockroachDB") { sql.replace(" COLLATE \"C\"", "").into() } else { sql.into() }
}

async fn bring_up_to_date(client: &mut Object) -> Result<(), StoreError> {
    let answer = client.query_one("SELECT version()", &[]).await.map_err(failed)?;
    let server: &str = answer.try_get(0).map_err(failed)?;
    let migrations: Vec<Migration> = MIGRATIONS
        .iter()
        .map(|(name, sql)| Migration::unapplied(name, &as_taken_by(server, sql)))
        .collect::<Result<_, _>>()
        .map_err(StoreError::internal)?;
    let newest = migrations.iter().map(Migration::version).max();
    let mut runner = Runner::new(&migrations).set_grouped(true);
    runner.set_migration_table_name(MIGRATION_TABLE);
    // Making an index anew may take long.
    client.batch_execute("SET statement_timeout = 0").await.map_err(unavailable)?;
    // All of it or nothing: CockroachDB would commit before each table.
    const AT_ONCE: &str =
        "SELECT set_config(name, 'off', false) FROM pg_settings WHERE name = 'autocommit_before_ddl'";
    client.batch_execute(AT_ONCE).await.map_err(unavailable)?;
    let mut attempt = 0_u32;
    loop {
        // Whoever may only use the tables can look; it fails as long as there are none.
        if let Ok(Some(applied)) = runner.get_last_applied_migration_async(&mut ***client).await {
            match Some(applied.version()).cmp(&newest) {
                std::cmp::Ordering::Less => {}
                std::cmp::Ordering::Equal => return Ok(()),
                std::cmp::Ordering::Greater => return Err(StoreError::internal(NewerTables)),
            }
        }
        attempt = attempt.saturating_add(1);
        match runner.run_async(&mut ***client).await {
            Ok(_) => return Ok(()),
            Err(error) if attempt >= MIGRATION_ATTEMPTS || client.is_closed() => {
                return Err(unavailable(error));
            }
            // Another process may have been faster.
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_without_collations_of_columns_gets_none() {
        for (name, sql) in MIGRATIONS {
            assert_eq!(as_taken_by("PostgreSQL 15.20 on x86_64-pc-linux-gnu", sql), sql, "{name}");
            let taken = as_taken_by("CockroachDB CCL v25.2.1 (x86_64-pc-linux-gnu)", sql);
            assert!(!taken.contains("COLLATE"), "{name}");
            let words = |sql: &str| sql.replace("COLLATE \"C\"", "").split_whitespace().collect::<String>();
            assert_eq!(words(&taken), words(sql), "{name}");
        }
    }
}
