//! Bulk requests: their operations reach the account one by one, and references follow the ids that it gives.

use serde_json::{Value, json};

use crate::world::{World, group, user};

const BULK: &str = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";

async fn bulk(world: &World, operations: Value) -> Vec<Value> {
    let body = json!({"schemas": [BULK], "Operations": operations});
    let answer = world.send("POST", "/Bulk", Some(body)).await.is(200);
    answer["Operations"].as_array().unwrap().clone()
}

fn post(path: &str, bulk_id: &str, data: Value) -> Value {
    json!({"method": "POST", "path": path, "bulkId": bulk_id, "data": data})
}

fn id(result: &Value) -> String {
    result["location"].as_str().unwrap().rsplit('/').next().unwrap().to_owned()
}

#[tokio::test]
async fn references_follow_the_ids_of_the_account() {
    let world = World::new();
    let ada = world.user("ada@x.org").await;
    world.delete(&format!("/Users/{ada}")).await.is(204);
    let results = bulk(
        &world,
        json!([
            post("/Groups", "g", group("Engineering", &["bulkId:a", "bulkId:b"])),
            post("/Users", "a", user("ada@x.org", "Ada")),
            post("/Users", "b", user("bob@x.org", "Bob")),
            post("/Users", "c", user("BOB@x.org", "Bob again")),
            post("/Groups", "h", group("Other", &["bulkId:c"])),
            {"method": "DELETE", "path": "/Users/bulkId:b"},
        ]),
    )
    .await;
    let statuses: Vec<_> = results.iter().map(|result| result["status"].as_str().unwrap()).collect();
    assert_eq!(statuses, ["201", "201", "201", "409", "409", "204"]);
    assert_eq!(id(&results[1]), ada, "the account knows them still");
    assert_eq!(world.members(&id(&results[0])).await, [ada].into());
    world.agrees().await;
}

#[tokio::test]
async fn groups_in_a_circle_are_refused_and_leave_nothing() {
    let world = World::new();
    let before = (world.account_state().await, world.view().await);
    let results = bulk(
        &world,
        json!([
            post("/Groups", "a", group("A", &["bulkId:b"])),
            post("/Groups", "b", group("B", &["bulkId:a"])),
        ]),
    )
    .await;
    for result in &results {
        assert_eq!(result["status"], "409");
        assert!(result["response"]["detail"].as_str().unwrap().contains("create them, then refer to them"));
    }
    assert_eq!((world.account_state().await, world.view().await), before);
}
