//! What SQL looks into instead of the resource itself.

use std::borrow::Cow;
use std::cell::RefCell;
use std::sync::Arc;

use scim_core::schema::{Attribute, Schema, common_attributes};
use scim_core::{Object, TypeDefinition, Value};
use scim_filter::{AttributeDef, CaseRule, DataType, comparison_key, parse_date_time};
use sha2::{Digest as _, Sha256};

use super::super::view::kept_apart;
use super::value::{FALSE, TRUE, instant_key, number_key};

/// How many digits a number in a search document has at most.
const DIGITS: usize = 200;

/// The member of a complex value that has nothing but empty texts. No attribute has this name.
pub(super) const EMPTY: &str = "-";

/// A resource in the form in which it is searched.
///
/// It is an object of the attributes of the resource's schemas under their registered names, those of an extension in an
/// object under its URI, without `id`, `meta`, relations, what is never returned, and what has no value. Each simple
/// value is a text: a string is its comparison key; numbers, dates and booleans are such that they sort as they should;
/// of a binary value there is only whether it is empty. An attribute that may have several values is an array that
/// begins with the primary one, without those values that have nothing but parts which are never returned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct SearchDocument {
    /// The schemas by which it was made.
    pub shape: Shape,
    /// The JSON text; none if the resource has a value that does not fit in: of another type than its schema says, with
    /// the character NUL, or with hundreds of digits.
    pub json: Option<String>,
}

/// A number that stands for all that search documents of a type depend on. Greater than zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in super::super) struct Shape(i64);

impl SearchDocument {
    /// The search document of a resource, from its [document](super::super::Record::document).
    pub(in super::super) fn new(definition: &TypeDefinition, document: &Object) -> Self {
        let mut json = Vec::with_capacity(512);
        let fits = write_resource(&mut json, definition, document).is_some();
        let json = if fits { String::from_utf8(json).ok() } else { None };
        Self { shape: Shape::of(definition), json }
    }

    /// What is kept with the resource: the number of the shape, negative where there is no text.
    pub(in super::super) fn mark(&self) -> i64 {
        if self.json.is_some() { self.shape.number() } else { self.shape.misfit() }
    }
}

impl Shape {
    /// The shape of the search documents of a type.
    pub(in super::super) fn of(definition: &TypeDefinition) -> Self {
        thread_local! {
            static KNOWN: RefCell<Vec<Known>> = const { RefCell::new(Vec::new()) };
        }
        /// More types than most servers have.
        const MOST: usize = 64;
        KNOWN.with_borrow_mut(|known| {
            if let Some(found) = known.iter().find(|known| known.is_of(definition)) {
                return found.shape;
            }
            if known.len() >= MOST {
                known.clear();
            }
            let shape = Self(digest(definition));
            known.push(Known {
                base: Arc::clone(definition.base()),
                extensions: definition.extensions().iter().map(|e| Arc::clone(&e.schema)).collect(),
                apart: kept_apart(definition).map(str::to_owned).collect(),
                shape,
            });
            shape
        })
    }

    /// The number.
    pub(in super::super) fn number(self) -> i64 {
        self.0
    }

    /// The number of a resource that has a value that does not fit in.
    pub(in super::super) fn misfit(self) -> i64 {
        self.0.saturating_neg()
    }
}

/// The shape of a type that was asked for before.
struct Known {
    base: Arc<Schema>,
    extensions: Vec<Arc<Schema>>,
    apart: Vec<String>,
    shape: Shape,
}

impl Known {
    fn is_of(&self, definition: &TypeDefinition) -> bool {
        Arc::ptr_eq(&self.base, definition.base())
            && self.extensions.len() == definition.extensions().len()
            && self.extensions.iter().zip(definition.extensions()).all(|(a, b)| Arc::ptr_eq(a, &b.schema))
            && kept_apart(definition).eq(self.apart.iter().map(String::as_str))
    }
}

