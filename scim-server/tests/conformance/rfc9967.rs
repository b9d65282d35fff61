//! RFC 9967: events and asynchronous requests are not offered, and nothing says otherwise.

use crate::common::*;

#[tokio::test]
async fn r9967_2_5_1_01_a_request_that_prefers_to_wait_for_no_answer_gets_one() {
    for server in Server::all() {
        for prefer in ["respond-async", "respond-async, wait=1"] {
            let headers = [("prefer", prefer), ("content-type", "application/scim+json")];
            let body = json!({"schemas": [USER], "userName": "ann"}).to_string();
            let created = server.send("POST", "/Users", &headers, body).await.expect(201);
            assert!(["preference-applied", "set-txn"].iter().all(|name| created.header(name).is_none()));
            let path = format!("/Users/{}", created.id());
            assert_eq!(server.get(&path).await.expect(200).json()["userName"], "ann", "done when answered");
            server.send("DELETE", &path, &headers, "").await.expect(204);
            server.get(&path).await.refused(404, "");
        }
    }
}

#[tokio::test]
async fn r9967_4_01_no_events_are_declared() {
    let config = Server::new().get("/ServiceProviderConfig").await.expect(200).json();
    assert_eq!(config.get("securityEvents"), None, "{config}");
    let schema = Server::new()
        .get("/Schemas/urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig")
        .await
        .expect(200);
    assert!(!schema.text.contains("securityEvents"));
}
