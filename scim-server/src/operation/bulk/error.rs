use scim_core::{ScimError, ScimType};

/// Why a bulk request, or one of its operations, was refused as such. What an operation does wrong as a request of its
/// own has the same error as there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BulkError {
    /// The message does not have the form of a BulkRequest.
    #[error("{0}")]
    Syntax(String),
    /// A member of the message, or of an operation, has a value that it cannot have.
    #[error("{0}")]
    Value(String),
    /// The path of an operation begins with that of the base URL.
    #[error("the path of a bulk operation begins after the base URL: write `{relative}`, not `{path}`")]
    BasePath {
        /// The path, shortened.
        path: String,
        /// What is meant, shortened.
        relative: String,
    },
    /// The request is larger than `maxPayloadSize`.
    #[error("the bulk request is larger than `maxPayloadSize`, {limit} bytes; split it")]
    TooLarge {
        /// The limit.
        limit: usize,
    },
    /// The request has more operations than `maxOperations`.
    #[error("the bulk request has {operations} operations, more than `maxOperations`, {limit}; split it")]
    TooManyOperations {
        /// How many it has.
        operations: usize,
        /// The limit.
        limit: usize,
    },
    /// The operations of one request name more values of relations than the limit.
    #[error(
        "the operations of this request have more than the limit of {limit} members and the like; split it"
    )]
    TooManyValues {
        /// The limit.
        limit: usize,
    },
    /// The PATCH operations of one request look at all values of a relation too often.
    #[error(
        "more than {limit} operations of this request look at all values of a list such as `members`; name values with `members[value eq \"...\"]`, or split it"
    )]
    TooManySweeps {
        /// The limit.
        limit: usize,
    },
    /// A POST has no `bulkId`.
    #[error("`bulkId` is missing; every POST of a bulk request has one")]
    NoBulkId,
    /// Two POSTs have one `bulkId`.
    #[error("the bulkId `{0}` is given to more than one operation")]
    SameBulkId(String),
    /// No POST of the request has this `bulkId`.
    #[error("no POST of this request has the bulkId `{0}`")]
    UnknownBulkId(String),
    /// The POST with this `bulkId` failed.
    #[error("the operation with the bulkId `{0}` has failed, and this one needs what it creates")]
    Failed(String),
}

impl BulkError {
    /// The error as clients get it.
    #[must_use]
    pub fn to_scim(&self) -> ScimError {
        let text = self.to_string();
        match self {
            Self::Syntax(_) => ScimError::new(400, text).with_type(ScimType::InvalidSyntax),
            Self::Value(_)
            | Self::NoBulkId
            | Self::SameBulkId(_)
            | Self::UnknownBulkId(_)
            | Self::TooManyValues { .. } => ScimError::new(400, text).with_type(ScimType::InvalidValue),
            // NB: table 9 has the type for the path of a PATCH operation; this is the only other `path`.
            Self::BasePath { .. } => ScimError::new(400, text).with_type(ScimType::InvalidPath),
            Self::TooManySweeps { .. } => ScimError::new(400, text).with_type(ScimType::TooMany),
            // "the service provider MUST return HTTP response code 413" (RFC 7644 section 3.7.4)
            Self::TooLarge { .. } | Self::TooManyOperations { .. } => ScimError::new(413, text),
            Self::Failed(_) => ScimError::new(409, text),
        }
    }
}
