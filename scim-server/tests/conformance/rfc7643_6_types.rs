//! RFC 7643 section 6: resource types.

use crate::common::*;
use crate::custom::{self, ASSET, OWNER, asset};

const URN: &str = "urn:ietf:params:scim:schemas:core:2.0:ResourceType";

/// The server of the RFC's types, and one of a type of an application's own.
fn servers() -> [Server; 2] {
    [Server::new(), custom::servers().next().unwrap()]
}

async fn types(server: &Server) -> Vec<Value> {
    let list = server.get("/ResourceTypes").await.expect(200).json();
    let resources = list["Resources"].as_array().unwrap().clone();
    assert_eq!(list["totalResults"], resources.len());
    assert!(!resources.is_empty());
    resources
}

#[tokio::test]
async fn r7643_6_01_resource_types_are_read_only() {
    for server in servers() {
        for kind in types(&server).await {
            assert_eq!(kind["schemas"], json!([URN]));
            let path = path_of(&kind["meta"]["location"]);
            for (method, path) in
                [("POST", "/ResourceTypes"), ("PUT", &path), ("PATCH", &path), ("DELETE", &path)]
            {
                server.send(method, path, &[], kind.to_string()).await.refused(405, "");
            }
            assert_eq!(server.get(&path).await.expect(200).json(), kind);
        }
        let schema = server.get(&format!("/Schemas/{URN}")).await.expect(200).json();
        for attribute in schema["attributes"].as_array().unwrap() {
            assert_eq!(attribute["mutability"], "readOnly", "{attribute}");
        }
    }
}

#[tokio::test]
async fn r7643_6_02_name_endpoint_and_schema_are_there() {
    for server in servers() {
        for kind in types(&server).await {
            for name in ["name", "endpoint", "schema"] {
                assert!(kind[name].as_str().is_some_and(|text| !text.is_empty()), "{name}: {kind}");
            }
            server.get(kind["endpoint"].as_str().unwrap()).await.expect(200);
        }
    }
}

#[tokio::test]
async fn r7643_6_03_the_schema_is_the_id_of_a_schema() {
    for server in servers() {
        for kind in types(&server).await {
            let uri = kind["schema"].as_str().unwrap();
            let schema = server.get(&format!("/Schemas/{uri}")).await.expect(200).json();
            assert_eq!((&schema["id"], &schema["meta"]["resourceType"]), (&json!(uri), &json!("Schema")));
        }
    }
}

#[tokio::test]
async fn r7643_6_04_each_extension_is_a_schema_and_says_whether_it_is_required() {
    let mut seen = 0;
    for server in servers() {
        for kind in types(&server).await {
            for extension in kind["schemaExtensions"].as_array().into_iter().flatten() {
                assert!(extension["required"].is_boolean(), "{extension}");
                let uri = extension["schema"].as_str().unwrap();
                assert_eq!(server.get(&format!("/Schemas/{uri}")).await.expect(200).json()["id"], uri);
                assert_ne!(kind["schema"], uri);
                seen += 1;
            }
        }
    }
    assert_eq!(seen, 2);
}

#[tokio::test]
async fn r7643_6_05_a_required_extension_is_in_every_resource() {
    for server in custom::servers() {
        for owner in
            [None, Some(json!(null)), Some(json!({})), Some(json!({"room": "12"})), Some(json!({"name": ""}))]
        {
            let mut body = without(&asset(json!({})), &[OWNER]);
            if let Some(owner) = owner {
                body[OWNER] = owner;
            }
            let detail = server.post("/Assets", &body).await.refused(400, "invalidValue");
            assert!(detail.contains(OWNER), "{detail}");
        }
        assert_eq!(server.get("/Assets").await.json()["totalResults"], 0);
        let path = server.asset(json!({})).await;
        assert_eq!(server.get(&path).await.json()["schemas"], json!([ASSET, OWNER]));
        let before = server.get(&path).await.text;
        server.put(&path, &without(&asset(json!({})), &[OWNER])).await.refused(400, "invalidValue");
        for target in [OWNER.to_owned(), format!("{OWNER}:name")] {
            let answer = server.patch(&path, json!([{"op": "remove", "path": target}])).await;
            answer.refused(400, "mutability");
        }
        for empty in [
            json!([{"op": "replace", "path": OWNER, "value": {"name": null}}]),
            json!([{"op": "replace", "value": {OWNER: {"name": ""}}}]),
        ] {
            server.patch(&path, empty).await.refused(400, "invalidValue");
        }
        assert_eq!(server.get(&path).await.text, before);
    }
}

#[tokio::test]
async fn r7643_6_06_resources_name_their_type() {
    for server in Server::all() {
        server.user(json!({"userName": "ann"})).await;
        server.group("crew", &[]).await;
        let kinds = types(&server).await;
        for kind in kinds {
            let list = server.get(kind["endpoint"].as_str().unwrap()).await.expect(200).json();
            assert_eq!(list["totalResults"], 1);
            assert_eq!(list["Resources"][0]["meta"]["resourceType"], kind["name"]);
        }
    }
    for server in custom::servers() {
        let path = server.asset(json!({})).await;
        assert_eq!(server.get(&path).await.json()["meta"]["resourceType"], types(&server).await[0]["name"]);
    }
}
