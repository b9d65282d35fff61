//! A store in PostgreSQL: durable, for several processes at once.

mod claim;
mod connect;
mod error;
mod keys;
mod known;
mod options;
mod pool;
mod rest;
mod rows;
mod search;
mod session;
mod write;

use std::cell::RefCell;
use std::fmt;
use std::hash::{BuildHasher as _, RandomState};
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use scim_core::{ResourceId, TypeDefinition};

use super::meter::Meter;
use super::select::select;
use super::view::{Row, View as _, kept_apart, loaded};
use super::{Load, Outcome, Page, Query, Record, ResourceStore, StoreError, Write};
use crate::context::RequestContext;
use claim::Claim;
use connect::Target;
use error::Fate;
use known::Known;
use pool::{Connections, Ending};
use rest::Rest;
use rows::Rows;
use session::Session;
use write::{Counts, carry_out, count};

pub use claim::{ClaimError, Claimant};
pub use error::PostgresOpenError;
pub use options::PostgresOptions;

/// A [`ResourceStore`] in a PostgreSQL database, for any number of processes at once.
///
/// ```no_run
/// use scim_server::ScimService;
/// use scim_server::store::{PostgresOptions, PostgresStore};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let url = "postgres://scim:secret@db.example.com/directory?sslmode=verify-full";
/// let store = PostgresStore::open_with(url, &PostgresOptions::default().with_connections(32))?;
/// // Optional: whether the database is there and its tables are what they should be.
/// store.ready().await?;
/// let service = ScimService::builder(store).mounted_at(["/scim/v2"]).build();
/// # let _ = service;
/// # Ok(())
/// # }
/// ```
///
/// # The URL
///
/// `postgres://user:password@host:port/name?option=value`; special characters as `%` codes. Several hosts with commas
/// between them are tried in turn for the one that takes writes. `sslmode` is one of
///
/// | `sslmode` | the connection is |
/// |---|---|
/// | `disable` | not encrypted |
/// | `prefer` (default) | encrypted if the server can, by whatever certificate |
/// | `require` | encrypted, by whatever certificate |
/// | `verify-ca`, `verify-full` | encrypted, with a certificate for that host by an authority that the system trusts |
///
/// With `sslrootcert=FILE` beside any mode but `disable`, the connection is encrypted with a certificate for that host
/// that is signed by one in that file. On a socket of the file system nothing is encrypted. The password is never logged
/// or shown.
///
/// # How it works
///
/// The tables, whose names begin with `scim_`, are made and brought up to date when the database is first reached. A
/// read is one transaction that sees one state (`REPEATABLE READ`). A write is one too (`READ COMMITTED`): it locks
/// the row of what it changes before it looks, so what it read of that cannot change, and leaves the rest to keys of
/// the database: unique values are a primary key, values of relations refer to resources that exist. Writes to one
/// resource come one after the other, others do not wait for each other. Where the database undoes a transaction
/// because of another one, it is carried out again, up to [`PostgresOptions::attempts`] times. All of this holds under
/// stricter isolation too. What is answered has been committed; how durable that is, `synchronous_commit` of the server
/// says. The writes of one [`write_all`](ResourceStore::write_all) share transactions, each for about
/// [`PostgresOptions::batch_time`].
///
/// What a write needs to know is asked for at once, and what it changes is sent with the commit: creating somebody,
/// changing an attribute and adding a member are two exchanges with the database each, 1,000 new users in one call less
/// than twenty.
///
/// Equality on indexed attributes, adding a member to a group, a page by cursor, of a group's members too
/// (`groups.value eq`), and reading by id cost the same however much is stored; `sw` of indexed attributes costs what it
/// finds. Other filters, sorting and counting are done in SQL, over a second form of each resource of the type that has
/// all values as they compare (`jsonb`); only the page leaves the database. What SQL cannot decide (binary values, `$ref`
/// of relations, `display` of relations where case does not matter, `meta.location`) is decided on the resources
/// themselves, which are read a few hundred at a time, where nothing else excludes them.
/// A question without an index looks at every resource of the type in one statement, for which
/// [`PostgresOptions::statement_timeout`] holds.
///
/// That form is made by the schemas in force when a resource is written. Where they have changed since, or an earlier
/// version of this program made the tables, queries look at the resources themselves, and have the new form made in the
/// background. Processes of an earlier version end before one of a newer version starts: they do not know of it.
///
/// Values longer than 800 bytes are indexed by their beginning and their SHA-256. The keys of unique and indexed values
/// are made by the schemas in force when a resource is written too: whoever changes how an existing attribute compares,
/// or whether it is unique, writes the resources again.
///
/// # Order, pages and versions
///
/// Resources are ordered by numbers of a sequence, versions are numbers of the same. A transaction gets its numbers
/// before it commits, so a resource may appear before others that have been seen: one whose creation was under way
/// while somebody read page after page may be missing from those, as it was not there all the time. What was there
/// when the first page was read is neither repeated nor left out. A version is taken once the resource is locked: later
/// versions are greater.
///
/// # When the database is away
///
/// [`PostgresStore::open`] does not wait for it. Calls are [`StoreError::Unavailable`] within
/// [`PostgresOptions::acquire_timeout`] while it is away or all connections are busy, and work again once it is back.
/// If the connection breaks while a write is being committed, it is unknown whether it was, and the call is
/// [`StoreError::Unavailable`] too. A connection is held while the database works, never while a client reads an
/// answer.
///
/// # One process at a time
///
/// A program that keeps something else beside the database, so that two of its processes must never write, says so by
/// [`PostgresOptions::with_claimant`] and calls [`PostgresStore::claim`] before it writes. Each write is then one exchange
/// more. Whoever is no claimant cannot open a database that is kept for one.
///
/// # Many tenants, many machines
///
/// Every key begins with the tenant and no statement about resources looks past one, so that the tables can be spread by
/// `tenant`: by Citus (`create_distributed_table`, each table by `tenant`, `scim_resources` first), as ranges of CockroachDB
/// or tablets of YugabyteDB. Nothing is used but tables, indexes, foreign keys, one sequence, savepoints and row locks.
/// What was run on which of them, the commands and the limits are in `docs/distributed.md` of the repository.
pub struct PostgresStore {
    connections: Connections,
    attempts: u32,
    batch_time: Duration,
    /// Where only one process writes at a time.
    claim: Option<Claim>,
    /// Where the next transaction counts.
    slot: AtomicU32,
    /// Whether search documents are being made anew.
    is_refreshing: Arc<AtomicBool>,
}

