//! RFC 7643 section 7: schemas as they are published, and 8.7: their representation.

use std::collections::BTreeSet;
use std::sync::Arc;

use scim_core::scim_filter::DataType;
use scim_core::{Attribute, Registry, ResourceType, Schema};

use crate::common::*;
use crate::custom;

const URN: &str = "urn:ietf:params:scim:schemas:core:2.0:Schema";

async fn schemas(server: &Server) -> Vec<Value> {
    server.get("/Schemas").await.expect(200).json()["Resources"].as_array().unwrap().clone()
}

/// Every attribute and sub-attribute that is published, with what tells it from others.
async fn attributes() -> Vec<(String, Value)> {
    fn walk(prefix: &str, attributes: &Value, found: &mut Vec<(String, Value)>) {
        for attribute in attributes.as_array().unwrap() {
            let path = format!("{prefix}.{}", attribute["name"].as_str().unwrap());
            if let Some(subs) = attribute.get("subAttributes") {
                walk(&path, subs, found);
            }
            found.push((path, attribute.clone()));
        }
    }
    let mut found = Vec::new();
    for server in [Server::new(), custom::servers().next().unwrap()] {
        for schema in schemas(&server).await {
            walk(schema["id"].as_str().unwrap(), &schema["attributes"], &mut found);
        }
    }
    assert!(found.len() > 120, "{}", found.len());
    found
}

