//! The account itself: opened in a folder, and the port on top of it.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use rusqlite::Connection;

use super::super::{
    Account, AccountError, Capabilities, CreatedGroup, Group, GroupId, Membership, NewPerson, Person,
    PersonId, PersonState, ProvisionedPerson,
};
use super::database::{self, Database};
use super::device::Devices;
use super::groups::{self, GroupKeys};
use super::{people, registration, setup};
use crate::clock::Clock;
use crate::credentials::{Credentials, SessionGate};
use crate::disk::Disk;
use crate::file;
use crate::random::Random;

/// The file with the account's database.
const DATABASE: &str = "account.sqlite3";
/// The folder with the keys of people's devices.
const DEVICES: &str = "devices";

/// The account in the bridge's data folder. See the [module](super) for what it does.
///
/// # Examples
///
/// ```
/// use std::sync::Arc;
///
/// use op_bridge::account::local::LocalAccount;
/// use op_bridge::account::{Account, NewPerson, PersonState};
/// use op_bridge::clock::SystemClock;
/// use op_bridge::credentials::{SessionFile, SessionGate};
/// use op_bridge::random::SystemRandom;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (file, token) = SessionFile::create("", &SystemClock, &SystemRandom)?;
/// let gate = Arc::new(SessionGate::new(file, &SystemRandom)?);
/// gate.authenticate(&token.expose())?;
///
/// let folder = tempfile::tempdir()?;
/// let account =
///     LocalAccount::open(folder.path(), gate, Arc::new(SystemClock), Arc::new(SystemRandom))?;
/// let person = account.provision(NewPerson::new("ada@example.com", "Ada Lovelace")).await?.person;
/// assert_eq!(person.state, PersonState::TransferStarted);
///
/// account.accept("ada@example.com").await?;
/// let person = account.confirm(&person.id).await?;
/// assert_eq!(person.state, PersonState::Active);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct LocalAccount {
    pub(super) database: Database,
    pub(super) devices: Devices,
    pub(super) random: Arc<dyn Random>,
    gate: Arc<SessionGate>,
    clock: Arc<dyn Clock>,
    keys: Arc<GroupKeys>,
}

/// What a change that acts for the integration works with, inside the transaction.
struct Integration {
    credentials: Arc<Credentials>,
    keys: Arc<GroupKeys>,
    random: Arc<dyn Random>,
    now: DateTime<Utc>,
}

impl LocalAccount {
    /// Whether there is an account in a folder. [`LocalAccount::open`] would make one.
    pub fn exists(folder: &Path) -> bool {
        // A file without content is what a start that was broken off, or a disk that was full, leaves.
        folder.join(DATABASE).metadata().is_ok_and(|file| file.is_file() && file.len() > 0)
    }

