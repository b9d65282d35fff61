use std::fmt;

use crate::message::ScimType;

/// One thing that is wrong with a body, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issue {
    path: String,
    kind: IssueKind,
}

impl Issue {
    /// An issue at a path, such as `emails[1].primary`.
    #[must_use]
    pub fn new(path: impl Into<String>, kind: IssueKind) -> Self {
        Self { path: path.into(), kind }
    }

    /// Where it is, in the notation of RFC 7644 section 3.10 with the number of an element in brackets.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What is wrong.
    #[must_use]
    pub fn kind(&self) -> &IssueKind {
        &self.kind
    }
}

impl fmt::Display for Issue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` {}", self.path, self.kind)
    }
}

/// What can be wrong with a value. The texts follow the path: "`emails` must be a list, got a string".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IssueKind {
    /// A required attribute has no value, or an empty one.
    #[error("is required and must not be empty")]
    Required,
    /// The JSON type is not that of the schema.
    #[error("must be {expected}, got {got}")]
    Type {
        /// What the schema wants, in words.
        expected: &'static str,
        /// The value, or its kind.
        got: String,
    },
    /// The text is not what its type asks for.
    #[error("must be {expected}, got `{got}`")]
    Format {
        /// What the schema wants, in words.
        expected: &'static str,
        /// The value, shortened.
        got: String,
    },
    /// The value is none of those that are accepted.
    #[error("must be one of {allowed}, got `{got}`")]
    NotCanonical {
        /// The values that are accepted.
        allowed: String,
        /// The value, shortened.
        got: String,
    },
    /// More than one value is marked as primary (RFC 7643 section 2.4).
    #[error("has more than one value with `primary` true")]
    SeveralPrimary,
    /// The attribute is not defined for this resource.
    #[error("is not defined for {resource_type}")]
    Unknown {
        /// The resource type.
        resource_type: String,
    },
    /// An immutable attribute would get another value (RFC 7644 section 3.5.1).
    #[error("is immutable and already has another value")]
    Immutable,
    /// `schemas` is missing or names a schema that does not belong to the resource type.
    #[error("{0}")]
    Schemas(String),
}

/// All that is wrong with a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValidationError {
    issues: Vec<Issue>,
}

/// How many issues a message spells out.
const SPELLED_OUT: usize = 5;

impl ValidationError {
    /// An error, unless there are no issues.
    pub(crate) fn unless_empty(issues: Vec<Issue>) -> Result<(), Self> {
        if issues.is_empty() { Ok(()) } else { Err(Self { issues }) }
    }

    /// All issues in the order of the body; at least one.
    #[must_use]
    pub fn issues(&self) -> &[Issue] {
        &self.issues
    }

    /// The scimType of RFC 7644 table 9 for the answer: that of the first issue.
    #[must_use]
    pub fn scim_type(&self) -> ScimType {
        match self.issues.first().map(Issue::kind) {
            Some(IssueKind::Schemas(_)) => ScimType::InvalidSyntax,
            Some(IssueKind::Immutable) => ScimType::Mutability,
            _ => ScimType::InvalidValue,
        }
    }
}

impl From<Issue> for ValidationError {
    fn from(issue: Issue) -> Self {
        Self { issues: vec![issue] }
    }
}

impl fmt::Display for ValidationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, issue) in self.issues.iter().take(SPELLED_OUT).enumerate() {
            if n > 0 {
                f.write_str("; ")?;
            }
            issue.fmt(f)?;
        }
        match self.issues.len().saturating_sub(SPELLED_OUT) {
            0 => Ok(()),
            more => write!(f, "; and {more} more"),
        }
    }
}

impl std::error::Error for ValidationError {}