/// Checks that a characteristic is one of its keywords everywhere, and that a schema with another is refused.
async fn keyword(name: &str, allowed: &[&str]) {
    let mut seen = BTreeSet::new();
    for (path, attribute) in attributes().await {
        let Some(value) = attribute.get(name) else {
            assert!(name == "uniqueness" && attribute["type"] == "boolean", "{path} says no {name}");
            continue;
        };
        let word = value.as_str().unwrap().to_owned();
        assert!(allowed.contains(&word.as_str()), "{path}: {word}");
        seen.insert(word);
    }
    assert!(seen.len() > 1, "{seen:?}");
    for word in ["", "sometimes", "none,server"] {
        let json =
            format!(r#"{{"id": "urn:example:T", "attributes": [{{"name": "a", "{name}": "{word}"}}]}}"#);
        let error = Schema::from_json(&json).unwrap_err().to_string();
        assert!(error.contains(word), "{error}");
    }
    for word in allowed.iter().filter(|word| **word != "complex") {
        let json =
            format!(r#"{{"id": "urn:example:T", "attributes": [{{"name": "a", "{name}": "{word}"}}]}}"#);
        let schema = Schema::from_json(&json).unwrap();
        let written = serde_json::to_value(&schema).unwrap();
        assert_eq!(written["attributes"][0][name], *word);
    }
}

#[tokio::test]
async fn r7643_7_01_there_is_one_schema_for_each_uri_in_use_and_nobody_changes_it() {
    for server in Server::all() {
        server.post("/Users", &barbara()).await.expect(201);
        server.group("crew", &[]).await;
        let mut used = BTreeSet::new();
        for path in ["/", "/Schemas", "/ResourceTypes"] {
            let list = server.get(path).await.expect(200).json();
            for resource in list["Resources"].as_array().unwrap() {
                used.extend(
                    resource["schemas"]
                        .as_array()
                        .unwrap()
                        .iter()
                        .map(|uri| uri.as_str().unwrap().to_owned()),
                );
            }
        }
        let config = server.get("/ServiceProviderConfig").await.json();
        used.insert(config["schemas"][0].as_str().unwrap().to_owned());
        assert_eq!(used.len(), 6);
        let published = schemas(&server).await;
        for uri in used {
            let schema = server.get(&format!("/Schemas/{uri}")).await.expect(200).json();
            assert_eq!(schema["schemas"], json!([URN]));
            assert_eq!(published.iter().filter(|other| other["id"] == json!(uri)).count(), 1, "{uri}");
            for method in ["PUT", "PATCH", "DELETE"] {
                server
                    .send(method, &format!("/Schemas/{uri}"), &[], schema.to_string())
                    .await
                    .refused(405, "");
            }
            server.post("/Schemas", &schema).await.refused(405, "");
        }
        assert_eq!(schemas(&server).await, published);
    }
}

#[tokio::test]
async fn r7643_7_02_the_id_of_a_schema_is_its_uri() {
    for server in [Server::new(), custom::servers().next().unwrap()] {
        for schema in schemas(&server).await {
            let id = schema["id"].as_str().unwrap();
            assert!(id.starts_with("urn:"), "{id}");
            for query in ["", "?attributes=name", "?excludedAttributes=id"] {
                let read = server.get(&format!("/Schemas/{id}{query}")).await.expect(200);
                assert_eq!(read.id(), id, "returned always");
            }
        }
    }
}

#[tokio::test]
async fn r7643_7_03_attributes_say_all_their_characteristics() {
    let known = [
        "name",
        "type",
        "multiValued",
        "description",
        "required",
        "canonicalValues",
        "caseExact",
        "mutability",
        "returned",
        "uniqueness",
        "referenceTypes",
        "subAttributes",
    ];
    for (path, attribute) in attributes().await {
        let members = attribute.as_object().unwrap();
        assert!(members.keys().all(|name| known.contains(&name.as_str())), "{path}: {attribute}");
        for name in ["name", "type", "description", "mutability", "returned"] {
            assert!(attribute[name].is_string(), "{path}: {name}");
        }
        for name in ["multiValued", "required"] {
            assert!(attribute[name].is_boolean(), "{path}: {name}");
        }
        let kind = attribute["type"].as_str().unwrap();
        if matches!(kind, "string" | "reference" | "binary") {
            assert!(attribute["caseExact"].is_boolean() && attribute["uniqueness"].is_string(), "{path}");
        }
        for name in ["canonicalValues", "referenceTypes"] {
            if let Some(values) = attribute.get(name) {
                let values = values.as_array().unwrap();
                assert!(!values.is_empty() && values.iter().all(Value::is_string), "{path}: {name}");
            }
        }
        if kind == "complex" {
            assert!(attribute["subAttributes"].is_array(), "{path}");
        }
    }
    let text = Server::new().get(&format!("/Schemas/{USER}")).await.json();
    let described = text["attributes"].as_array().unwrap();
    assert!(described.iter().all(|a| !a["description"].as_str().unwrap().is_empty()));
}

#[tokio::test]
async fn r7643_7_04_the_type_is_one_of_eight() {
    keyword(
        "type",
        &["string", "boolean", "decimal", "integer", "dateTime", "reference", "complex", "binary"],
    )
    .await;
}

#[tokio::test]
async fn r7643_7_05_complex_attributes_list_their_sub_attributes() {
    for (path, attribute) in attributes().await {
        let subs = attribute.get("subAttributes").map(|subs| subs.as_array().unwrap().len());
        let expected = attribute["type"] == "complex";
        assert!(if expected { subs.is_some_and(|n| n > 0) } else { subs.is_none() }, "{path}");
    }
    let uri = || "urn:example:T".parse().unwrap();
    assert!(Schema::new(uri(), "T", "", [Attribute::complex("a", [])]).is_err());
    let json = r#"{"id": "urn:example:T", "attributes": [{"name": "a", "subAttributes": [{"name": "b"}]}]}"#;
    assert!(Schema::from_json(json).is_err(), "a string has none");
}

#[tokio::test]
async fn r7643_7_06_mutability_is_one_of_four() {
    keyword("mutability", &["readOnly", "readWrite", "immutable", "writeOnly"]).await;
}

#[tokio::test]
async fn r7643_7_07_returned_is_one_of_four() {
    keyword("returned", &["always", "never", "default", "request"]).await;
}

#[tokio::test]
async fn r7643_7_08_uniqueness_is_one_of_three() {
    keyword("uniqueness", &["none", "server", "global"]).await;
}

#[tokio::test]
async fn r7643_7_09_only_references_have_reference_types() {
    let mut seen = 0;
    for (path, attribute) in attributes().await {
        if let Some(types) = attribute.get("referenceTypes") {
            assert_eq!(attribute["type"], "reference", "{path}");
            for kind in types.as_array().unwrap() {
                let kind = kind.as_str().unwrap();
                assert!(["external", "uri", "User", "Group"].contains(&kind), "{path}: {kind}");
            }
            seen += 1;
        }
    }
    assert!(seen > 5);
    // Erratum 5607: there may be several, also for sub-attributes.
    let group = Server::new().get(&format!("/Schemas/{GROUP}")).await.json();
    assert_eq!(group["attributes"][1]["subAttributes"][1]["referenceTypes"], json!(["User", "Group"]));
    let schema = Server::new().get(&format!("/Schemas/{URN}")).await.json();
    let listed = schema.to_string();
    assert_eq!(listed.matches("\"name\":\"referenceTypes\"").count(), 2);
    fn check(attributes: &Value) {
        for attribute in attributes.as_array().into_iter().flatten() {
            if attribute["name"] == "referenceTypes" {
                assert_eq!(attribute["multiValued"], true);
            }
            check(&attribute["subAttributes"]);
        }
    }
    check(&schema["attributes"]);
    let text = Attribute::new("a", DataType::String).with_reference_types(["User"]);
    assert!(Schema::new("urn:example:T".parse().unwrap(), "T", "", [text]).is_err());
}

#[tokio::test]
async fn r7643_8_7_02_a_type_may_have_several_extensions() {
    let uri = "urn:ietf:params:scim:schemas:core:2.0:ResourceType";
    let schema = Server::new().get(&format!("/Schemas/{uri}")).await.expect(200).json();
    let extensions = schema["attributes"]
        .as_array()
        .unwrap()
        .iter()
        .find(|a| a["name"] == "schemaExtensions")
        .unwrap()
        .clone();
    assert_eq!(
        (&extensions["type"], &extensions["multiValued"]),
        (&json!("complex"), &json!(true)),
        "erratum 7522"
    );
    let subs: Vec<(&str, bool)> = extensions["subAttributes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|sub| (sub["name"].as_str().unwrap(), sub["required"].as_bool().unwrap()))
        .collect();
    assert_eq!(subs, [("schema", true), ("required", true)]);
    let schema = |uri: &str, attribute: &str| {
        let attribute = Attribute::new(attribute, DataType::String);
        Arc::new(Schema::new(uri.parse().unwrap(), "Part", "", [attribute]).unwrap())
    };
    let parts = ["urn:example:Thing", "urn:example:First", "urn:example:Second"];
    let [thing, first, second] = parts;
    let kind = ResourceType::new("Thing", thing.parse().unwrap())
        .with_extension(first.parse().unwrap(), true)
        .with_extension(second.parse().unwrap(), false);
    let schemas = [schema(thing, "name"), schema(first, "one"), schema(second, "two")];
    let registry = Arc::new(Registry::new(schemas, [kind]).unwrap());
    for server in Server::all_with(move |builder| builder.registry(registry.clone())) {
        let kind = server.get("/ResourceTypes/Thing").await.expect(200).json();
        assert_eq!(
            kind["schemaExtensions"],
            json!([{"schema": first, "required": true}, {"schema": second, "required": false}])
        );
        let both = json!({"schemas": parts, "name": "n", first: {"one": "1"}, second: {"two": "2"}});
        let created = server.post("/Things", &both).await.expect(201).json();
        assert_eq!((&created[first], &created[second]), (&both[first], &both[second]));
        let without = json!({"schemas": [thing, second], "name": "n", second: {"two": "2"}});
        server.post("/Things", &without).await.expect(400);
    }
}

#[tokio::test]
async fn r7643_8_7_03_schemas_are_resources_with_schemas_and_meta() {
    for server in [Server::new(), custom::servers().next().unwrap()] {
        for schema in schemas(&server).await {
            assert_eq!(schema["schemas"], json!([URN]), "errata 5999 and 8417");
            assert_eq!(schema["meta"]["resourceType"], "Schema");
            let path = path_of(&schema["meta"]["location"]);
            assert_eq!(path, format!("/Schemas/{}", schema["id"].as_str().unwrap()));
            assert_eq!(server.get(&path).await.expect(200).json(), schema);
        }
    }
}