    /// Opens the account in `folder`, and makes the folder and the account where there are none.
    ///
    /// `gate` says when the session is unlocked; the first session that is used in an account owns it.
    /// Blocks for as long as the disk takes; call it before serving.
    ///
    /// # Errors
    ///
    /// [`OpenError`] when the folder cannot be used, or the account in it cannot.
    pub fn open(
        folder: &Path,
        gate: Arc<SessionGate>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Result<Self, OpenError> {
        let unusable = |source| OpenError::Folder { folder: folder.to_owned(), source };
        file::create_private_folder(folder).map_err(unusable)?;
        let devices = Devices::open(&folder.join(DEVICES)).map_err(unusable)?;
        let path = folder.join(DATABASE);
        file::create_private_if_missing(&path).map_err(unusable)?;

        let broken = |error: AccountError| OpenError::Database { path: path.clone(), source: error.into() };
        let mut connection = database::connect(&path).map_err(|error| broken(error.into()))?;
        setup::migrate(&mut connection).map_err(|error| match error {
            rusqlite_migration::Error::MigrationDefinition(
                rusqlite_migration::MigrationDefinitionError::DatabaseTooFarAhead,
            ) => OpenError::Newer(path.clone()),
            error => OpenError::Database { path: path.clone(), source: error.into() },
        })?;
        setup::found(&mut connection, &devices, clock.now(), &*random).map_err(broken)?;
        drop(connection);
        let database = Database::open(&path).map_err(|error| broken(error.into()))?;
        Ok(Self { database, devices, random, gate, clock, keys: Arc::default() })
    }

    pub(super) fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// Makes an account that belongs to nobody yet the unlocked session's own, so that no other session is let in.
    /// Repeated, it does nothing.
    ///
    /// # Errors
    ///
    /// [`AccountError::OtherSession`] if it belongs to another session, and the errors of every change.
    pub async fn own(&self) -> Result<(), AccountError> {
        self.change("own", |_, _| Ok(())).await
    }

    /// Who was first in the account. Nobody is ever deleted, so this tells the account from every other one.
    pub(crate) async fn founder(&self) -> Result<PersonId, AccountError> {
        self.database
            .read(|database| {
                let first = "SELECT id FROM people ORDER BY seq LIMIT 1";
                Ok(database.query_one(first, [], |row| people::parsed(row, "id"))?)
            })
            .await
    }

    /// Whether what was to be written has reached the disk.
    pub(crate) fn disk(&self) -> &Disk {
        self.database.disk()
    }

    /// Writes something that changes nothing, to find out whether the account can be written.
    pub(crate) async fn probe(&self) -> Result<(), AccountError> {
        self.database.probe().await
    }

    /// Runs `work` for the integration, after checking that the session is unlocked and the account's own.
    async fn change<T, F>(&self, what: &'static str, work: F) -> Result<T, AccountError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection, &Integration) -> Result<T, AccountError> + Send + 'static,
    {
        let integration = Integration {
            credentials: self.gate.credentials().ok_or(AccountError::Locked)?,
            keys: Arc::clone(&self.keys),
            random: Arc::clone(&self.random),
            now: self.now(),
        };
        let started = Instant::now();
        let done = self
            .database
            .write(move |database| {
                let Integration { credentials, random, now, .. } = &integration;
                let is_new = registration::ensure(database, credentials, *now, &**random)?;
                Ok((work(database, &integration)?, is_new.then(|| Arc::clone(credentials))))
            })
            .await
            .map(|(done, registered)| {
                // Only now is it certain: a change that fails takes the registration back with it.
                if let Some(credentials) = registered {
                    registration::log(&credentials);
                }
                done
            });
        // Not why it was refused: that may say who somebody is.
        tracing::debug!(change = what, done = done.is_ok(), duration_us = micros(started), "account change");
        done
    }
}

fn micros(started: Instant) -> u64 {
    u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX)
}

#[async_trait]
impl Account for LocalAccount {
    fn capabilities(&self) -> Capabilities {
        Capabilities::all()
    }

    async fn check(&self) -> Result<(), AccountError> {
        let credentials = self.gate.credentials();
        self.database
            .read(move |database| match credentials {
                Some(credentials) => registration::is_registered(database, &credentials).map(drop),
                None => Ok(database.execute_batch("SELECT 1 FROM account")?),
            })
            .await?;
        if self.disk().condition().is_failing() {
            return Err(AccountError::Unavailable { reason: "its database cannot be written", source: None });
        }
        Ok(())
    }

    async fn people(&self) -> Result<Vec<Person>, AccountError> {
        self.database.read(people::all).await
    }

    async fn person(&self, id: &PersonId) -> Result<Option<Person>, AccountError> {
        let id = id.clone();
        self.database.read(move |database| people::by_id(database, &id)).await
    }

    async fn person_by_email(&self, email: &str) -> Result<Option<Person>, AccountError> {
        let email = email.to_owned();
        self.database.read(move |database| people::by_email(database, &email)).await
    }

    async fn awaiting_confirmation(&self) -> Result<Vec<Person>, AccountError> {
        self.database.read(|database| people::in_state(database, &PersonState::TransferPending)).await
    }

    async fn provision(&self, person: NewPerson) -> Result<ProvisionedPerson, AccountError> {
        person.check()?;
        self.change("provision", move |database, by| match people::by_email(database, &person.email)? {
            Some(existing) => Ok(ProvisionedPerson::new(existing, true)),
            None => {
                let person = people::invite(database, &person, true, by.now, &*by.random)?;
                Ok(ProvisionedPerson::new(person, false))
            }
        })
        .await
    }

    async fn confirm(&self, id: &PersonId) -> Result<Person, AccountError> {
        let id = id.clone();
        self.change("confirm", move |database, by| {
            let person = people::required(database, &id)?;
            match person.state {
                PersonState::Active => return Ok(person),
                PersonState::TransferPending if person.provisioned_by_bridge => {}
                PersonState::TransferPending => {
                    return Err(AccountError::protected(
                        "people whom it did not invite: an administrator of the account confirms them",
                    ));
                }
                state => return Err(AccountError::WrongState { action: "be confirmed", state }),
            }
            groups::grant_pending(database, &person, &by.credentials, &by.keys)?;
            people::set_active(database, &id, by.now)?;
            people::required(database, &id)
        })
        .await
    }

