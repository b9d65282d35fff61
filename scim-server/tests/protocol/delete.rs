//! RFC 7644 section 3.6: DELETE.

use crate::server::*;

#[tokio::test]
async fn r7644_3_6_01_success_is_204_without_a_body() {
    for server in everywhere() {
        let ann = server.user(json!({"userName": "ann"})).await;
        let answer = server.delete(&ann).await.expect(204);
        assert_eq!(answer.text, "");
        assert_eq!(answer.header("content-type"), None);
    }
}

#[tokio::test]
async fn r7644_3_6_02_afterwards_every_operation_is_404() {
    for server in everywhere() {
        let ann = server.user(json!({"userName": "ann"})).await;
        server.delete(&ann).await.expect(204);
        server.get(&ann).await.refused(404, "");
        server.put(&ann, &user(json!({"userName": "ann"}))).await.refused(404, "");
        server.patch(&ann, json!([{"op": "replace", "path": "title", "value": "x"}])).await.refused(404, "");
        server.delete(&ann).await.refused(404, "");
        assert_eq!(server.get("/Users").await.json()["totalResults"], 0);
        let group = server.group("staff", &[]).await;
        server.delete(&group).await.expect(204);
        server.get(&group).await.refused(404, "");
        server.put(&group, &json!({"schemas": [GROUP], "displayName": "x"})).await.refused(404, "");
        server.patch(&group, json!([{"op": "remove", "path": "members"}])).await.refused(404, "");
        server.delete(&group).await.refused(404, "");
        server.send("HEAD", &group, &[], "").await.expect(404);
        let bulk = server
            .bulk(json!([{"method": "DELETE", "path": group}, {"method": "DELETE", "path": ann}]))
            .await;
        assert_eq!(bulk.statuses(), ["404", "404"]);
    }
    for server in everywhere_with(|builder| builder.registry(things())) {
        let path = format!("/Things/{}", server.post("/Things", &thing(json!({}))).await.expect(201).id());
        server.delete(&path).await.expect(204);
        server.get(&path).await.refused(404, "");
        server.put(&path, &thing(json!({}))).await.refused(404, "");
    }
}

#[tokio::test]
async fn r7644_3_6_03_queries_do_not_find_it() {
    for server in everywhere() {
        let ann = server.post("/Users", &full_user("ann")).await.expect(201).id();
        server.user(json!({"userName": "bob"})).await;
        server.delete(&format!("/Users/{ann}")).await.expect(204);
        for filter in [
            "userName eq \"ann\"",
            "title pr",
            "externalId eq \"Ext-ann\"",
            "emails.value eq \"babs@jensen.org\"",
        ] {
            assert_eq!(server.names(filter).await, [""; 0], "{filter}");
        }
        assert_eq!(server.filter("/Users", &format!("id eq \"{ann}\"")).await.json()["totalResults"], 0);
        assert_eq!(server.get("/").await.expect(200).strings("userName"), ["bob"]);
    }
}

#[tokio::test]
async fn r7644_3_6_04_it_does_not_count_in_conflicts() {
    for server in everywhere() {
        let ann = server.user(json!({"userName": "ann"})).await;
        let bob = server.user(json!({"userName": "bob"})).await;
        server.delete(&ann).await.expect(204);
        let again = server.user(json!({"userName": "ann"})).await;
        assert_ne!(again, ann);
        server.delete(&again).await.expect(204);
        server.patch(&bob, json!([{"op": "replace", "path": "userName", "value": "ann"}])).await.expect(200);
    }
}

#[tokio::test]
async fn r7644_3_6_05_an_unknown_id_is_404() {
    for server in everywhere() {
        server.delete("/Users/none").await.refused(404, "");
        server.delete("/Groups/none").await.refused(404, "");
    }
}

#[tokio::test]
async fn r7644_3_6_06_a_deleted_user_is_a_member_no_more() {
    for server in everywhere() {
        let (ann, bob) =
            (server.user(json!({"userName": "ann"})).await, server.user(json!({"userName": "bob"})).await);
        let staff = server.group("staff", &[&ann, &bob]).await;
        let before = server.get(&staff).await.json();
        server.tick();
        server.delete(&ann).await.expect(204);
        let after = server.get(&staff).await.json();
        assert_eq!(strings(&after["members"], "value"), [id(&bob)]);
        assert_ne!(after["meta"]["lastModified"], before["meta"]["lastModified"], "C16");
        assert_ne!(after["meta"]["version"], before["meta"]["version"]);
        let filter = format!("members.value eq \"{}\"", id(&ann));
        assert_eq!(server.filter("/Groups", &filter).await.json()["totalResults"], 0);
    }
}

#[tokio::test]
async fn r7644_3_6_07_groups_are_deleted_and_their_members_stay() {
    for server in everywhere() {
        let ann = server.user(json!({"userName": "ann"})).await;
        let staff = server.group("staff", &[&ann]).await;
        server.delete(&staff).await.expect(204);
        server.get(&staff).await.refused(404, "");
        let ann = server.get(&ann).await.expect(200).json();
        assert!(ann.get("groups").is_none(), "{ann}");
    }
}

#[tokio::test]
async fn r7644_3_6_08_deleting_a_member_leaves_its_groups_readable() {
    for server in everywhere() {
        let ann = server.user(json!({"userName": "ann"})).await;
        let inner = server.group("inner", &[&ann]).await;
        let outer = server.group("outer", &[&inner]).await;
        server.delete(&ann).await.expect(204);
        server.delete(&inner).await.expect(204);
        let outer = server.get(&outer).await.expect(200).json();
        assert!(outer.get("members").is_none(), "{outer}");
        assert_eq!(server.get("/Groups").await.expect(200).strings("displayName"), ["outer"]);
    }
}
