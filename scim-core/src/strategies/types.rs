//! Schemas and resource types of any shape, and bodies, filters and PATCH documents that suit them.

use std::sync::Arc;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use scim_filter::DataType;

use super::{operation, patch_of};
use crate::ids::SchemaUri;
use crate::registry::{Registry, TypeDefinition};
use crate::resource_type::ResourceType;
use crate::schema::{Attribute, Mutability, Returned, Schema, Uniqueness};
use crate::value::{Number, Object, Value};

const NAMES: &[&str] =
    &["alpha", "Beta", "gamma", "delta-1", "eps_2", "zeta$x", "displayName", "userName", "emails", "Value"];
const SUB_NAMES: &[&str] = &["value", "type", "display", "$ref", "note"];
/// Texts in which case decides, and of which there are so few that two resources often have the same.
const TEXTS: &[&str] = &["a", "A", "ab", "Ab", "b", "x y", "10", "true"];
const DATES: &[&str] = &["2020-01-01T00:00:00Z", "2020-01-01T01:00:00+01:00", "2021-06-30T12:30:00.5Z"];
const BINARIES: &[&str] = &["YQ==", "YWI=", "eQ=="];
const URIS: &[&str] = &["https://example.com/a", "https://example.com/A", "urn:example:b"];
const INTEGERS: &[&str] = &["-1", "0", "1", "2", "30"];
const DECIMALS: &[&str] = &["-1.5", "0", "1", "1.0", "2.25"];

/// A schema that [`Schema::new`] takes: one to eight attributes of every type and with all characteristics.
pub fn schema(uri: &str) -> impl Strategy<Value = Schema> + use<> {
    let uri: Option<SchemaUri> = uri.parse().ok();
    subsequence(NAMES, 1..=8)
        .prop_flat_map(|names| {
            // One at least that clients can write, so that every resource can have some data.
            let plain =
                Attribute::new("label", DataType::String).case_exact().with_uniqueness(Uniqueness::None);
            let attributes = names.into_iter().map(|name| attribute(name, true)).collect::<Vec<_>>();
            attributes.prop_map(move |mut attributes| {
                attributes.push(plain.clone());
                attributes
            })
        })
        .prop_filter_map("a legal schema", move |attributes| {
            Schema::new(uri.clone()?, "Thing", "A thing", attributes).ok()
        })
}

/// A registry with the type `Thing` at `/Things`, with up to two extensions, one of which may be required.
pub fn registry() -> impl Strategy<Value = Arc<Registry>> {
    let extensions =
        (option::of(schema("urn:example:ext:2.0:One")), option::of(schema("urn:example:ext:Two")));
    (schema("urn:example:core:2.0:Thing"), extensions, any::<bool>()).prop_filter_map(
        "a legal registry",
        |(base, (one, two), required)| {
            let thing = ResourceType::new("Thing", base.id().clone());
            let mut builder = Registry::builder().schema(base).resource_type(thing);
            for (extension, required) in [(one, false), (two, required)] {
                if let Some(extension) = extension {
                    builder = builder.extension("Thing", extension, required);
                }
            }
            builder.build().ok().map(Arc::new)
        },
    )
}

