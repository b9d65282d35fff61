//! What a value made for a filter that matches nothing begins with.

use scim_filter::{CompareOp, ResolvedFilter, TypedValue};

use super::change::Action;
use crate::quirk::Quirks;
use crate::schema::Attribute;
use crate::validate::{At, Coerce, same_value};
use crate::value::{Number, Object, Value};

/// `type eq "work" and primary eq true` says what a value is to have; anything but equality joined by `and` does not.
/// Nor is there one where the client could not have written it, or where the operation is about to contradict it.
pub(super) fn template(
    attribute: &Attribute,
    sub: Option<&Attribute>,
    filter: &ResolvedFilter,
    action: &Action,
    quirks: &Quirks,
) -> Option<Object> {
    if !attribute.is_complex() || !attribute.is_multi_valued() {
        return None;
    }
    let asked = equalities(filter)?;
    let writable = |name: &str| attribute.sub(name).is_some_and(|sub| !sub.is_read_only());
    if !asked.iter().all(|(name, _)| writable(name.as_str())) {
        return None;
    }
    let mut coerce = Coerce::new(quirks, "");
    let object = coerce.members(attribute, asked, &At::Path(attribute.name()));
    if !coerce.issues.is_empty() {
        return None;
    }
    if let (Some(sub), Action::Add(value) | Action::Replace(Some(value))) = (sub, action)
        && object.get(sub.name()).is_some_and(|asked| !same_value(sub, asked, value))
    {
        return None;
    }
    Some(object)
}

pub(crate) fn equalities(filter: &ResolvedFilter) -> Option<Object> {
    match filter {
        ResolvedFilter::Compare(comparison) if comparison.op == CompareOp::Eq => {
            let value = match &comparison.value {
                TypedValue::Bool(value) => Value::Bool(*value),
                TypedValue::String(text) => Value::from(text.text()),
                TypedValue::Binary(text) => Value::from(&**text),
                TypedValue::Instant(instant) => Value::from(instant.text()),
                TypedValue::Number(number) => Value::Number(Number::from_json(number.as_str()).ok()?),
            };
            Some([(comparison.attr.name(), value)].into_iter().collect())
        }
        ResolvedFilter::And(terms) => {
            let mut object = Object::new();
            for term in terms {
                for (name, value) in equalities(term)? {
                    if object.insert(name, value).is_some() {
                        return None;
                    }
                }
            }
            Some(object)
        }
        _ => None,
    }
}
