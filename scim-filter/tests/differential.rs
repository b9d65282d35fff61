//! The evaluator against a naive one, which walks the tree as written and shares no code with it.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use common::Json;
use proptest::prelude::*;
use scim_filter::simple::SimpleSchema;
use scim_filter::strategies::{Field, Group, filter_over};
use scim_filter::{CompareOp, DataType, Filter, Literal, ResolveOptions};
use serde_json::{Value, json};

const LOAD: &str = "urn:example:params:scim:schemas:extension:load:2.0";

const TEXTS: &[&str] =
    &["", "a", "A", "ab", "Ab", "b@example.com", "B@Example.com", "zz", "É", "ée", "work", "home"];
const DATES: &[&str] = &[
    "2020-01-01T00:00:00Z",
    "2020-01-01T00:00:00",
    "2020-01-01T01:00:00+01:00",
    "2020-01-01T00:00:00.001Z",
    "2020-01-01T00:00:00.0010000Z",
    "1999-12-31T23:59:59.999-12:00",
];
const NUMBERS: &[&str] =
    &["0", "-0.0", "1", "1.0", "10e-1", "-1", "2.5", "25e-1", "9007199254740993", "1e300", "12"];

/// Paths by type: text, case-exact text, boolean, number, date.
const FOLDED: &[&str] = &["userName", "title", "name.familyName", "emails.value", "emails.type", "emails"];
const EXACT: &[&str] = &["id", "externalId"];

fn fields() -> Vec<Field> {
    let text = |path: &&str| Field::new(path, DataType::String, TEXTS);
    let mut fields: Vec<_> = FOLDED.iter().chain(EXACT).map(text).collect();
    fields.push(Field::new(&format!("{LOAD}:tags"), DataType::String, TEXTS));
    fields.push(Field::new("active", DataType::Boolean, &[]));
    fields.push(Field::new("emails.primary", DataType::Boolean, &[]));
    fields.push(Field::new(&format!("{LOAD}:logins"), DataType::Integer, NUMBERS));
    fields.push(Field::new(&format!("{LOAD}:quota"), DataType::Decimal, NUMBERS));
    fields.push(Field::new("meta.created", DataType::DateTime, DATES));
    fields
}

fn groups() -> Vec<Group> {
    let text = |path| Field::new(path, DataType::String, TEXTS);
    vec![
        Group {
            path: "emails".into(),
            fields: vec![text("value"), text("type"), Field::new("primary", DataType::Boolean, &[])],
        },
        Group { path: "name".into(), fields: vec![text("familyName"), text("givenName")] },
        Group { path: format!("{LOAD}:tags"), fields: vec![text("value")] },
    ]
}

/// A value, or one of the ways to have none: the attribute is absent, or it is `null`.
fn maybe(value: impl Strategy<Value = Value>) -> impl Strategy<Value = Option<Value>> {
    prop_oneof![4 => value.prop_map(Some), 1 => Just(Some(Value::Null)), 1 => Just(None)]
}

fn text() -> impl Strategy<Value = Value> + Clone {
    proptest::sample::select(TEXTS).prop_map(Value::from)
}