    async fn suspend(&self, id: &PersonId) -> Result<Person, AccountError> {
        let id = id.clone();
        self.change("suspend", move |database, by| people::suspend(database, &id, by.now)).await
    }

    async fn reactivate(&self, id: &PersonId) -> Result<Person, AccountError> {
        let id = id.clone();
        self.change("reactivate", move |database, by| people::reactivate(database, &id, by.now)).await
    }

    async fn rename(&self, id: &PersonId, name: &str) -> Result<Person, AccountError> {
        let (id, name) = (id.clone(), name.to_owned());
        self.change("rename", move |database, by| people::rename(database, &id, &name, by.now)).await
    }

    async fn change_email(&self, id: &PersonId, email: &str) -> Result<Person, AccountError> {
        let (id, email) = (id.clone(), email.to_owned());
        self.change("change email", move |database, by| people::change_email(database, &id, &email, by.now))
            .await
    }

    async fn set_person_managed(&self, id: &PersonId, managed: bool) -> Result<Person, AccountError> {
        let id = id.clone();
        self.change("set person managed", move |database, _| people::set_managed(database, &id, managed))
            .await
    }

    async fn groups(&self) -> Result<Vec<Group>, AccountError> {
        self.database.read(groups::all).await
    }

    async fn group(&self, id: &GroupId) -> Result<Option<Group>, AccountError> {
        let id = id.clone();
        self.database.read(move |database| groups::by_id(database, &id)).await
    }

    async fn create_group(&self, name: &str) -> Result<CreatedGroup, AccountError> {
        let name = name.to_owned();
        self.change("create group", move |database, by| {
            groups::create(database, &name, &by.credentials, by.now, &*by.random)
        })
        .await
    }

    async fn rename_group(&self, id: &GroupId, name: &str) -> Result<Group, AccountError> {
        let (id, name) = (id.clone(), name.to_owned());
        self.change("rename group", move |database, by| groups::rename(database, &id, &name, by.now)).await
    }

    async fn delete_group(&self, id: &GroupId) -> Result<(), AccountError> {
        let id = id.clone();
        self.change("delete group", move |database, _| groups::delete(database, &id)).await
    }

    async fn members(&self, group: &GroupId) -> Result<Vec<Membership>, AccountError> {
        let group = group.clone();
        self.database
            .read(move |database| {
                groups::required(database, &group)?;
                groups::members(database, &group)
            })
            .await
    }

    async fn groups_of(&self, person: &PersonId) -> Result<Vec<GroupId>, AccountError> {
        let person = person.clone();
        self.database
            .read(move |database| {
                people::required(database, &person)?;
                groups::groups_of(database, &person)
            })
            .await
    }

    async fn grant(&self, group: &GroupId, person: &PersonId) -> Result<Membership, AccountError> {
        let (group, person) = (group.clone(), person.clone());
        self.change("grant", move |database, by| {
            groups::grant(database, &group, &person, &by.credentials, &by.keys, by.now)
        })
        .await
    }

    async fn revoke(&self, group: &GroupId, person: &PersonId) -> Result<(), AccountError> {
        let (group, person) = (group.clone(), person.clone());
        self.change("revoke", move |database, _| groups::revoke(database, &group, &person)).await
    }

    async fn set_managed(&self, group: &GroupId, managed: bool) -> Result<Group, AccountError> {
        let group = group.clone();
        self.change("set managed", move |database, by| {
            groups::set_managed(database, &group, managed, &by.credentials, &by.keys, by.now)
        })
        .await
    }
}

/// Why the account in a folder could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The folder, or a file in it, cannot be made or used; the cause is the source.
    #[error(
        "the data folder `{}` cannot be used: it must be writable by the user that the bridge runs as; `OP_BRIDGE_DATA_DIR` names another one",
        .folder.display()
    )]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The file was written by a later version of the bridge.
    #[error("the account in `{}` was written by a newer version of the bridge: use that version", .0.display())]
    Newer(PathBuf),
    /// The file is no database, or is damaged; the cause is the source.
    #[error("the account in `{}` cannot be opened", .path.display())]
    Database {
        /// The file.
        path: PathBuf,
        /// What the database said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}