/// Into how many parts the number of resources of a type is divided.
const SLOTS: u32 = 64;

const READ: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
const WRITE: &str = "BEGIN ISOLATION LEVEL READ COMMITTED";

/// How often work that has not committed anything is begun anew after its connection broke.
const NEW_CONNECTIONS: u32 = 2;

impl PostgresStore {
    /// A store in the database at a URL, with the default [`PostgresOptions`].
    ///
    /// # Errors
    /// [`PostgresOpenError`] as [`PostgresStore::open_with`].
    pub fn open(url: &str) -> Result<Self, PostgresOpenError> {
        Self::open_with(url, &PostgresOptions::default())
    }

    /// A store in the database at a URL. It is not connected to before it is needed.
    ///
    /// # Errors
    /// [`PostgresOpenError`] when the URL or what it names cannot be understood, or no thread can be started.
    pub fn open_with(url: &str, options: &PostgresOptions) -> Result<Self, PostgresOpenError> {
        let connections = Connections::new(Target::new(url)?, options.clone())?;
        // Processes that start together count in different places.
        let start = u32::try_from(RandomState::new().hash_one(0) % u64::from(SLOTS)).unwrap_or(0);
        Ok(Self {
            connections,
            attempts: options.attempts.max(1),
            batch_time: options.batch_time,
            claim: options.claimant.clone().map(Claim::new),
            slot: AtomicU32::new(start),
            is_refreshing: Arc::default(),
        })
    }

    /// Connects, and brings the tables up to date.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the database is away, [`StoreError::Internal`] when a newer version of this
    /// program made the tables.
    pub async fn ready(&self) -> Result<(), StoreError> {
        self.connections.ready().await
    }

    /// Carries out work in sessions of its own until it was not disturbed.
    async fn run<T: Send + 'static>(
        &self,
        mut work: impl FnMut(&Session) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (mut disturbed, mut lost) = (0_u32, 0_u32);
        loop {
            let caught = move |session: &Session| {
                let result = catch_unwind(AssertUnwindSafe(|| work(session)))
                    .unwrap_or_else(|_| Err(StoreError::internal("work in the database panicked")));
                (result, work)
            };
            let ((result, again), Ending { fate, is_in_doubt }) = self.connections.run(caught).await?;
            work = again;
            match (result, fate) {
                (Err(_), Fate::Again) => {
                    disturbed = disturbed.saturating_add(1);
                    if disturbed >= self.attempts {
                        return Err(StoreError::Contended);
                    }
                    self.connections.pause(pause(disturbed)).await?;
                }
                (Err(error), Fate::Lost) => {
                    lost = lost.saturating_add(1);
                    if is_in_doubt || lost > NEW_CONNECTIONS {
                        return Err(error);
                    }
                }
                (result, _) => return result,
            }
        }
    }

    /// Reads one state, in one transaction where that takes several statements.
    async fn read<T: Send + 'static>(
        &self,
        context: &RequestContext,
        is_one_statement: bool,
        work: impl Fn(&Rows<'_>, &RequestContext) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let context = context.clone();
        self.run(move |session| {
            if !is_one_statement {
                session.begin(READ);
            }
            work(&Rows::new(session, &context), &context)
        })
        .await
    }

    /// Makes the search documents of a type anew beside whatever else is done, a few at a time, unless others are being
    /// made. It ends early with the store, or if anything is in its way; the next query that meets old ones begins again.
    fn refresh(&self, context: &RequestContext, definition: Arc<TypeDefinition>) {
        let Ok(line) = self.connections.line() else { return };
        let Some(turn) = Turn::take(&self.is_refreshing) else { return };
        let (context, slot, work) = (context.clone(), self.next_slot(), line.clone());
        let claim = self.claim.clone();
        line.spawn(async move {
            let _turn = turn;
            let mut after = Some(Row::MIN);
            while let Some(row) = after {
                let (context, definition, claim) = (context.clone(), Arc::clone(&definition), claim.clone());
                let made = work.run(move |session| {
                    begin_write(session, claim.as_ref())?;
                    search::make_anew(session, &context, &definition, row, slot)
                });
                after = made.await.and_then(|(made, _)| made).unwrap_or_else(|error| {
                    tracing::debug!(%error, "search documents were not made anew");
                    None
                });
            }
        });
    }

    fn next_slot(&self) -> i64 {
        i64::from(self.slot.fetch_add(1, Ordering::Relaxed) % SLOTS)
    }
}

