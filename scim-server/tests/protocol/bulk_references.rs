//! RFC 7644 sections 3.7, 3.7.1 and 3.7.2: `bulkId:x` where the id of what another operation creates is to be.

use crate::bulk::{create, patch_data};
use crate::server::*;

fn group(bulk_id: &str, name: &str, members: &[&str]) -> Value {
    let members: Vec<Value> = members.iter().map(|id| json!({"value": format!("bulkId:{id}")})).collect();
    json!({"method": "POST", "path": "/Groups", "bulkId": bulk_id,
        "data": {"schemas": [GROUP], "displayName": name, "members": members}})
}

/// A user with a manager of the same request.
fn report(bulk_id: &str, name: &str, manager: &str) -> Value {
    json!({"method": "POST", "path": "/Users", "bulkId": bulk_id, "data": {"schemas": [USER, ENTERPRISE],
        "userName": name, ENTERPRISE: {"manager": {"value": format!("bulkId:{manager}")}}}})
}

/// Adds what an operation creates to a group.
fn add(path: &str, bulk_id: &str) -> Value {
    let value = json!([{"value": format!("bulkId:{bulk_id}")}]);
    json!({"method": "PATCH", "path": path,
        "data": patch_data(json!([{"op": "add", "path": "members", "value": value}]))})
}

#[tokio::test]
async fn r7644_3_7_14_what_is_referred_to_goes_first_and_answers_keep_their_order() {
    for server in everywhere() {
        let existing = server.group("existing", &[]).await;
        let answer = server
            .bulk(json!([
                add(&existing, "u3"),
                add("/Groups/bulkId:g", "u3"),
                group("g", "G", &["u2", "inner", "u1"]),
                create("u1", "ann"),
                group("inner", "Inner", &["g", "u3"]),
                create("u2", "bea"),
                create("u3", "cid"),
                {"method": "DELETE", "path": "/Users/bulkId:u1"},
                {"method": "PUT", "path": "/Groups/bulkId:inner", "data": {"schemas": [GROUP],
                    "displayName": "In", "members": [{"value": "bulkId:u2"}]}},
            ]))
            .await;
        assert_eq!(answer.statuses(), ["200", "200", "201", "201", "201", "201", "201", "204", "200"]);
        let (ann, inner, bea, cid) = (answer.id(3), answer.id(4), answer.id(5), answer.id(6));
        assert_eq!(answer.id(1), answer.id(2));
        assert_eq!(server.members(&existing).await, [cid.as_str()]);
        assert_eq!(server.members(&answer.path(2)).await, [bea.as_str(), &inner, &cid]);
        assert_eq!(server.members(&answer.path(4)).await, [bea.as_str()]);
        server.get(&format!("/Users/{ann}")).await.refused(404, "");
        let methods: Vec<_> = answer.0.iter().map(|result| result["method"].as_str().unwrap()).collect();
        assert_eq!(methods.join(" "), "PATCH PATCH POST POST POST POST POST DELETE PUT");
    }
}

/// Those that need nothing of each other are carried out in the order in which they stand.
#[tokio::test]
async fn r7644_3_7_14_b_the_order_of_the_request_is_kept_where_it_matters() {
    for server in everywhere() {
        let title = |path: &str, title: &str| {
            json!({"method": "PATCH", "path": path,
                "data": patch_data(json!([{"op": "replace", "path": "title", "value": title}]))})
        };
        let ann = server.user(json!({"userName": "ann"})).await;
        let answer = server
            .bulk(json!([
                title(&ann, "first"),
                {"method": "PUT", "path": ann, "data": user(json!({"userName": "ann", "title": "second"}))},
                title(&ann, "third"),
            ]))
            .await;
        assert_eq!(answer.statuses(), ["200"; 3]);
        assert_eq!(server.get("/Users").await.strings("title"), ["third"]);
        // A name is free once its bearer is gone, and not before.
        let answer = server
            .bulk(json!([create("a", "ann"), {"method": "DELETE", "path": ann}, create("b", "ann")]))
            .await;
        assert_eq!(answer.statuses(), ["409", "204", "201"]);
        assert_eq!(server.get("/Users").await.strings("id"), [answer.id(2)]);
    }
}

