//! JSON values as the evaluator sees them.

use scim_filter::{Node, NumberRef, ValueRef};
use serde_json::Value;

/// A `serde_json` value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Json<'v>(pub(crate) &'v Value);

impl<'v> ValueRef<'v> for Json<'v> {
    type Items = Box<dyn Iterator<Item = Self> + 'v>;
    type Members = Box<dyn Iterator<Item = Self> + 'v>;

    fn node(self) -> Node<'v> {
        match self.0 {
            Value::Null => Node::Null,
            Value::Bool(value) => Node::Bool(*value),
            Value::Number(number) => Node::Number(match (number.as_i64(), number.as_u64()) {
                (Some(value), _) => NumberRef::Int(value),
                (None, Some(value)) => NumberRef::UInt(value),
                (None, None) => NumberRef::Float(number.as_f64().unwrap()),
            }),
            Value::String(text) => Node::String(text),
            Value::Array(_) => Node::Array,
            Value::Object(_) => Node::Object,
        }
    }

    fn items(self) -> Self::Items {
        Box::new(self.0.as_array().into_iter().flatten().map(Json))
    }

    fn members(self) -> Self::Members {
        Box::new(self.0.as_object().into_iter().flat_map(|members| members.values()).map(Json))
    }

    fn member(self, name: &str) -> Option<Self> {
        let members = self.0.as_object()?;
        let exact = members.get(name);
        let any_case =
            || members.iter().find(|(member, _)| member.eq_ignore_ascii_case(name)).map(|(_, value)| value);
        exact.or_else(any_case).map(Json)
    }
}
