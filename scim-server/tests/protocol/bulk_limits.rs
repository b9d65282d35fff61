//! RFC 7644 section 3.7.4: what a bulk request may ask for at most, and what servers without it say.

use std::sync::Arc;

use scim_server::Limits;
use scim_server::store::MemoryStore;

use crate::bulk::{create, patch_data};
use crate::server::*;

fn limited(change: impl FnOnce(Limits) -> Limits) -> Server {
    Server::with(|builder| builder.limits(change(Limits::default())))
}

fn everywhere_limited(change: impl Fn(Limits) -> Limits) -> impl Iterator<Item = Server> {
    everywhere_with(move |builder| builder.limits(change(Limits::default())))
}

fn users(count: usize) -> Value {
    (0..count).map(|n| create(&format!("b{n}"), &format!("u{n}"))).collect()
}

fn message(operations: &Value) -> String {
    json!({"schemas": [BULK], "Operations": operations}).to_string()
}

#[tokio::test]
async fn r7644_3_7_4_01_the_configuration_has_the_limits_that_hold() {
    let standard = Server::tolerant().get("/ServiceProviderConfig").await.json();
    assert_eq!(
        standard["bulk"],
        json!({"supported": true, "maxOperations": 1000, "maxPayloadSize": 4_194_304})
    );
    for server in everywhere_limited(|limits| limits.with_bulk_operations(3).with_bulk_payload(1000)) {
        let bulk = server.get("/ServiceProviderConfig").await.expect(200).json()["bulk"].clone();
        assert_eq!(bulk, json!({"supported": true, "maxOperations": 3, "maxPayloadSize": 1000}));
        let fits = format!("{:<1000}", message(&users(3)));
        assert_eq!(fits.len(), 1000);
        let answer = server.send("POST", "/Bulk", &[], fits.as_str()).await;
        assert_eq!(Bulk::of(answer).statuses(), ["201"; 3], "as much as is announced");
        server.send("POST", "/Bulk", &[], format!("{fits} ")).await.refused(413, "");
    }
}

#[tokio::test]
async fn r7644_3_7_4_02_more_is_413_and_nothing_is_carried_out() {
    let body = message(&users(3));
    let payload = body.len();
    // The limit of other bodies does not matter.
    for server in everywhere_limited(|limits| limits.with_body(50).with_bulk_payload(payload)) {
        server.send("POST", "/Bulk", &[], format!("{body} ")).await.refused(413, "");
        assert_eq!(server.names("userName pr").await, [""; 0]);
        assert_eq!(Bulk::of(server.send("POST", "/Bulk", &[], body.as_str()).await).0.len(), 3);
    }
    for server in everywhere_limited(|limits| limits.with_bulk_operations(3)) {
        server.send("POST", "/Bulk", &[], message(&users(4))).await.refused(413, "");
        assert_eq!(server.names("userName pr").await, [""; 0]);
        assert_eq!(server.bulk(users(3)).await.statuses(), ["201"; 3]);
    }
}

#[tokio::test]
async fn r7644_3_7_4_03_the_error_names_the_limit() {
    for server in everywhere_limited(|limits| limits.with_bulk_operations(3).with_bulk_payload(1000)) {
        assert_eq!(
            server.send("POST", "/Bulk", &[], message(&users(4))).await.refused(413, ""),
            "the bulk request has 4 operations, more than `maxOperations`, 3; split it"
        );
        assert_eq!(
            server.send("POST", "/Bulk", &[], message(&users(40))).await.refused(413, ""),
            "the bulk request is larger than `maxPayloadSize`, 1000 bytes; split it"
        );
    }
}

/// Of bulk requests, whatever else is wrong with them: see 3.7.4. Of other requests, where their limit is.
#[tokio::test]
async fn r7644_3_12_10_what_is_too_large_is_413() {
    for server in everywhere_limited(|limits| limits.with_body(200).with_bulk_payload(300)) {
        server.send("POST", "/Bulk", &[], "{".repeat(301)).await.refused(413, "");
        server.send("POST", "/Bulk", &[], "{".repeat(300)).await.refused(400, "invalidSyntax");
        server.send("POST", "/Users", &[], "{".repeat(201)).await.refused(413, "");
    }
}

#[tokio::test]
async fn r7644_3_12_12_what_is_not_supported_is_501() {
    for server in everywhere_with(|builder| builder.bulk(false)) {
        let ann = server.user(json!({"userName": "ann"})).await;
        let patch = json!({"schemas": [PATCH_OP], "Operations": [{"op": "remove", "path": "userName"}]});
        for (method, path, body) in [
            ("POST", "/Bulk", message(&users(1))),
            ("GET", "/Me", String::new()),
            ("PATCH", "/Me", patch.to_string()),
            ("DELETE", "/Me", String::new()),
        ] {
            let detail = server.send(method, path, &[], body).await.refused(501, "");
            assert!(detail.contains(path), "{detail}");
        }
        server.get(&ann).await.expect(200);
    }
}

