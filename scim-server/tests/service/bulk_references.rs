//! `bulkId:x` in bulk requests (RFC 7644 sections 3.7.1 and 3.7.2).

use crate::common::*;

fn user(bulk_id: &str, name: &str) -> Value {
    json!({"method": "POST", "path": "/Users", "bulkId": bulk_id, "data": {"schemas": [USER], "userName": name}})
}

fn group(bulk_id: &str, name: &str, members: &[&str]) -> Value {
    let members: Vec<Value> = members.iter().map(|id| json!({"value": format!("bulkId:{id}")})).collect();
    json!({"method": "POST", "path": "/Groups", "bulkId": bulk_id,
        "data": {"schemas": [GROUP], "displayName": name, "members": members}})
}

/// The ids of the members of a group.
async fn members(server: &Server, path: &str) -> Vec<String> {
    let group = server.get(path).await.expect(200).json();
    let members = group.get("members").map(|members| members.as_array().unwrap().clone()).unwrap_or_default();
    members.iter().map(|member| member["value"].as_str().unwrap().to_owned()).collect()
}

/// The first example of section 3.7.2.
#[tokio::test]
async fn rfc7644_3_7_2_01_a_group_refers_to_a_user_of_the_same_request() {
    let server = Server::new();
    let answer = server
        .bulk(json!([
            {"method": "POST", "path": "/Users", "bulkId": "qwerty", "data": {"schemas": [USER], "userName": "Alice"}},
            {"method": "POST", "path": "/Groups", "bulkId": "ytrewq", "data": {"schemas": [GROUP], "displayName": "Tour Guides",
                "members": [{"type": "User", "value": "bulkId:qwerty"}]}},
        ]))
        .await;
    assert_eq!(answer.statuses(), ["201", "201"]);
    assert_eq!(members(&server, &answer.path(1)).await, [answer.id(0)]);
    let alice = server.get(&answer.path(0)).await.json();
    assert_eq!(alice["groups"][0]["value"], answer.id(1));
    assert_eq!(alice["meta"]["version"], answer.0[0]["version"]);
}

/// The second example of section 3.7.2.
#[tokio::test]
async fn rfc7644_3_7_2_02_an_extension_refers_to_a_user_of_the_same_request() {
    let server = Server::new();
    let bob = json!({"method": "POST", "path": "/Users", "bulkId": "ytrewq", "data": {"schemas": [USER, ENTERPRISE],
        "userName": "Bob", ENTERPRISE: {"employeeNumber": "11250", "manager": {"value": "bulkId:qwerty"}}}});
    for operations in [json!([user("qwerty", "Alice"), bob]), json!([bob, user("qwerty", "Alice")])] {
        let answer = server.bulk(operations.clone()).await;
        assert_eq!(answer.statuses(), ["201", "201"]);
        let place =
            |name: &str| operations.as_array().unwrap().iter().position(|o| o["bulkId"] == name).unwrap();
        let shown = server.get(&answer.path(place("ytrewq"))).await.json();
        assert_eq!(shown[ENTERPRISE]["manager"]["value"], answer.id(place("qwerty")));
        for n in 0..2 {
            server.delete(&answer.path(n)).await.expect(204);
        }
    }
}

/// The example of section 3.7.1.
#[tokio::test]
async fn rfc7644_3_7_1_01_circular_references_are_resolved() {
    let server = Server::new();
    let answer = server
        .bulk(json!([
            {"method": "POST", "path": "/Groups", "bulkId": "qwerty", "data": {"schemas": [GROUP], "displayName": "Group A",
                "members": [{"type": "Group", "value": "bulkId:ytrewq"}]}},
            {"method": "POST", "path": "/Groups", "bulkId": "ytrewq", "data": {"schemas": [GROUP], "displayName": "Group B",
                "members": [{"type": "Group", "value": "bulkId:qwerty"}]}},
        ]))
        .await;
    assert_eq!(answer.statuses(), ["201", "201"]);
    assert_eq!(members(&server, &answer.path(0)).await, [answer.id(1)]);
    assert_eq!(members(&server, &answer.path(1)).await, [answer.id(0)]);
}