fn object(members: Vec<(&'static str, BoxedStrategy<Option<Value>>)>) -> impl Strategy<Value = Value> {
    let (names, values): (Vec<_>, Vec<_>) = members.into_iter().unzip();
    values.prop_map(move |values| {
        let members = names.iter().zip(values).filter_map(|(name, value)| Some(((*name).to_owned(), value?)));
        Value::Object(members.collect())
    })
}

fn user() -> impl Strategy<Value = Value> {
    let list = |item: BoxedStrategy<Value>| proptest::collection::vec(item, 0..4).prop_map(Value::Array);
    let date = || proptest::sample::select(DATES).prop_map(Value::from);
    let number =
        proptest::sample::select(NUMBERS).prop_map(|text| serde_json::from_str::<Value>(text).unwrap());
    let name = object(vec![("familyName", maybe(text()).boxed()), ("givenName", maybe(text()).boxed())]);
    let email = object(vec![
        ("value", maybe(text()).boxed()),
        ("type", maybe(text()).boxed()),
        ("primary", maybe(any::<bool>().prop_map(Value::from)).boxed()),
    ]);
    let email = prop_oneof![6 => email, 1 => Just(Value::Null), 1 => Just(json!({}))];
    let tag = prop_oneof![6 => text(), 1 => Just(Value::Null)];
    let load = object(vec![
        ("tags", maybe(list(tag.boxed())).boxed()),
        ("logins", maybe(number.clone()).boxed()),
        ("quota", maybe(number).boxed()),
    ]);
    object(vec![
        ("id", maybe(text()).boxed()),
        ("externalId", maybe(text()).boxed()),
        ("userName", maybe(text()).boxed()),
        ("title", maybe(text()).boxed()),
        ("active", maybe(any::<bool>().prop_map(Value::from)).boxed()),
        ("name", maybe(name).boxed()),
        ("emails", maybe(list(email.boxed())).boxed()),
        ("meta", maybe(object(vec![("created", maybe(date()).boxed())])).boxed()),
        (LOAD, maybe(load).boxed()),
    ])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(5_000))]

    #[test]
    fn agrees_with_the_naive_evaluator(filter in filter_over(fields(), groups()), user in user()) {
        let resolved = filter.resolve(&SimpleSchema::user(), &ResolveOptions::default()).unwrap();
        prop_assert_eq!(resolved.matches(Json(&user)), naive(&filter, &user, None), "{} on {}", filter, user);
    }

    #[test]
    fn each_comparison_agrees(filter in filter_over(fields(), groups()), user in user()) {
        // Whole filters hide what their terms do, so ask each term alone too.
        let mut stack = vec![filter];
        while let Some(filter) = stack.pop() {
            let resolved = filter.resolve(&SimpleSchema::user(), &ResolveOptions::default()).unwrap();
            prop_assert_eq!(resolved.matches(Json(&user)), naive(&filter, &user, None), "{} on {}", filter, user);
            match filter {
                Filter::And(terms) | Filter::Or(terms) => stack.extend(terms),
                Filter::Not(filter) => stack.push(*filter),
                _ => {}
            }
        }
    }
}

fn naive(filter: &Filter<'_>, value: &Value, parent: Option<&str>) -> bool {
    match filter {
        Filter::And(terms) => {
            terms.iter().filter(|term| naive(term, value, parent)).count() == terms.iter().count()
        }
        Filter::Or(terms) => terms.iter().filter(|term| naive(term, value, parent)).count() > 0,
        Filter::Not(filter) => !naive(filter, value, parent),
        Filter::ValuePath(path) => {
            let name = path.attr.to_string();
            elements(value, &name).iter().any(|element| naive(&path.filter, element, Some(&name)))
        }
        Filter::Present(attr) => present(value, &attr.to_string(), parent),
        Filter::Compare(comparison) => {
            let path = comparison.attr.to_string();
            match (&comparison.value, comparison.op) {
                (Literal::Null, CompareOp::Eq) => return !present(value, &path, parent),
                (Literal::Null, _) => return present(value, &path, parent),
                _ => {}
            }
            let path = if path == "emails" { "emails.value".to_owned() } else { path };
            let value = &told_apart(value, parent);
            let exact = parent.is_none() && EXACT.contains(&path.as_str());
            let holds =
                |found: &Value, op| holds(found, op, &comparison.value, exact, path == "meta.created");
            if comparison.op != CompareOp::Ne {
                return leaves(value, &path).iter().any(|found| holds(found, comparison.op));
            }
            // `ne`: some value, or some element without one, is not equal; or there are none.
            match path.strip_prefix("emails.") {
                Some(sub) => {
                    let emails = elements(value, "emails");
                    emails.is_empty()
                        || emails.iter().any(|email| {
                            !elements(email, sub).iter().any(|found| holds(found, CompareOp::Eq))
                        })
                }
                None => {
                    let found = leaves(value, &path);
                    found.is_empty() || found.iter().any(|found| !holds(found, CompareOp::Eq))
                }
            }
        }
    }
}

/// The value with the `primary` that RFC 7643 section 2.4 assumes of e-mails without one.
fn told_apart(value: &Value, parent: Option<&str>) -> Value {
    let mut value = value.clone();
    let emails = match parent {
        Some("emails") => std::slice::from_mut(&mut value),
        Some(_) => &mut [],
        None => value["emails"].as_array_mut().map(Vec::as_mut_slice).unwrap_or_default(),
    };
    for email in emails.iter_mut().filter(|email| !unassigned(email)) {
        if email["primary"].is_null() {
            email["primary"] = json!(false);
        }
    }
    value
}

