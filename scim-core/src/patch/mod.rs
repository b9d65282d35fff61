//! PATCH (RFC 7644 section 3.5.2): from the document that a client sent to the attribute-level changes that a store
//! applies.
//!
//! 1. [`PatchRequest::from_object`] reads the message: operations, each with its path parsed.
//! 2. [`PatchRequest::resolve`] checks it against the schemas and yields a [`ChangeSet`], before any store is asked.
//! 3. [`ChangeSet::apply`] changes a resource, all or nothing. What concerns relations such as `Group.members` comes
//!    as [`RelationChange`]s, so that a store can change rows without loading the others.

mod apply;
mod change;
mod error;
mod expected;
mod list;
mod relation;
mod request;
mod resolve;
mod template;
mod work;

pub use change::{Action, Change, ChangeSet, RelationAction, RelationChange, Target};
pub use error::{PatchError, PatchErrorKind};
pub use expected::Expected;
pub use request::{Op, PatchLimits, PatchOperation, PatchRequest};
pub(crate) use template::equalities;