/// One attribute; only at the top may it be complex.
fn attribute(name: &'static str, top: bool) -> BoxedStrategy<Attribute> {
    let types = DataType::ALL.into_iter().filter(|data_type| top || *data_type != DataType::Complex);
    let mutability = prop_oneof![
        6 => Just(Mutability::ReadWrite),
        1 => Just(Mutability::Immutable),
        1 => Just(Mutability::ReadOnly),
        1 => Just(Mutability::WriteOnly),
    ];
    let returned = prop_oneof![
        6 => Just(Returned::Default),
        1 => Just(Returned::Always),
        1 => Just(Returned::Request),
        1 => Just(Returned::Never),
    ];
    let uniqueness = prop_oneof![
        4 => Just(Uniqueness::None),
        1 => Just(Uniqueness::Server),
        1 => Just(Uniqueness::Global),
    ];
    let flags = (any::<bool>(), prop::bool::weighted(0.2), any::<bool>());
    let subs = subsequence(SUB_NAMES, 1..=4)
        .prop_flat_map(move |names| {
            let names = if top { names } else { Vec::new() };
            names.into_iter().map(|name| attribute(name, false)).collect::<Vec<_>>()
        })
        .boxed();
    let types: Vec<DataType> = types.collect();
    (
        select(types),
        mutability,
        returned,
        uniqueness,
        flags,
        if top { subs } else { Just(Vec::new()).boxed() },
    )
        .prop_map(move |(data_type, mutability, returned, uniqueness, (multi, required, exact), subs)| {
            let mut attribute = Attribute::new(name, data_type)
                .with_description(name)
                .with_mutability(mutability)
                .with_returned(returned);
            if data_type == DataType::Complex {
                // What clients can write has a part that they can write.
                let read_only = subs.iter().all(Attribute::is_read_only);
                let readable = if read_only { Mutability::ReadOnly } else { mutability };
                attribute = attribute.with_mutability(readable).with_sub_attributes(subs);
            }
            if matches!(
                data_type,
                DataType::String | DataType::Integer | DataType::Decimal | DataType::Reference
            ) {
                attribute = attribute.with_uniqueness(uniqueness);
            }
            if data_type == DataType::Reference {
                attribute = attribute.with_reference_types(["external"]);
            }
            if data_type == DataType::String {
                attribute = attribute.with_canonical_values(["a", "B"]);
            }
            if multi && (top || exact) {
                attribute = attribute.multi_valued();
            }
            if required {
                attribute = attribute.required();
            }
            if exact { attribute.case_exact() } else { attribute }
        })
        .boxed()
}

/// A body that is legal for a type that [`registry`] has made, by the strictest reading.
pub fn resource(definition: &TypeDefinition) -> BoxedStrategy<Object> {
    let base = definition.base();
    let mut extensions = Vec::new();
    for extension in definition.extensions() {
        let uri = extension.schema.id().to_string();
        let must = extension.required;
        // A required extension without any data would be one that is not there.
        let data = members(extension.schema.attributes()).prop_map(|mut data| {
            if data.is_empty() {
                data.insert("label", "some");
            }
            data
        });
        let data = if must { data.prop_map(Some).boxed() } else { option::of(data).boxed() };
        extensions.push(data.prop_map(move |data| (uri.clone(), data)));
    }
    let uri = base.id().to_string();
    (members(base.attributes()), extensions)
        .prop_map(move |(mut body, extensions)| {
            let mut uris = vec![Value::from(uri.as_str())];
            for (uri, data) in extensions {
                if let Some(data) = data {
                    uris.push(Value::from(uri.as_str()));
                    body.insert(uri.as_str(), data);
                }
            }
            body.insert("schemas", uris);
            body
        })
        .boxed()
}

/// Values of the attributes that clients can write: all that are required, some of the others.
fn members(attributes: &[Attribute]) -> BoxedStrategy<Object> {
    let strategies: Vec<_> = attributes
        .iter()
        .filter(|attribute| !attribute.is_read_only())
        .map(|attribute| {
            let name = attribute.name().to_owned();
            let value = value(attribute);
            let value = if attribute.is_required() {
                value.prop_map(Some).boxed()
            } else {
                option::of(value).boxed()
            };
            value.prop_map(move |value| (name.clone(), value))
        })
        .collect();
    strategies
        .prop_map(|members| {
            members.into_iter().filter_map(|(name, value)| Some((name, value?))).fold(
                Object::new(),
                |mut object, (name, value)| {
                    object.insert(name.as_str(), value);
                    object
                },
            )
        })
        .boxed()
}

/// A value of an attribute; a list if it is multi-valued.
pub fn value(attribute: &Attribute) -> BoxedStrategy<Value> {
    let one = single(attribute);
    if attribute.is_multi_valued() { vec(one, 1..4).prop_map(Value::Array).boxed() } else { one }
}

fn single(attribute: &Attribute) -> BoxedStrategy<Value> {
    let texts = |among: &'static [&'static str]| select(among).prop_map(Value::from).boxed();
    let numbers = |among: &'static [&'static str]| {
        select(among)
            .prop_filter_map("a number", |text| Number::from_json(text).ok().map(Value::Number))
            .boxed()
    };
    match attribute.data_type() {
        DataType::String => texts(TEXTS),
        DataType::Boolean => any::<bool>().prop_map(Value::Bool).boxed(),
        DataType::Integer => numbers(INTEGERS),
        DataType::Decimal => numbers(DECIMALS),
        DataType::DateTime => texts(DATES),
        DataType::Binary => texts(BINARIES),
        DataType::Reference => texts(URIS),
        DataType::Complex => {
            // A value of nothing would be no value: one member at least.
            let writable: Vec<&Attribute> =
                attribute.sub_attributes().iter().filter(|sub| !sub.is_read_only()).collect();
            let members = members(attribute.sub_attributes());
            match writable.first().map(|first| (first.name().to_owned(), value(first))) {
                Some((name, first)) => (members, first)
                    .prop_map(move |(mut members, first)| {
                        if members.is_empty() {
                            members.insert(name.as_str(), first);
                        }
                        Value::Object(members)
                    })
                    .boxed(),
                None => members.prop_map(Value::Object).boxed(),
            }
        }
    }
}

