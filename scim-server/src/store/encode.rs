//! From a resource to what stores keep of it: rendered JSON, the name to show, and the keys of its indexes.

use std::collections::HashSet;
use std::sync::Arc;

use bytes::Bytes;
use scim_core::schema::{Attribute, Returned, Uniqueness, common_attributes};
use scim_core::{Object, Resource, ResourceId, TypeDefinition, Value, excerpt, write_json_string};
use scim_filter::{DataType, comparison_key, parse_date_time};

#[cfg(any(feature = "postgres", feature = "sqlite"))]
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
    /// Whether the keys, and the name to show, are those that the resource has already; then none are here.
    #[cfg(feature = "memory")]
    pub stay: bool,
    /// What else may be asked of the resource, if the store keeps that.
    #[cfg(any(feature = "postgres", feature = "sqlite"))]
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

pub(super) fn shortened(name: &str) -> &str {
    name.char_indices().nth(DISPLAY).and_then(|(end, _)| name.get(..end)).unwrap_or(name)
}

/// What is looked up often enough to be indexed although it is not unique.
const LOOKED_UP: [(&str, Option<&str>); 4] =
    [("externalId", None), ("displayName", None), ("userName", None), ("emails", Some("value"))];

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
        #[cfg_attr(
            not(any(feature = "postgres", feature = "sqlite")),
            expect(unused_mut, reason = "no search")
        )]
        let mut keys = Keys::of(definition, resource);
        let display = definition.display_of(resource).map(|name| shortened(name).into());
        #[cfg_attr(
            not(any(feature = "postgres", feature = "sqlite")),
            expect(unused_mut, reason = "no search")
        )]
        let mut keep = |attributes: &Object| {
            #[cfg(any(feature = "postgres", feature = "sqlite"))]
            if with_search {
                keys.search = Some(SearchDocument::new(definition, attributes));
            }
            #[cfg(not(any(feature = "postgres", feature = "sqlite")))]
            let _ = with_search;
            document(id, attributes)
        };
        if !has_hidden(definition, resource.attributes()) {
            let document = keep(resource.attributes());
            return Self { document, hidden: None, display, keys };
        }
        let mut shown = resource.clone();
        let hidden = shown.split_hidden(definition);
        let document = keep(shown.attributes());
        let hidden = (!hidden.is_empty()).then(|| hidden.to_vec().into_boxed_slice().into());
        Self { document, hidden, display, keys }
    }

    /// How many bytes the resource takes.
    pub(super) fn size(&self) -> usize {
        self.document.len().saturating_add(self.hidden.as_ref().map_or(0, Bytes::len))
    }
}

/// A document that is being written.
pub(super) struct Document(Vec<u8>);

impl Document {
    pub(super) fn new() -> Self {
        let mut bytes = Vec::with_capacity(2048);
        bytes.push(b'{');
        Self(bytes)
    }

    /// Adds a member that is not there.
    pub(super) fn add(&mut self, name: &str, value: &Value) {
        self.name(name);
        value.write(&mut self.0);
    }

    /// Adds a member whose value is written already.
    #[cfg(feature = "memory")]
    pub(super) fn add_raw(&mut self, name: &str, value: &[u8]) {
        self.name(name);
        self.0.extend_from_slice(value);
    }

    /// The document, cut to its length.
    pub(super) fn finish(mut self) -> Bytes {
        self.0.push(b'}');
        self.0.into_boxed_slice().into()
    }

    fn name(&mut self, name: &str) {
        if self.0.len() > 1 {
            self.0.push(b',');
        }
        write_json_string(name, &mut self.0);
        self.0.push(b':');
    }
}

/// Whether a resource has a value that is never returned.
fn has_hidden(definition: &TypeDefinition, attributes: &Object) -> bool {
    let hidden = |known: &[Attribute], data: &Object| {
        known.iter().any(|one| one.returned() == Returned::Never && data.contains(one.name()))
    };
    hidden(common_attributes(), attributes)
        || hidden(definition.base().attributes(), attributes)
        || definition.extensions().iter().any(|extension| {
            let data = attributes.get(extension.schema.id().as_str()).and_then(Value::as_object);
            data.is_some_and(|data| hidden(extension.schema.attributes(), data))
        })
}

