//! `bulkId:x` in the place of an id that the server has yet to give (RFC 7644 section 3.7.2).

use scim_core::{Object, Value};

/// The `bulkId` that a text refers to, if it does.
pub(super) fn bulk_id(text: &str) -> Option<&str> {
    text.strip_prefix("bulkId:")
}

/// Visits every `bulkId` that data refers to: a reference is a whole string.
///
/// The depth of data is limited where it is read.
pub(super) fn visit<'v>(data: &'v Object, visitor: &mut dyn FnMut(&'v str)) {
    data.values().for_each(|value| visit_value(value, visitor));
}

fn visit_value<'v>(value: &'v Value, visitor: &mut dyn FnMut(&'v str)) {
    match value {
        Value::String(text) => bulk_id(text).into_iter().for_each(visitor),
        Value::Array(items) => items.iter().for_each(|item| visit_value(item, visitor)),
        Value::Object(object) => visit(object, visitor),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Puts ids in the place of references; those without one stay.
pub(super) fn resolve(data: &mut Object, id_of: &dyn Fn(&str) -> Option<String>) {
    data.iter_mut().for_each(|(_, value)| resolve_value(value, id_of));
}

fn resolve_value(value: &mut Value, id_of: &dyn Fn(&str) -> Option<String>) {
    match value {
        Value::String(text) => {
            if let Some(id) = bulk_id(text).and_then(id_of) {
                *value = Value::from(id);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| resolve_value(item, id_of)),
        Value::Object(object) => resolve(object, id_of),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
