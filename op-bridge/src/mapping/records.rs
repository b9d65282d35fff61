//! The store behind the bridge, with a short form for each kind of write.

use std::ops::Deref;
use std::sync::Arc;

use scim_core::{ChangeSet, ResourceId, TypeDefinition};
use scim_server::RequestContext;
use scim_server::store::{
    Load, NewResource, Precondition, Record, Replacement, ResourceStore, StoreError, Target, Write, Written,
};

/// What the bridge keeps beside the account.
#[derive(Clone, Debug)]
pub(super) struct Records(Arc<dyn ResourceStore>);

impl Records {
    pub(super) fn new(store: Arc<dyn ResourceStore>) -> Self {
        Self(store)
    }

    pub(super) async fn create(
        &self,
        context: &RequestContext,
        definition: &Arc<TypeDefinition>,
        new: NewResource,
        load: Load,
    ) -> Result<Record, StoreError> {
        self.write(context, Write::create(definition, new).with_load(load)).await?.into_created()
    }

    pub(super) async fn replace(
        &self,
        context: &RequestContext,
        definition: &Arc<TypeDefinition>,
        id: &ResourceId,
        replacement: Replacement,
        precondition: Precondition,
        load: Load,
    ) -> Result<Option<Written>, StoreError> {
        let target = Target::new(definition, id).with_precondition(precondition);
        self.write(context, Write::replace(target, replacement).with_load(load)).await?.into_written()
    }

    pub(super) async fn apply(
        &self,
        context: &RequestContext,
        definition: &Arc<TypeDefinition>,
        id: &ResourceId,
        changes: ChangeSet,
        precondition: Precondition,
        load: Load,
    ) -> Result<Option<Written>, StoreError> {
        let target = Target::new(definition, id).with_precondition(precondition);
        self.write(context, Write::apply(target, changes).with_load(load)).await?.into_written()
    }

    pub(super) async fn delete(
        &self,
        context: &RequestContext,
        definition: &Arc<TypeDefinition>,
        id: &ResourceId,
        precondition: Precondition,
    ) -> Result<bool, StoreError> {
        let target = Target::new(definition, id).with_precondition(precondition);
        self.write(context, Write::delete(target)).await?.into_deleted()
    }
}

impl Deref for Records {
    type Target = dyn ResourceStore;

    fn deref(&self) -> &Self::Target {
        &*self.0
    }
}