/// The attributes as JSON, `schemas` and `id` first.
fn document(id: &ResourceId, attributes: &Object) -> Bytes {
    let mut document = Document::new();
    if let Some(schemas) = attributes.get("schemas") {
        document.add("schemas", schemas);
    }
    document.add("id", &id.as_str().into());
    for (name, value) in attributes.iter() {
        // An extension whose data is all hidden leaves an empty object behind.
        if !name.is("schemas") && !value.is_unassigned() {
            document.add(name.as_str(), value);
        }
    }
    document.finish()
}

impl Keys {
    /// Whether the resource has its keys, and the name to show, already.
    pub(super) fn stay(&self) -> bool {
        #[cfg(feature = "memory")]
        return self.stay;
        #[cfg(not(feature = "memory"))]
        false
    }

    pub(super) fn of(definition: &TypeDefinition, resource: &Resource) -> Self {
        let mut keys = Self::default();
        let attributes = resource.attributes();
        for attribute in common_attributes().iter().chain(definition.base().attributes()) {
            if attribute.name() != "id" && is_indexed(None, attribute) {
                keys.add(None, attribute, attributes.get(attribute.name()));
            }
        }
        for extension in definition.extensions() {
            let uri = extension.schema.id().as_str();
            let Some(Value::Object(data)) = attributes.get(uri) else { continue };
            for attribute in extension.schema.attributes().iter().filter(|a| is_indexed(Some(uri), a)) {
                keys.add(Some(uri), attribute, data.get(attribute.name()));
            }
        }
        // A list may say the same thing often: each key is kept once, in the order of the first.
        keys.unique = distinct(keys.unique, |unique| &unique.key);
        keys.shared = distinct(keys.shared, |key| key);
        keys
    }

    fn add(&mut self, extension: Option<&str>, attribute: &Attribute, value: Option<&Value>) {
        let Some(value) = value else { return };
        if !attribute.is_complex() {
            if let Some(index) = index(extension, attribute, None) {
                let is_secret = attribute.returned() == Returned::Never;
                self.add_values(index, &path(extension, attribute.name(), None), attribute, value, is_secret);
            }
            return;
        }
        for sub in attribute.sub_attributes() {
            let Some(index) = index(extension, attribute, Some(sub)) else { continue };
            let path = path(extension, attribute.name(), Some(sub.name()));
            let is_secret = [attribute, sub].iter().any(|of| of.returned() == Returned::Never);
            for element in elements(value) {
                // A simple value is its own only member, as filters see it.
                let member = element.as_object().map_or(Some(element), |parts| parts.get(sub.name()));
                if let Some(member) = member {
                    self.add_values(index, &path, sub, member, is_secret);
                }
            }
        }
    }

    fn add_values(
        &mut self,
        index: Index,
        path: &Arc<str>,
        attribute: &Attribute,
        value: &Value,
        is_secret: bool,
    ) {
        for element in elements(value) {
            let Some(value) = key(attribute, element) else { continue };
            let key = Key { attribute: Arc::clone(path), value };
            match index {
                Index::Unique => {
                    let shown = match element {
                        _ if is_secret => String::new(),
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

/// The first of each that have one key, in their order.
fn distinct<T>(mut all: Vec<T>, key: impl Fn(&T) -> &Key) -> Vec<T> {
    const FEW: usize = 8;
    if all.len() > FEW {
        let mut seen = HashSet::with_capacity(all.len());
        all.retain(|one| seen.insert(key(one).clone()));
        return all;
    }
    let mut kept: Vec<T> = Vec::with_capacity(all.len());
    for one in all {
        if !kept.iter().any(|known| key(known) == key(&one)) {
            kept.push(one);
        }
    }
    kept
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

/// Whether an attribute or a part of it is indexed.
pub(super) fn is_indexed(extension: Option<&str>, attribute: &Attribute) -> bool {
    index(extension, attribute, None).is_some()
        || attribute.sub_attributes().iter().any(|sub| index(extension, attribute, Some(sub)).is_some())
}

fn index(extension: Option<&str>, attribute: &Attribute, sub: Option<&Attribute>) -> Option<Index> {
    let target = sub.unwrap_or(attribute);
    if target.is_complex() {
        return None;
    }
    if target.uniqueness() != Uniqueness::None {
        return Some(Index::Unique);
    }
    let wanted = (attribute.name(), sub.map(Attribute::name));
    (extension.is_none() && LOOKED_UP.contains(&wanted)).then_some(Index::Shared)
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
