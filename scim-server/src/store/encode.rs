//! From a resource to what stores keep of it: rendered JSON, the name to show, and the keys of its indexes.

use std::collections::HashSet;
use std::sync::Arc;

use bytes::Bytes;
use scim_core::schema::{Attribute, Uniqueness, common_attributes};
use scim_core::{Object, Resource, ResourceId, TypeDefinition, Value, excerpt};
use scim_filter::{DataType, comparison_key, parse_date_time};

#[cfg(feature = "sqlite")]
use super::sql::SearchDocument;

/// What is kept of the attributes of one resource.
#[derive(Clone, Debug)]
pub(super) struct Encoded {
    /// See [`Record::document`](super::Record::document).
    pub document: Bytes,
    /// See [`Record::hidden`](super::Record::hidden).
    pub hidden: Option<Bytes>,
    /// The name that references to the resource show.
    pub display: Option<Arc<str>>,
    /// Where the resource is found.
    pub keys: Keys,
}

/// The values by which a resource is found, in the form in which they are compared.
#[derive(Clone, Debug, Default)]
pub(super) struct Keys {
    /// Values that no other resource of the type may have.
    pub unique: Vec<UniqueKey>,
    /// Values that others may have too.
    pub shared: Vec<Key>,
    /// What else may be asked of the resource, if the store keeps that.
    #[cfg(feature = "sqlite")]
    pub search: Option<SearchDocument>,
}

/// One value of an indexed attribute.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    /// The canonical path of the attribute: `emails.value`, `urn:...:User:employeeNumber`.
    pub attribute: Arc<str>,
    /// What stands for the value in comparisons.
    pub value: Arc<str>,
}

/// One value of an attribute whose values are unique.
#[derive(Clone, Debug)]
pub(super) struct UniqueKey {
    /// The key.
    pub key: Key,
    /// The value as it was given, shortened, for messages.
    pub shown: String,
}

/// How an attribute is indexed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Index {
    /// At most one resource has a value.
    Unique,
    /// Several resources may have a value.
    Shared,
}

/// How many characters of a resource's name its references show: one long name of a group would else be repeated for
/// every member on a page.
const DISPLAY: usize = 256;

fn shortened(name: &str) -> &str {
    name.char_indices().nth(DISPLAY).and_then(|(end, _)| name.get(..end)).unwrap_or(name)
}

/// What is looked up often enough to be indexed although it is not unique.
const LOOKED_UP: [&str; 4] = ["externalId", "displayName", "userName", "emails.value"];

/// Brings a resource into the form in which it is kept: what the store itself has is left out, `schemas` is in line
/// with the data.
pub(super) fn normalize(definition: &TypeDefinition, resource: &mut Resource) {
    resource
        .attributes_mut()
        .retain(|name, _| !(name.is("id") || name.is("meta") || definition.is_kept_apart(name.as_str())));
    resource.stamp_schemas(definition);
}

impl Encoded {
    /// Encodes a resource that is [normalized](normalize), with what may be asked of it if the store keeps that.
    pub(super) fn new(
        definition: &TypeDefinition,
        id: &ResourceId,
        resource: &Resource,
        with_search: bool,
    ) -> Self {
        #[cfg_attr(not(feature = "sqlite"), expect(unused_mut, reason = "nobody adds to them"))]
        let mut keys = Keys::of(definition, resource);
        let display = definition.display_of(resource).map(|name| shortened(name).into());
        let mut shown = resource.clone();
        let hidden = shown.split_hidden(definition);
        let mut document = Object::new();
        if let Some(schemas) = shown.attributes_mut().remove("schemas") {
            document.insert("schemas", schemas);
        }
        document.insert("id", id.as_str());
        for (name, value) in shown.into_attributes() {
            // An extension whose data is all hidden leaves an empty object behind.
            if !value.is_unassigned() {
                document.insert(name, value);
            }
        }
        #[cfg(feature = "sqlite")]
        if with_search {
            keys.search = Some(SearchDocument::new(definition, &document));
        }
        #[cfg(not(feature = "sqlite"))]
        let _ = with_search;
        Self {
            document: document.to_vec().into(),
            hidden: (!hidden.is_empty()).then(|| hidden.to_vec().into()),
            display,
            keys,
        }
    }
}

