//! Values of a comparison, as the attribute's type reads them.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::{ResolveError, ResolveOptions, ResolvedAttr, error};
use crate::ast::{CompareOp, Literal};
use crate::compare::comparison_key;
use crate::datetime::parse_date_time;
use crate::number::NumberValue;
use crate::types::{CaseRule, DataType};

/// A value to compare with, of the attribute's own type. Cheap to clone.
///
/// There is no `null`: `a eq null` resolves to `not (a pr)` and `a ne null` to `a pr`.
///
/// Complete by definition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TypedValue {
    /// For a boolean attribute.
    Bool(bool),
    /// For a decimal or integer attribute.
    Number(NumberValue),
    /// For a string or reference attribute.
    String(StringValue),
    /// For a date and time.
    Instant(InstantValue),
    /// For a binary attribute: its base64 text. `eq` and `ne` pass over the padding, so that they compare the bytes;
    /// substrings are those of the text. What is no base64, or that for URLs and file names (RFC 4648 section 5), is the
    /// text of no value.
    Binary(Arc<str>),
}

/// A string to compare with: its text, and the key that is compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StringValue {
    text: Arc<str>,
    key: Arc<str>,
}

impl StringValue {
    /// A string and its [`comparison_key`].
    pub fn new(text: &str, rule: CaseRule) -> Self {
        let whole: Arc<str> = text.into();
        let key = match comparison_key(text, rule) {
            Cow::Borrowed(_) => Arc::clone(&whole),
            Cow::Owned(key) => key.into(),
        };
        Self { text: whole, key }
    }

    /// The text as written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The [`comparison_key`] of the text under the attribute's case rule.
    pub fn key(&self) -> &str {
        &self.key
    }
}

/// A date and time to compare with. Two are equal if they are the same instant.
#[derive(Clone, Debug)]
pub struct InstantValue {
    text: Arc<str>,
    instant: DateTime<Utc>,
}

impl InstantValue {
    /// Reads an `xsd:dateTime` as [`parse_date_time`] does.
    pub fn new(text: &str) -> Option<Self> {
        Some(Self { text: text.into(), instant: parse_date_time(text)? })
    }

    /// The text as written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The instant.
    pub fn instant(&self) -> DateTime<Utc> {
        self.instant
    }
}

impl PartialEq for InstantValue {
    fn eq(&self, other: &Self) -> bool {
        self.instant == other.instant
    }
}

impl Eq for InstantValue {}

impl fmt::Display for TypedValue {
    /// Prints the value as a literal of a filter.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::Bool(value) => return write!(f, "{value}"),
            Self::Number(number) => return write!(f, "{number}"),
            Self::String(string) => string.text(),
            Self::Instant(instant) => instant.text(),
            Self::Binary(text) => text,
        };
        Literal::String(Cow::Borrowed(text)).fmt(f)
    }
}

impl TypedValue {
    /// Reads a literal, other than `null`, as the attribute's type has it, and checks that the operator suits the type.
    ///
    /// "Boolean and Binary attributes SHALL cause a failed response (HTTP status code 400) with `scimType` of
    /// `invalidFilter`" for the order operators (RFC 7644, table 3).
    pub(super) fn read(
        attr: &ResolvedAttr,
        op: CompareOp,
        literal: &Literal<'_>,
        options: &ResolveOptions,
    ) -> Result<Self, ResolveError> {
        let data_type = attr.data_type();
        let allowed = match data_type {
            DataType::String | DataType::Reference => true,
            DataType::Boolean => !op.is_order() && !op.is_substring(),
            DataType::Decimal | DataType::Integer | DataType::DateTime => !op.is_substring(),
            DataType::Binary => !op.is_order(),
            DataType::Complex => false,
        };
        if !allowed {
            return Err(ResolveError::OperatorNotAllowed { attribute: attr.to_string(), op, data_type });
        }
        match (data_type, literal) {
            (DataType::String | DataType::Reference, Literal::String(text)) => {
                Ok(Self::String(StringValue::new(text, attr.case_rule())))
            }
            (DataType::Binary, Literal::String(text)) => Ok(Self::Binary(text.as_ref().into())),
            (DataType::DateTime, Literal::String(text)) => {
                InstantValue::new(text).map(Self::Instant).ok_or_else(|| ResolveError::BadDateTime {
                    attribute: attr.to_string(),
                    value: error::value(literal),
                })
            }
            (DataType::Boolean, Literal::Bool(value)) => Ok(Self::Bool(*value)),
            (DataType::Boolean, Literal::String(text)) if options.string_booleans && is(text, "true") => {
                Ok(Self::Bool(true))
            }
            (DataType::Boolean, Literal::String(text)) if options.string_booleans && is(text, "false") => {
                Ok(Self::Bool(false))
            }
            (DataType::Decimal | DataType::Integer, Literal::Number(number)) => {
                Ok(Self::Number(NumberValue::new(number.as_str())))
            }
            _ => Err(ResolveError::WrongLiteral {
                attribute: attr.to_string(),
                expected: match data_type {
                    DataType::Boolean => "true or false",
                    DataType::Decimal | DataType::Integer => "a number",
                    DataType::DateTime => "a date and time in double quotes",
                    DataType::String | DataType::Reference | DataType::Binary | DataType::Complex => {
                        "a string in double quotes"
                    }
                },
                value: error::value(literal),
            }),
        }
    }
}

fn is(text: &str, word: &str) -> bool {
    text.eq_ignore_ascii_case(word)
}
