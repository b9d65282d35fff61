//! A database of which one process writes at a time.

use std::time::Duration;

use uuid::Uuid;

use super::super::StoreError;
use super::error::unavailable;
use super::session::{Session, params};
use super::{PostgresStore, WRITE};

/// How long a process that has not been heard of is waited for: after that another one may take its place.
const LEASE: Duration = Duration::from_secs(20);

/// The clock of the database, in milliseconds since 1970.
macro_rules! now {
    () => {
        "(EXTRACT(EPOCH FROM clock_timestamp()) * 1000)::BIGINT"
    };
}

/// Who wants a database for itself: [`PostgresOptions::with_claimant`](super::PostgresOptions::with_claimant).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claimant {
    owner: String,
    place: Option<String>,
}

impl Claimant {
    /// `owner` is a name for that to which the data belong: the same for each process that may have them, and another
    /// one for everybody else.
    pub fn new(owner: impl Into<String>) -> Self {
        Self { owner: owner.into(), place: None }
    }

    /// A name for where the process runs, if only one ever does there at a time, by a lock on a file for example. It then
    /// takes over at once from one that has been killed there.
    #[must_use]
    pub fn with_place(mut self, place: impl Into<String>) -> Self {
        self.place = Some(place.into());
        self
    }
}

/// Why a database is not the claimant's.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClaimError {
    /// It belongs to another owner.
    #[error("the database belongs to another owner")]
    Owner,
    /// It belongs to nobody, but has resources.
    #[error("the database has resources of others")]
    NotEmpty,
    /// Another process of the same owner writes to it.
    #[error("another process is using the database")]
    InUse {
        /// When that was last heard of, in milliseconds since 1970 by the clock of the database. It lives if this grows.
        seen: i64,
    },
    /// The database could not be asked.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A claimant, and which of its processes this is.
#[derive(Clone)]
pub(super) struct Claim {
    claimant: Claimant,
    process: String,
}

/// That this process is not the one that may write.
#[derive(Debug, thiserror::Error)]
#[error(
    "the database is not this process's to write to: it has not claimed it yet, or another one has since"
)]
struct NotClaimed;

/// That the database is kept for a claimant, and this process is none.
#[derive(Debug, thiserror::Error)]
#[error(
    "the database is kept for one program, such as a bridge, which is not this one; use another database"
)]
pub(super) struct Kept;

impl Claim {
    #[expect(clippy::disallowed_methods, reason = "it is never shown, and must be new for each process")]
    pub(super) fn new(claimant: Claimant) -> Self {
        Self { claimant, process: Uuid::new_v4().to_string() }
    }

    /// Sees to it that a transaction is committed only while the claim holds: whoever takes over waits for it.
    pub(super) fn hold(&self, session: &Session) -> Result<(), StoreError> {
        const SQL: &str = "SELECT 1 FROM scim_claims WHERE name = 'writer' AND process = $1 FOR KEY SHARE";
        let rows = session.rows(SQL, params![self.process.clone()])?;
        if rows.is_empty() { Err(unavailable(NotClaimed)) } else { Ok(()) }
    }

    fn take(&self, session: &Session) -> Result<Result<(), ClaimError>, StoreError> {
        const FOUND: &str = "INSERT INTO scim_claims (name, owner, seen) SELECT 'writer', $1::TEXT, 0 \
            WHERE NOT EXISTS (SELECT 1 FROM scim_resources) ON CONFLICT (name) DO NOTHING";
        const LOOK: &str = concat!(
            "SELECT owner, place, process, seen, ",
            now!(),
            " FROM scim_claims WHERE name = 'writer' FOR UPDATE"
        );
        const TAKE: &str = concat!(
            "UPDATE scim_claims SET place = $1, process = $2, seen = ",
            now!(),
            " WHERE name = 'writer'"
        );
        let Claimant { owner, place } = &self.claimant;
        session.begin(WRITE);
        session.rows(FOUND, params![owner.clone()])?;
        let rows = session.rows(LOOK, params![])?;
        let Some(row) = rows.first() else { return Ok(Err(ClaimError::NotEmpty)) };
        let read = |error: tokio_postgres::Error| StoreError::internal(error);
        if row.try_get::<_, String>(0).map_err(read)? != *owner {
            return Ok(Err(ClaimError::Owner));
        }
        let other: Option<String> = row.try_get(2).map_err(read)?;
        let is_other = other.is_some_and(|other| other != self.process);
        let is_elsewhere = place.is_none() || row.try_get::<_, Option<String>>(1).map_err(read)? != *place;
        let (seen, now): (i64, i64) = (row.try_get(3).map_err(read)?, row.try_get(4).map_err(read)?);
        let lease = i64::try_from(LEASE.as_millis()).unwrap_or(i64::MAX);
        if is_other && is_elsewhere && now.saturating_sub(seen) <= lease {
            return Ok(Err(ClaimError::InUse { seen }));
        }
        session.rows(TAKE, params![place.clone(), self.process.clone()])?;
        session.commit()?;
        Ok(Ok(()))
    }
}

/// Nobody but a claimant uses a database that is kept for one.
pub(super) const IS_KEPT: &str = "SELECT 1 FROM scim_claims WHERE name = 'writer'";

impl PostgresStore {
    /// Takes the database for the [claimant](super::PostgresOptions::with_claimant) of the options, and for this process,
    /// the only one that may write to it from then on. It keeps it for as long as it [renews](Self::renew_claim) the claim
    /// more often than every 20 seconds, which another process that wants to take over waits for. One that has lost its
    /// claim can write nothing more, whatever it believes: each write looks, in its own transaction. Without a claimant,
    /// this does nothing.
    ///
    /// # Errors
    /// [`ClaimError`]. A claim that may have been made all the same may be made again.
    pub async fn claim(&self) -> Result<(), ClaimError> {
        let Some(claim) = self.claim.clone() else { return Ok(()) };
        self.run(move |session| claim.take(session)).await?
    }

    /// Whether it belongs to somebody who has claimed it, now or before.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] and [`StoreError::Internal`].
    pub async fn is_claimed(&self) -> Result<bool, StoreError> {
        self.run(|session| Ok(!session.rows(IS_KEPT, params![])?.is_empty())).await
    }

    /// Tells others that this process lives. False if it has no claim any more, or has never had one.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] and [`StoreError::Internal`].
    pub async fn renew_claim(&self) -> Result<bool, StoreError> {
        const RENEW: &str = concat!(
            "UPDATE scim_claims SET seen = ",
            now!(),
            " WHERE name = 'writer' AND process = $1 RETURNING 1"
        );
        self.change_claim(RENEW).await
    }

    /// Lets another process take over at once. The database stays the owner's.
    ///
    /// # Errors
    /// As [`PostgresStore::renew_claim`].
    pub async fn release_claim(&self) -> Result<bool, StoreError> {
        const RELEASE: &str =
            "UPDATE scim_claims SET process = NULL WHERE name = 'writer' AND process = $1 RETURNING 1";
        self.change_claim(RELEASE).await
    }

    async fn change_claim(&self, sql: &'static str) -> Result<bool, StoreError> {
        let Some(claim) = self.claim.clone() else { return Ok(false) };
        self.run(move |session| {
            session.begin(WRITE);
            let rows = session.rows(sql, params![claim.process.clone()])?;
            session.commit()?;
            Ok(!rows.is_empty())
        })
        .await
    }
}
