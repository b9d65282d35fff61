use crate::common::*;

#[tokio::test]
async fn rfc7644_3_6_a_deleted_resource_is_gone() {
    let server = Server::new();
    let id = server.post("/Users", &barbara()).await.expect(201).id();
    let path = format!("/Users/{id}");
    let deleted = server.delete(&path).await.expect(204);
    assert!(deleted.header("content-type").is_none());
    server.get(&path).await.refused(404, "");
    server.put(&path, &barbara()).await.refused(404, "");
    server.patch(&path, json!([{"op": "add", "path": "title", "value": "x"}])).await.refused(404, "");
    server.delete(&path).await.refused(404, "");
    assert_eq!(server.names("userName eq \"bjensen@example.com\"").await, [""; 0], "7644-3.6-03");
    let again = server.post("/Users", &barbara()).await.expect(201).id();
    assert_ne!(again, id, "7643-3.1-04, 7644-3.6-04");
}

#[tokio::test]
async fn rfc7644_3_6_06_07_08_members_and_groups() {
    let server = Server::new();
    let (a, b) = (server.user(json!({"userName": "a"})).await, server.user(json!({"userName": "b"})).await);
    let group = server.group("g", &[&a, &b]).await;
    let path = format!("/Groups/{group}");
    let before = server.get(&path).await;
    server.tick();
    server.delete(&format!("/Users/{a}")).await.expect(204);
    let after = server.get(&path).await.expect(200);
    assert_eq!(after.json()["members"].as_array().unwrap().len(), 1);
    assert_ne!(after.etag(), before.etag());
    assert_eq!(after.json()["meta"]["lastModified"], "2023-11-14T22:13:21.000Z", "C16");
    server.delete(&path).await.expect(204);
    assert!(server.get(&format!("/Users/{b}")).await.expect(200).json().get("groups").is_none());
}
