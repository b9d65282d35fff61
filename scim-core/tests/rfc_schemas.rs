//! The schemas of RFC 7643 section 8.7 as they are printed, from files named by section: read, written, used, and
//! compared with the schemas that this crate ships.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod common;

use std::sync::Arc;

use common::{MODES, definition, object};
use scim_core::validate::validate_new;
use scim_core::{Attribute, Quirks, Registry, ResourceType, Schema, urn};

const USER: &str = include_str!("data/rfc7643-8.7.1-user.json");
const GROUP: &str = include_str!("data/rfc7643-8.7.1-group.json");
const ENTERPRISE: &str = include_str!("data/rfc7643-8.7.1-enterprise_user.json");
const CONFIG: &str = include_str!("data/rfc7643-8.7.2-service_provider_config.json");
const RESOURCE_TYPE: &str = include_str!("data/rfc7643-8.7.2-resource_type.json");
const SCHEMA: &str = include_str!("data/rfc7643-8.7.2-schema.json");

#[test]
fn printed_schemas_are_read_and_written() {
    for (json, uri, count) in [
        (USER, urn::USER, 21),
        (GROUP, urn::GROUP, 2),
        (ENTERPRISE, urn::ENTERPRISE_USER, 6),
        (CONFIG, urn::SERVICE_PROVIDER_CONFIG, 7),
        // A resource type's `id` is that of every resource.
        (RESOURCE_TYPE, urn::RESOURCE_TYPE, 5),
    ] {
        let schema = Schema::from_json(json).unwrap();
        assert_eq!((schema.id().as_str(), schema.attributes().len()), (uri, count));
        assert!(!schema.name().is_empty() && !schema.description().is_empty());
        let written = serde_json::to_string(&schema).unwrap();
        assert_eq!(Schema::from_json(&written).unwrap(), schema);
        // What was printed is what is written, apart from what was left out and has a default.
        let (printed, written): (serde_json::Value, serde_json::Value) =
            (serde_json::from_str(json).unwrap(), serde_json::from_str(&written).unwrap());
        compare(&printed["attributes"], &written["attributes"]);
    }
    // Attributes have sub-attributes: the one schema that nests, which is not for resources of anybody's own.
    let error = Schema::from_json(SCHEMA).unwrap_err().to_string();
    assert!(error.contains("complex attributes cannot nest"), "{error}");
}

fn compare(printed: &serde_json::Value, written: &serde_json::Value) {
    let printed = printed.as_array().unwrap().iter().filter(|attribute| attribute["name"] != "id");
    for (printed, written) in printed.zip(written.as_array().unwrap()) {
        for (name, value) in printed.as_object().unwrap() {
            match name.as_str() {
                "subAttributes" => compare(value, &written[name]),
                // Complex attributes have no case (section 2.3.8), and an empty list is none.
                "caseExact" if printed["type"] == "complex" => {}
                // References and binaries always have it (sections 2.3.6 and 2.3.7).
                "caseExact" if printed["type"] == "reference" || printed["type"] == "binary" => {
                    assert_eq!(written[name], true, "{printed}");
                }
                "canonicalValues" if *value == serde_json::json!([]) => {}
                _ => assert_eq!(written.get(name), Some(value), "{name} of {printed}"),
            }
        }
    }
}

/// Everything about an attribute that does not depend on how values compare.
fn characteristics(attribute: &Attribute) -> impl PartialEq + std::fmt::Debug + use<> {
    (
        attribute.name().to_owned(),
        attribute.data_type(),
        attribute.is_multi_valued(),
        attribute.mutability(),
        attribute.uniqueness(),
        attribute.reference_types().to_owned(),
    )
}