impl Keys {
    fn of(definition: &TypeDefinition, resource: &Resource) -> Self {
        let mut keys = Self::default();
        let attributes = resource.attributes();
        for attribute in common_attributes().iter().chain(definition.base().attributes()) {
            if attribute.name() != "id" {
                keys.add(None, attribute, attributes.get(attribute.name()));
            }
        }
        for extension in definition.extensions() {
            let uri = extension.schema.id().as_str();
            let Some(Value::Object(data)) = attributes.get(uri) else { continue };
            for attribute in extension.schema.attributes() {
                keys.add(Some(uri), attribute, data.get(attribute.name()));
            }
        }
        // A list may say the same thing often: each key is kept once, in the order of the first.
        let mut seen = HashSet::new();
        keys.unique.retain(|unique| seen.insert(unique.key.clone()));
        seen.clear();
        keys.shared.retain(|key| seen.insert(key.clone()));
        keys
    }

    fn add(&mut self, extension: Option<&str>, attribute: &Attribute, value: Option<&Value>) {
        let Some(value) = value else { return };
        if !attribute.is_complex() {
            if let Some(index) = index(extension, attribute, None) {
                self.add_values(index, &path(extension, attribute.name(), None), attribute, value);
            }
            return;
        }
        for sub in attribute.sub_attributes() {
            let Some(index) = index(extension, attribute, Some(sub)) else { continue };
            let path = path(extension, attribute.name(), Some(sub.name()));
            for element in elements(value) {
                // A simple value is its own only member, as filters see it.
                let member = element.as_object().map_or(Some(element), |parts| parts.get(sub.name()));
                if let Some(member) = member {
                    self.add_values(index, &path, sub, member);
                }
            }
        }
    }

    fn add_values(&mut self, index: Index, path: &Arc<str>, attribute: &Attribute, value: &Value) {
        for element in elements(value) {
            let Some(value) = key(attribute, element) else { continue };
            let key = Key { attribute: Arc::clone(path), value };
            match index {
                Index::Unique => {
                    let shown = match element {
                        Value::String(text) => excerpt(text),
                        other => other.excerpt(),
                    };
                    self.unique.push(UniqueKey { key, shown });
                }
                Index::Shared => self.shared.push(key),
            }
        }
    }
}

/// How an attribute of a type is indexed, if it is and if its keys are what filters compare.
pub(super) fn filter_index(
    definition: &TypeDefinition,
    extension: Option<&str>,
    name: &str,
    sub: Option<&str>,
) -> Option<Index> {
    let attribute = match extension {
        None => definition.attribute(name)?,
        Some(uri) => definition.extension(uri)?.schema.attribute(name)?,
    };
    let sub = match sub {
        None => None,
        Some(sub) => Some(attribute.sub(sub)?),
    };
    let compared = sub.unwrap_or(attribute).data_type();
    matches!(compared, DataType::String | DataType::Reference).then_some(())?;
    index(extension, attribute, sub)
}

/// The canonical path of an attribute.
pub(super) fn path(extension: Option<&str>, name: &str, sub: Option<&str>) -> Arc<str> {
    match (extension, sub) {
        (None, None) => name.into(),
        (None, Some(sub)) => format!("{name}.{sub}").into(),
        (Some(uri), None) => format!("{uri}:{name}").into(),
        (Some(uri), Some(sub)) => format!("{uri}:{name}.{sub}").into(),
    }
}

fn index(extension: Option<&str>, attribute: &Attribute, sub: Option<&Attribute>) -> Option<Index> {
    let target = sub.unwrap_or(attribute);
    if target.is_complex() {
        return None;
    }
    if target.uniqueness() != Uniqueness::None {
        return Some(Index::Unique);
    }
    let looked_up = |known: &&str| match (known.split_once('.'), sub) {
        (None, None) => **known == *attribute.name(),
        (Some((name, part)), Some(sub)) => name == attribute.name() && part == sub.name(),
        _ => false,
    };
    (extension.is_none() && LOOKED_UP.iter().any(looked_up)).then_some(Index::Shared)
}

