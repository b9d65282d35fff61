//! The storage trait, and the stores that come with it.
//!
//! A store keeps resources of all types of all tenants. It sees resources that the schemas have accepted, filters
//! that the schemas have resolved, and changes that are down to single attributes; HTTP and JSON text stay outside.

#[cfg(any(feature = "memory", feature = "sqlite"))]
mod change;
#[cfg(feature = "conformance")]
pub mod conformance;
#[cfg(any(feature = "memory", feature = "sqlite"))]
mod encode;
mod error;
#[cfg(feature = "memory")]
mod memory;
#[cfg(any(feature = "memory", feature = "sqlite"))]
mod plan;
mod query;
mod record;
#[cfg(any(feature = "memory", feature = "sqlite"))]
mod select;
#[cfg(feature = "sqlite")]
mod sqlite;
#[cfg(any(feature = "memory", feature = "sqlite"))]
mod view;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use scim_core::{ChangeSet, RelationValues, Resource, ResourceId, TypeDefinition, Version};

pub use error::{StoreError, UnavailableError};
#[cfg(feature = "memory")]
pub use memory::MemoryStore;
pub use query::{Page, Query, Scope};
pub(crate) use record::location;
pub use record::{Load, Record, Reference, Related};
#[cfg(feature = "sqlite")]
pub use sqlite::{SqliteOpenError, SqliteOptions, SqliteStore, Synchronous};

use crate::context::RequestContext;

/// Keeps resources.
///
/// # What a store promises
///
/// - **Atomic.** Each call happens wholly or not at all; two calls never see each other half done.
/// - **Durable.** What was answered survives a crash of the process, unless the store keeps nothing on disk.
/// - **Unique.** No two resources of one type and tenant share a value of an attribute whose `uniqueness` is `server`
///   or `global`, compared as the schema compares it; the store finds out in the transaction that writes.
/// - **Versioned.** Every change gives the resource a version that it never had before, and a `last_modified` that is
///   not before the last one. A call that changes nothing leaves both.
/// - **Referential.** A relation only refers to resources that exist and have a type that the relation allows.
///   Deleting a resource takes it out of every relation; the resources that held it get a new version.
/// - **Ordered.** Without a sort, resources come in the order of their creation, the same every time; with one, ties
///   come in that order.
/// - **Exact.** A query counts and returns what [`ResolvedFilter::matches`](scim_filter::ResolvedFilter::matches)
///   says, on the resource as [`Record::to_object`] shows it.
/// - **Separate.** Nothing of one tenant is seen, counted, matched or changed for another.
///
/// `store::conformance` (feature `conformance`) tests all of it.
#[async_trait]
pub trait ResourceStore: Send + Sync + fmt::Debug {
    /// Keeps a new resource under the id that comes with it.
    ///
    /// # Errors
    /// [`StoreError::Uniqueness`] and [`StoreError::UnknownReference`] besides those of every call.
    async fn create(
        &self,
        context: &RequestContext,
        definition: &Arc<TypeDefinition>,
        new: NewResource,
        load: Load,
    ) -> Result<Record, StoreError>;

    /// The resource with this id, if it exists and has this type.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] and [`StoreError::Internal`], as every call.
    async fn get(
        &self,
        context: &RequestContext,
        definition: &Arc<TypeDefinition>,
        id: &ResourceId,
        load: Load,
    ) -> Result<Option<Record>, StoreError>;

    /// One page of the resources that match, and how many match in all.
    ///
    /// # Errors
    /// As [`ResourceStore::get`].
    async fn query(&self, context: &RequestContext, query: &Query) -> Result<Page, StoreError>;

    /// Puts other attributes in the place of those that a resource has. `None` if there is no such resource.
    ///
    /// # Errors
    /// As [`ResourceStore::create`], and [`StoreError::Precondition`].
    async fn replace(
        &self,
        context: &RequestContext,
        definition: &Arc<TypeDefinition>,
        id: &ResourceId,
        replacement: Replacement,
        precondition: Precondition,
        load: Load,
    ) -> Result<Option<Written>, StoreError>;

    /// Applies the changes of a PATCH. `None` if there is no such resource.
    ///
    /// The cost should be that of the change: adding one value to a relation neither reads nor writes the others.
    /// Where the changes [expect](ChangeSet::expects) `id`, `meta` or an inverse relation, the resource that they are
    /// applied to must have it as clients see it.
    ///
    /// # Errors
    /// As [`ResourceStore::replace`], and [`StoreError::Patch`] when a change does not fit the resource.
    async fn apply(
        &self,
        context: &RequestContext,
        definition: &Arc<TypeDefinition>,
        id: &ResourceId,
        changes: ChangeSet,
        precondition: Precondition,
        load: Load,
    ) -> Result<Option<Written>, StoreError>;

