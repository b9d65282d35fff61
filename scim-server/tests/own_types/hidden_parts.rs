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
        {"name": "primary", "type": "boolean"},
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
                (format!("{name}[type ne \"b\"]"), vec!["plain"]),
                (format!("{name}[type ne \"c\"]"), vec!["both", "plain"]),
                (format!("{name}[type eq null and value ne \"b\"]"), vec!["plain"]),
                (format!("{name}.type ne \"b\""), vec!["bare", "plain", "secret"]),
                (format!("not ({name}.type ne \"b\")"), vec!["both"]),
                (format!("{name}.type ne \"c\""), vec!["bare", "both", "plain", "secret"]),
                (
                    format!("{name}.primary eq false"),
                    if name == "locks" { vec!["both", "plain"] } else { vec![] },
                ),
                (
                    format!("{name}.primary ne false"),
                    if name == "locks" {
                        vec!["bare", "secret"]
                    } else {
                        vec!["bare", "both", "plain", "secret"]
                    },
                ),
                (format!("{name}.primary ne true"), vec!["bare", "both", "plain", "secret"]),
                (
                    format!("{name}[primary eq false]"),
                    if name == "locks" { vec!["both", "plain"] } else { vec![] },
                ),
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

/// Where a resource stands in a list tells nothing about values that cannot be seen.
#[tokio::test]
async fn a_value_of_nothing_but_secrets_does_not_decide_about_the_order() {
    for server in Server::both(&registry()) {
        for (label, locks) in [
            ("3", json!([{"code": "1"}, {"type": "c"}, {"type": "a"}])),
            ("2", json!([{"type": "b"}, {"code": "1"}])),
            ("4", json!([{"code": "1"}])),
            ("5", json!([])),
            ("1", json!([{"code": "1"}, {"value": "x", "type": "d"}, {"type": "a", "primary": true}])),
        ] {
            let safe = json!({"schemas": [SAFE], "label": label, "locks": locks});
            server.post("/Safes", &safe).await.expect(201);
        }
        let listed = server.get("/Safes?sortBy=locks.type&attributes=label").await.expect(200).json();
        let listed = listed["Resources"].as_array().unwrap();
        let labels: Vec<&str> = listed.iter().map(|safe| safe["label"].as_str().unwrap()).collect();
        assert_eq!(labels, ["1", "2", "3", "4", "5"]);
    }
}

/// An operation with a filter answers alike whether there is a value of nothing but secrets or not.
#[tokio::test]
async fn a_value_of_nothing_but_secrets_is_no_target_of_a_filter() {
    for server in Server::both(&registry()) {
        let mut answers = Vec::new();
        for locks in [json!([{"type": "b"}]), json!([{"type": "b"}, {"code": "1"}])] {
            let safe = json!({"schemas": [SAFE], "label": "x", "locks": locks});
            let path = format!("/Safes/{}", server.post("/Safes", &safe).await.expect(201).id());
            let mut heard = Vec::new();
            for filter in [
                "type ne \"b\"",
                "not (type pr)",
                "not (primary eq true) and type ne \"b\"",
                "value ne \"a\" and type eq null",
            ] {
                let target = format!("locks[{filter}]");
                let replace = json!([{"op": "replace", "path": format!("{target}.value"), "value": "x"}]);
                server.patch(&path, replace).await.refused(400, "noTarget");
                let before = server.get(&path).await.etag;
                let removed = server.patch(&path, json!([{"op": "remove", "path": target}])).await;
                heard.push((removed.status, removed.etag == before));
                assert_eq!(removed.expect(200).json()["locks"], json!([{"type": "b"}]), "{filter}");
            }
            let seen = json!([{"op": "replace", "path": "locks[type eq \"b\"].value", "value": "v"}]);
            let patched = server.patch(&path, seen).await.expect(200).json();
            assert_eq!(patched["locks"], json!([{"type": "b", "value": "v"}]));
            answers.push(heard);
        }
        assert_eq!(answers[0], answers[1], "whether there is one");
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
