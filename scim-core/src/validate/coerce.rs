use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use scim_filter::{CaseRule, DataType, comparison_key};

use super::issue::{Issue, IssueKind};
use crate::quirk::Quirks;
use crate::schema::{Attribute, Mutability};
use crate::value::{Object, Value, excerpt};

/// Brings the values of one body or PATCH operation into the form the schema asks for, collecting what is wrong.
///
/// "Unassigned" comes out as `None`: RFC 7643 section 2.5 makes `null`, `[]` and absence one state.
pub(crate) struct Coerce<'a> {
    pub(crate) quirks: &'a Quirks,
    /// The name that messages use for the resource type.
    pub(crate) resource_type: &'a str,
    pub(crate) issues: Vec<Issue>,
}

impl<'a> Coerce<'a> {
    pub(crate) fn new(quirks: &'a Quirks, resource_type: &'a str) -> Self {
        Self { quirks, resource_type, issues: Vec::new() }
    }

    pub(crate) fn issue(&mut self, path: &str, kind: IssueKind) {
        self.issues.push(Issue::new(path, kind));
    }

    /// The value of an attribute: a list if it is multi-valued.
    pub(crate) fn attribute(&mut self, attribute: &Attribute, value: Value, path: &str) -> Option<Value> {
        if value == Value::Null {
            return None;
        }
        if !attribute.is_multi_valued() {
            return self.single(attribute, value, path);
        }
        let items = match value {
            Value::Array(items) => items,
            one if self.quirks.wrap_single_values => vec![one],
            other => {
                self.issue(path, IssueKind::Type { expected: "a list", got: described(&other) });
                return None;
            }
        };
        self.items(attribute, items, path)
    }

    fn items(&mut self, attribute: &Attribute, items: Vec<Value>, path: &str) -> Option<Value> {
        let mut values = Vec::with_capacity(items.len());
        for (n, item) in items.into_iter().enumerate() {
            if item == Value::Null {
                continue;
            }
            values.extend(self.single(attribute, item, &format!("{path}[{n}]")));
        }
        if values.iter().filter(|value| is_primary(value)).count() > 1 {
            self.issue(path, IssueKind::SeveralPrimary);
        }
        let values = without_duplicates(attribute, values);
        (!values.is_empty()).then_some(Value::Array(values))
    }

    /// One value of an attribute: of a singular one, or an element of a multi-valued one.
    pub(crate) fn single(&mut self, attribute: &Attribute, value: Value, path: &str) -> Option<Value> {
        if value == Value::Null || (self.quirks.empty_strings && is_empty_text(&value) && !is_text(attribute))
        {
            return None;
        }
        match attribute.data_type() {
            DataType::Complex => self.complex(attribute, value, path),
            DataType::Boolean => self.boolean(value, path),
            DataType::Integer => self.number(value, path, true),
            DataType::Decimal => self.number(value, path, false),
            DataType::String | DataType::Reference | DataType::DateTime | DataType::Binary => {
                self.text(attribute, value, path)
            }
        }
    }

    fn complex(&mut self, attribute: &Attribute, value: Value, path: &str) -> Option<Value> {
        let mut value = value;
        if self.quirks.scalar_complex_values {
            if let Value::Array(items) = &mut value
                && items.len() <= 1
            {
                value = items.pop()?;
            }
            let plain = matches!(value, Value::String(_) | Value::Number(_));
            if plain && attribute.sub("value").is_some() {
                value = Value::Object([("value", value)].into_iter().collect());
            }
        }
        let Value::Object(members) = value else {
            self.issue(path, IssueKind::Type { expected: "an object", got: described(&value) });
            return None;
        };
        let object = self.members(attribute, members, path);
        for sub in attribute.sub_attributes().iter().filter(|sub| sub.is_required() && !sub.is_read_only()) {
            if object.get(sub.name()).is_none_or(is_blank) && !object.is_empty() {
                self.issue(&format!("{path}.{}", sub.name()), IssueKind::Required);
            }
        }
        (!object.is_empty()).then_some(Value::Object(object))
    }

