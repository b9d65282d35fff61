use std::num::NonZeroUsize;
use std::sync::Arc;

use scim_core::{ChangeSet, RelationValues, Resource, ResourceId, TypeDefinition, Version};

use super::{Load, Record, StoreError};

/// One write: what happens to which resources, and how much of them comes back.
///
/// Complete by definition: RFC 7644 has these four.
///
/// ```
/// use std::sync::Arc;
///
/// use scim_core::{Object, Registry, Resource};
/// use scim_server::store::{Load, NewResource, Target, Write};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let registry = Registry::rfc7643();
/// let user = registry.by_name("User").ok_or("no users")?;
/// let attributes: Object = [("userName", "ada")].into_iter().collect();
/// let new = NewResource::new("1".parse()?, Resource::from_attributes(attributes), Vec::new());
/// let create = Write::create(user, new).with_load(Load::None);
/// let delete = Write::delete(Target::new(user, &"1".parse()?));
/// # let _ = (create, delete);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub enum Write {
    /// Keeps new resources, all of them or none. They may have several types, and may refer to each other.
    Create {
        /// The resources, each with its type.
        new: Vec<(Arc<TypeDefinition>, NewResource)>,
        /// How much of their relations is wanted.
        load: Load,
    },
    /// Puts other attributes in the place of those that a resource has (PUT).
    Replace {
        /// The resource.
        target: Target,
        /// What takes their place.
        replacement: Replacement,
        /// How much of its relations is wanted.
        load: Load,
    },
    /// Applies the changes of a PATCH.
    Apply {
        /// The resource.
        target: Target,
        /// The changes.
        changes: ChangeSet,
        /// How much of its relations is wanted.
        load: Load,
    },
    /// Deletes a resource and every reference to it.
    Delete {
        /// The resource.
        target: Target,
    },
}

/// The resource that a write changes, and what must hold of it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Target {
    /// Its type.
    pub definition: Arc<TypeDefinition>,
    /// Its id.
    pub id: ResourceId,
    /// What must hold of its version.
    pub precondition: Precondition,
}

impl Target {
    /// A resource in whatever version it has.
    #[must_use]
    pub fn new(definition: &Arc<TypeDefinition>, id: &ResourceId) -> Self {
        Self { definition: Arc::clone(definition), id: id.clone(), precondition: Precondition::Any }
    }

    /// Sets what must hold of its version.
    #[must_use]
    pub fn with_precondition(mut self, precondition: Precondition) -> Self {
        self.precondition = precondition;
        self
    }
}

impl Write {
    /// Keeps a new resource. All of it is loaded, unless [`Write::with_load`] says otherwise.
    #[must_use]
    pub fn create(definition: &Arc<TypeDefinition>, new: NewResource) -> Self {
        Self::create_set(vec![(Arc::clone(definition), new)])
    }

    /// Keeps new resources, all of them or none.
    #[must_use]
    pub fn create_set(new: Vec<(Arc<TypeDefinition>, NewResource)>) -> Self {
        Self::Create { new, load: Load::All }
    }

    /// Replaces a resource. All of it is loaded, unless [`Write::with_load`] says otherwise.
    #[must_use]
    pub fn replace(target: Target, replacement: Replacement) -> Self {
        Self::Replace { target, replacement, load: Load::All }
    }

    /// Applies changes to a resource. All of it is loaded, unless [`Write::with_load`] says otherwise.
    #[must_use]
    pub fn apply(target: Target, changes: ChangeSet) -> Self {
        Self::Apply { target, changes, load: Load::All }
    }

    /// Deletes a resource.
    #[must_use]
    pub fn delete(target: Target) -> Self {
        Self::Delete { target }
    }

    /// Sets how much of the relations is loaded with the answer. A deletion has none.
    #[must_use]
    pub fn with_load(mut self, wanted: Load) -> Self {
        match &mut self {
            Self::Create { load, .. } | Self::Replace { load, .. } | Self::Apply { load, .. } => {
                *load = wanted
            }
            Self::Delete { .. } => {}
        }
        self
    }
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
    /// Whether this is a change, with a version of its own, even if it replaces the attributes by the same: one of them is
    /// never returned, and whether it was guessed shall not be told.
    pub is_change: bool,
}

impl Replacement {
    /// A replacement of attributes and of all relations that are listed.
    #[must_use]
    pub fn new(resource: Resource, relations: Vec<RelationValues>) -> Self {
        Self { resource, relations, is_change: false }
    }

    /// Sets whether this is a change even if it replaces the attributes by the same.
    #[must_use]
    pub fn always_a_change(mut self, is_change: bool) -> Self {
        self.is_change = is_change;
        self
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

/// What a [`Write`] came to.
///
/// Complete by definition.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// There is no such resource.
    Missing,
    /// The resources are kept; as many as were to be created, in that order.
    Created(Vec<Record>),
    /// The resource has been replaced, or the changes applied.
    Written(Written),
    /// The resource is gone.
    Deleted,
}

/// What changing a resource came to.
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

impl Outcome {
    /// What the creation of one resource came to.
    ///
    /// # Errors
    /// [`StoreError::Internal`] when this is the outcome of something else.
    pub fn into_created(self) -> Result<Record, StoreError> {
        match self {
            Self::Created(records) => records.into_iter().next().ok_or_else(misfit),
            _ => Err(misfit()),
        }
    }

    /// What changing a resource came to; `None` if there is no such resource.
    ///
    /// # Errors
    /// [`StoreError::Internal`] when this is the outcome of something else.
    pub fn into_written(self) -> Result<Option<Written>, StoreError> {
        match self {
            Self::Missing => Ok(None),
            Self::Written(written) => Ok(Some(written)),
            _ => Err(misfit()),
        }
    }

    /// Whether a resource was deleted; `false` if there is no such resource.
    ///
    /// # Errors
    /// [`StoreError::Internal`] when this is the outcome of something else.
    pub fn into_deleted(self) -> Result<bool, StoreError> {
        match self {
            Self::Missing => Ok(false),
            Self::Deleted => Ok(true),
            _ => Err(misfit()),
        }
    }

    /// Whether anything is other than before.
    #[must_use]
    pub fn is_change(&self) -> bool {
        match self {
            Self::Missing => false,
            Self::Created(_) | Self::Deleted => true,
            Self::Written(written) => written.changed,
        }
    }
}

fn misfit() -> StoreError {
    StoreError::internal("the store answered another write than it was asked for")
}

/// Counts the writes that fail, up to where [`write_all`](super::ResourceStore::write_all) stops.
#[derive(Clone, Copy, Default)]
pub(super) struct Countdown(Option<NonZeroUsize>);

impl Countdown {
    pub(super) fn new(stop_after: Option<NonZeroUsize>) -> Self {
        Self(stop_after)
    }

    /// How many more writes may fail.
    #[cfg(any(feature = "postgres", feature = "sqlite"))]
    pub(super) fn left(self) -> Option<NonZeroUsize> {
        self.0
    }

    /// Whether no write comes after the one that came to this.
    pub(super) fn ends_with(&mut self, result: &Result<Outcome, StoreError>) -> bool {
        match (result, self.0) {
            (Ok(Outcome::Created(_) | Outcome::Written(_) | Outcome::Deleted), _) | (_, None) => false,
            (Ok(Outcome::Missing) | Err(_), Some(left)) => {
                let less = NonZeroUsize::new(left.get().saturating_sub(1));
                self.0 = less.or(self.0);
                less.is_none()
            }
        }
    }
}