fn present(value: &Value, path: &str, _: Option<&str>) -> bool {
    leaves(value, path).iter().any(|found| !blank(found))
}

/// Whether there is nothing but empty texts in a value.
fn blank(value: &Value) -> bool {
    match value {
        Value::Object(members) => members.values().all(blank),
        Value::Array(items) => items.iter().all(blank),
        other => *other == Value::Null || *other == json!(""),
    }
}

/// Whether there is nothing at all in a value.
fn unassigned(value: &Value) -> bool {
    match value {
        Value::Object(members) => members.values().all(unassigned),
        Value::Array(items) => items.iter().all(unassigned),
        other => *other == Value::Null,
    }
}

/// The values of an attribute without a sub-attribute, as a list.
fn elements(value: &Value, name: &str) -> Vec<Value> {
    let found = if !value.is_object() {
        value.clone()
    } else if let Some(name) = name.strip_prefix(&format!("{LOAD}:")) {
        value[LOAD][name].clone()
    } else {
        value[name].clone()
    };
    let list = match found {
        Value::Array(items) => items,
        single => vec![single],
    };
    list.into_iter().filter(|item| !unassigned(item)).collect()
}

/// The values of an attribute path.
fn leaves(value: &Value, path: &str) -> Vec<Value> {
    match path.split_once('.') {
        Some((name, sub)) if !path.starts_with("urn:") => {
            elements(value, name).iter().flat_map(|element| elements(element, sub)).collect()
        }
        _ => elements(value, path),
    }
}

fn holds(found: &Value, op: CompareOp, literal: &Literal<'_>, exact: bool, date: bool) -> bool {
    match (found, literal) {
        (Value::Bool(left), Literal::Bool(right)) => {
            assert_eq!(op, CompareOp::Eq);
            left == right
        }
        (Value::Number(left), Literal::Number(right)) => {
            ordered(op, &expand(&left.to_string()), &expand(right.as_str()))
        }
        (Value::String(left), Literal::String(right)) if date => ordered(op, &instant(left), &instant(right)),
        (Value::String(left), Literal::String(right)) => {
            let (left, right) = if exact {
                (left.clone(), right.to_string())
            } else {
                (left.to_lowercase(), right.to_lowercase())
            };
            match op {
                CompareOp::Co => left.contains(&right),
                CompareOp::Sw => left.starts_with(&right),
                CompareOp::Ew => left.ends_with(&right),
                _ => ordered(op, &left.chars().collect::<Vec<_>>(), &right.chars().collect()),
            }
        }
        other => panic!("{other:?}"),
    }
}

fn ordered<T: Ord>(op: CompareOp, left: &T, right: &T) -> bool {
    match op {
        CompareOp::Eq => left == right,
        CompareOp::Gt => left > right,
        CompareOp::Ge => left >= right,
        CompareOp::Lt => left < right,
        CompareOp::Le => left <= right,
        other => panic!("{other}"),
    }
}

fn instant(text: &str) -> i64 {
    let zoned = text.ends_with('Z') || text.contains('+') || text.rfind('-') > text.find('T');
    let text = if zoned { text.to_owned() } else { format!("{text}Z") };
    chrono::DateTime::parse_from_rfc3339(&text).unwrap().timestamp_micros()
}

/// A number written out: sign, and 800 digits around the point with their sign.
fn expand(text: &str) -> Vec<i8> {
    const MIDDLE: i64 = 400;

    let (sign, text) = text.strip_prefix('-').map_or((1, text), |text| (-1, text));
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let first = MIDDLE - i64::try_from(whole.len()).unwrap() - exponent.parse::<i64>().unwrap();
    let mut digits = vec![0; 2 * usize::try_from(MIDDLE).unwrap()];
    for (index, digit) in whole.bytes().chain(fraction.bytes()).enumerate() {
        digits[usize::try_from(first).unwrap() + index] = sign * i8::try_from(digit - b'0').unwrap();
    }
    digits
}