    /// The sub-attributes that a complex value gives: readOnly ones are the server's and ignored (RFC 7644 section
    /// 3.3), the others come out in the registered spelling.
    pub(crate) fn members(&mut self, attribute: &Attribute, members: Object, path: &str) -> Object {
        let mut object = Object::new();
        for (name, value) in members {
            let Some(sub) = attribute.sub(name.as_str()) else {
                if !self.quirks.ignore_unknown_attributes {
                    let resource_type = self.resource_type.to_owned();
                    self.issue(
                        &format!("{path}.{}", excerpt(name.as_str())),
                        IssueKind::Unknown { resource_type },
                    );
                }
                continue;
            };
            if sub.mutability() == Mutability::ReadOnly {
                continue;
            }
            if let Some(value) = self.attribute(sub, value, &format!("{path}.{}", sub.name())) {
                object.insert(sub.name(), value);
            }
        }
        object
    }

    fn boolean(&mut self, value: Value, path: &str) -> Option<Value> {
        match &value {
            Value::Bool(_) => return Some(value),
            Value::String(text) if self.quirks.string_booleans => {
                let text = text.trim();
                if text.eq_ignore_ascii_case("true") {
                    return Some(Value::Bool(true));
                }
                if text.eq_ignore_ascii_case("false") {
                    return Some(Value::Bool(false));
                }
            }
            _ => {}
        }
        self.issue(path, IssueKind::Type { expected: "true or false", got: described(&value) });
        None
    }

    fn number(&mut self, value: Value, path: &str, integer: bool) -> Option<Value> {
        match &value {
            Value::Number(number) if !integer || number.is_integer() => Some(value),
            _ => {
                // "a whole number with no fractional part or exponent" (RFC 7643 section 2.3.4)
                let expected = if integer { "a whole number" } else { "a number" };
                self.issue(path, IssueKind::Type { expected, got: described(&value) });
                None
            }
        }
    }

    fn text(&mut self, attribute: &Attribute, value: Value, path: &str) -> Option<Value> {
        let Value::String(text) = value else {
            self.issue(path, IssueKind::Type { expected: "a string", got: described(&value) });
            return None;
        };
        let wrong = match attribute.data_type() {
            DataType::DateTime if scim_filter::parse_date_time(&text).is_none() => {
                Some("a dateTime such as 2026-01-31T08:30:00Z")
            }
            DataType::Binary if !is_base64(&text) => Some("base64"),
            DataType::Reference if text.chars().any(char::is_control) => Some("a URI"),
            _ if text.contains('\0') => Some("a string without NUL characters"),
            _ => None,
        };
        if let Some(expected) = wrong {
            self.issue(path, IssueKind::Format { expected, got: excerpt(&text) });
            return None;
        }
        if let Some(allowed) = attribute.restricted_to() {
            let rule = attribute.compared_by();
            let key = comparison_key(&text, rule);
            if !allowed.iter().any(|value| comparison_key(value, rule) == key) {
                self.issue(
                    path,
                    IssueKind::NotCanonical { allowed: allowed.join(", "), got: excerpt(&text) },
                );
                return None;
            }
        }
        Some(Value::String(text))
    }
}

/// Standard alphabet (RFC 4648 section 4), padding optional (RFC 7643 section 2.3.6). Line breaks are not part of it.
fn is_base64(text: &str) -> bool {
    const ENGINE: GeneralPurpose = GeneralPurpose::new(
        &alphabet::STANDARD,
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
    );
    ENGINE.decode(text).is_ok()
}

fn is_text(attribute: &Attribute) -> bool {
    attribute.data_type() == DataType::String
}

fn is_empty_text(value: &Value) -> bool {
    matches!(value, Value::String(text) if text.is_empty())
}

