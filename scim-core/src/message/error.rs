use std::fmt;

use crate::urn;
use crate::value::{Object, Value};

/// The `scimType` of an error (RFC 7644 section 3.12, table 9; RFC 9865 section 2.1).
///
/// Complete by definition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ScimType {
    /// The filter cannot be read, or compares what cannot be compared.
    InvalidFilter,
    /// There are more results than the server is willing to return.
    TooMany,
    /// A value is reserved or in use.
    Uniqueness,
    /// The change does not fit the mutability of the attribute.
    Mutability,
    /// The body is malformed or does not keep to the request's schema.
    InvalidSyntax,
    /// The path of a PATCH operation is malformed or names nothing.
    InvalidPath,
    /// The path of a PATCH operation matches nothing.
    NoTarget,
    /// A value is missing or not of the right kind.
    InvalidValue,
    /// The version of the protocol is not supported.
    InvalidVers,
    /// The request carries sensitive data in its URI.
    Sensitive,
    /// The cursor is none of this server's, or belongs to another query.
    InvalidCursor,
    /// The cursor is too old.
    ExpiredCursor,
    /// The count is out of range for a query with a cursor.
    InvalidCount,
}

impl ScimType {
    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidFilter => "invalidFilter",
            Self::TooMany => "tooMany",
            Self::Uniqueness => "uniqueness",
            Self::Mutability => "mutability",
            Self::InvalidSyntax => "invalidSyntax",
            Self::InvalidPath => "invalidPath",
            Self::NoTarget => "noTarget",
            Self::InvalidValue => "invalidValue",
            Self::InvalidVers => "invalidVers",
            Self::Sensitive => "sensitive",
            Self::InvalidCursor => "invalidCursor",
            Self::ExpiredCursor => "expiredCursor",
            Self::InvalidCount => "invalidCount",
        }
    }
}

impl fmt::Display for ScimType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The body of every error answer (RFC 7644 section 3.12).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScimError {
    status: u16,
    scim_type: Option<ScimType>,
    detail: String,
}

impl ScimError {
    /// An error with an HTTP status and a sentence for people.
    #[must_use]
    pub fn new(status: u16, detail: impl Into<String>) -> Self {
        Self { status, scim_type: None, detail: detail.into() }
    }

    /// Adds the `scimType`.
    #[must_use]
    pub fn with_type(mut self, scim_type: ScimType) -> Self {
        self.scim_type = Some(scim_type);
        self
    }

    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The `scimType`, if the error has one.
    #[must_use]
    pub fn scim_type(&self) -> Option<ScimType> {
        self.scim_type
    }

    /// The sentence for people.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// The error as it goes over the wire; `status` is a string there.
    #[must_use]
    pub fn to_object(&self) -> Object {
        let mut object = Object::new();
        object.insert("schemas", vec![Value::from(urn::ERROR)]);
        object.insert("status", self.status.to_string());
        if let Some(scim_type) = self.scim_type {
            object.insert("scimType", scim_type.as_str());
        }
        object.insert("detail", self.detail.as_str());
        object
    }
}
