use crate::common::*;

#[tokio::test]
async fn rfc7644_3_5_1_put_replaces_what_there_was() {
    let server = Server::new();
    let created = server.post("/Users", &barbara()).await.expect(201);
    let path = format!("/Users/{}", created.id());
    server.tick();
    let body = json!({"schemas": [USER], "userName": "babs", "emails": [{"value": "new@x.org"}], "id": "forged",
        "meta": {"created": "1999-01-01T00:00:00Z"}, "groups": [{"value": "g"}], "nickName": null, "addresses": []});
    let put = server.put(&path, &body).await.expect(200);
    let json = put.json();
    let mut expected = json!({"schemas": [USER], "id": created.id(), "userName": "babs", "emails": [{"value": "new@x.org"}]});
    expected["meta"] = json["meta"].clone();
    assert_eq!(json, expected, "7644-3.5.1-01, 02, 03, 06, 12, 13");
    let (before, after) = (&created.json()["meta"], &json["meta"]);
    assert_eq!(before["created"], after["created"]);
    assert_eq!(after["lastModified"], "2023-11-14T22:13:21.000Z");
    assert_ne!(before["version"], after["version"], "7644-3.5.1-11");
    assert_eq!(server.get(&path).await.text, put.text, "7644-3.5.1-15");
}

#[tokio::test]
async fn a_put_that_changes_nothing_keeps_the_version() {
    let server = Server::new();
    let created = server.post("/Users", &barbara()).await.expect(201);
    let path = format!("/Users/{}", created.id());
    server.tick();
    let again = server.put(&path, &created.json()).await.expect(200);
    assert_eq!(again.text, created.text);
}

#[tokio::test]
async fn rfc7644_3_5_1_07_09_10_refusals_change_nothing() {
    let server = Server::new();
    server.user(json!({"userName": "taken"})).await;
    let id = server.post("/Users", &barbara()).await.expect(201).id();
    let path = format!("/Users/{id}");
    let before = server.get(&path).await.text;
    let user = |more: Value| {
        let mut body = json!({"schemas": [USER]});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    server.put(&path, &user(json!({}))).await.refused(400, "invalidValue");
    server.put(&path, &user(json!({"userName": "TAKEN"}))).await.refused(409, "uniqueness");
    server.put(&path, &user(json!({"userName": 5}))).await.refused(400, "invalidValue");
    assert_eq!(server.get(&path).await.text, before);
    let detail = server.put("/Users/none", &user(json!({"userName": "n"}))).await.refused(404, "");
    assert_eq!(detail, "there is no User with the id `none`");
    server.get("/Users/none").await.refused(404, "");
    assert_eq!(server.names("userName eq \"n\"").await, [""; 0], "7644-3.2-01: PUT never creates");
}

#[tokio::test]
async fn rfc7644_3_5_1_14_put_replaces_the_members() {
    let server = Server::new();
    let (a, b) = (server.user(json!({"userName": "a"})).await, server.user(json!({"userName": "b"})).await);
    let group = server.group("g", &[&a]).await;
    let path = format!("/Groups/{group}");
    let body = json!({"schemas": [GROUP], "displayName": "g", "members": [{"value": b}]});
    let json = server.put(&path, &body).await.expect(200).json();
    assert_eq!(json["members"].as_array().unwrap().len(), 1);
    assert_eq!(json["members"][0]["value"], b.as_str());
    assert!(server.get(&format!("/Users/{a}")).await.json().get("groups").is_none());
    let bad =
        json!({"schemas": [GROUP], "displayName": "other", "members": [{"value": a}, {"value": "none"}]});
    server.put(&path, &bad).await.refused(400, "invalidValue");
    assert_eq!(server.get(&path).await.json(), json, "nothing half done");
    let none = server.put(&path, &json!({"schemas": [GROUP], "displayName": "g"})).await.expect(200).json();
    assert!(none.get("members").is_none());
}
