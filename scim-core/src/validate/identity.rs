//! When two values are one, as the schema sees it.

use std::collections::HashMap;
use std::fmt::Write as _;

use scim_filter::{CaseRule, DataType, comparison_key};

use crate::schema::Attribute;
use crate::value::{Object, Value};

/// Up to this many elements are compared in pairs, which needs no memory.
const FEW: usize = 8;

/// Whether two values are one as the schema compares them: strings by their case rule, dates as instants, numbers by
/// value, lists and objects in any order.
pub(crate) fn same_value(attribute: &Attribute, a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::String(x), Value::String(y)) if attribute.data_type() != DataType::DateTime => {
            x == y || same_text(attribute.compared_by(), x, y)
        }
        (Value::Object(x), Value::Object(y)) => {
            x.len() == y.len()
                && x.iter().all(|(name, value)| match (attribute.sub(name.as_str()), y.get(name.as_str())) {
                    (Some(sub), Some(other)) => same_value(sub, value, other),
                    (None, other) => other == Some(value),
                    (Some(_), None) => false,
                })
        }
        (Value::Array(x), Value::Array(y)) if x.len() != y.len() => false,
        (Value::String(_) | Value::Number(_) | Value::Array(_), _) => {
            a == b || value_key(attribute, a) == value_key(attribute, b)
        }
        _ => a == b,
    }
}

/// Whether an element has all that `value` says: equal, or an object with at least these sub-attributes.
pub(crate) fn covers(attribute: &Attribute, element: &Value, value: &Value) -> bool {
    match (element, value) {
        (Value::Object(element), Value::Object(given)) => given.iter().all(|(name, value)| {
            match (attribute.sub(name.as_str()), element.get(name.as_str())) {
                (Some(sub), Some(has)) => same_value(sub, has, value),
                // "primary ... false if not specified" (RFC 7643 section 2.4)
                (Some(_), None) => name.is("primary") && *value == Value::Bool(false),
                (None, has) => has == Some(value),
            }
        }),
        _ => same_value(attribute, element, value),
    }
}

/// Whether two elements of a multi-valued attribute stand for the same thing: the same `value` with the same `type`
/// (RFC 7643 section 2.4); where there is no `value`, as in an address, the whole element tells.
pub(crate) fn same_identity(attribute: &Attribute, a: &Value, b: &Value) -> bool {
    fn kind(value: &Value) -> Option<&Value> {
        value.as_object()?.get("type")
    }
    let (Some(x), Some(y)) = (element_value(a), element_value(b)) else {
        return same_value(attribute, a, b);
    };
    let same = |name: &str, x: &Value, y: &Value| match attribute.sub(name) {
        Some(sub) => same_value(sub, x, y),
        None => x == y,
    };
    same("value", x, y)
        && match (kind(a), kind(b)) {
            (None, None) => true,
            (Some(x), Some(y)) => same("type", x, y),
            _ => false,
        }
}

/// A text that two elements share exactly if they have the [same identity](same_identity).
pub(crate) fn identity_key(attribute: &Attribute, element: &Value) -> String {
    let Some(value) = element_value(element) else { return value_key(attribute, element) };
    let mut key = String::from("v");
    write_part(&mut key, attribute, "value", value);
    if let Some(kind) = element.as_object().and_then(|object| object.get("type")) {
        write_part(&mut key, attribute, "type", kind);
    }
    key
}

/// A text that two values share exactly if the schema makes no difference between them.
pub(crate) fn value_key(attribute: &Attribute, value: &Value) -> String {
    let mut key = String::new();
    write_key(&mut key, attribute, value);
    key
}

/// The `value` sub-attribute of an element.
pub(crate) fn element_value(element: &Value) -> Option<&Value> {
    element.as_object()?.get("value")
}

pub(crate) fn is_primary(value: &Value) -> bool {
    value.as_object().and_then(|object| object.get("primary")) == Some(&Value::Bool(true))
}

/// Elements that stand for the same thing come once. What a later one says beyond the first is added to it; where
/// they differ the later one wins, unless only the first is among those that `touched` names. The indices in `touched`
/// are those before the call, and after it those of the result.
pub(crate) fn without_duplicates(
    attribute: &Attribute,
    values: Vec<Value>,
    touched: &mut Vec<usize>,
) -> Vec<Value> {
    let few = values.len() <= FEW;
    if few && !has_pair(attribute, &values) {
        return values;
    }
    let mut places: HashMap<String, usize> = HashMap::with_capacity(values.len());
    let mut moved = Vec::with_capacity(values.len());
    let mut distinct: Vec<Value> = Vec::with_capacity(values.len());
    let mut is_touched = vec![false; values.len()];
    for n in &*touched {
        if let Some(flag) = is_touched.get_mut(*n) {
            *flag = true;
        }
    }
    let flagged = |n: usize| is_touched.get(n).copied().unwrap_or(false);
    let mut known_touched: Vec<bool> = Vec::with_capacity(values.len());
    for (n, value) in values.into_iter().enumerate() {
        let place = *places.entry(identity_key(attribute, &value)).or_insert(distinct.len());
        moved.push(place);
        match (distinct.get_mut(place), known_touched.get_mut(place)) {
            (Some(known), Some(known_is_touched)) => {
                merge(known, value, !*known_is_touched || flagged(n));
                *known_is_touched |= flagged(n);
            }
            _ => {
                distinct.push(value);
                known_touched.push(flagged(n));
            }
        }
    }
    for n in touched.iter_mut() {
        *n = moved.get(*n).copied().unwrap_or(*n);
    }
    distinct
}

