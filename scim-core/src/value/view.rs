use scim_filter::{Node, ValueRef};

use super::Value;

/// Values as filters see them.
impl<'v> ValueRef<'v> for &'v Value {
    type Items = std::slice::Iter<'v, Value>;
    type Members = super::object::Values<'v>;

    fn node(self) -> Node<'v> {
        match self {
            Value::Null => Node::Null,
            Value::Bool(value) => Node::Bool(*value),
            Value::Number(number) => Node::Number(number.as_ref()),
            Value::String(text) => Node::String(text),
            Value::Array(_) => Node::Array,
            Value::Object(_) => Node::Object,
        }
    }

    fn items(self) -> Self::Items {
        self.as_array().unwrap_or_default().iter()
    }

    fn members(self) -> Self::Members {
        self.as_object().map(super::Object::values).unwrap_or_default()
    }

    fn member(self, name: &str) -> Option<Self> {
        self.as_object()?.get(name)
    }
}