#[tokio::test]
async fn r7644_3_7_1_01_circular_references_are_resolved() {
    for server in everywhere() {
        let answer = server
            .bulk(json!([
                group("a", "A", &["b"]),
                group("b", "B", &["a"]),
                group("self", "Self", &["self"]),
                group("x", "X", &["y"]),
                group("y", "Y", &["z"]),
                group("z", "Z", &["x"]),
                report("ann", "ann", "bob"),
                report("bob", "bob", "ann"),
            ]))
            .await;
        assert_eq!(answer.statuses(), ["201"; 8]);
        for (group, member) in [(0, 1), (1, 0), (2, 2), (3, 4), (4, 5), (5, 3)] {
            assert_eq!(server.members(&answer.path(group)).await, [answer.id(member)]);
            let read = server.get(&answer.path(group)).await.expect(200);
            assert_eq!(read.etag(), answer.0[group]["version"]);
        }
        for (user, manager) in [(6, 7), (7, 6)] {
            let read = server.get(&answer.path(user)).await.expect(200).json();
            assert_eq!(read[ENTERPRISE]["manager"]["value"], answer.id(manager));
        }
    }
}

#[tokio::test]
async fn r7644_3_7_1_01_b_a_circle_is_created_as_a_whole_or_not_at_all() {
    for server in everywhere() {
        server.user(json!({"userName": "Taken"})).await;
        let answer = server
            .bulk(json!([report("a", "ann", "b"), report("b", "taken", "a"), create("c", "Cid")]))
            .await;
        assert_eq!(answer.statuses(), ["409", "409", "201"]);
        let needs = |bulk_id: &str| {
            format!(
                "409 - the operation with the bulkId `{bulk_id}` has failed, and this one needs what it creates"
            )
        };
        assert_eq!(answer.refusal(0), needs("b"), "it is not to blame");
        assert_eq!(answer.refusal(1), "409 uniqueness another User already has the userName `taken`");
        let lost = json!({"method": "POST", "path": "/Groups", "bulkId": "l", "data": {"schemas": [GROUP],
            "displayName": "L", "members": [{"value": "bulkId:k"}, {"value": "nobody"}]}});
        let answer = server.bulk(json!([group("k", "K", &["l"]), lost, group("m", "M", &["k"])])).await;
        assert_eq!(answer.statuses(), ["409", "400", "409"]);
        assert_eq!(answer.refusal(0), needs("l"));
        assert!(answer.refusal(1).starts_with("400 invalidValue `members` refers to `nobody`"), "{answer:?}");
        assert_eq!(answer.refusal(2), needs("k"));
        // Two of the circle have one name: the second is at fault.
        let answer = server.bulk(json!([report("x", "twin", "y"), report("y", "TWIN", "x")])).await;
        assert_eq!(answer.refusal(0), needs("y"));
        assert_eq!(answer.refusal(1), "409 uniqueness another User already has the userName `TWIN`");
        let invalid = json!({"method": "POST", "path": "/Groups", "bulkId": "y",
            "data": {"schemas": [GROUP], "members": [{"value": "bulkId:x"}]}});
        let answer = server.bulk(json!([group("x", "X", &["y"]), invalid, group("z", "Z", &["x"])])).await;
        assert_eq!(answer.statuses(), ["409", "400", "409"]);
        assert!(answer.refusal(0).contains("the bulkId `y` has failed"), "{}", answer.refusal(0));
        assert!(answer.refusal(1).contains("`displayName` is required"), "{}", answer.refusal(1));
        assert!(answer.refusal(2).contains("the bulkId `x` has failed"), "{}", answer.refusal(2));
        assert_eq!(server.names("userName pr").await, ["Taken", "Cid"]);
        assert_eq!(server.get("/Groups").await.json()["totalResults"], 0);
    }
}

