//! What identity providers see, before it is served: it must be of the account, and agree with it.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use scim_server::store::{ResourceStore, SqliteStore};

use super::StartError;
use crate::account::Account as _;
use crate::account::local::LocalAccount;
use crate::clock::SystemClock;
use crate::config::ManagedGroups;
use crate::mapping::{BridgeStore, Reconciled, view_is_of};
use crate::text;

/// The file of the view, in the data folder.
pub(super) const STORE: &str = "scim.sqlite3";
/// What the name of that file ends with once a database has what it had.
const ASIDE: &str = ".moved";

/// The view with what it is compared to. Clones are one view.
#[derive(Clone, Debug)]
pub(super) struct View {
    /// Where it is kept.
    pub(super) inner: Arc<dyn ResourceStore>,
    /// What changes it.
    pub(super) store: Arc<BridgeStore>,
    pub(super) account: Arc<LocalAccount>,
    pub(super) data_dir: PathBuf,
    pub(super) managed_groups: ManagedGroups,
    /// How many people and groups could not be shown the last time.
    pub(super) passed_over: Arc<AtomicUsize>,
}

impl View {
    /// Makes it agree with the account. Must not run while requests are served.
    pub(super) async fn bring_into_line(&self) -> Result<(), StartError> {
        self.store.settle();
        self.check(&*self.inner).await?;
        let reconciled = self.store.reconcile().await.map_err(StartError::Reconcile)?;
        if reconciled != Reconciled::default() {
            tracing::info!(?reconciled, "what identity providers see was brought into line with the account");
        }
        self.passed_over.store(reconciled.passed_over, Ordering::Relaxed);
        Ok(())
    }

    /// Whether a view may be of the account.
    async fn check(&self, view: &dyn ResourceStore) -> Result<(), StartError> {
        let people = self.account.people().await?;
        // Nobody is ever deleted in an account: where there is nobody but the first owner, nobody has ever been.
        if let [_] | [] = people.as_slice()
            && !view_is_of(view, &SystemClock, &people).await.map_err(StartError::Reconcile)?
        {
            return Err(StartError::AccountLost { folder: self.data_dir.clone(), is_missing: false });
        }
        Ok(())
    }

    /// The same for the one in the file in the data folder, if there is one beside the database.
    pub(super) async fn check_file(&self) -> Result<(), StartError> {
        match file_in(&self.data_dir)? {
            Some(file) => self.check(&file).await,
            None => Ok(()),
        }
    }

    /// Takes over what the file in the data folder has, where the view was kept before there was a database, and moves it
    /// out of the way. Must not run while requests are served.
    pub(super) async fn take_over_file(&self) -> Result<(), StartError> {
        let Some(file) = file_in(&self.data_dir)? else { return Ok(()) };
        let Some(taken) = self.store.take_over(&file).await.map_err(StartError::Reconcile)? else {
            tracing::warn!(
                "{STORE} in the data folder is not used: the database has what identity providers see"
            );
            return Ok(());
        };
        drop(file);
        match move_aside(&self.data_dir.join(STORE)) {
            Ok(()) => tracing::info!(
                "{taken} users and groups of {STORE} are in the database now; the file is called {STORE}{ASIDE}"
            ),
            Err(error) => tracing::warn!(
                "{taken} users and groups of {STORE} are in the database now; the file is not used any more, and could not be renamed: {error}"
            ),
        }
        Ok(())
    }

    /// Warns of selected groups that do not exist.
    pub(super) async fn warn_of_unmatched_groups(&self) -> Result<(), StartError> {
        let unmatched = self.store.unmatched_groups(&self.managed_groups).await;
        for name in unmatched.map_err(StartError::Reconcile)? {
            tracing::warn!(
                "OP_BRIDGE_MANAGED_GROUPS names a group that the account does not have, {}: nothing is selected by it",
                text::quote(&name)
            );
        }
        Ok(())
    }
}

/// The view in a data folder, if there is one.
pub(super) fn file_in(folder: &Path) -> Result<Option<SqliteStore>, StartError> {
    let path = folder.join(STORE);
    Ok(if path.exists() { Some(SqliteStore::open(path)?) } else { None })
}

/// Renames a database file. What belongs to it comes first: an old log must not be found beside a new file.
fn move_aside(path: &Path) -> io::Result<()> {
    for end in ["-wal", "-shm", ""] {
        let mut from = path.as_os_str().to_owned();
        let mut to = from.clone();
        from.push(end);
        to.push(ASIDE);
        to.push(end);
        match std::fs::rename(from, to) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}
