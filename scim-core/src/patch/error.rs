use std::fmt;

use scim_filter::{ParseError, ResolveError};

use crate::message::{MessageError, ScimType};
use crate::validate::ValidationError;

/// Why a PATCH was refused. Nothing of it has been applied.
#[derive(Clone, Debug, PartialEq)]
pub struct PatchError {
    operation: Option<usize>,
    kind: PatchErrorKind,
}

/// What is wrong with a PATCH.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PatchErrorKind {
    /// The message does not have the form of a PATCH.
    #[error(transparent)]
    Message(MessageError),
    /// A path cannot be read.
    #[error("the path `{path}` cannot be read: {error}")]
    Path {
        /// The path, shortened.
        path: String,
        /// Where and why.
        error: ParseError,
    },
    /// A path names something that the schemas do not have, or that cannot be a target.
    #[error("the path `{path}` cannot be used: {problem}")]
    Target {
        /// The path.
        path: String,
        /// Why.
        problem: String,
        /// Whether it is the filter in the path that is at fault.
        in_filter: bool,
    },
    /// A value does not fit the schema.
    #[error(transparent)]
    Value(#[from] ValidationError),
    /// An operation needs a value and has none.
    #[error("`{op}` needs a `value`")]
    NoValue {
        /// The operation.
        op: super::Op,
    },
    /// The path matches nothing, or there is no path where one is needed.
    #[error("{0}")]
    NoTarget(String),
    /// Applying the operations would cost more than [`PatchLimits::work`](super::PatchLimits::work).
    #[error(
        "the operations so far look at more values of this resource than the limit of {limit} allows; send fewer \
         operations in one request"
    )]
    TooMuchWork {
        /// The limit that was set.
        limit: u64,
    },
    /// One value would be set in so many elements that it comes to more than
    /// [`PatchLimits::copies`](super::PatchLimits::copies).
    #[error(
        "the operations set a value in so many elements of a list that its copies come to more than the limit of {limit} \
         bytes"
    )]
    TooManyCopies {
        /// The limit that was set.
        limit: u64,
    },
    /// The change does not fit the mutability of the attribute, or would leave a required one without a value.
    #[error("`{path}` {why}")]
    Mutability {
        /// The attribute.
        path: String,
        /// Why it cannot be changed like this.
        why: &'static str,
    },
}

impl PatchErrorKind {
    /// The error of a filter that matches nothing.
    pub(super) fn no_match(path: &str) -> Self {
        Self::NoTarget(format!("no value matches the filter of `{path}`"))
    }

    pub(super) fn unresolved(path: String, error: &ResolveError, in_filter: bool) -> Self {
        Self::Target { path, problem: error.to_string(), in_filter }
    }
}

impl PatchError {
    pub(super) fn at(operation: usize, kind: PatchErrorKind) -> Self {
        Self { operation: Some(operation), kind }
    }

    pub(super) fn of_message(error: MessageError) -> Self {
        Self { operation: None, kind: PatchErrorKind::Message(error) }
    }

    pub(super) fn of_result(error: ValidationError) -> Self {
        Self { operation: None, kind: PatchErrorKind::Value(error) }
    }

    /// The operation at fault, counted from 0; `None` when it is the message or the result as a whole.
    #[must_use]
    pub fn operation(&self) -> Option<usize> {
        self.operation
    }

    /// What is wrong.
    #[must_use]
    pub fn kind(&self) -> &PatchErrorKind {
        &self.kind
    }

    /// The scimType of RFC 7644 table 9 for the answer.
    #[must_use]
    pub fn scim_type(&self) -> ScimType {
        match &self.kind {
            PatchErrorKind::Message(error) => error.scim_type(),
            PatchErrorKind::Path { error, .. } if error.is_in_filter() => ScimType::InvalidFilter,
            PatchErrorKind::Target { in_filter: true, .. } => ScimType::InvalidFilter,
            PatchErrorKind::Path { .. } | PatchErrorKind::Target { .. } => ScimType::InvalidPath,
            PatchErrorKind::Value(error) => error.scim_type(),
            PatchErrorKind::NoValue { .. } => ScimType::InvalidValue,
            PatchErrorKind::NoTarget(_) => ScimType::NoTarget,
            PatchErrorKind::TooMuchWork { .. } | PatchErrorKind::TooManyCopies { .. } => ScimType::TooMany,
            PatchErrorKind::Mutability { .. } => ScimType::Mutability,
        }
    }
}

impl fmt::Display for PatchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(operation) = self.operation {
            write!(f, "operation {}: ", operation + 1)?;
        }
        self.kind.fmt(f)
    }
}

impl std::error::Error for PatchError {}
