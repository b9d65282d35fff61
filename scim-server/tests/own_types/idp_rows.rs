//! What identity providers send and many servers break on although the standard demands it: a strict server does it.
//! `docs/interop.md` lists these tests.

use scim_core::{Quirks, Registry};
use scim_server::store::MemoryStore;
use std::sync::Arc;

use crate::common::*;

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

/// The user `id-1` (ann) and the group `id-2` (staff) with her.
async fn server() -> Server {
    let server = Server::new(Arc::new(MemoryStore::new()), Registry::rfc7643(), Quirks::strict());
    server.post("/Users", &json!({"schemas": [USER], "userName": "ann", "active": true})).await.expect(201);
    let group = json!({"schemas": [GROUP], "displayName": "staff", "members": [{"value": "id-1"}]});
    server.post("/Groups", &group).await.expect(201);
    server
}

#[tokio::test]
async fn a_member_that_is_there_already_is_added_without_change() {
    let server = server().await;
    let before = server.get("/Groups/id-2").await;
    for members in [json!([{"value": "id-1"}]), json!([{"value": "id-1"}, {"value": "id-1"}])] {
        let again = json!([{"op": "add", "path": "members", "value": members}]);
        assert_eq!(server.patch("/Groups/id-2", again).await.expect(200).text, before.text);
    }
}

#[tokio::test]
async fn an_inactive_user_is_found_and_revived_under_its_id() {
    let server = server().await;
    server.patch("/Users/id-1", json!([{"op": "replace", "value": {"active": false}}])).await.expect(200);
    let found = server.filter("/Users", "userName eq \"ann\"").await.expect(200).json();
    assert_eq!(
        (&found["Resources"][0]["id"], &found["Resources"][0]["active"]),
        (&json!("id-1"), &json!(false))
    );
    assert_eq!(server.get("/Users/id-1").await.expect(200).json()["groups"][0]["value"], "id-2");
    server.post("/Users", &json!({"schemas": [USER], "userName": "Ann"})).await.refused(409, "uniqueness");
    let revived =
        server.patch("/Users/id-1", json!([{"op": "replace", "path": "active", "value": true}])).await;
    assert_eq!(revived.expect(200).id(), "id-1");
}

#[tokio::test]
async fn operations_are_named_in_any_case() {
    let server = server().await;
    for op in ["Add", "REPLACE", "Replace"] {
        server.patch("/Users/id-1", json!([{"op": op, "path": "title", "value": op}])).await.expect(200);
    }
    let removed = server.patch("/Users/id-1", json!([{"op": "Remove", "path": "title"}])).await.expect(200);
    assert_eq!(removed.json().get("title"), None);
}

#[tokio::test]
async fn both_resources_take_every_operation_of_patch() {
    let server = server().await;
    for (path, attribute) in [("/Users/id-1", "displayName"), ("/Groups/id-2", "externalId")] {
        for op in ["add", "replace"] {
            let patched = server.patch(path, json!([{"op": op, "path": attribute, "value": op}])).await;
            assert_eq!(patched.expect(200).json()[attribute], op);
        }
        let patched = server.patch(path, json!([{"op": "remove", "path": attribute}])).await;
        assert_eq!(patched.expect(200).json().get(attribute), None);
    }
}

#[tokio::test]
async fn the_uri_of_a_schema_may_stand_before_an_attribute() {
    let server = server().await;
    let operations = json!([
        {"op": "add", "path": format!("{ENTERPRISE}:department"), "value": "D"},
        {"op": "add", "path": format!("{USER}:name.familyName"), "value": "F"},
        {"op": "add", "value": {format!("{}:costCenter", ENTERPRISE.to_uppercase()): "C"}}
    ]);
    let patched = server.patch("/Users/id-1", operations).await.expect(200).json();
    assert_eq!(patched[ENTERPRISE], json!({"department": "D", "costCenter": "C"}));
    assert_eq!(patched["name"]["familyName"], "F");
    let filter = format!("{ENTERPRISE}:department eq \"d\" and {USER}:userName eq \"ann\"");
    assert_eq!(server.filter("/Users", &filter).await.total(), 1);
}

