//! A store that takes no changes once its folder has gone.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use scim_core::{ResourceId, TypeDefinition};
use scim_server::RequestContext;
use scim_server::store::{
    Load, Outcome, Page, Query, Record, ResourceStore, StoreError, UnavailableError, Write,
};

use super::lock::Place;

/// When to send a change again that was refused: somebody has to bring the folder back.
const RETRY_AFTER: Duration = Duration::from_secs(60);

/// A store whose files are in the folder of `place`.
#[derive(Debug)]
pub(super) struct InPlace<S> {
    store: S,
    place: Place,
}

impl<S> InPlace<S> {
    pub(super) fn new(store: S, place: Place) -> Self {
        Self { store, place }
    }

    fn check(&self) -> Result<(), StoreError> {
        if self.place.is_there() {
            return Ok(());
        }
        let cause = "the data folder has been removed, replaced or unmounted: bring it back, and start the bridge again";
        tracing::error!("{cause}");
        Err(UnavailableError { retry_after: RETRY_AFTER, cause: cause.into() }.into())
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<S: ResourceStore> ResourceStore for InPlace<S> {
    async fn get(
        &self,
        context: &RequestContext,
        definition: &Arc<TypeDefinition>,
        id: &ResourceId,
        load: Load,
    ) -> Result<Option<Record>, StoreError> {
        self.store.get(context, definition, id, load).await
    }

    async fn query(&self, context: &RequestContext, query: &Query) -> Result<Page, StoreError> {
        self.store.query(context, query).await
    }

    // What is written while the folder goes is looked at again before it is answered.
    async fn write(&self, context: &RequestContext, write: Write) -> Result<Outcome, StoreError> {
        self.check()?;
        let written = self.store.write(context, write).await?;
        self.check().map(|()| written)
    }

    async fn write_all(
        &self,
        context: &RequestContext,
        writes: Vec<Write>,
        stop_after: Option<NonZeroUsize>,
    ) -> Vec<Result<Outcome, StoreError>> {
        if let Err(error) = self.check() {
            return vec![Err(error)];
        }
        let written = self.store.write_all(context, writes, stop_after).await;
        written.into_iter().map(|written| written.and_then(|done| self.check().map(|()| done))).collect()
    }
}
