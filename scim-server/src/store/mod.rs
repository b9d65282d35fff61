//! The storage trait, and the stores that come with it.
//!
//! A store keeps resources of all types of all tenants. It sees resources that the schemas have accepted, filters
//! that the schemas have resolved, and changes that are down to single attributes; HTTP and JSON text stay outside.

mod budget;
#[cfg(any(feature = "memory", feature = "postgres", feature = "sqlite"))]
mod change;
#[cfg(feature = "conformance")]
pub mod conformance;
#[cfg(any(feature = "memory", feature = "postgres", feature = "sqlite"))]
mod encode;
mod error;
#[cfg(feature = "memory")]
mod memory;
#[cfg(any(feature = "memory", feature = "postgres", feature = "sqlite"))]
mod meter;
#[cfg(any(feature = "memory", feature = "postgres", feature = "sqlite"))]
mod perform;
#[cfg(any(feature = "memory", feature = "postgres", feature = "sqlite"))]
mod plan;
mod position;
#[cfg(feature = "postgres")]
mod postgres;
mod query;
mod record;
#[cfg(any(feature = "memory", feature = "postgres", feature = "sqlite"))]
mod select;
#[cfg(feature = "memory")]
mod splice;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod sql;
#[cfg(feature = "sqlite")]
mod sqlite;
#[cfg(any(feature = "memory", feature = "postgres", feature = "sqlite"))]
mod view;
mod write;

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;

use async_trait::async_trait;
use scim_core::{ResourceId, TypeDefinition};

pub use budget::WriteBudget;
pub use error::{StoreError, UnavailableError};
#[cfg(feature = "memory")]
pub use memory::MemoryStore;
pub use position::Position;
#[cfg(feature = "postgres")]
pub use postgres::{ClaimError, Claimant, PostgresOpenError, PostgresOptions, PostgresStore};
pub use query::{Page, Query, Scope, Start};
pub use record::{Load, Record, Reference, Related};
pub(crate) use record::{location, write_location, write_meta, write_segment};
#[cfg(feature = "sqlite")]
pub use sqlite::{SqliteOpenError, SqliteOptions, SqliteStore, Synchronous};
use write::Countdown;
pub use write::{NewResource, Outcome, Precondition, Replacement, Target, Write, Written};

use crate::context::RequestContext;

/// Keeps resources.
///
/// # What a store promises
///
/// - **Atomic.** Each write happens wholly or not at all; two calls never see each other half done. The writes of a
///   [`write_all`](ResourceStore::write_all) are atomic each by itself.
/// - **Durable.** What was answered survives a crash of the process, unless the store keeps nothing on disk.
/// - **Unique.** No two resources of one type and tenant share a value of an attribute whose `uniqueness` is `server`
///   or `global`, compared as the schema compares it; the store finds out in the transaction that writes. `global` reaches no
///   further than `server`, because tenants must not learn of each other.
/// - **Versioned.** Every change gives the resource a version that it never had before, and a `last_modified` that is
///   not before the last one. A write that changes nothing leaves both.
/// - **Referential.** A relation only refers to resources that exist, or that the same write creates, and that have a
///   type that the relation allows. Deleting a resource takes it out of every relation; the resources that held it
///   get a new version.
/// - **Ordered.** Without a sort, resources come in the order of their creation, the same every time; with one, ties
///   come in that order. What differs only past the first [`Position::KEY_LENGTH`] characters may be a tie.
/// - **Exact.** A query counts and returns what [`ResolvedFilter::matches`](scim_filter::ResolvedFilter::matches)
///   says, on the resource as [`Record::to_object`] shows it.
/// - **Separate.** Nothing of one tenant is seen, counted, matched or changed for another.
///
/// `store::conformance` (feature `conformance`) tests all of it.
#[async_trait]
pub trait ResourceStore: Send + Sync + fmt::Debug {
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
    /// A page may be asked for by its index or by a position that an earlier [`Page`] gave. Pages at positions neither
    /// repeat nor leave out a resource that was there all the time and did not change its place in the order, whatever
    /// was created, changed or deleted in between; one in the middle of a list should cost what the first one costs.
    ///
    /// # Errors
    /// As [`ResourceStore::get`].
    async fn query(&self, context: &RequestContext, query: &Query) -> Result<Page, StoreError>;

    /// Carries out one write, and answers with the [`Outcome`] that belongs to it.
    ///
    /// - [`Write::Create`] keeps each new resource under the id that comes with it. A store that gives ids of its own
    ///   says so by the ids of the records, and refuses several resources at once.
    /// - [`Write::Apply`] should cost what the change costs: adding one value to a relation neither reads nor writes
    ///   the others. Where the changes [expect](scim_core::ChangeSet::expects) `id`, `meta` or an inverse relation,
    ///   the resource that they are applied to must have it as clients see it.
    /// - [`Write::Replace`], [`Write::Apply`] and [`Write::Delete`] of a resource that does not exist, or has another
    ///   type, are [`Outcome::Missing`], whatever their precondition.
    ///
    /// # Errors
    /// [`StoreError::Uniqueness`] and [`StoreError::UnknownReference`] of all but a deletion, in a
    /// [`StoreError::Member`] where one of several new resources is at fault,
    /// [`StoreError::TooLarge`] and [`StoreError::WorkSpent`] as the [budget](WriteBudget) of the request says,
    /// [`StoreError::Precondition`] of all but a creation, [`StoreError::Patch`] when a change does not fit the
    /// resource, besides those of every call.
    async fn write(&self, context: &RequestContext, write: Write) -> Result<Outcome, StoreError>;

    /// Carries out several writes in their order, each atomic by itself and as if it came alone: one that fails leaves
    /// the others. The results are in the order of the writes.
    ///
    /// With `stop_after`, no further write is carried out once so many have failed or found their resource
    /// [missing](Outcome::Missing); the results then end with the last of these.
    ///
    /// Others may see the state between two of the writes or not, and a crash may come between any two. What is
    /// provided asks [`ResourceStore::write`] for one after the other; a store that can do better carries many out in
    /// one transaction, though none so long that others wait for all of them. No further write begins once the future
    /// has been dropped.
    async fn write_all(
        &self,
        context: &RequestContext,
        writes: Vec<Write>,
        stop_after: Option<NonZeroUsize>,
    ) -> Vec<Result<Outcome, StoreError>> {
        let mut countdown = Countdown::new(stop_after);
        let mut results = Vec::with_capacity(writes.len());
        for write in writes {
            let result = self.write(context, write).await;
            context.note_write(results.len(), &result);
            let is_last = countdown.ends_with(&result);
            results.push(result);
            if is_last {
                break;
            }
        }
        results
    }
}

#[async_trait]
impl<S: ResourceStore + ?Sized> ResourceStore for Arc<S> {
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

    async fn write(&self, context: &RequestContext, write: Write) -> Result<Outcome, StoreError> {
        (**self).write(context, write).await
    }

    async fn write_all(
        &self,
        context: &RequestContext,
        writes: Vec<Write>,
        stop_after: Option<NonZeroUsize>,
    ) -> Vec<Result<Outcome, StoreError>> {
        (**self).write_all(context, writes, stop_after).await
    }
}