#[tokio::test]
async fn null_and_empty_lists_are_no_value() {
    let server = server().await;
    let body = json!({"schemas": [USER], "userName": "bob", "title": null, "addresses": null, "emails": [], "name": {}});
    let created = server.post("/Users", &body).await.expect(201).json();
    for name in ["title", "addresses", "emails", "name"] {
        assert_eq!(created.get(name), None);
    }
}

#[tokio::test]
async fn the_servers_own_answer_may_come_back_in_a_put() {
    let server = server().await;
    for path in ["/Users/id-1", "/Groups/id-2"] {
        let answer = server.get(path).await.expect(200);
        let put = server.put(path, &answer.json()).await.expect(200);
        assert_eq!((put.etag, put.text), (answer.etag, answer.text));
    }
    let group = json!({"schemas": [GROUP], "displayName": "crew", "members": [{"value": "id-1"}]});
    assert_eq!(server.put("/Groups/id-2", &group).await.expect(200).json()["members"][0]["value"], "id-1");
}

#[tokio::test]
async fn a_change_of_a_group_leaves_what_it_does_not_name() {
    let server = server().await;
    server.post("/Users", &json!({"schemas": [USER], "userName": "bob"})).await.expect(201);
    for operation in [
        json!({"op": "replace", "value": {"id": "id-2", "displayName": "crew"}}),
        json!({"op": "replace", "path": "externalId", "value": "x"}),
    ] {
        let patched = server.patch("/Groups/id-2", json!([operation])).await.expect(200).json();
        assert_eq!(patched["members"][0]["value"], "id-1");
    }
    let all = json!([{"op": "replace", "path": "members", "value": [{"value": "id-3"}]}]);
    let members = server.patch("/Groups/id-2", all).await.expect(200).json()["members"].clone();
    assert_eq!((members.as_array().unwrap().len(), &members[0]["value"]), (1, &json!("id-3")));
}

#[tokio::test]
async fn groups_are_looked_up_without_their_members() {
    let server = server().await;
    for filter in ["displayName eq \"Staff\"", "displayName eq \"staff\" and not (externalId pr)"] {
        let path = format!("/Groups?excludedAttributes=members&filter={}", encode(filter));
        let found = server.get(&path).await.expect(200).json();
        assert_eq!((&found["totalResults"], found["Resources"][0].get("members")), (&json!(1), None));
    }
    assert_eq!(server.get("/Groups/id-2?excludedAttributes=members").await.json().get("members"), None);
}

#[tokio::test]
async fn an_old_name_is_free_at_once() {
    let server = server().await;
    let rename = json!([{"op": "replace", "path": "userName", "value": "anna"}]);
    assert_eq!(server.patch("/Users/id-1", rename).await.expect(200).id(), "id-1");
    assert_eq!(server.filter("/Users", "userName eq \"ann\"").await.total(), 0);
    assert_eq!(server.filter("/Users", "userName eq \"ANNA\"").await.total(), 1);
    server.post("/Users", &json!({"schemas": [USER], "userName": "ann"})).await.expect(201);
    assert_eq!(server.get("/Groups/id-2").await.json()["members"][0]["value"], "id-1");
}

#[tokio::test]
async fn roles_are_kept_as_they_come_and_once() {
    let server = server().await;
    let role = json!({"value": "{\"id\":1,\"value\":\"Admin\"}", "type": "WindowsAzureActiveDirectoryRole"});
    for _ in 0..2 {
        let add = json!([{"op": "add", "path": "roles", "value": [role]}]);
        assert_eq!(server.patch("/Users/id-1", add).await.expect(200).json()["roles"], json!([role]));
    }
}

#[tokio::test]
async fn queries_are_decoded_as_forms_and_then_as_json() {
    let server = server().await;
    for name in ["Zürich & Söhne", "a+b", "50% \"off\"", "日本"] {
        server.post("/Groups", &json!({"schemas": [GROUP], "displayName": name})).await.expect(201);
        let filter = format!("displayName eq {}", Value::from(name));
        assert_eq!(server.filter("/Groups", &filter).await.total(), 1, "{name}");
        let form = encode(&filter).replace("%20", "+");
        assert_eq!(server.get(&format!("/Groups?filter={form}")).await.total(), 1, "{name}");
    }
}