fn elements(value: &Value) -> &[Value] {
    match value {
        Value::Array(items) => items,
        one => std::slice::from_ref(one),
    }
}

/// What stands for a value in comparisons; `None` where it has none.
fn key(attribute: &Attribute, value: &Value) -> Option<Arc<str>> {
    match value {
        Value::String(text) => Some(match attribute.data_type() {
            DataType::DateTime => match parse_date_time(text) {
                Some(instant) => instant.to_rfc3339().into(),
                None => text.as_str().into(),
            },
            _ => comparison_key(text, attribute.compared_by()).into(),
        }),
        Value::Number(number) => Some(canonical_decimal(&number.as_str()).into()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// A JSON number as sign, significant digits and exponent: `5`, `5.0` and `50e-1` become one text.
fn canonical_decimal(text: &str) -> String {
    let (sign, text) = text.strip_prefix('-').map_or(("", text), |rest| ("-", rest));
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    let significant = digits.trim_start_matches('0').trim_end_matches('0');
    if significant.is_empty() {
        return "0".to_owned();
    }
    let Ok(exponent) = exponent.parse::<i64>() else { return format!("{sign}{text}") };
    let zeros = digits.len().saturating_sub(digits.trim_end_matches('0').len());
    let shift = i64::try_from(zeros).unwrap_or(0).saturating_sub(i64::try_from(fraction.len()).unwrap_or(0));
    format!("{sign}{significant}e{}", exponent.saturating_add(shift))
}

#[cfg(test)]
mod tests {
    use scim_core::{Quirks, Registry, validate};

    use super::*;

    fn encoded(json: &str) -> Encoded {
        let registry = Registry::rfc7643();
        let definition = registry.by_name("User").unwrap();
        let Value::Object(body) = Value::from_slice(json.as_bytes()).unwrap() else { panic!() };
        let mut draft = validate::validate_new(definition, body, &Quirks::interop()).unwrap();
        normalize(definition, &mut draft.resource);
        Encoded::new(definition, &"42".parse().unwrap(), &draft.resource, false)
    }

    #[test]
    fn a_document_begins_with_schemas_and_id_and_shows_no_secret() {
        let encoded = encoded(
            r#"{"userName":"Ann","password":"hush","emails":[{"value":"A@x"},{"value":"a@X","type":"work"}],
                "externalId":"E","schemas":["urn:ietf:params:scim:schemas:core:2.0:User"]}"#,
        );
        let document = std::str::from_utf8(&encoded.document).unwrap();
        assert!(
            document.starts_with(
                r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"id":"42","userName":"Ann""#
            ),
            "{document}"
        );
        assert!(!document.contains("hush") && !document.contains("password"));
        assert_eq!(encoded.hidden.as_deref(), Some(r#"{"password":"hush"}"#.as_bytes()));
        assert_eq!(encoded.display.as_deref(), Some("Ann"));
        let unique: Vec<_> =
            encoded.keys.unique.iter().map(|k| (&*k.key.attribute, &*k.key.value, &*k.shown)).collect();
        assert_eq!(unique, [("userName", "ann", "Ann")]);
        let shared: Vec<_> = encoded.keys.shared.iter().map(|k| (&*k.attribute, &*k.value)).collect();
        assert_eq!(shared, [("externalId", "E"), ("emails.value", "a@x")]);
    }

    #[test]
    fn equal_numbers_have_one_key() {
        for same in ["5", "5.0", "50e-1", "0.5E1", "500e-2", "0.0005e+4"] {
            assert_eq!(canonical_decimal(same), "5e0", "{same}");
        }
        assert_eq!(canonical_decimal("-0.0"), "0");
        assert_eq!(canonical_decimal("-1200"), "-12e2");
        assert_ne!(canonical_decimal("51"), canonical_decimal("5.1"));
    }
}
