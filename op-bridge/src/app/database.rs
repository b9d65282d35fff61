//! The view in a PostgreSQL database, which this bridge alone may write to, and which may be away.

use std::sync::Arc;
use std::time::Duration;

use scim_server::store::{
    ClaimError, Claimant, PostgresOptions, PostgresStore, StoreError, UnavailableError,
};
use tokio::time::Instant;

use super::StartError;
use super::door::{Closed, Door};
use super::lock::DataFolder;
use super::view::View;
use crate::account::local::LocalAccount;
use crate::command::explain;
use crate::config::Secret;
use crate::health::{Health, Source};

/// How often others are told that this bridge lives; well within the time after which they may take its place.
const RENEWAL: Duration = Duration::from_secs(5);
/// How long an answer to that may take: a database that says nothing is as good as away.
const ANSWER: Duration = Duration::from_secs(10);
/// How long a start waits for a bridge that used the database last: one that was killed on another machine says nothing.
const PATIENCE: Duration = Duration::from_secs(30);
/// The least time between two comparisons of view and account while the database is there.
const SETTLING: Duration = Duration::from_secs(30);
/// The longest pause between two tries to reach a database.
const PAUSE_MAX: Duration = Duration::from_secs(15);

/// Opens the database at `url` for the account in the folder. Nothing is connected yet.
pub(super) async fn open(
    url: &Secret,
    account: &LocalAccount,
    folder: &DataFolder,
) -> Result<PostgresStore, StartError> {
    let mut claimant = Claimant::new(account.founder().await?.as_str());
    if let Some(place) = folder.unique_name() {
        claimant = claimant.with_place(place);
    }
    let options = PostgresOptions::default().with_claimant(claimant);
    Ok(PostgresStore::open_with(url.expose().trim(), &options)?)
}

/// Whether a database belongs to some account already. One that is away does not tell.
pub(super) async fn is_claimed(url: &Secret) -> Result<bool, StartError> {
    let nobody = PostgresOptions::default().with_claimant(Claimant::new(""));
    let database = PostgresStore::open_with(url.expose().trim(), &nobody)?;
    Ok(database.is_claimed().await.unwrap_or(false))
}

/// Keeps the database for this bridge, and the view in line with the account.
#[derive(Debug)]
pub(super) struct Keeper {
    pub(super) database: Arc<PostgresStore>,
    pub(super) view: View,
    pub(super) door: Door,
    pub(super) health: Health,
}

impl Keeper {
    /// The first try, before anything is served. Gives the closed door back if the database is away; everything else that
    /// is wrong with it is an error.
    pub(super) async fn start(&self) -> Result<Option<Closed>, StartError> {
        let closed = self.door.close().await;
        let end = Instant::now() + PATIENCE;
        let mut heard_of: Option<i64> = None;
        loop {
            match self.open().await {
                Ok(()) => return Ok(None),
                Err(StartError::DatabaseInUse { seen }) => {
                    // Whoever has been heard of again lives.
                    if heard_of.is_some_and(|before| before < seen) || Instant::now() >= end {
                        return Err(StartError::DatabaseInUse { seen });
                    }
                    if heard_of.is_none() {
                        tracing::warn!(
                            "the database was used by another bridge just now; waiting whether that lives"
                        );
                    }
                    heard_of = Some(seen);
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
                Err(error) if is_away(&error) => {
                    tracing::warn!("{}: requests are answered 503 until it is there", explain(&error));
                    return Ok(Some(closed));
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Keeps it for ever. Stop it by dropping the future.
    pub(super) async fn keep(self, mut closed: Option<Closed>) {
        loop {
            if let Some(closed) = closed.take() {
                self.reopen().await;
                drop(closed);
                tracing::info!("the database can be used: requests are served");
            }
            self.watch().await;
            closed = Some(self.door.close().await);
        }
    }

    /// Takes the database and brings the view in it into line with the account.
    async fn open(&self) -> Result<(), StartError> {
        self.claim().await?;
        tokio::select! {
            done = self.prepare() => done?,
            lost = self.renew_until_lost() => return Err(lost),
        }
        self.note(true);
        Ok(())
    }

    async fn prepare(&self) -> Result<(), StartError> {
        self.view.take_over_file().await?;
        self.view.bring_into_line().await
    }

    async fn claim(&self) -> Result<(), StartError> {
        self.database.claim().await.map_err(|error| match error {
            ClaimError::Owner => {
                StartError::DatabaseOfAnother { folder: self.view.data_dir.clone(), is_missing: false }
            }
            ClaimError::NotEmpty => StartError::DatabaseNotEmpty,
            ClaimError::InUse { seen } => StartError::DatabaseInUse { seen },
            ClaimError::Store(error) => StartError::Database(error),
            other => StartError::Database(StoreError::internal(other)),
        })
    }

    async fn renew_until_lost(&self) -> StartError {
        loop {
            tokio::time::sleep(RENEWAL).await;
            if let Err(error) = self.renew().await {
                return error;
            }
        }
    }

    async fn renew(&self) -> Result<(), StartError> {
        let renewed = tokio::time::timeout(ANSWER, self.database.renew_claim()).await;
        match renewed {
            Ok(Ok(true)) => Ok(()),
            Ok(Ok(false)) => Err(StartError::DatabaseInUse { seen: 0 }),
            Ok(Err(error)) => Err(StartError::Database(error)),
            Err(_) => {
                let cause = format!("it has not answered within {} seconds", ANSWER.as_secs()).into();
                let silent = UnavailableError { retry_after: ANSWER, cause };
                Err(StartError::Database(silent.into()))
            }
        }
    }

    /// Tries until it can be used.
    async fn reopen(&self) {
        let mut pause = Duration::from_secs(1);
        while let Err(error) = self.open().await {
            self.note(false);
            tracing::error!("{}: trying again in {} seconds", explain(&error), pause.as_secs());
            tokio::time::sleep(pause).await;
            pause = pause.saturating_mul(2).min(PAUSE_MAX);
        }
    }

    /// Returns when the door has to be closed: the database is away or somebody else's, or a write has failed there in a
    /// way that leaves open what has been written.
    async fn watch(&self) {
        let opened = Instant::now();
        let mut disk = self.view.store.disk().watch();
        loop {
            tokio::select! {
                () = tokio::time::sleep(RENEWAL) => {}
                Ok(_) = disk.wait_for(|condition| condition.write_failed), if !disk.borrow().write_failed => {}
            }
            if let Err(error) = self.renew().await {
                self.note(false);
                tracing::error!("{}", explain(&error));
                return;
            }
            self.health.report(Source::Database, true);
            if self.view.store.is_unsettled() && opened.elapsed() >= SETTLING {
                tracing::warn!("a change could not be kept in the database: comparing it with the account");
                return;
            }
        }
    }

    fn note(&self, works: bool) {
        self.health.report(Source::Database, works);
        self.view.store.disk().note_write(works);
    }
}

/// Whether the database may come back by itself.
fn is_away(error: &StartError) -> bool {
    matches!(
        error,
        StartError::Database(StoreError::Unavailable(_)) | StartError::Reconcile(StoreError::Unavailable(_))
    )
}