/// The attributes of a type that may be asked about, as paths: simple ones and the parts of complex ones.
#[must_use]
pub fn filterable(definition: &TypeDefinition) -> Vec<(String, Attribute)> {
    let mut paths = Vec::new();
    let schemas =
        definition.extensions().iter().map(|extension| (Some(extension.schema.id()), &extension.schema));
    for (uri, schema) in std::iter::once((None, definition.base())).chain(schemas) {
        let prefix = uri.map_or_else(String::new, |uri| format!("{uri}:"));
        for attribute in schema.attributes().iter().filter(|a| a.returned() != Returned::Never) {
            if !attribute.is_complex() {
                paths.push((format!("{prefix}{}", attribute.name()), attribute.clone()));
            }
            for sub in attribute.sub_attributes().iter().filter(|sub| sub.returned() != Returned::Never) {
                paths.push((format!("{prefix}{}.{}", attribute.name(), sub.name()), sub.clone()));
            }
        }
    }
    paths
}

/// A filter that is legal for a type.
pub fn filter(definition: &TypeDefinition) -> BoxedStrategy<String> {
    let paths = filterable(definition);
    if paths.is_empty() {
        return Just("id pr".to_owned()).boxed();
    }
    let comparison = select(paths).prop_flat_map(|(path, attribute)| {
        let ops: &'static [&'static str] = match attribute.data_type() {
            DataType::String | DataType::Reference => &["eq", "ne", "co", "sw", "ew", "gt", "le"],
            DataType::Integer | DataType::Decimal | DataType::DateTime => {
                &["eq", "ne", "gt", "ge", "lt", "le"]
            }
            DataType::Boolean | DataType::Binary | DataType::Complex => &["eq", "ne"],
        };
        let present = Just(format!("{path} pr"));
        let compared = (select(ops), single(&attribute)).prop_map(move |(op, value)| {
            let value = String::from_utf8(value.to_vec()).unwrap_or_default();
            format!("{path} {op} {value}")
        });
        prop_oneof![1 => present, 4 => compared]
    });
    comparison
        .prop_recursive(2, 6, 2, |inner| {
            prop_oneof![
                (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a}) and ({b})")),
                (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a}) or ({b})")),
                inner.prop_map(|a| format!("not ({a})")),
            ]
        })
        .boxed()
}

/// A PATCH document for a type: paths that exist, values that suit them. What it asks for may still be refused, as for
/// attributes that cannot change.
pub fn patch(definition: &TypeDefinition) -> BoxedStrategy<Object> {
    let mut targets = Vec::new();
    let schemas =
        definition.extensions().iter().map(|extension| (Some(extension.schema.id()), &extension.schema));
    for (uri, schema) in std::iter::once((None, definition.base())).chain(schemas) {
        let prefix = uri.map_or_else(String::new, |uri| format!("{uri}:"));
        for attribute in schema.attributes() {
            targets.push((format!("{prefix}{}", attribute.name()), attribute.clone()));
            if attribute.is_complex() && !attribute.is_multi_valued() {
                for sub in attribute.sub_attributes() {
                    targets.push((format!("{prefix}{}.{}", attribute.name(), sub.name()), sub.clone()));
                }
            }
        }
    }
    let targeted = select(targets).prop_flat_map(|(path, attribute)| {
        let removal = Just(operation("remove", Some(&path), None));
        let writing = (select(vec!["add", "replace"]), value(&attribute))
            .prop_map(move |(op, value)| operation(op, Some(&path), Some(value)));
        prop_oneof![1 => removal, 3 => writing]
    });
    let whole = resource(definition).prop_map(|body| operation("replace", None, Some(Value::Object(body))));
    vec(prop_oneof![6 => targeted.boxed(), 1 => whole.boxed()], 1..4).prop_map(patch_of).boxed()
}
