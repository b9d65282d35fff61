//! JSON values as the evaluator sees them.

use std::iter::{Flatten, Map};
use std::{option, slice};

use scim_filter::{Node, NumberRef, ValueRef};
use serde_json::{Value, map};

/// A `serde_json` value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Json<'v>(pub(crate) &'v Value);

impl<'v> ValueRef<'v> for Json<'v> {
    type Items = Map<slice::Iter<'v, Value>, fn(&'v Value) -> Self>;
    type Members = Map<Flatten<option::IntoIter<map::Values<'v>>>, fn(&'v Value) -> Self>;

    fn node(self) -> Node<'v> {
        match self.0 {
            Value::Null => Node::Null,
            Value::Bool(value) => Node::Bool(*value),
            Value::Number(number) => Node::Number(match (number.as_i64(), number.as_u64()) {
                (Some(value), _) => NumberRef::Int(value),
                (None, Some(value)) => NumberRef::UInt(value),
                (None, None) => NumberRef::Float(number.as_f64().unwrap_or(f64::NAN)),
            }),
            Value::String(text) => Node::String(text),
            Value::Array(_) => Node::Array,
            Value::Object(_) => Node::Object,
        }
    }

    fn items(self) -> Self::Items {
        self.0.as_array().map_or(&[][..], Vec::as_slice).iter().map(Json)
    }

    fn members(self) -> Self::Members {
        self.0.as_object().map(map::Map::values).into_iter().flatten().map(Json)
    }

    fn member(self, name: &str) -> Option<Self> {
        let members = self.0.as_object()?;
        let exact = members.get(name);
        let any_case =
            || members.iter().find(|(member, _)| member.eq_ignore_ascii_case(name)).map(|(_, value)| value);
        exact.or_else(any_case).map(Json)
    }
}