#[tokio::test]
async fn r7644_3_7_2_01_references_in_data_become_ids() {
    for server in everywhere() {
        let answer = server.bulk(json!([create("u", "ann"), group("g", "G", &["u"])])).await;
        assert_eq!(answer.statuses(), ["201", "201"]);
        assert_eq!(server.members(&answer.path(1)).await, [answer.id(0)]);
        let ann = server.get(&answer.path(0)).await.expect(200);
        assert_eq!(ann.json()["groups"][0]["value"], answer.id(1));
        assert_eq!(ann.etag(), answer.0[0]["version"]);
        assert!(!ann.text.contains("bulkId:"), "{ann:?}");
        let next = server.bulk(json!([group("g", "H", &["u"])])).await;
        assert_eq!(next.statuses(), ["400"], "a bulkId ends with its request");
    }
}

/// A text that merely begins like one, or holds one, is a text.
#[tokio::test]
async fn r7644_3_7_2_01_b_only_a_whole_string_is_a_reference() {
    for server in everywhere() {
        let texts = json!({"userName": "bea", "title": "see bulkId:u", "nickName": " bulkId:u",
            "displayName": "BULKID:u"});
        let bea = json!({"method": "POST", "path": "/Users", "bulkId": "v", "data": user(texts.clone())});
        let answer = server.bulk(json!([create("u", "ann"), bea])).await;
        assert_eq!(answer.statuses(), ["201", "201"]);
        let read = server.get(&answer.path(1)).await.json();
        for (name, text) in texts.as_object().unwrap() {
            assert_eq!(read[name], *text);
        }
    }
}

/// Only what the schemas let refer to a resource does; anywhere else the same text is a text.
#[tokio::test]
async fn r7644_3_7_2_01_c_only_a_reference_is_replaced() {
    for server in everywhere() {
        let text = "bulkId:u";
        let texts = json!({"title": text, "displayName": text, "nickName": "bulkId:nobody", "profileUrl": text,
            "name": {"familyName": text}, "emails": [{"value": text, "display": text}], "externalId": text,
            "photos": [{"value": "bulkId:nobody"}], "userName": text});
        let mut data = user(texts.clone());
        data["schemas"] = json!([USER, ENTERPRISE]);
        data[ENTERPRISE] = json!({"department": text, "manager": {"value": text, "$ref": text}});
        let mut group = group("g", text, &["u"]);
        group["data"]["members"][0]["display"] = json!(text);
        let answer = server
            .bulk(json!([
                {"method": "POST", "path": "/Users", "bulkId": "v", "data": data},
                group,
                create("u", "ann"),
            ]))
            .await;
        assert_eq!(answer.statuses(), ["201"; 3]);
        let read = server.get(&answer.path(0)).await.json();
        for (name, text) in texts.as_object().unwrap() {
            assert_eq!(read[name], *text, "{name}");
        }
        let ann = answer.id(2);
        assert_eq!(read[ENTERPRISE]["department"], text);
        assert_eq!(read[ENTERPRISE]["manager"]["value"], ann);
        assert_eq!(read[ENTERPRISE]["manager"]["$ref"], format!("https://example.com/v2/Users/{ann}"));
        let read = server.get(&answer.path(1)).await.json();
        assert_eq!((&read["displayName"], &read["members"][0]["value"]), (&json!(text), &json!(ann)));

        // As the value of a PATCH, with a path and without.
        let operations = json!([
            {"op": "replace", "path": "title", "value": "bulkId:w"},
            {"op": "replace", "path": "emails", "value": [{"value": "bulkId:w"}]},
            {"op": "replace", "path": "emails[value eq \"bulkId:w\"].display", "value": "bulkId:w"},
            {"op": "add", "value": {"nickName": "bulkId:w", ENTERPRISE: {"manager": {"value": "bulkId:w"}}}},
        ]);
        let answer = server
            .bulk(json!([
                {"method": "PATCH", "path": answer.path(0), "data": patch_data(operations)},
                create("w", "bob"),
            ]))
            .await;
        assert_eq!(answer.statuses(), ["200", "201"], "{answer:?}");
        let read = server.get(&answer.path(0)).await.json();
        let emails = json!([{"value": "bulkId:w", "display": "bulkId:w"}]);
        assert_eq!((&read["title"], &read["nickName"]), (&json!("bulkId:w"), &json!("bulkId:w")));
        assert_eq!(read["emails"], emails);
        assert_eq!(read[ENTERPRISE]["manager"]["value"], answer.id(1));
    }
}

