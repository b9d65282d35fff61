//! What evaluation needs to know of a value.

use crate::number::NumberRef;

/// A reference to a JSON value, or to something of the same shape. A resource is an object.
pub trait ValueRef<'v>: Copy {
    /// Iterates over the elements of an array.
    type Items: Iterator<Item = Self>;
    /// Iterates over the values of an object's members.
    type Members: Iterator<Item = Self>;

    /// What kind of value this is, and the value itself if it is simple.
    fn node(self) -> Node<'v>;

    /// The elements of an array; nothing for any other value.
    fn items(self) -> Self::Items;

    /// The values of an object's members, whatever their names; nothing for any other value.
    fn members(self) -> Self::Members;

    /// The member of an object by its name, taken without regard to case; nothing for any other value.
    ///
    /// The name comes in its registered spelling, so look for that first.
    fn member(self, name: &str) -> Option<Self>;
}

/// A JSON value, one level deep.
///
/// Complete by definition.
#[derive(Clone, Copy, Debug)]
pub enum Node<'v> {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number.
    Number(NumberRef<'v>),
    /// A string.
    String(&'v str),
    /// An array, whose elements are [`ValueRef::items`].
    Array,
    /// An object, whose members are [`ValueRef::members`].
    Object,
}

/// A complex value without any part.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NoParts;

impl<'v> ValueRef<'v> for NoParts {
    type Items = std::iter::Empty<Self>;
    type Members = std::iter::Empty<Self>;

    fn node(self) -> Node<'v> {
        Node::Object
    }

    fn items(self) -> Self::Items {
        std::iter::empty()
    }

    fn members(self) -> Self::Members {
        std::iter::empty()
    }

    fn member(self, _: &str) -> Option<Self> {
        None
    }
}

/// How deep a value is looked into to find whether it is empty. SCIM nests three levels (RFC 7643, 2.3.8).
const DEEPEST: u8 = 8;

/// Whether this is a value at all: not `null`, and not an array or object of nothing else.
///
/// "Unassigned attributes, the null value, or an empty array (in the case of a multi-valued attribute) SHALL be considered to
/// be equivalent in 'state'" (RFC 7643, 2.5).
pub(crate) fn is_assigned<'v, V: ValueRef<'v>>(value: V) -> bool {
    has_value(value, false, DEEPEST)
}

/// Whether this counts as present.
///
/// "If the attribute has a non-empty or non-null value, or if it contains a non-empty node for complex attributes, there is a
/// match" (RFC 7644, table 3).
pub(crate) fn is_present<'v, V: ValueRef<'v>>(value: V) -> bool {
    has_value(value, true, DEEPEST)
}

fn has_value<'v, V: ValueRef<'v>>(value: V, empty_text_is_none: bool, levels: u8) -> bool {
    let below = levels.saturating_sub(1);
    match value.node() {
        Node::Null => false,
        Node::Bool(_) | Node::Number(_) => true,
        Node::String(text) => !(empty_text_is_none && text.is_empty()),
        Node::Array | Node::Object if levels == 0 => true,
        Node::Array => value.items().any(|item| has_value(item, empty_text_is_none, below)),
        Node::Object => value.members().any(|member| has_value(member, empty_text_is_none, below)),
    }
}
