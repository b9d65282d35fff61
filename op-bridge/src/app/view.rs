//! What identity providers see, before it is served: it must be of the account, and agree with it.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use scim_server::store::{ResourceStore, StoreError};

use super::StartError;
use crate::account::Account as _;
use crate::account::local::LocalAccount;
use crate::clock::SystemClock;
use crate::config::ManagedGroups;
use crate::mapping::{BridgeStore, Reconciled, view_is_of};
use crate::text;

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
        let people = self.account.people().await;
        let people = people.map_err(|error| StartError::Reconcile(StoreError::internal(error)))?;
        // Nobody is ever deleted in an account: where there is nobody but the first owner, nobody has ever been.
        if let [_] | [] = people.as_slice()
            && !view_is_of(&*self.inner, &SystemClock, &people).await.map_err(StartError::Reconcile)?
        {
            return Err(StartError::AccountLost { folder: self.data_dir.clone(), is_missing: false });
        }
        let reconciled = self.store.reconcile().await.map_err(StartError::Reconcile)?;
        if reconciled != Reconciled::default() {
            tracing::info!(?reconciled, "what identity providers see was brought into line with the account");
        }
        self.passed_over.store(reconciled.passed_over, Ordering::Relaxed);
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
