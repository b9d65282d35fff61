//! What a bulk request may ask for at most (RFC 7644 section 3.7.4).

use scim_server::Limits;

use crate::common::*;

fn limited(change: impl FnOnce(Limits) -> Limits) -> Server {
    Server::with(|builder| builder.limits(change(Limits::default())))
}

fn users(count: usize) -> Value {
    let user = |n| json!({"method": "POST", "path": "/Users", "bulkId": format!("{n}"), "data": {"schemas": [USER], "userName": format!("u{n}")}});
    (0..count).map(user).collect()
}

#[tokio::test]
async fn rfc7644_3_7_4_too_many_operations_are_413_and_none_is_carried_out() {
    let server = limited(|limits| limits.with_bulk_operations(3));
    let config = server.get("/ServiceProviderConfig").await.json();
    assert_eq!(config["bulk"], json!({"supported": true, "maxOperations": 3, "maxPayloadSize": 4194304}));
    let answer = server.post("/Bulk", &json!({"schemas": [BULK], "Operations": users(4)})).await;
    assert_eq!(
        answer.refused(413, ""),
        "the bulk request has 4 operations, more than `maxOperations`, 3; split it"
    );
    assert!(server.names("userName pr").await.is_empty());
    assert_eq!(server.bulk(users(3)).await.statuses(), ["201", "201", "201"]);
}

#[tokio::test]
async fn rfc7644_3_7_4_a_body_past_the_limit_is_413_whatever_the_limit_of_others() {
    let body = json!({"schemas": [BULK], "Operations": users(3)}).to_string();
    let server = limited(|limits| limits.with_body(50).with_bulk_payload(body.len()));
    let answer = server.send("POST", "/Bulk", &[], format!("{body} ")).await;
    let expected =
        format!("the bulk request is larger than `maxPayloadSize`, {} bytes; split it", body.len());
    assert_eq!(answer.refused(413, ""), expected);
    assert!(server.names("userName pr").await.is_empty());
    assert_eq!(Bulk::of(server.send("POST", "/Bulk", &[], body).await).0.len(), 3);
}

/// The limits of PATCH hold for all operations together, lest a thousand of them cost a thousand times as much.
#[tokio::test]
async fn many_patches_share_one_budget() {
    let emails: Vec<Value> = (0..300).map(|n| json!({"value": format!("{n}@example.com")})).collect();
    let operation = json!({"op": "replace", "path": "emails[value sw \"7\" and type eq \"x\" or value eq \"none\"].type", "value": "y"});
    let patch = |id: &str| json!({"method": "PATCH", "path": format!("/Users/{id}"), "data": {"schemas": [PATCH_OP], "Operations": [operation]}});
    let server = limited(|mut limits| {
        limits.bulk_patch_work = 100_000;
        limits
    });
    let id = server.user(json!({"userName": "Ann", "emails": emails})).await;
    let alone = server.bulk(json!([patch(&id)])).await;
    assert!(alone.refusal(0).starts_with("400 noTarget"), "{}", alone.refusal(0));
    let many: Vec<Value> = (0..500).map(|_| patch(&id)).collect();
    let many = server.bulk(json!(many)).await;
    assert!(many.0.iter().all(|result| result["response"]["scimType"] == "tooMany"), "{:?}", many.0[0]);
}

#[tokio::test]
async fn members_of_all_operations_count_together() {
    let server = limited(|limits| limits.with_relation_values(5));
    let ids: Vec<String> = {
        let mut ids = Vec::new();
        for n in 0..4 {
            ids.push(server.user(json!({"userName": format!("u{n}")})).await);
        }
        ids
    };
    let members =
        |count: usize| -> Vec<Value> { ids.iter().take(count).map(|id| json!({"value": id})).collect() };
    let group = |n: usize, count| {
        json!({"method": "POST", "path": "/Groups", "bulkId": format!("g{n}"),
        "data": {"schemas": [GROUP], "displayName": format!("G{n}"), "members": members(count)}})
    };
    let put = |id: &str, count| json!({"method": "PUT", "path": format!("/Groups/{id}"), "data": {"schemas": [GROUP], "displayName": "P", "members": members(count)}});
    let add = |id: &str, count| {
        json!({"method": "PATCH", "path": format!("/Groups/{id}"),
        "data": {"schemas": [PATCH_OP], "Operations": [{"op": "add", "path": "members", "value": members(count)}]}})
    };
    let old = server.group("old", &[]).await;
    let answer =
        server.bulk(json!([group(1, 2), put(&old, 2), add(&old, 1), group(2, 1), group(3, 0)])).await;
    assert_eq!(answer.statuses(), ["201", "200", "200", "400", "201"]);
    assert_eq!(
        answer.refusal(3),
        "400 invalidValue the operations of this request have more than the limit of 5 members and the like; split it"
    );
    for late in [put(&old, 3), add(&old, 3)] {
        assert_eq!(server.bulk(json!([group(4, 3), late])).await.statuses(), ["201", "400"]);
    }
}

#[tokio::test]
async fn operations_that_look_at_all_members_are_limited_together() {
    let server = limited(|mut limits| {
        limits.bulk_sweeps = 2;
        limits
    });
    let id = server.group("g", &[]).await;
    let sweep = json!({"method": "PATCH", "path": format!("/Groups/{id}"),
        "data": {"schemas": [PATCH_OP], "Operations": [{"op": "remove", "path": "members[display sw \"x\"]"}]}});
    let answer = server.bulk(json!([sweep, sweep, sweep])).await;
    assert_eq!(answer.statuses(), ["200", "200", "400"]);
    assert!(answer.refusal(2).starts_with("400 tooMany more than 2 operations"), "{}", answer.refusal(2));
}

/// The data of an operation may be as deep as the body of a request of its own, and no deeper.
#[tokio::test]
async fn data_may_be_as_deep_as_a_body() {
    let server = Server::new();
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let user =
        |depth: usize| format!(r#"{{"schemas":["{USER}"],"userName":"a{depth}","x":{}}}"#, nested(depth));
    let bulk = |depth: usize| {
        format!(
            r#"{{"schemas":["{BULK}"],"Operations":[{{"method":"POST","path":"/Users","bulkId":"a","data":{}}}]}}"#,
            user(depth)
        )
    };
    for (depth, accepted) in [(63, true), (64, false)] {
        let single = server.send("POST", "/Users", &[], user(depth)).await;
        assert_eq!(single.status == 201, accepted, "{single:?}");
        if accepted {
            server.delete(&format!("/Users/{}", single.id())).await.expect(204);
        }
        assert_eq!(server.send("POST", "/Bulk", &[], bulk(depth)).await.status == 200, accepted);
    }
}

/// What is repeated of a request that is hostile throughout is short and escaped.
#[tokio::test]
async fn answers_do_not_grow_past_the_request() {
    let server = Server::new();
    let long = "x\u{7}".repeat(500);
    let operation = json!({"method": long, "path": format!("/{long}"), "bulkId": "b", "data": long});
    let body = json!({"schemas": [BULK], "Operations": vec![operation; 100]}).to_string();
    let answer = server.send("POST", "/Bulk", &[], body.clone()).await;
    assert!(answer.text.len() < body.len() / 3, "{} and {}", answer.text.len(), body.len());
    assert_eq!(Bulk::of(answer).statuses(), vec!["400"; 100]);
}
