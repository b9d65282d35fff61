//! RFC 7642 section 3: the flows that the standard was made for.

use crate::common::*;

#[tokio::test]
async fn r7642_3_01_a_directory_is_kept_in_step() {
    for server in Server::all() {
        // Create, with what the source calls it.
        let ann = server
            .user(json!({"userName": "ann", "externalId": "hr-1", "active": true, "password": "first"}))
            .await;
        let path = format!("/Users/{ann}");
        let query = format!("/Users?filter={}", encode("externalId eq \"hr-1\""));
        assert_eq!(server.get(&query).await.expect(200).strings("id"), [ann.as_str()]);
        // Change of role, through a group.
        let group = server.group("Guides", &[&ann]).await;
        assert_eq!(server.read("/Users", &ann).await["groups"][0]["value"], json!(group));
        // Change notification: what has changed since is found by time.
        let since = server.get(&path).await.json()["meta"]["lastModified"].as_str().unwrap().to_owned();
        server.tick();
        let patch = json!([{"op": "replace", "path": "title", "value": "Guide"}]);
        server.patch(&path, patch).await.expect(200);
        assert_eq!(server.names(&format!("meta.lastModified gt \"{since}\"")).await, ["ann"]);
        // Password change: shown to nobody; and not claimed to be done, unless that is wanted (`forget_passwords`).
        let patch = json!([{"op": "replace", "path": "password", "value": "second"}]);
        let answer = server.patch(&path, patch).await;
        assert!([200, 400].contains(&answer.status) && !answer.text.contains("second"), "{answer:?}");
        // Suspension, return and end.
        for active in [false, true] {
            let patch = json!([{"op": "replace", "path": "active", "value": active}]);
            assert_eq!(server.patch(&path, patch).await.expect(200).json()["active"], json!(active));
        }
        server.delete(&path).await.expect(204);
        assert_eq!(server.get(&query).await.json()["totalResults"], 0);
        assert!(server.read("/Groups", &group).await.get("members").is_none());
    }
}