/// Whether a required attribute with this value still has none: unassigned, or a text of blanks only.
pub(crate) fn is_blank(value: &Value) -> bool {
    match value {
        Value::String(text) => text.trim().is_empty(),
        other => other.is_unassigned(),
    }
}

pub(crate) fn is_primary(value: &Value) -> bool {
    value.as_object().and_then(|object| object.get("primary")) == Some(&Value::Bool(true))
}

fn described(value: &Value) -> String {
    match value {
        Value::Array(_) | Value::Object(_) | Value::Null => value.kind().to_owned(),
        Value::Bool(_) | Value::Number(_) => format!("`{}`", value.excerpt()),
        Value::String(_) => format!("the string `{}`", value.excerpt()),
    }
}

/// Values that stand for the same thing come once: the same `value` with the same `type` (RFC 7643 section 2.4).
/// What a later one says beyond that is added to the first.
pub(crate) fn without_duplicates(attribute: &Attribute, values: Vec<Value>) -> Vec<Value> {
    // A list without repeats is the rule; keys keep a long one from costing its square.
    let mut at: std::collections::HashMap<String, usize> = std::collections::HashMap::new();
    let mut distinct: Vec<Value> = Vec::with_capacity(values.len());
    for value in values {
        let Some(key) = identity(attribute, &value) else {
            distinct.push(value);
            continue;
        };
        match at.get(&key).and_then(|n| distinct.get_mut(*n)) {
            Some(known) => merge(known, value),
            None => {
                at.insert(key, distinct.len());
                distinct.push(value);
            }
        }
    }
    distinct
}

fn merge(known: &mut Value, value: Value) {
    if let (Value::Object(known), Value::Object(more)) = (known, value) {
        for (name, value) in more {
            known.insert(name, value);
        }
    }
}

/// Whether two values are one as the schema compares them: strings by their case rule, dates as instants.
pub(crate) fn same_value(attribute: &Attribute, a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::String(a), Value::String(b)) if attribute.data_type() == DataType::DateTime => {
            match (scim_filter::parse_date_time(a), scim_filter::parse_date_time(b)) {
                (Some(a), Some(b)) => a == b,
                _ => a == b,
            }
        }
        (Value::String(a), Value::String(b)) => {
            let rule = attribute.compared_by();
            a == b || comparison_key(a, rule) == comparison_key(b, rule)
        }
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().all(|a| b.iter().any(|b| same_value(attribute, a, b)))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len()
                && a.iter().all(|(name, value)| match (attribute.sub(name.as_str()), b.get(name.as_str())) {
                    (Some(sub), Some(other)) => same_value(sub, value, other),
                    (_, other) => other == Some(value),
                })
        }
        _ => a == b,
    }
}

/// Whether two elements of a multi-valued attribute stand for the same thing.
pub(crate) fn same_identity(attribute: &Attribute, a: &Value, b: &Value) -> bool {
    match (identity(attribute, a), identity(attribute, b)) {
        (Some(a), Some(b)) => a == b,
        _ => a == b,
    }
}

/// What tells one element of a multi-valued attribute from another: `value` and `type` of a complex one, the text
/// of a simple one. `None` where there is no `value`, as in an address: then the whole element tells.
fn identity(attribute: &Attribute, value: &Value) -> Option<String> {
    let key = |value: &Value, rule: CaseRule| match value {
        Value::String(text) => comparison_key(text, rule).into_owned(),
        other => other.excerpt(),
    };
    match value {
        Value::Object(object) => {
            let sub_key = |name: &str| {
                let rule = attribute.sub(name).map_or(CaseRule::Exact, Attribute::compared_by);
                object.get(name).map(|value| key(value, rule))
            };
            let value = sub_key("value")?;
            Some(format!("{}\u{0}{value}", sub_key("type").unwrap_or_default()))
        }
        Value::String(_) => Some(key(value, attribute.compared_by())),
        _ => None,
    }
}
