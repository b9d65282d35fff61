//! RFC 7643 sections 3, 3.2 and 3.3: what a resource is made of, new types, extensions.

use std::sync::Arc;

use scim_core::scim_filter::DataType;
use scim_core::{Attribute, Registry, ResourceType, Schema};

use crate::common::*;
use crate::custom::{self, ASSET, OWNER, asset};

#[tokio::test]
async fn r7643_3_01_schemas_is_required_and_not_empty() {
    let strict = Server::strict();
    for body in [
        json!({"userName": "ann"}),
        json!({"schemas": null, "userName": "ann"}),
        json!({"schemas": [], "userName": "ann"}),
    ] {
        let detail = strict.post("/Users", &body).await.refused(400, "invalidSyntax");
        assert!(detail.contains("schemas") && detail.contains(USER), "{detail}");
        // Decision C1: made good where that is tolerated.
        let created = Server::new().post("/Users", &body).await.expect(201).json();
        assert_eq!(created["schemas"], json!([USER]));
    }
    for server in Server::all() {
        for schemas in [json!([5]), json!({"a": 1}), json!(true)] {
            let body = json!({"schemas": schemas, "userName": "ann"});
            server.post("/Users", &body).await.refused(400, "invalidValue");
        }
        let path = format!("/Users/{}", server.user(json!({"userName": "ann"})).await);
        // No request leaves a resource without.
        for patch in [
            json!([{"op": "remove", "path": "schemas"}]),
            json!([{"op": "replace", "path": "schemas", "value": []}]),
            json!([{"op": "remove", "path": format!("schemas[value eq \"{USER}\"]")}]),
        ] {
            server.patch(&path, patch.clone()).await.refused(400, "mutability");
            assert_eq!(server.get(&path).await.json()["schemas"], json!([USER]), "{patch}");
        }
    }
    let id = strict.user(json!({"userName": "ann"})).await;
    strict.put(&format!("/Users/{id}"), &json!({"userName": "ann"})).await.refused(400, "invalidSyntax");
}

#[tokio::test]
async fn r7643_3_02_schemas_holds_registered_schemas_only() {
    for other in ["urn:example:none", GROUP, PATCH_OP, "User", "urn:scim:schemas:core:1.0"] {
        let body = json!({"schemas": [USER, other], "userName": "ann"});
        let detail = Server::strict().post("/Users", &body).await.refused(400, "invalidSyntax");
        assert!(detail.contains(other), "{detail}");
        // Decision C2: dropped where that is tolerated, and never shown.
        let server = Server::new();
        let created = server.post("/Users", &body).await.expect(201);
        assert_eq!(created.json()["schemas"], json!([USER]));
        let id = created.id();
        assert_eq!(server.read("/Users", &id).await["schemas"], json!([USER]));
        let patch = json!([{"op": "add", "path": "schemas", "value": [other]}]);
        server.patch(&format!("/Users/{id}"), patch.clone()).await.expect(200);
        assert_eq!(server.read("/Users", &id).await["schemas"], json!([USER]));
        let strict = Server::strict();
        let id = strict.user(json!({"userName": "ann"})).await;
        strict.patch(&format!("/Users/{id}"), patch).await.refused(400, "invalidSyntax");
        assert_eq!(strict.read("/Users", &id).await["schemas"], json!([USER]));
    }
}

#[tokio::test]
async fn r7643_3_03_schemas_has_no_duplicates() {
    for server in Server::all() {
        let mut body = barbara();
        body["schemas"] = json!([USER, USER, ENTERPRISE, USER.to_uppercase(), ENTERPRISE]);
        let created = server.post("/Users", &body).await.expect(201);
        assert_eq!(created.json()["schemas"], json!([USER, ENTERPRISE]));
        let path = format!("/Users/{}", created.id());
        assert_eq!(server.put(&path, &body).await.expect(200).json()["schemas"], json!([USER, ENTERPRISE]));
        let patch = json!([{"op": "add", "path": "schemas", "value": [USER, ENTERPRISE]}]);
        assert_eq!(server.patch(&path, patch).await.expect(200).json()["schemas"], json!([USER, ENTERPRISE]));
    }
}