#[test]
fn the_schemas_that_ship_are_those_that_are_printed() {
    for (json, shipped, more) in [
        (USER, Schema::user(), &["addresses.primary"][..]),
        (GROUP, Schema::group(), &["members.display"]),
        (ENTERPRISE, Schema::enterprise_user(), &[]),
    ] {
        let printed = Schema::from_json(json).unwrap();
        let mut added = Vec::new();
        assert_eq!(printed.attributes().len(), shipped.attributes().len());
        for (printed, shipped) in printed.attributes().iter().zip(shipped.attributes()) {
            assert_eq!(characteristics(printed), characteristics(shipped));
            assert_eq!(
                (printed.is_required(), printed.returned()),
                (shipped.is_required(), shipped.returned())
            );
            for sub in shipped.sub_attributes() {
                match printed.sub(sub.name()) {
                    Some(other) => assert_eq!(characteristics(other), characteristics(sub)),
                    None => added.push(format!("{}.{}", shipped.name(), sub.name())),
                }
            }
            assert!(printed.sub_attributes().iter().all(|sub| shipped.sub(sub.name()).is_some()));
        }
        assert_eq!(added, more);
    }
}

#[test]
fn the_schema_of_schemas_says_what_is_printed() {
    let printed: serde_json::Value = serde_json::from_str(SCHEMA).unwrap();
    let shipped = serde_json::to_value(&*Schema::discovery()[2]).unwrap();
    fn check(printed: &serde_json::Value, shipped: &serde_json::Value, path: &str) {
        let shipped = shipped.as_array().unwrap();
        assert_eq!(printed.as_array().unwrap().len(), shipped.len(), "{path}");
        for attribute in printed.as_array().unwrap() {
            let name = attribute["name"].as_str().unwrap();
            let path = format!("{path}.{name}");
            let ours = shipped.iter().find(|other| other["name"] == name).unwrap_or_else(|| panic!("{path}"));
            for member in ["type", "multiValued", "mutability", "canonicalValues"] {
                assert_eq!(ours.get(member), attribute.get(member), "{member} of {path}");
            }
            // OPTIONAL in the text of section 7; names have no case by section 2.1.
            if path != "Schema.name" {
                assert_eq!(ours["required"], attribute["required"], "{path}");
            }
            if name != "name" {
                assert_eq!(ours.get("caseExact"), attribute.get("caseExact"), "{path}");
            }
            if let Some(subs) = attribute.get("subAttributes") {
                check(subs, &ours["subAttributes"], &path);
            }
        }
    }
    check(&printed["attributes"], &shipped["attributes"], "Schema");
}

#[test]
fn the_examples_are_legal_under_the_printed_schemas() {
    let schemas = [USER, ENTERPRISE, GROUP].map(|json| Arc::new(Schema::from_json(json).unwrap()));
    let kinds = [
        ResourceType::new("User", schemas[0].id().clone()).with_extension(schemas[1].id().clone(), false),
        ResourceType::new("Group", schemas[2].id().clone()),
    ];
    let registry = Registry::new(schemas, kinds).unwrap();
    let users = registry.by_name("User").unwrap();
    let ours = definition("User");
    for json in [
        include_str!("data/rfc7643-8.1-user-minimal.json"),
        include_str!("data/rfc7643-8.2-user-full.json"),
        include_str!("data/rfc7643-8.3-enterprise_user.json"),
    ] {
        let mut document = object(json);
        // The one thing that the examples use and the print has not.
        let strict = validate_new(users, document.clone(), &Quirks::strict());
        if json.contains("addresses") {
            let error = strict.unwrap_err().to_string();
            assert!(error.contains("addresses[0].primary"), "{error}");
            let Some(scim_core::Value::Array(addresses)) = document.get_mut("addresses") else { panic!() };
            for address in addresses {
                let scim_core::Value::Object(address) = address else { panic!() };
                address.remove("primary");
            }
        }
        for quirks in MODES {
            let printed = validate_new(users, document.clone(), &quirks).unwrap();
            assert_eq!(printed.resource, validate_new(&ours, document.clone(), &quirks).unwrap().resource);
        }
    }
}
