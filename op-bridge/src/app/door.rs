//! A store that may be closed for a while.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use scim_core::{ResourceId, TypeDefinition};
use scim_server::RequestContext;
use scim_server::store::{
    Load, Outcome, Page, Query, Record, ResourceStore, StoreError, UnavailableError, Write,
};
use tokio::sync::{OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock};
use tracing::Instrument as _;

/// When to send a request again that found the door closed.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// Is open until somebody closes it. Clones are one door.
#[derive(Clone, Debug, Default)]
pub(super) struct Door(Arc<RwLock<()>>);

/// Somebody is inside, so that the door cannot be closed.
pub(super) type Inside = OwnedRwLockReadGuard<()>;
/// The door is closed while this lives.
pub(super) type Closed = OwnedRwLockWriteGuard<()>;

impl Door {
    /// Goes in, unless the door is closed or about to be.
    fn enter(&self) -> Result<Inside, StoreError> {
        let inside = Arc::clone(&self.0).try_read_owned();
        inside.map_err(|_| {
            let cause = "what identity providers see is being brought into line with the account, or its database is away";
            UnavailableError { retry_after: RETRY_AFTER, cause: cause.into() }.into()
        })
    }

    /// Goes in once the door is open.
    pub(super) async fn wait(&self) -> Inside {
        Arc::clone(&self.0).read_owned().await
    }

    /// Lets nobody in any more, and waits until all have left.
    pub(super) async fn close(&self) -> Closed {
        Arc::clone(&self.0).write_owned().await
    }
}

/// A store that refuses everything while the door is closed, before anything has been done.
#[derive(Debug)]
pub(super) struct BehindDoor<S> {
    store: Arc<S>,
    door: Door,
}

impl<S> BehindDoor<S> {
    pub(super) fn new(store: Arc<S>, door: Door) -> Self {
        Self { store, door }
    }
}

#[async_trait]
impl<S: ResourceStore + 'static> ResourceStore for BehindDoor<S> {
    async fn get(
        &self,
        context: &RequestContext,
        definition: &Arc<TypeDefinition>,
        id: &ResourceId,
        load: Load,
    ) -> Result<Option<Record>, StoreError> {
        let _inside = self.door.enter()?;
        self.store.get(context, definition, id, load).await
    }

    async fn query(&self, context: &RequestContext, query: &Query) -> Result<Page, StoreError> {
        let _inside = self.door.enter()?;
        self.store.query(context, query).await
    }

    // A write goes on when the client has gone, and so is inside until its end.
    async fn write(&self, context: &RequestContext, write: Write) -> Result<Outcome, StoreError> {
        let (inside, store, context) = (self.door.enter()?, Arc::clone(&self.store), context.clone());
        let writing = async move {
            let written = store.write(&context, write).await;
            drop(inside);
            written
        };
        tokio::spawn(writing.in_current_span()).await.map_err(StoreError::internal)?
    }
}

#[cfg(test)]
mod tests {
    use scim_server::store::MemoryStore;

    use super::*;

    #[tokio::test]
    async fn nobody_comes_in_while_it_is_closed_or_about_to_be() {
        let door = Door::default();
        let store = BehindDoor::new(Arc::new(MemoryStore::new()), door.clone());
        let registry = crate::mapping::registry();
        let context = RequestContext::new(Arc::clone(&registry), chrono::DateTime::UNIX_EPOCH);
        let user = registry.by_name("User").unwrap();
        let id: ResourceId = "x".parse().unwrap();
        let get = || store.get(&context, user, &id, Load::None);
        let refused = |got: Result<_, StoreError>| matches!(got, Err(StoreError::Unavailable(_)));
        get().await.unwrap();
        let inside = door.enter().unwrap();
        let mut closing = Box::pin(door.close());
        assert!(futures_ready(closing.as_mut()).is_none(), "somebody is inside");
        assert!(refused(get().await));
        drop(inside);
        let closed = closing.await;
        assert!(refused(get().await));
        drop(closed);
        get().await.unwrap();
    }

    fn futures_ready<T>(future: std::pin::Pin<&mut impl Future<Output = T>>) -> Option<T> {
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        match future.poll(&mut context) {
            std::task::Poll::Ready(ready) => Some(ready),
            std::task::Poll::Pending => None,
        }
    }
}