#[tokio::test]
async fn a_group_may_contain_itself() {
    let server = Server::new();
    let answer = server.bulk(json!([group("g", "G", &["g"])])).await;
    assert_eq!(answer.statuses(), ["201"]);
    assert_eq!(members(&server, &answer.path(0)).await, [answer.id(0)]);
}

#[tokio::test]
async fn rfc7644_3_7_14_what_is_referred_to_goes_first_and_answers_keep_their_order() {
    let server = Server::new();
    let add = |path: &str, id: &str| {
        json!({"method": "PATCH", "path": path, "data": {"schemas": [PATCH_OP],
            "Operations": [{"op": "add", "path": "members", "value": [{"value": format!("bulkId:{id}")}]}]}})
    };
    let existing = server.group("existing", &[]).await;
    let answer = server
        .bulk(json!([
            add(&format!("/Groups/{existing}"), "u3"),
            add("/Groups/bulkId:g", "u3"),
            group("g", "G", &["u2", "inner", "u1"]),
            user("u1", "Ann"),
            group("inner", "Inner", &["g", "u3"]),
            user("u2", "Bea"),
            user("u3", "Cid"),
            {"method": "DELETE", "path": "/Users/bulkId:u1"},
            {"method": "PUT", "path": "/Groups/bulkId:inner", "data": {"schemas": [GROUP], "displayName": "In", "members": [{"value": "bulkId:u2"}]}},
        ]))
        .await;
    assert_eq!(answer.statuses(), ["200", "200", "201", "201", "201", "201", "201", "204", "200"]);
    let (ann, inner, bea, cid) = (answer.id(3), answer.id(4), answer.id(5), answer.id(6));
    assert_eq!(answer.id(1), answer.id(2));
    assert_eq!(members(&server, &format!("/Groups/{existing}")).await, [cid.as_str()]);
    assert_eq!(members(&server, &answer.path(2)).await, [bea.as_str(), &inner, &cid]);
    assert_eq!(members(&server, &answer.path(4)).await, [bea.as_str()]);
    server.get(&format!("/Users/{ann}")).await.expect(404);
    let methods: Vec<_> = answer.0.iter().map(|result| result["method"].as_str().unwrap()).collect();
    assert_eq!(methods.join(" "), "PATCH PATCH POST POST POST POST POST DELETE PUT");
}

#[tokio::test]
async fn rfc7644_3_7_2_03_an_unknown_bulk_id_refuses_the_operation_that_has_it() {
    let server = Server::new();
    let unknown = "400 invalidValue no POST of this request has the bulkId `nope`";
    let answer = server
        .bulk(json!([
            group("g", "G", &["nope"]),
            {"method": "DELETE", "path": "/Users/bulkId:nope"},
            user("u", "Ann"),
            {"method": "PATCH", "path": "/Users/bulkId:u", "bulkId": "p", "data": {"schemas": [PATCH_OP],
                "Operations": [{"op": "add", "path": format!("{ENTERPRISE}:manager.value"), "value": "bulkId:nope"}]}},
            {"method": "DELETE", "path": "/Users/bulkId:p"},
        ]))
        .await;
    assert_eq!(answer.statuses(), ["400", "400", "201", "400", "400"]);
    for n in [0, 1, 3] {
        assert_eq!(answer.refusal(n), unknown);
    }
    assert_eq!(answer.refusal(4), "400 invalidValue no POST of this request has the bulkId `p`");
    assert_eq!(server.get("/Groups").await.json()["totalResults"], 0);
}

/// Decision B5: what needs a resource that was not created fails as well, and counts.
#[tokio::test]
async fn what_refers_to_a_failure_fails() {
    let server = Server::new();
    server.user(json!({"userName": "Taken"})).await;
    let failed = "409 - the operation with the bulkId `u` has failed, and this one needs what it creates";
    let operations = json!([
        group("g", "G", &["u"]),
        user("u", "taken"),
        {"method": "PATCH", "path": "/Groups/bulkId:g", "data": {"schemas": [PATCH_OP], "Operations": [{"op": "remove", "path": "externalId"}]}},
        {"method": "DELETE", "path": "/Users/bulkId:u"},
        user("v", "Free"),
    ]);
    let answer = server.bulk(operations.clone()).await;
    assert_eq!(answer.statuses(), ["409", "409", "409", "409", "201"]);
    assert_eq!(answer.refusal(0), failed);
    assert_eq!(answer.refusal(1), "409 uniqueness another User already has the userName `taken`");
    assert_eq!(answer.refusal(2), failed.replace("`u`", "`g`"));
    assert_eq!(answer.refusal(3), failed);
    server.delete(&answer.path(4)).await.expect(204);
    let answer = server.bulk_until(2, operations).await;
    assert_eq!(answer.statuses(), ["409", "409"], "the failure goes first, and both count");
    assert_eq!(server.names("userName pr").await, ["Taken"]);
}