#[tokio::test]
async fn r7643_3_04_the_order_of_schemas_means_nothing() {
    for server in Server::all() {
        let plain = server.post("/Users", &barbara()).await.expect(201);
        server.delete(&format!("/Users/{}", plain.id())).await.expect(204);
        let mut body = barbara();
        body["schemas"] = json!([ENTERPRISE, USER]);
        let other = server.post("/Users", &body).await.expect(201);
        assert_eq!(without(&other.json(), &["id", "meta"]), without(&plain.json(), &["id", "meta"]));
    }
}

#[tokio::test]
async fn r7643_3_05_extension_attributes_are_in_an_object_of_their_own() {
    for server in Server::all() {
        let id = server.post("/Users", &barbara()).await.expect(201).id();
        let user = server.read("/Users", &id).await;
        assert_eq!(user[ENTERPRISE], json!({"employeeNumber": "701984", "department": "Tour Operations"}));
        assert!(user.get("employeeNumber").is_none() && user.get("department").is_none());
    }
    // On the top level they are unknown.
    let body = json!({"schemas": [USER, ENTERPRISE], "userName": "ann", "department": "D"});
    let detail = Server::strict().post("/Users", &body).await.refused(400, "invalidValue");
    assert!(detail.contains("`department`"), "{detail}");
    let server = Server::new();
    let created = server.post("/Users", &body).await.expect(201).json();
    assert!(created.get("department").is_none() && created.get(ENTERPRISE).is_none());
    for server in custom::servers() {
        let path = server.asset(json!({})).await;
        assert_eq!(server.get(&path).await.json()[OWNER], json!({"name": "ann"}));
    }
}

#[tokio::test]
async fn r7643_3_06_every_resource_has_the_common_attributes() {
    fn check(resource: &Value, kind: &str) {
        assert!(resource["id"].as_str().is_some_and(|id| !id.is_empty()), "{resource}");
        assert_eq!(resource["meta"]["resourceType"], kind);
        for name in ["created", "lastModified", "location", "version"] {
            assert!(resource["meta"][name].is_string(), "{name}: {resource}");
        }
        assert_eq!(resource["externalId"], "ext-1");
    }
    for server in Server::all() {
        let id = server.user(json!({"userName": "ann", "externalId": "ext-1"})).await;
        check(&server.read("/Users", &id).await, "User");
        let body = json!({"schemas": [GROUP], "displayName": "crew", "externalId": "ext-1"});
        check(&server.post("/Groups", &body).await.expect(201).json(), "Group");
    }
    for server in custom::servers() {
        let path = server.asset(json!({"externalId": "ext-1"})).await;
        check(&server.get(&path).await.json(), "Asset");
        assert_eq!(server.count("externalId eq \"ext-1\"").await, 1);
    }
}

#[tokio::test]
async fn r7643_3_07_schemas_lists_each_extension_that_has_data() {
    for server in Server::all() {
        // Decisions C3 and C4: added with the data, left out without.
        let body = json!({"schemas": [USER], "userName": "ann", ENTERPRISE: {"department": "D"}});
        let path = format!("/Users/{}", server.post("/Users", &body).await.expect(201).id());
        let schemas = async || server.get(&path).await.expect(200).json()["schemas"].clone();
        assert_eq!(schemas().await, json!([USER, ENTERPRISE]));
        let department = format!("{ENTERPRISE}:department");
        server.patch(&path, json!([{"op": "remove", "path": department}])).await.expect(200);
        assert_eq!(schemas().await, json!([USER]));
        server.patch(&path, json!([{"op": "add", "path": department, "value": "E"}])).await.expect(200);
        assert_eq!(schemas().await, json!([USER, ENTERPRISE]));
        let none = json!({"schemas": [USER, ENTERPRISE], "userName": "ann"});
        assert_eq!(server.put(&path, &none).await.expect(200).json()["schemas"], json!([USER]));
        assert_eq!(schemas().await, json!([USER]));
    }
}