fn has_pair(attribute: &Attribute, values: &[Value]) -> bool {
    values.iter().enumerate().any(|(n, a)| values.iter().skip(n + 1).any(|b| same_identity(attribute, a, b)))
}

fn merge(known: &mut Value, value: Value, later_wins: bool) {
    if let (Value::Object(known), Value::Object(more)) = (known, value) {
        for (name, value) in more {
            if later_wins || !known.contains(name.as_str()) {
                known.insert(name, value);
            }
        }
    }
}

fn same_text(rule: CaseRule, a: &str, b: &str) -> bool {
    match rule {
        CaseRule::Exact => a == b,
        _ if a.is_ascii() && b.is_ascii() => a.eq_ignore_ascii_case(b),
        _ => comparison_key(a, rule) == comparison_key(b, rule),
    }
}

fn write_part(key: &mut String, attribute: &Attribute, name: &str, value: &Value) {
    match attribute.sub(name) {
        Some(sub) => write_key(key, sub, value),
        None => write_key(key, attribute, value),
    }
}

/// Every piece begins with a letter for its kind and says how long it is, so that no two values run into one key.
fn write_key(key: &mut String, attribute: &Attribute, value: &Value) {
    let mut piece = |kind: char, text: &str| {
        // Writing to a string cannot fail.
        let _ = write!(key, "{kind}{}:{text}", text.len());
    };
    match value {
        Value::Null => piece('n', ""),
        Value::Bool(value) => piece('b', if *value { "1" } else { "0" }),
        Value::Number(number) => piece('i', &number.canonical()),
        Value::String(text) => {
            let instant = match attribute.data_type() {
                DataType::DateTime => scim_filter::parse_date_time(text),
                _ => None,
            };
            match instant {
                Some(instant) => {
                    let (seconds, nanos) = (instant.timestamp(), instant.timestamp_subsec_nanos());
                    piece('d', &format!("{seconds}.{nanos}"));
                }
                None => piece('s', &comparison_key(text, attribute.compared_by())),
            }
        }
        Value::Array(items) => {
            let mut keys: Vec<String> = items.iter().map(|item| value_key(attribute, item)).collect();
            keys.sort_unstable();
            piece('a', &keys.concat());
        }
        Value::Object(object) => piece('o', &object_key(attribute, object)),
    }
}

fn object_key(attribute: &Attribute, object: &Object) -> String {
    let mut members: Vec<(String, &Value)> =
        object.iter().map(|(name, value)| (name.as_str().to_ascii_lowercase(), value)).collect();
    members.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
    let mut key = String::new();
    for (name, value) in members {
        let _ = write!(key, "{}:{name}", name.len());
        write_part(&mut key, attribute, &name, value);
    }
    key
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::Schema;

    fn value(json: &str) -> Value {
        Value::from_slice(json.as_bytes()).unwrap()
    }

    #[test]
    fn identity_is_value_and_type_by_their_case_rules() {
        let schema = Schema::user();
        let emails = schema.attribute("emails").unwrap();
        let table = [
            (r#"{"value":"A@x","type":"work"}"#, r#"{"TYPE":"WORK","value":"a@X","display":"y"}"#, true),
            (r#"{"value":"a"}"#, r#"{"value":"a","type":"work"}"#, false),
            (r#"{"value":"a","type":""}"#, r#"{"value":"a"}"#, false),
            (r#"{"display":"a"}"#, r#"{"display":"A"}"#, true),
            (r#"{"display":"a"}"#, r#"{"display":"a","type":"work"}"#, false),
            (r#"{"value":"ab","type":"c"}"#, r#"{"value":"a","type":"bc"}"#, false),
        ];
        for (a, b, same) in table {
            let (a, b) = (value(a), value(b));
            assert_eq!(same_identity(emails, &a, &b), same, "{a:?} {b:?}");
            assert_eq!(identity_key(emails, &a) == identity_key(emails, &b), same, "{a:?} {b:?}");
        }
    }

    #[test]
    fn numbers_and_dates_are_the_same_by_what_they_mean() {
        let decimal = Attribute::new("n", DataType::Decimal);
        assert!(same_value(&decimal, &value("5"), &value("5.0")));
        assert!(!same_value(&decimal, &value("5"), &value("50")));
        let date = Attribute::new("d", DataType::DateTime);
        assert!(same_value(
            &date,
            &value(r#""2026-01-31T08:30:00Z""#),
            &value(r#""2026-01-31T09:30:00.000+01:00""#)
        ));
        let list = Attribute::new("l", DataType::String).multi_valued();
        assert!(same_value(&list, &value(r#"["a","b"]"#), &value(r#"["B","A"]"#)));
        assert!(!same_value(&list, &value(r#"["a","a","b"]"#), &value(r#"["a","b","b"]"#)));
    }

    #[test]
    fn what_was_touched_wins_where_two_elements_become_one() {
        let schema = Schema::user();
        let emails = schema.attribute("emails").unwrap();
        let list = vec![
            value(r#"{"value":"a","primary":true}"#),
            value(r#"{"value":"A","primary":false,"display":"x"}"#),
        ];
        let mut touched = vec![0];
        let merged = without_duplicates(emails, list.clone(), &mut touched);
        assert_eq!(merged, [value(r#"{"value":"a","primary":true,"display":"x"}"#)]);
        let merged = without_duplicates(emails, list, &mut Vec::new());
        assert_eq!(merged, [value(r#"{"value":"A","primary":false,"display":"x"}"#)]);
    }
}