#[tokio::test]
async fn a_circle_is_created_as_a_whole_or_not_at_all() {
    let server = Server::new();
    server.user(json!({"userName": "Taken"})).await;
    let manager = |bulk_id: &str, name: &str, manager: &str| {
        json!({"method": "POST", "path": "/Users", "bulkId": bulk_id, "data": {"schemas": [USER, ENTERPRISE], "userName": name,
            ENTERPRISE: {"manager": {"value": format!("bulkId:{manager}")}}}})
    };
    let answer =
        server.bulk(json!([manager("a", "Ann", "b"), manager("b", "taken", "a"), user("c", "Cid")])).await;
    assert_eq!(answer.statuses(), ["409", "409", "201"]);
    for n in [0, 1] {
        assert_eq!(answer.refusal(n), "409 uniqueness another User already has the userName `taken`");
    }
    let invalid = json!({"method": "POST", "path": "/Groups", "bulkId": "y", "data": {"schemas": [GROUP], "members": [{"value": "bulkId:x"}]}});
    let answer = server.bulk(json!([group("x", "X", &["y"]), invalid, group("z", "Z", &["x"])])).await;
    assert_eq!(answer.statuses(), ["409", "400", "409"]);
    assert!(answer.refusal(0).contains("the bulkId `y` has failed"), "{}", answer.refusal(0));
    assert!(answer.refusal(1).contains("`displayName` is required"), "{}", answer.refusal(1));
    assert!(answer.refusal(2).contains("the bulkId `x` has failed"), "{}", answer.refusal(2));
    assert_eq!(server.names("userName pr").await, ["Taken", "Cid"]);
    assert_eq!(server.get("/Groups").await.json()["totalResults"], 0);
}

#[tokio::test]
async fn a_bulk_id_that_two_have_is_nobodys() {
    let server = Server::new();
    let answer = server
        .bulk(json!([user("u", "Ann"), user("u", "Bea"), group("g", "G", &["u"]), user("v", "Cid")]))
        .await;
    assert_eq!(answer.statuses(), ["400", "400", "409", "201"]);
    assert_eq!(answer.refusal(0), "400 invalidValue the bulkId `u` is given to more than one operation");
    assert_eq!(server.names("userName pr").await, ["Cid"]);
}

/// A long chain of references, each of which has to wait for the next.
#[tokio::test]
async fn a_chain_of_references_is_followed_to_its_end() {
    const LAST: usize = 300;
    let server = Server::new();
    let operations: Vec<Value> = (0..=LAST)
        .map(|n| match n {
            LAST => user("g300", "last"),
            n => group(&format!("g{n}"), &format!("G{n}"), &[&format!("g{}", n + 1)]),
        })
        .collect();
    let answer = server.bulk(json!(operations)).await;
    assert!(answer.statuses().iter().all(|status| *status == "201"), "{answer:?}");
    for n in [0, 150, 299] {
        assert_eq!(members(&server, &answer.path(n)).await, [answer.id(n + 1)]);
    }
}

/// A text that merely begins like one, or holds one, is a text.
#[tokio::test]
async fn only_a_whole_string_is_a_reference() {
    let server = Server::new();
    let answer = server
        .bulk(json!([
            user("u", "Ann"),
            {"method": "POST", "path": "/Users", "bulkId": "v", "data": {"schemas": [USER], "userName": "Bea",
                "title": "see bulkId:u", "nickName": " bulkId:u", "displayName": "BULKID:u"}},
        ]))
        .await;
    assert_eq!(answer.statuses(), ["201", "201"]);
    let bea = server.get(&answer.path(1)).await.json();
    assert_eq!(
        (&bea["title"], &bea["nickName"], &bea["displayName"]),
        (&json!("see bulkId:u"), &json!(" bulkId:u"), &json!("BULKID:u"))
    );
}
