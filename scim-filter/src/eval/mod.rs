//! Evaluation of a resolved filter on a resource.

mod sort;
mod value;

pub use sort::SortKey;
pub(crate) use value::NoParts;
pub use value::{Node, ValueRef};

use crate::ast::CompareOp;
use crate::compare::{order_holds, text_holds};
use crate::datetime::parse_date_time;
use crate::resolve::{ResolvedAttr, ResolvedComparison, ResolvedFilter, TypedValue};
use crate::types::CaseRule;
use value::is_assigned;

impl ResolvedFilter {
    /// Whether a resource matches.
    ///
    /// - An attribute that is absent, `null`, `[]` or `{}` has no value and matches nothing but `ne` (and `not`).
    /// - A multi-valued attribute matches if any of its values does; `ne` also if there is none.
    /// - A value of a multi-valued attribute without `primary` counts as `primary` `false` (RFC 7643 section 2.4).
    /// - `ne` asks of each value of a multi-valued complex attribute whether its sub-attribute differs, and one that lacks
    ///   it does: `emails.type ne "work"` is true unless there are e-mails and all are of that type.
    pub fn matches<'v, V: ValueRef<'v>>(&self, resource: V) -> bool {
        match self {
            Self::And(terms) => terms.iter().all(|term| term.matches(resource)),
            Self::Or(terms) => terms.iter().any(|term| term.matches(resource)),
            Self::Not(filter) => !filter.matches(resource),
            Self::Compare(comparison) => comparison.matches(resource),
            Self::Present(attr) => any_value(attr.find(resource), |value| match attr.sub() {
                Some(sub) => any_value(member(value, sub), value::is_present),
                None => value::is_present(value),
            }),
            Self::ValuePath { attr, filter } => any_value(attr.find(resource), |value| match attr.sub() {
                Some(sub) => any_value(member(value, sub), |value| filter.matches_value(value)),
                None => filter.matches_value(value),
            }),
            Self::Constant(value) => *value,
        }
    }

    /// Whether one value of an attribute matches: for a filter that stood inside `[ ]`, whose attributes are the value's
    /// members.
    pub fn matches_value<'v, V: ValueRef<'v>>(&self, value: V) -> bool {
        self.matches(value)
    }
}

impl ResolvedComparison {
    /// Whether a resource, or inside `[ ]` a value, matches.
    pub fn matches<'v, V: ValueRef<'v>>(&self, resource: V) -> bool {
        let found = self.attr.find(resource);
        let sub = self.attr.sub();
        // "ne: the attribute and operator values are not identical": true where there is no value at all.
        if self.op == CompareOp::Ne {
            return self.differs(found, sub);
        }
        match sub {
            Some(sub) => any_value(found, |value| self.part_holds(member(value, sub))),
            None => self.part_holds(found),
        }
    }

    /// Whether the comparison holds for an attribute or a part of a value, which may be missing.
    fn part_holds<'v, V: ValueRef<'v>>(&self, part: Option<V>) -> bool {
        match part.filter(|part| is_assigned(*part)) {
            None => self.attr.is_assumed_false() && self.value == TypedValue::Bool(false),
            part => any_value(part, |value| self.holds(value)),
        }
    }

    /// Whether any value is another than the comparison's, or there is none.
    fn differs<'v, V: ValueRef<'v>>(&self, found: Option<V>, sub: Option<&str>) -> bool {
        if sub.is_none() && self.attr.is_assumed_false() {
            return !self.part_holds(found);
        }
        let mut none = true;
        let differs = any_value(found, |value| {
            none = false;
            match sub {
                Some(sub) => self.differs(member(value, sub), None),
                None => !self.holds(value),
            }
        });
        differs || none
    }

    /// Whether the operator (`eq` for `ne`) holds for one value.
    fn holds<'v, V: ValueRef<'v>>(&self, value: V) -> bool {
        let op = self.op;
        match (&self.value, value.node()) {
            (TypedValue::String(right), Node::String(left)) => {
                text_holds(op, left, right.key(), self.attr.case_rule())
            }
            // Padding says nothing about the bytes, and may be left out (RFC 7643 section 2.3.6).
            (TypedValue::Binary(right), Node::String(left))
                if matches!(op, CompareOp::Eq | CompareOp::Ne) =>
            {
                left.trim_end_matches('=') == right.trim_end_matches('=')
            }
            (TypedValue::Binary(right), Node::String(left)) => text_holds(op, left, right, CaseRule::Exact),
            (TypedValue::Bool(right), Node::Bool(left)) => left == *right,
            (TypedValue::Number(right), Node::Number(left)) => {
                right.compare(left).is_some_and(|order| order_holds(op, order))
            }
            (TypedValue::Instant(right), Node::String(left)) => {
                parse_date_time(left).is_some_and(|left| order_holds(op, left.cmp(&right.instant())))
            }
            _ => false,
        }
    }
}

impl ResolvedAttr {
    /// The attribute (not its sub-attribute) in a resource, or in a value of its parent.
    fn find<'v, V: ValueRef<'v>>(&self, resource: V) -> Option<V> {
        match self.extension() {
            None => member(resource, self.name()),
            Some(uri) => resource.member(uri).and_then(|extension| extension.member(self.name())),
        }
    }
}

/// A member of a complex value. A simple value is its own only member, by the name `value`.
fn member<'v, V: ValueRef<'v>>(value: V, name: &str) -> Option<V> {
    match value.node() {
        Node::Object => value.member(name),
        _ => Some(value),
    }
}

/// Whether the test holds for any of the values of an attribute. Those that are none are passed over.
fn any_value<'v, V: ValueRef<'v>>(found: Option<V>, mut test: impl FnMut(V) -> bool) -> bool {
    let Some(value) = found else { return false };
    match value.node() {
        Node::Array => value.items().any(|item| is_assigned(item) && test(item)),
        _ => is_assigned(value) && test(value),
    }
}