fn digest(definition: &TypeDefinition) -> i64 {
    /// The rules of this file. Whoever changes what it makes of a resource counts them up.
    const RULES: u8 = 2;
    let mut hash = Sha256::new();
    hash.update([RULES]);
    let mut text = |text: &str| {
        hash.update(u64::try_from(text.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(text);
    };
    kept_apart(definition).for_each(&mut text);
    let schemas = std::iter::once(definition.base())
        .chain(definition.extensions().iter().map(|extension| &extension.schema));
    for schema in schemas {
        text(schema.id().as_str());
        schema.attributes().iter().for_each(|attribute| describe(attribute, &mut text));
    }
    let mut number = [0; 8];
    number.iter_mut().zip(hash.finalize()).for_each(|(to, from)| *to = from);
    (i64::from_be_bytes(number) >> 2).saturating_abs().saturating_add(1)
}

fn describe(attribute: &Attribute, text: &mut impl FnMut(&str)) {
    text(attribute.name());
    text(attribute.data_type().as_str());
    text(match attribute.case_rule() {
        CaseRule::Exact => "exact",
        CaseRule::Fold => "fold",
        CaseRule::UserName => "user name",
    });
    text(if attribute.is_multi_valued() { "many" } else { "one" });
    text(if attribute.is_filterable() { "shown" } else { "hidden" });
    text("(");
    attribute.sub_attributes().iter().for_each(|sub| describe(sub, text));
    text(")");
}

/// `None` if a value does not fit in.
fn write_resource(json: &mut Vec<u8>, definition: &TypeDefinition, document: &Object) -> Option<()> {
    let common = common_attributes().iter().filter(|a| !matches!(a.name(), "id" | "meta"));
    let is_common = |name: &str| common_attributes().iter().any(|a| a.name().eq_ignore_ascii_case(name));
    let base = definition
        .base()
        .attributes()
        .iter()
        .filter(|a| !is_common(a.name()) && !definition.is_kept_apart(a.name()));
    json.push(b'{');
    write_members(json, common.chain(base), document)?;
    for extension in definition.extensions() {
        let uri = extension.schema.id().as_str();
        let Some(Value::Object(data)) = document.get(uri) else { continue };
        write_name(json, uri)?;
        json.push(b'{');
        write_members(json, extension.schema.attributes().iter(), data)?;
        json.push(b'}');
    }
    json.push(b'}');
    Some(())
}

fn write_members<'a>(
    json: &mut Vec<u8>,
    attributes: impl Iterator<Item = &'a Attribute>,
    data: &Object,
) -> Option<()> {
    for attribute in attributes.filter(|attribute| attribute.is_filterable()) {
        let Some(value) = data.get(attribute.name()).filter(|value| is_assigned(value)) else { continue };
        write_name(json, attribute.name())?;
        if !attribute.is_multi_valued() {
            write_value(json, attribute, value)?;
            continue;
        }
        json.push(b'[');
        let items = match value {
            Value::Array(items) => items.as_slice(),
            one => std::slice::from_ref(one),
        };
        let parts = attribute.filterable_sub_attributes();
        // Nothing that cannot be seen decides about the order.
        let is_seen = |item: &Value| match (&parts, item) {
            (Some(parts), Value::Object(item)) => {
                parts.iter().any(|part| item.get(part.name()).is_some_and(is_assigned))
            }
            _ => is_assigned(item),
        };
        let has_primary = parts.as_ref().is_none_or(|parts| parts.iter().any(|p| p.name() == "primary"));
        let is_primary = |item: &Value| {
            has_primary
                && item.as_object().and_then(|parts| parts.get("primary")).and_then(Value::as_bool)
                    == Some(true)
        };
        let primary = items.iter().position(is_primary);
        let first = primary.and_then(|place| items.get(place));
        let others = items.iter().enumerate().filter(|(place, _)| Some(*place) != primary);
        for item in first.into_iter().chain(others.map(|(_, item)| item)).filter(|item| is_seen(item)) {
            comma(json);
            write_value(json, attribute, item)?;
        }
        json.push(b']');
    }
    Some(())
}

fn write_value(json: &mut Vec<u8>, attribute: &Attribute, value: &Value) -> Option<()> {
    if !attribute.is_complex() {
        return write_text(json, &leaf(attribute, value)?);
    }
    let Value::Object(parts) = value else { return None };
    json.push(b'{');
    if !has_value(value, true, DEEPEST) {
        write_name(json, EMPTY)?;
        write_text(json, "")?;
    }
    write_members(json, attribute.sub_attributes().iter().filter(|sub| !sub.is_complex()), parts)?;
    json.push(b'}');
    Some(())
}

fn leaf<'v>(attribute: &Attribute, value: &'v Value) -> Option<Cow<'v, str>> {
    Some(match (attribute.data_type(), value) {
        (DataType::String | DataType::Reference, Value::String(text)) => {
            comparison_key(text, attribute.compared_by())
        }
        (DataType::Boolean, Value::Bool(value)) => if *value { TRUE } else { FALSE }.into(),
        (DataType::Integer | DataType::Decimal, Value::Number(number)) => {
            let (key, digits) = number_key(&number.as_str());
            (digits <= DIGITS).then_some(key)?.into()
        }
        (DataType::DateTime, Value::String(text)) => instant_key(parse_date_time(text)?).into(),
        (DataType::Binary, Value::String(text)) => if text.is_empty() { "" } else { TRUE }.into(),
        _ => return None,
    })
}

fn write_name(json: &mut Vec<u8>, name: &str) -> Option<()> {
    comma(json);
    write_text(json, name)?;
    json.push(b':');
    Some(())
}

fn comma(json: &mut Vec<u8>) {
    if !matches!(json.last(), Some(b'{' | b'[')) {
        json.push(b',');
    }
}

fn write_text(json: &mut Vec<u8>, text: &str) -> Option<()> {
    if text.contains('\0') {
        return None;
    }
    serde_json::to_writer(json, text).ok()
}

/// How deep filters look into a value to find whether it is empty.
const DEEPEST: u8 = 8;

/// Whether filters take this for a value at all.
fn is_assigned(value: &Value) -> bool {
    has_value(value, false, DEEPEST)
}

/// As `scim_filter` has it.
fn has_value(value: &Value, empty_text_is_none: bool, levels: u8) -> bool {
    let below = levels.saturating_sub(1);
    match value {
        Value::Null => false,
        Value::Bool(_) | Value::Number(_) => true,
        Value::String(text) => !(empty_text_is_none && text.is_empty()),
        Value::Array(_) | Value::Object(_) if levels == 0 => true,
        Value::Array(items) => items.iter().any(|item| has_value(item, empty_text_is_none, below)),
        Value::Object(parts) => parts.values().any(|part| has_value(part, empty_text_is_none, below)),
    }
}
