//! Why a filter or path does not fit a schema.

use crate::ast::{CompareOp, Literal};
use crate::error::echo;
use crate::types::DataType;

/// A filter or path is well formed but does not fit the schemas of the resource type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ResolveError {
    /// The resource type has no schema of this URI.
    #[error("`{schema}` is not a schema of this resource type")]
    UnknownSchema {
        /// The URI.
        schema: String,
    },
    /// The schema has no attribute of this name.
    #[error("this resource type has no attribute `{attribute}`")]
    UnknownAttribute {
        /// The attribute as written.
        attribute: String,
    },
    /// The attribute has no sub-attribute of this name.
    #[error("attribute `{attribute}` has no sub-attribute `{sub}`")]
    UnknownSubAttribute {
        /// The attribute.
        attribute: String,
        /// The name of the sub-attribute as written.
        sub: String,
    },
    /// The URI of a schema stands where an attribute should.
    #[error("`{schema}` is a schema; name one of its attributes")]
    NotAnAttribute {
        /// The URI.
        schema: String,
    },
    /// The attribute has no sub-attributes, so neither `[ ]` nor a name after a dot can select among them.
    #[error("attribute `{attribute}` has no sub-attributes")]
    NotComplex {
        /// The attribute.
        attribute: String,
    },
    /// A complex attribute is compared as a whole.
    #[error("attribute `{attribute}` is complex; name one of its sub-attributes")]
    NeedsSubAttribute {
        /// The attribute.
        attribute: String,
    },
    /// The attribute's type has no such comparison.
    #[error("operator `{op}` does not apply to attribute `{attribute}` of type {data_type}")]
    OperatorNotAllowed {
        /// The attribute.
        attribute: String,
        /// The operator.
        op: CompareOp,
        /// The attribute's type.
        data_type: DataType,
    },
    /// `null` is compared by another operator than `eq` and `ne`.
    #[error("operator `{op}` does not apply to null, which attribute `{attribute}` is compared with")]
    NullNotAllowed {
        /// The attribute.
        attribute: String,
        /// The operator.
        op: CompareOp,
    },
    /// The value is not of the attribute's type.
    #[error("attribute `{attribute}` is compared with {expected}, not with `{value}`")]
    WrongLiteral {
        /// The attribute.
        attribute: String,
        /// What it may be compared with.
        expected: &'static str,
        /// The beginning of the value as written.
        value: String,
    },
    /// The value is no `xsd:dateTime`.
    #[error(
        "attribute `{attribute}` is compared with a date and time such as \"2011-05-13T04:42:34Z\", not with `{value}`"
    )]
    BadDateTime {
        /// The attribute.
        attribute: String,
        /// The beginning of the value as written.
        value: String,
    },
    /// The attribute is never returned, so that no filter and no sorting may use it.
    #[error("attribute `{attribute}` cannot be used in a filter or to sort")]
    NotFilterable {
        /// The attribute.
        attribute: String,
    },
}

impl ResolveError {
    /// Whether the cause is a name that the schemas do not have.
    pub fn is_unknown(&self) -> bool {
        matches!(
            self,
            Self::UnknownSchema { .. } | Self::UnknownAttribute { .. } | Self::UnknownSubAttribute { .. }
        )
    }
}

/// The part of a name that a message shows. URNs are longer than other input, and their ends say most.
pub(super) fn name(text: &str) -> String {
    const SHOWN: usize = 128;

    match text.char_indices().rev().nth(SHOWN) {
        Some((at, _)) => format!("...{}", text.get(at..).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// The part of a value that a message shows.
pub(super) fn value(literal: &Literal<'_>) -> String {
    match literal {
        Literal::String(text) => format!("\"{}\"", echo(text)),
        Literal::Number(number) => echo(number.as_str()),
        Literal::Null | Literal::Bool(_) => literal.to_string(),
    }
}
