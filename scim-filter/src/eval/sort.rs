//! What resources are sorted by.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::member;
use super::value::{Node, ValueRef, is_assigned};
use crate::compare::comparison_key;
use crate::datetime::parse_date_time;
use crate::number::NumberValue;
use crate::resolve::ResolvedAttr;
use crate::types::DataType;

/// What a resource is sorted by (RFC 7644, 3.4.2.3), in ascending order. The descending order is the reverse of it.
///
/// Complete by definition.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SortKey {
    /// A boolean: false comes first.
    Bool(bool),
    /// A number, by its value.
    Number(NumberValue),
    /// A date and time.
    Instant(DateTime<Utc>),
    /// The [`comparison_key`] of a text, by its code points.
    Text(String),
    /// No value: "they are ordered last if ascending and first if descending".
    Unassigned,
}

impl ResolvedAttr {
    /// What a resource is sorted by.
    ///
    /// Of a multi-valued attribute that is "the value of the primary attribute, if any, or else the first value in the
    /// list, if any". A value that is not of the attribute's type is none.
    pub fn sort_key<'v, V: ValueRef<'v>>(&self, resource: V) -> SortKey {
        self.sorted_value(resource).and_then(|value| self.key_of(value)).unwrap_or(SortKey::Unassigned)
    }

    fn sorted_value<'v, V: ValueRef<'v>>(&self, resource: V) -> Option<V> {
        let value = first(self.find(resource)?, self.seen())?;
        match self.sub() {
            Some(sub) => first(member(value, sub)?, None),
            None => Some(value),
        }
    }

    fn key_of<'v, V: ValueRef<'v>>(&self, value: V) -> Option<SortKey> {
        match (self.data_type(), value.node()) {
            (DataType::Boolean, Node::Bool(value)) => Some(SortKey::Bool(value)),
            (DataType::Decimal | DataType::Integer, Node::Number(number)) => {
                number.to_value().map(SortKey::Number)
            }
            (DataType::DateTime, Node::String(text)) => parse_date_time(text).map(SortKey::Instant),
            (DataType::String | DataType::Reference | DataType::Binary, Node::String(text)) => {
                Some(SortKey::Text(comparison_key(text, self.case_rule()).into_owned()))
            }
            _ => None,
        }
    }
}

/// A value itself; of several the primary one, or else the first, as far as they can be seen.
fn first<'v, V: ValueRef<'v>>(value: V, seen: Option<&[Arc<str>]>) -> Option<V> {
    if !matches!(value.node(), Node::Array) {
        return Some(value);
    }
    let is_seen =
        |name: &str| seen.is_none_or(|seen| seen.iter().any(|part| part.eq_ignore_ascii_case(name)));
    let is_primary = |item: &V| matches!(item.member("primary").map(ValueRef::node), Some(Node::Bool(true)));
    let primary = if is_seen("primary") { value.items().find(is_primary) } else { None };
    let has_seen = |item: V| match seen {
        None => is_assigned(item),
        Some(seen) => seen.iter().any(|part| member(item, part).is_some_and(is_assigned)),
    };
    primary.or_else(|| value.items().find(|item| has_seen(*item)))
}
