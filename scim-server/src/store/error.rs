use std::error::Error;
use std::time::Duration;

use scim_core::{PatchError, ResourceId, ScimError, Version};

/// Why a store could not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Another resource has a value that must be unique.
    #[error("another {resource_type} already has {}", taken(.attribute, .value))]
    Uniqueness {
        /// The type of the resources.
        resource_type: String,
        /// The attribute.
        attribute: String,
        /// The value, shortened; empty where it is not to be repeated, as with an attribute that is never returned.
        value: String,
    },
    /// The resource does not have the version that the client asked for.
    #[error("the resource has changed: its version is now {}", current.etag())]
    Precondition {
        /// The version that it has.
        current: Version,
    },
    /// A relation refers to a resource that does not exist, or that has a type it may not refer to.
    #[error("`{attribute}` refers to `{id}`, which is no resource that it can refer to")]
    UnknownReference {
        /// The attribute of the relation.
        attribute: String,
        /// The id that was given.
        id: ResourceId,
    },
    /// The attributes of the resource would be larger than the limit.
    #[error(
        "the resource would have more than the limit of {limit} bytes, its members and the like not counted"
    )]
    TooLarge {
        /// The limit.
        limit: usize,
    },
    /// The writes of this request have cost as much as they may, and this one has not been carried out.
    #[error(
        "the operations of this request have read and written resources of more than the limit of {limit} bytes in all; this one has not been carried out, send it in another request"
    )]
    WorkSpent {
        /// The limit.
        limit: u64,
    },
    /// A query would have to look at more than it may, or for longer, and has been given up.
    #[error(
        "this request looks at more values, or for longer, than this server does for one; compare an attribute such as `userName`, `externalId` or `id` by `eq` so that less has to be looked at, or leave terms and the sorting out"
    )]
    QueryWorkSpent,
    /// Of several new resources that are to be kept together, one cannot be.
    #[error("{error}")]
    Member {
        /// Its place among them, from 0.
        nth: usize,
        /// Why.
        error: Box<Self>,
    },
    /// A change does not fit the resource.
    #[error(transparent)]
    Patch(#[from] PatchError),
    /// What stands behind the store refuses, for a reason that the client should read.
    #[error("{}", .0.detail())]
    Refused(ScimError),
    /// Other requests kept changing the resource.
    #[error("other requests are changing this resource; try again")]
    Contended,
    /// The store cannot work now but may later.
    #[error(transparent)]
    Unavailable(#[from] UnavailableError),
    /// Anything else. For the log, never for the client.
    #[error("the store failed")]
    Internal(#[source] Box<dyn Error + Send + Sync>),
}

impl StoreError {
    /// An error that only the log should explain.
    #[must_use]
    pub fn internal(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Internal(cause.into())
    }

    /// The same without the value that is taken, if it is about one.
    pub(crate) fn without_value(&self) -> Option<Self> {
        match self {
            Self::Uniqueness { resource_type, attribute, .. } => {
                let (resource_type, attribute) = (resource_type.clone(), attribute.clone());
                Some(Self::Uniqueness { resource_type, attribute, value: String::new() })
            }
            Self::Member { nth, error } => {
                error.without_value().map(|error| Self::Member { nth: *nth, error: Box::new(error) })
            }
            _ => None,
        }
    }
}

/// What the other resource has.
fn taken(attribute: &str, value: &str) -> String {
    if value.is_empty() { format!("this {attribute}") } else { format!("the {attribute} `{value}`") }
}

/// A store that cannot work now: a database that is away, a pool that is used up.
#[derive(Debug, thiserror::Error)]
#[error("the store is not available")]
pub struct UnavailableError {
    /// When trying again makes sense.
    pub retry_after: Duration,
    /// What happened, for the log.
    #[source]
    pub cause: Box<dyn Error + Send + Sync>,
}