/// The limits of PATCH hold for all operations together, lest a thousand of them cost a thousand times as much.
#[tokio::test]
async fn many_patches_share_one_budget() {
    let emails: Vec<Value> = (0..300).map(|n| json!({"value": format!("{n}@example.com")})).collect();
    let operation = json!({"op": "replace", "path": "emails[value sw \"7\" and type eq \"x\" or value eq \"none\"].type", "value": "y"});
    let patch = |path: &str| json!({"method": "PATCH", "path": path, "data": {"schemas": [PATCH_OP], "Operations": [operation]}});
    let server = limited(|mut limits| {
        limits.bulk_patch_work = 100_000;
        limits
    });
    let path = server.user(json!({"userName": "Ann", "emails": emails})).await;
    let alone = server.bulk(json!([patch(&path)])).await;
    assert!(alone.refusal(0).starts_with("400 noTarget"), "{}", alone.refusal(0));
    let many: Vec<Value> = (0..500).map(|_| patch(&path)).collect();
    let many = server.bulk(json!(many)).await;
    assert!(many.0.iter().all(|result| result["response"]["scimType"] == "tooMany"), "{:?}", many.0[0]);
}

#[tokio::test]
async fn members_of_all_operations_count_together() {
    let server = limited(|limits| limits.with_relation_values(5));
    let paths: Vec<String> = {
        let mut paths = Vec::new();
        for n in 0..4 {
            paths.push(server.user(json!({"userName": format!("u{n}")})).await);
        }
        paths
    };
    let members = |count: usize| -> Vec<Value> {
        paths.iter().take(count).map(|path| json!({"value": id(path)})).collect()
    };
    let group = |n: usize, count| {
        json!({"method": "POST", "path": "/Groups", "bulkId": format!("g{n}"),
        "data": {"schemas": [GROUP], "displayName": format!("G{n}"), "members": members(count)}})
    };
    let put = |path: &str, count| json!({"method": "PUT", "path": path, "data": {"schemas": [GROUP], "displayName": "P", "members": members(count)}});
    let add = |path: &str, count| {
        json!({"method": "PATCH", "path": path,
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
    let path = server.group("g", &[]).await;
    let sweep = json!({"method": "PATCH", "path": path,
        "data": {"schemas": [PATCH_OP], "Operations": [{"op": "remove", "path": "members[display sw \"x\"]"}]}});
    let answer = server.bulk(json!([sweep, sweep, sweep])).await;
    assert_eq!(answer.statuses(), ["200", "200", "400"]);
    assert!(answer.refusal(2).starts_with("400 tooMany more than 2 operations"), "{}", answer.refusal(2));
}

/// Small operations on a large resource cost what the resource costs: they count its bytes, all of them together.
#[tokio::test]
async fn what_operations_read_and_write_counts_together() {
    for server in everywhere_limited(|limits| limits.with_bulk_work(100_000)) {
        let emails: Vec<Value> = (0..300).map(|n| json!({"value": format!("{n}@example.com")})).collect();
        let path = server.user(json!({"userName": "Ann", "emails": emails})).await;
        let size = server.get(&path).await.text.len();
        assert!((8_000..16_000).contains(&size), "{size}");
        let title = |n: usize| {
            json!({"method": "PATCH", "path": path,
                "data": patch_data(json!([{"op": "replace", "path": "title", "value": format!("t{n}")}]))})
        };
        let many: Vec<Value> = (0..100).map(title).chain([create("b", "bob")]).collect();
        let answer = server.bulk(json!(many)).await;
        let done = answer.statuses().iter().take_while(|status| **status == "200").count();
        // Each reads and writes it.
        assert!((100_000 / (2 * size)..=100_000 / (2 * (size - 500))).contains(&done), "{done} of {size}");
        for n in done..many.len() {
            assert_eq!(
                answer.refusal(n),
                "400 tooMany the operations of this request have read and written resources of more than the limit of 100000 bytes in all; this one has not been carried out, send it in another request"
            );
        }
        let read = server.get(&path).await.json();
        assert_eq!(read["title"], format!("t{}", done - 1), "what was done stays, and nothing more was done");
        assert_eq!(server.names("userName pr").await, ["Ann"]);
        // What fails has been read as well.
        let missing = json!({"method": "PATCH", "path": path,
            "data": patch_data(json!([{"op": "replace", "path": "emails[type eq \"x\" or value eq \"none\"].type",
                "value": "y"}]))});
        let answer = server.bulk(json!(vec![missing; 50])).await;
        assert!(answer.refusal(0).starts_with("400 noTarget"), "{}", answer.refusal(0));
        assert!(answer.refusal(49).starts_with("400 tooMany"), "{}", answer.refusal(49));
        // The next request has a budget of its own, and so has every other.
        assert_eq!(server.bulk(json!([title(7), create("b", "bob")])).await.statuses(), ["200", "201"]);
        // PUT reads what it replaces.
        let put = json!({"method": "PUT", "path": path, "data": user(json!({"userName": "Ann", "emails": emails}))});
        let answer = server.bulk(json!(vec![put; 20])).await;
        assert_eq!((answer.statuses()[0], answer.statuses()[19]), ("200", "400"));
    }
}

/// A list that is looked at as a whole counts, however small the group itself is.
#[tokio::test]
async fn members_that_are_looked_at_count_too() {
    for server in everywhere_limited(|limits| limits.with_bulk_work(20_000)) {
        let mut members = Vec::new();
        for n in 0..50 {
            members.push(server.user(json!({"userName": format!("u{n}")})).await);
        }
        let members: Vec<&str> = members.iter().map(|path| id(path)).collect();
        let path = server.group("g", &members).await;
        let sweep = json!({"method": "PATCH", "path": path,
            "data": patch_data(json!([{"op": "remove", "path": "members[display sw \"x\"]"}]))});
        let answer = server.bulk(json!(vec![sweep; 20])).await;
        let done = answer.statuses().iter().filter(|status| **status == "200").count();
        assert!((2..8).contains(&done), "{done}");
        assert!(answer.refusal(19).starts_with("400 tooMany"), "{}", answer.refusal(19));
    }
}

/// No resource grows past its limit, by whatever operation and in however many steps.
#[tokio::test]
async fn a_resource_has_a_greatest_size() {
    for server in everywhere_limited(|limits| limits.with_resource(2_000)) {
        let too_large =
            "the resource would have more than the limit of 2000 bytes, its members and the like not counted";
        let long = "x".repeat(2_000);
        let body = user(json!({"userName": "Ann", "title": long}));
        assert_eq!(server.post("/Users", &body).await.refused(413, ""), too_large);
        let path = server.user(json!({"userName": "Ann"})).await;
        assert_eq!(server.send("PUT", &path, &[], body.to_string()).await.refused(413, ""), too_large);
        let add =
            |n: usize| json!([{"op": "add", "path": "emails", "value": [{"value": format!("{n:0>90}@x")}]}]);
        let mut added = 0;
        let refused = loop {
            let answer = server.patch(&path, add(added)).await;
            if answer.status != 200 {
                break answer;
            }
            added += 1;
            assert!(added < 30);
        };
        assert_eq!(refused.refused(413, ""), too_large);
        assert!(added > 10, "{added}");
        assert_eq!(server.get(&path).await.json()["emails"].as_array().unwrap().len(), added);
        let operations = json!([
            {"method": "PATCH", "path": path, "data": patch_data(add(99))},
            {"method": "POST", "path": "/Users", "bulkId": "a", "data": user(json!({"userName": "bob", "title": long}))},
            {"method": "PATCH", "path": path, "data": patch_data(json!([{"op": "remove", "path": "emails"}]))},
        ]);
        let answer = server.bulk(operations).await;
        assert_eq!(answer.statuses(), ["413", "413", "200"]);
        assert_eq!(answer.refusal(1), format!("413 - {too_large}"));
        // Members are no part of it.
        let mut members = Vec::new();
        for n in 0..60 {
            members.push(server.user(json!({"userName": format!("u{n}")})).await);
        }
        let members: Vec<&str> = members.iter().map(|path| id(path)).collect();
        let group = server.group("g", &members).await;
        assert_eq!(server.members(&group).await.len(), 60);
    }
    // What was kept when there was more room may shrink, and is not stuck.
    let store: Store = Arc::new(MemoryStore::new());
    let roomy = Server::over(Arc::clone(&store), false, |builder| builder);
    let path = roomy.user(json!({"userName": "Ann", "title": "x".repeat(4_000)})).await;
    let tight = Server::over(store, false, |builder| builder.limits(Limits::default().with_resource(2_000)));
    let title = |length: usize| json!([{"op": "replace", "path": "title", "value": "y".repeat(length)}]);
    tight.patch(&path, title(3_999)).await.expect(200);
    tight.patch(&path, title(4_001)).await.refused(413, "");
    tight.patch(&path, title(10)).await.expect(200);
    tight.patch(&path, title(3_000)).await.refused(413, "");
}

/// The data of an operation may be as deep as the body of a request of its own, and no deeper.
#[tokio::test]
async fn data_may_be_as_deep_as_a_body() {
    let server = Server::tolerant();
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
    let server = Server::tolerant();
    let long = "x\u{7}".repeat(500);
    let operation = json!({"method": long, "path": format!("/{long}"), "bulkId": "b", "data": long});
    let body = json!({"schemas": [BULK], "Operations": vec![operation; 100]}).to_string();
    let answer = server.send("POST", "/Bulk", &[], body.clone()).await;
    assert!(answer.text.len() < body.len() / 3, "{} and {}", answer.text.len(), body.len());
    assert_eq!(Bulk::of(answer).statuses(), vec!["400"; 100]);
}
