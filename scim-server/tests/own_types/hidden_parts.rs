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

/// That a unique value is taken has to be said; what it is need not stand in the answer, and so in the logs of a client.
#[tokio::test]
async fn a_secret_that_is_taken_is_not_repeated() {
    let schema = json!({"id": SAFE, "name": "Safe", "attributes": [
        {"name": "label", "uniqueness": "server"},
        {"name": "badge", "returned": "never", "uniqueness": "server"},
        {"name": "pin", "mutability": "writeOnly", "uniqueness": "server"},
        {"name": "lock", "type": "complex", "subAttributes": [{"name": "code", "returned": "never", "uniqueness": "server"}]},
        {"name": "hatch", "type": "complex", "returned": "never",
            "subAttributes": [{"name": "code", "uniqueness": "server"}]}
    ]});
    let schema = Schema::from_json(&schema.to_string()).unwrap();
    let kind = ResourceType::new("Safe", SAFE.parse().unwrap());
    let registry = Arc::new(Registry::builder().schema(schema).resource_type(kind).build().unwrap());
    for server in Server::both(&registry) {
        let secrets = [
            ("badge", json!({"badge": "x4711"})),
            ("pin", json!({"pin": "x4711"})),
            ("lock.code", json!({"lock": {"code": "x4711"}})),
            ("hatch.code", json!({"hatch": {"code": "x4711"}})),
        ];
        let safe = |mut data: Value| {
            data["schemas"] = json!([SAFE]);
            data
        };
        let other = server.post("/Safes", &safe(json!({"label": "other"}))).await.expect(201).id();
        let other = format!("/Safes/{other}");
        for (name, secret) in secrets {
            server.post("/Safes", &safe(secret.clone())).await.expect(201);
            let patch = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
                "Operations": [{"op": "add", "value": secret}]});
            let bulk = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
                "Operations": [{"method": "PUT", "path": other, "data": safe(secret.clone())}]});
            let operation = server.post("/Bulk", &bulk).await.expect(200).json()["Operations"][0].clone();
            assert_eq!(operation["status"], "409", "{operation}");
            for answer in [
                operation["response"].clone(),
                server.post("/Safes", &safe(secret.clone())).await.expect(409).json(),
                server.send("PATCH", &other, &patch.to_string()).await.expect(409).json(),
            ] {
                assert_eq!(answer["scimType"], "uniqueness");
                assert_eq!(answer["detail"], format!("another Safe already has this {name}"));
            }
        }
        let taken = server.post("/Safes", &safe(json!({"label": "other"}))).await.expect(409).json();
        assert_eq!(taken["detail"], "another Safe already has the label `other`");
    }
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
