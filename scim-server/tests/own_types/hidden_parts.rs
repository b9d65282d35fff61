//! Complex attributes with parts that are never returned, and with parts that never change.

use std::sync::Arc;

use scim_core::{Registry, ResourceType, Schema};

use crate::common::*;

const SAFE: &str = "urn:example:2.0:Safe";

/// Locks with a secret code and a maker who stays.
fn registry() -> Arc<Registry> {
    let parts = json!([
        {"name": "value"},
        {"name": "type"},
        {"name": "maker", "mutability": "immutable"},
        {"name": "code", "mutability": "writeOnly", "returned": "never"}
    ]);
    let secrets = json!([{"name": "code", "mutability": "writeOnly", "returned": "never"}]);
    let schema = json!({"id": SAFE, "name": "Safe", "attributes": [
        {"name": "label", "required": true},
        {"name": "lock", "type": "complex", "subAttributes": parts},
        {"name": "locks", "type": "complex", "multiValued": true, "subAttributes": parts},
        {"name": "secrets", "type": "complex", "subAttributes": secrets}
    ]});
    let schema = Schema::from_json(&schema.to_string()).unwrap();
    let kind = ResourceType::new("Safe", SAFE.parse().unwrap());
    Arc::new(Registry::builder().schema(schema).resource_type(kind).build().unwrap())
}

/// What cannot be asked about cannot be found out by asking about what it is part of.
#[tokio::test]
async fn a_value_of_nothing_but_secrets_counts_as_none_in_filters() {
    for server in Server::both(&registry()) {
        for safe in [
            json!({"schemas": [SAFE], "label": "bare"}),
            json!({"schemas": [SAFE], "label": "secret", "lock": {"code": "1"}, "locks": [{"code": "1"}], "secrets": {"code": "1"}}),
            json!({"schemas": [SAFE], "label": "plain", "lock": {"value": "a"}, "locks": [{"value": "a"}]}),
            json!({"schemas": [SAFE], "label": "both", "lock": {"type": "b", "code": "1"}, "locks": [{"type": "b", "code": "1"}, {"code": "2"}]}),
        ] {
            server.post("/Safes", &safe).await.expect(201);
        }
        for name in ["lock", "locks"] {
            for (filter, expected) in [
                (format!("{name} pr"), vec!["both", "plain"]),
                (format!("{name} ne null"), vec!["both", "plain"]),
                (format!("not ({name} pr)"), vec!["bare", "secret"]),
                (format!("{name} eq null"), vec!["bare", "secret"]),
                (format!("{name}[not (value pr)]"), vec!["both"]),
                (format!("{name}[value eq \"a\" or type pr]"), vec!["both", "plain"]),
                (format!("{name} pr and {name}.type eq \"b\""), vec!["both"]),
            ] {
                let found = server
                    .get(&format!("/Safes?sortBy=label&attributes=label&filter={}", encode(&filter)))
                    .await
                    .expect(200)
                    .json();
                let labels: Vec<&str> = found["Resources"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|safe| safe["label"].as_str().unwrap())
                    .collect();
                assert_eq!(labels, expected, "{filter}");
            }
        }
        assert_eq!(server.filter("/Safes", "secrets pr").await.total(), 0);
        assert_eq!(server.filter("/Safes", "not (secrets pr)").await.total(), 4);
        for filter in ["lock.code pr", "locks[code pr]", "secrets.code eq \"1\""] {
            assert_eq!(server.filter("/Safes", filter).await.status, 403, "{filter}");
        }
    }
}

#[tokio::test]
async fn a_part_that_stays_is_named_once() {
    for server in Server::both(&registry()) {
        let safe =
            json!({"schemas": [SAFE], "label": "x", "locks": [{"value": "a", "type": "b", "maker": "m"}]});
        let path = format!("/Safes/{}", server.post("/Safes", &safe).await.expect(201).id());
        for (target, value) in [
            ("locks[type eq \"b\"].maker", json!("n")),
            ("locks[type eq \"b\"]", json!({"value": "a", "maker": "n"})),
        ] {
            let refused =
                server.patch(&path, json!([{"op": "replace", "path": target, "value": value}])).await;
            refused.refused(400, "mutability");
            assert_eq!(
                refused.json()["detail"],
                "operation 1: `locks[type eq \"b\"].maker` is immutable and already has another value"
            );
        }
    }
}