/// The one who makes search documents anew, until dropped.
struct Turn(Arc<AtomicBool>);

impl Turn {
    fn take(taken: &Arc<AtomicBool>) -> Option<Self> {
        (!taken.swap(true, Ordering::AcqRel)).then(|| Self(Arc::clone(taken)))
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

/// Begins a transaction that writes resources.
fn begin_write(session: &Session, claim: Option<&Claim>) -> Result<(), StoreError> {
    session.begin(WRITE);
    claim.map_or(Ok(()), |claim| claim.hold(session))
}

/// How long to leave others alone: longer each time, and not the same for everybody.
fn pause(disturbed: u32) -> Duration {
    let longest = 1_u64 << disturbed.min(7);
    Duration::from_micros(RandomState::new().hash_one(disturbed) % (longest.saturating_mul(1_000)))
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStore").finish_non_exhaustive()
    }
}

#[async_trait]
impl ResourceStore for PostgresStore {
    async fn get(
        &self,
        context: &RequestContext,
        definition: &Arc<TypeDefinition>,
        id: &ResourceId,
        load: Load,
    ) -> Result<Option<Record>, StoreError> {
        let (id, definition) = (id.clone(), Arc::clone(definition));
        let is_one_statement = load == Load::None || kept_apart(&definition).next().is_none();
        self.read(context, is_one_statement, move |rows, _| {
            let found = rows.find(&id)?.filter(|s| &*s.record.resource_type == definition.name());
            found.map(|stored| loaded(rows, &definition, stored, load)).transpose()
        })
        .await
    }

    async fn query(&self, context: &RequestContext, query: &Query) -> Result<Page, StoreError> {
        let query = query.clone();
        let answered = self.read(context, false, move |rows, context| {
            let page = select(rows, context, &query, &Meter::new(query.work))?;
            Ok((page, rows.outdated.take()))
        });
        let (page, outdated) = answered.await.map_err(error::of_query)?;
        if let Some(definition) = outdated.into_iter().next() {
            self.refresh(context, definition);
        }
        Ok(page)
    }

    async fn write(&self, context: &RequestContext, mut write: Write) -> Result<Outcome, StoreError> {
        let (context, slot, claim) = (context.clone(), self.next_slot(), self.claim.clone());
        self.run(move |session| {
            begin_write(session, claim.as_ref())?;
            let mut counts = Counts::new();
            let known = RefCell::new(Known::ask(session, &context, std::slice::from_ref(&write))?);
            let outcome = carry_out(session, &context, &known, &mut write, &mut counts)?;
            count(session, &context, counts, slot);
            session.commit()?;
            Ok(outcome)
        })
        .await
    }

    async fn write_all(
        &self,
        context: &RequestContext,
        writes: Vec<Write>,
        stop_after: Option<NonZeroUsize>,
    ) -> Vec<Result<Outcome, StoreError>> {
        let caller = Arc::new(());
        let mut outcomes = Vec::with_capacity(writes.len());
        let mut rest = Rest::new(writes, stop_after, self.batch_time, &caller);
        while !rest.is_empty() {
            let left = rest.most();
            let (shared, slot, claim) = (context.clone(), self.next_slot(), self.claim.clone());
            let some = self.run(move |session| {
                begin_write(session, claim.as_ref())?;
                let outcomes = rest.carry_out_some(session, &shared, slot)?;
                Ok((outcomes, std::mem::take(&mut rest)))
            });
            match some.await {
                Ok((some, after)) => {
                    for outcome in some {
                        context.note_write(outcomes.len(), &outcome);
                        outcomes.push(outcome);
                    }
                    rest = after;
                }
                Err(error) => {
                    outcomes.extend(error::each_failed(error, left));
                    break;
                }
            }
        }
        outcomes
    }
}