    /// Deletes a resource and every reference to it. `false` if there is no such resource.
    ///
    /// # Errors
    /// [`StoreError::Precondition`] besides those of every call.
    async fn delete(
        &self,
        context: &RequestContext,
        definition: &Arc<TypeDefinition>,
        id: &ResourceId,
        precondition: Precondition,
    ) -> Result<bool, StoreError>;
}

/// A resource to be kept.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct NewResource {
    /// The id that it gets.
    pub id: ResourceId,
    /// Its attributes.
    pub resource: Resource,
    /// The values of its relations.
    pub relations: Vec<RelationValues>,
}

impl NewResource {
    /// A resource to be kept under an id.
    #[must_use]
    pub fn new(id: ResourceId, resource: Resource, relations: Vec<RelationValues>) -> Self {
        Self { id, resource, relations }
    }
}

/// What takes the place of a resource's attributes.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Replacement {
    /// The attributes.
    pub resource: Resource,
    /// The values of the relations that are replaced; a relation that is not here stays as it is.
    pub relations: Vec<RelationValues>,
}

impl Replacement {
    /// A replacement of attributes and of all relations that are listed.
    #[must_use]
    pub fn new(resource: Resource, relations: Vec<RelationValues>) -> Self {
        Self { resource, relations }
    }
}

/// What must hold of the present version for a write to happen (RFC 7644 section 3.14).
///
/// Complete by definition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Precondition {
    /// Nothing.
    #[default]
    Any,
    /// It is one of these.
    IfVersion(Vec<Version>),
    /// It is none of these.
    UnlessVersion(Vec<Version>),
}

impl Precondition {
    /// Whether a write may happen to a resource of this version.
    ///
    /// # Errors
    /// [`StoreError::Precondition`] with the version that it has.
    pub fn check(&self, version: Version) -> Result<(), StoreError> {
        let holds = match self {
            Self::Any => true,
            Self::IfVersion(versions) => versions.contains(&version),
            Self::UnlessVersion(versions) => !versions.contains(&version),
        };
        if holds { Ok(()) } else { Err(StoreError::Precondition { current: version }) }
    }
}

/// What a write came to.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Written {
    /// The resource as it is now.
    pub record: Record,
    /// Whether the write changed it.
    pub changed: bool,
}

impl Written {
    /// The outcome of a write.
    #[must_use]
    pub fn new(record: Record, changed: bool) -> Self {
        Self { record, changed }
    }
}

#[async_trait]
impl<S: ResourceStore + ?Sized> ResourceStore for Arc<S> {
    async fn create(
        &self,
        context: &RequestContext,
        definition: &Arc<TypeDefinition>,
        new: NewResource,
        load: Load,
    ) -> Result<Record, StoreError> {
        (**self).create(context, definition, new, load).await
    }

    async fn get(
        &self,
        context: &RequestContext,
        definition: &Arc<TypeDefinition>,
        id: &ResourceId,
        load: Load,
    ) -> Result<Option<Record>, StoreError> {
        (**self).get(context, definition, id, load).await
    }

    async fn query(&self, context: &RequestContext, query: &Query) -> Result<Page, StoreError> {
        (**self).query(context, query).await
    }

    async fn replace(
        &self,
        context: &RequestContext,
        definition: &Arc<TypeDefinition>,
        id: &ResourceId,
        replacement: Replacement,
        precondition: Precondition,
        load: Load,
    ) -> Result<Option<Written>, StoreError> {
        (**self).replace(context, definition, id, replacement, precondition, load).await
    }

    async fn apply(
        &self,
        context: &RequestContext,
        definition: &Arc<TypeDefinition>,
        id: &ResourceId,
        changes: ChangeSet,
        precondition: Precondition,
        load: Load,
    ) -> Result<Option<Written>, StoreError> {
        (**self).apply(context, definition, id, changes, precondition, load).await
    }

    async fn delete(
        &self,
        context: &RequestContext,
        definition: &Arc<TypeDefinition>,
        id: &ResourceId,
        precondition: Precondition,
    ) -> Result<bool, StoreError> {
        (**self).delete(context, definition, id, precondition).await
    }
}
