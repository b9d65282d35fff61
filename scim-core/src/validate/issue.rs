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
    /// A key of the body is a path that cannot be carried out: it cannot be read, or names what another key gives too.
    #[error("{0}")]
    Key(String),
    /// An immutable attribute would get another value (RFC 7644 section 3.5.1).
    #[error("is immutable and already has another value")]
    Immutable,
    /// The attribute can be given a value when a resource is made, and not be changed by clients of this server.
    #[error("cannot be changed: {why}")]
    NotChangeable {
        /// Why, in words.
        why: &'static str,
    },
    /// `schemas` is missing or names a schema that does not belong to the resource type.
    #[error("{0}")]
    Schemas(String),
}

/// All that is wrong with a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValidationError {
    issues: Issues,
}

/// The issues found so far. Only the first hundred are kept, so that a hostile body costs little memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Issues {
    kept: Vec<Issue>,
    more: usize,
}

/// How many issues are kept.
const KEPT: usize = 100;
/// How many issues a message spells out.
const SPELLED_OUT: usize = 5;

impl Issues {
    pub(crate) fn push(&mut self, path: impl fmt::Display, kind: IssueKind) {
        let path = path.to_string();
        // A value that was given and refused is not missing as well.
        if kind == IssueKind::Required && self.kept.iter().any(|issue| issue.path == path) {
            return;
        }
        if self.kept.len() < KEPT {
            self.kept.push(Issue::new(path, kind));
        } else {
            self.more += 1;
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    pub(crate) fn into_result(self) -> Result<(), ValidationError> {
        if self.is_empty() { Ok(()) } else { Err(ValidationError { issues: self }) }
    }
}

impl ValidationError {
    /// The issues in the order of the body; at least one, and no more than the first hundred.
    #[must_use]
    pub fn issues(&self) -> &[Issue] {
        &self.issues.kept
    }

    /// The scimType of RFC 7644 table 9 for the answer: that of the first issue.
    #[must_use]
    pub fn scim_type(&self) -> ScimType {
        match self.issues.kept.first().map(Issue::kind) {
            Some(IssueKind::Schemas(_) | IssueKind::Key(_)) => ScimType::InvalidSyntax,
            Some(IssueKind::Immutable | IssueKind::NotChangeable { .. }) => ScimType::Mutability,
            _ => ScimType::InvalidValue,
        }
    }
}

impl From<Issue> for ValidationError {
    fn from(issue: Issue) -> Self {
        Self { issues: Issues { kept: vec![issue], more: 0 } }
    }
}

impl fmt::Display for ValidationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, issue) in self.issues.kept.iter().take(SPELLED_OUT).enumerate() {
            if n > 0 {
                f.write_str("; ")?;
            }
            issue.fmt(f)?;
        }
        match self.issues.kept.len().saturating_sub(SPELLED_OUT) + self.issues.more {
            0 => Ok(()),
            more => write!(f, "; and {more} more"),
        }
    }
}

impl std::error::Error for ValidationError {}