#[tokio::test]
async fn r7644_3_7_2_02_extensions_refer_to_what_is_created_too() {
    for server in everywhere() {
        for (operations, boss, report) in [
            (json!([create("boss", "ann"), report("r", "bob", "boss")]), 0, 1),
            (json!([report("r", "bob", "boss"), create("boss", "ann")]), 1, 0),
        ] {
            let answer = server.bulk(operations).await;
            assert_eq!(answer.statuses(), ["201", "201"]);
            let read = server.get(&answer.path(report)).await.expect(200).json();
            assert_eq!(read[ENTERPRISE]["manager"]["value"], answer.id(boss));
            for n in 0..2 {
                server.delete(&answer.path(n)).await.expect(204);
            }
        }
    }
}

#[tokio::test]
async fn r7644_3_7_2_03_an_unknown_bulk_id_refuses_the_operation_that_has_it() {
    for server in everywhere() {
        let unknown = "400 invalidValue no POST of this request has the bulkId `nope`";
        let answer = server
            .bulk(json!([
                group("g", "G", &["nope"]),
                {"method": "DELETE", "path": "/Users/bulkId:nope"},
                create("u", "ann"),
                {"method": "PATCH", "path": "/Users/bulkId:u", "bulkId": "p", "data": patch_data(json!([
                    {"op": "add", "path": format!("{ENTERPRISE}:manager.value"), "value": "bulkId:nope"}]))},
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
}

/// Decision B5: what needs a resource that was not created fails as well, and counts.
#[tokio::test]
async fn r7644_3_7_2_03_b_what_refers_to_a_failure_fails() {
    for server in everywhere() {
        server.user(json!({"userName": "Taken"})).await;
        let failed = "409 - the operation with the bulkId `u` has failed, and this one needs what it creates";
        let operations = json!([
            group("g", "G", &["u"]),
            create("u", "taken"),
            {"method": "PATCH", "path": "/Groups/bulkId:g",
                "data": patch_data(json!([{"op": "remove", "path": "externalId"}]))},
            {"method": "DELETE", "path": "/Users/bulkId:u"},
            create("v", "Free"),
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
}

#[tokio::test]
async fn r7644_3_7_2_03_c_a_bulk_id_that_two_have_is_nobodys() {
    for server in everywhere() {
        let answer = server
            .bulk(json!([
                create("u", "ann"),
                create("u", "bea"),
                group("g", "G", &["u"]),
                create("v", "cid")
            ]))
            .await;
        assert_eq!(answer.statuses(), ["400", "400", "409", "201"]);
        assert_eq!(answer.refusal(0), "400 invalidValue the bulkId `u` is given to more than one operation");
        assert_eq!(server.names("userName pr").await, ["cid"]);
    }
}

#[tokio::test]
async fn r7644_3_7_2_04_paths_name_what_is_created() {
    for server in everywhere() {
        let title = json!([{"op": "add", "path": "title", "value": "Dr"}]);
        let answer = server
            .bulk(json!([
                {"method": "PATCH", "path": "/Users/bulkId:a", "data": patch_data(title)},
                create("a", "ann"),
                create("b", "bob"),
                {"method": "PUT", "path": "/Users/bulkId:b", "data": user(json!({"userName": "robert"}))},
                create("c", "cid"),
                {"method": "DELETE", "path": "/Users/bulkId:c"},
                {"method": "DELETE", "path": "/Groups/bulkId:a"},
            ]))
            .await;
        assert_eq!(answer.statuses(), ["200", "201", "201", "200", "201", "204", "404"]);
        for (operation, post) in [(0, 1), (3, 2), (5, 4)] {
            assert_eq!(answer.path(operation), answer.path(post), "the location has the id");
        }
        assert_eq!(server.get("/Users").await.strings("userName"), ["ann", "robert"]);
        assert_eq!(server.get("/Users").await.strings("title"), ["Dr", "-"]);
    }
}

#[tokio::test]
async fn r7644_3_7_2_05_references_in_patches_become_ids() {
    for server in everywhere() {
        let staff = server.group("staff", &[]).await;
        let bob = server.user(json!({"userName": "bob"})).await;
        let manager = json!([{"op": "add", "value": {ENTERPRISE: {"manager": {"value": "bulkId:a"}}}}]);
        let answer = server
            .bulk(json!([
                add(&staff, "a"),
                {"method": "PATCH", "path": bob, "data": patch_data(manager)},
                create("a", "ann"),
                {"method": "PATCH", "path": staff, "data": patch_data(json!([
                    {"op": "add", "value": {"members": [{"value": "bulkId:b"}]}},
                    {"op": "add", "path": "members", "value": {"value": "bulkId:c"}}]))},
                create("b", "bea"),
                create("c", "cid"),
            ]))
            .await;
        assert_eq!(answer.statuses(), ["200", "200", "201", "200", "201", "201"]);
        assert_eq!(server.members(&staff).await, [answer.id(2), answer.id(4), answer.id(5)]);
        let bob = server.get(&bob).await.json();
        assert_eq!(bob[ENTERPRISE]["manager"]["value"], answer.id(2));
    }
}

/// What a path selects by the id of a resource of the same request.
#[tokio::test]
async fn r7644_3_7_2_05_b_filters_of_paths_refer_too() {
    for server in everywhere() {
        let answer = server
            .bulk(json!([
                create("a", "ann"),
                create("b", "bob"),
                create("c", "cid"),
                group("g", "G", &["a", "b", "c"]),
                {"method": "PATCH", "path": "/Groups/bulkId:g", "data": patch_data(json!([
                    {"op": "remove", "path": "members[value eq \"bulkId:a\"]"},
                    {"op": "remove", "path": "members[value eq \"bulkId:c\" and not (value eq \"bulkId:b\")]"}]))},
            ]))
            .await;
        assert_eq!(answer.statuses(), ["201", "201", "201", "201", "200"], "{answer:?}");
        assert_eq!(server.members(&answer.path(3)).await, [answer.id(1)]);
        let unknown = server
            .bulk(json!([{"method": "PATCH", "path": answer.path(3), "data": patch_data(json!([
                {"op": "remove", "path": "members[value eq \"bulkId:nope\"]"}]))}]))
            .await;
        assert_eq!(unknown.refusal(0), "400 invalidValue no POST of this request has the bulkId `nope`");
    }
}

/// A long chain of references, each of which has to wait for the next.
#[tokio::test]
async fn a_chain_of_references_is_followed_to_its_end() {
    const LAST: usize = 300;
    for server in everywhere() {
        let operations: Vec<Value> = (0..=LAST)
            .map(|n| match n {
                LAST => create("g300", "last"),
                n => group(&format!("g{n}"), &format!("G{n}"), &[&format!("g{}", n + 1)]),
            })
            .collect();
        let answer = server.bulk(json!(operations)).await;
        assert!(answer.statuses().iter().all(|status| *status == "201"), "{answer:?}");
        for n in [0, 150, 299] {
            assert_eq!(server.members(&answer.path(n)).await, [answer.id(n + 1)]);
        }
    }
}