#[tokio::test]
async fn r7643_3_2_01_a_new_type_is_served_and_discovered() {
    for server in custom::servers() {
        let path = server.asset(json!({"label": "Printer"})).await;
        assert!(path.starts_with("/Assets/"));
        assert_eq!(server.get(&path).await.expect(200).json()["label"], "Printer");
        assert_eq!(server.count("label sw \"print\"").await, 1);
        assert_eq!(
            server.put(&path, &asset(json!({"label": "Scanner"}))).await.expect(200).json()["label"],
            "Scanner"
        );
        let patch = json!([{"op": "replace", "path": "label", "value": "Copier"}]);
        assert_eq!(server.patch(&path, patch).await.expect(200).json()["label"], "Copier");
        let kind = server.get("/ResourceTypes/Asset").await.expect(200).json();
        let expected = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ResourceType"], "id": "Asset", "name": "Asset",
            "description": "", "endpoint": "/Assets", "schema": ASSET,
            "schemaExtensions": [{"schema": OWNER, "required": true}],
            "meta": {"resourceType": "ResourceType", "location": "http://example.com/ResourceTypes/Asset"}
        });
        assert_eq!(kind, expected);
        for uri in [ASSET, OWNER] {
            assert_eq!(server.get(&format!("/Schemas/{uri}")).await.expect(200).json()["id"], uri);
        }
        server.delete(&path).await.expect(204);
        server.get(&path).await.refused(404, "");
        server.get("/Users").await.refused(404, "");
    }
}

#[tokio::test]
async fn r7643_3_3_01_schemas_includes_the_base_schema() {
    let body = json!({"schemas": [ENTERPRISE], "userName": "ann", ENTERPRISE: {"department": "D"}});
    let detail = Server::strict().post("/Users", &body).await.refused(400, "invalidSyntax");
    assert!(detail.contains(USER), "{detail}");
    // Decision C1: added where that is tolerated.
    let created = Server::new().post("/Users", &body).await.expect(201).json();
    assert_eq!(created["schemas"], json!([USER, ENTERPRISE]));
    for server in Server::all() {
        let path = format!("/Users/{}", server.post("/Users", &barbara()).await.expect(201).id());
        let remove = json!([{"op": "replace", "path": "schemas", "value": [ENTERPRISE]}]);
        server.patch(&path, remove).await.refused(400, "mutability");
        assert_eq!(server.get(&path).await.json()["schemas"], json!([USER, ENTERPRISE]));
    }
}

#[tokio::test]
async fn r7643_3_3_02_extensions_do_not_redefine_standard_attributes() {
    // An extension's attributes live under its URI: one that repeats a name does not touch the standard one.
    let string = |name: &str| Attribute::new(name, DataType::String);
    let uri = "urn:example:schemas:Clash";
    let schema = Schema::new(
        uri.parse().unwrap(),
        "Clash",
        "",
        [Attribute::new("title", DataType::Integer), string("id")],
    )
    .unwrap();
    assert!(schema.attribute("id").is_none(), "the common attributes are nobody's to redefine");
    let kind = ResourceType::new("User", USER.parse().unwrap()).with_extension(uri.parse().unwrap(), false);
    let registry = Arc::new(Registry::new([Schema::user(), Arc::new(schema)], [kind]).unwrap());
    for server in Server::all_with(|builder| builder.registry(registry.clone())) {
        let body = json!({"schemas": [USER], "userName": "ann", "title": "Boss", uri: {"title": 5}});
        let path = format!("/Users/{}", server.post("/Users", &body).await.expect(201).id());
        let user = server.get(&path).await.json();
        assert_eq!((&user["title"], &user[uri]["title"]), (&json!("Boss"), &json!(5)));
        assert_eq!(server.names("title eq \"Boss\"").await, ["ann"]);
        assert_eq!(server.names(&format!("{uri}:title eq 5")).await, ["ann"]);
        let wrong = json!({"schemas": [USER], "userName": "bob", "title": 5});
        server.post("/Users", &wrong).await.refused(400, "invalidValue");
    }
}

#[tokio::test]
async fn r7643_3_3_03_the_extension_uri_names_the_container() {
    for server in Server::all() {
        let path = format!("/Users/{}", server.user(json!({"userName": "ann"})).await);
        let patch = json!([{"op": "add", "path": format!("{ENTERPRISE}:department"), "value": "D"}]);
        server.patch(&path, patch).await.expect(200);
        let user = server.get(&path).await.json();
        assert_eq!(user[ENTERPRISE], json!({"department": "D"}), "the registered spelling of the URI");
        let extension = server.get(&format!("/Schemas/{ENTERPRISE}")).await.expect(200).json();
        assert_eq!(extension["id"], ENTERPRISE);
        let lower =
            json!({"schemas": [USER], "userName": "bob", ENTERPRISE.to_lowercase(): {"department": "E"}});
        let created = server.post("/Users", &lower).await.expect(201).json();
        assert_eq!(created[ENTERPRISE], json!({"department": "E"}), "decision F22");
    }
}
