//! RFC 7644 section 3.7: what a bulk request does, and what its answer says.

use crate::server::*;

/// The operation that creates this user.
pub(crate) fn create(bulk_id: &str, name: &str) -> Value {
    json!({"method": "POST", "path": "/Users", "bulkId": bulk_id, "data": user(json!({"userName": name}))})
}

/// The data of a PATCH with these operations.
pub(crate) fn patch_data(operations: Value) -> Value {
    json!({"schemas": [PATCH_OP], "Operations": operations})
}

#[tokio::test]
async fn r7644_3_7_01_messages_have_their_schemas() {
    for server in everywhere() {
        let body = json!({"schemas": [BULK], "Operations": [create("a", "ann")]});
        let answer = server.post("/Bulk", &body).await.expect(200).json();
        assert_eq!(answer["schemas"], json!([BULK_RESPONSE]));
        assert_eq!(keys(&answer), ["Operations", "schemas"]);
        for schemas in
            [json!(null), json!([]), json!([PATCH_OP]), json!([USER]), json!([BULK_RESPONSE]), json!({})]
        {
            let body = json!({"schemas": schemas, "Operations": [create("b", "bob")]});
            let detail = server.post("/Bulk", &body).await.refused(400, "invalidSyntax");
            assert!(detail.contains("`schemas` must be"), "{detail}");
        }
        let body = json!({"Operations": [create("b", "bob")]});
        server.post("/Bulk", &body).await.refused(400, "invalidSyntax");
        assert_eq!(server.names("userName pr").await, ["ann"]);
    }
}

#[tokio::test]
async fn r7644_3_7_02_operations_are_required() {
    for server in everywhere() {
        let ok = create("a", "ann");
        for (operations, detail) in [
            (json!({"x": 1}), "`Operations` is missing"),
            (json!({"Operations": null}), "`Operations` must be a list, got null"),
            (json!({"Operations": []}), "`Operations` is empty"),
            (json!({"Operations": ok}), "`Operations` must be a list, got an object"),
            (json!({"Operations": [ok, 5]}), "operation 2 must be an object, got a number"),
            (json!({"Operations": [ok, null]}), "operation 2 must be an object, got null"),
        ] {
            let mut body = operations;
            body["schemas"] = json!([BULK]);
            let got = server.post("/Bulk", &body).await.refused(400, "invalidSyntax");
            assert!(got.contains(detail), "{got}: {body}");
        }
        for body in ["", "[]", "{", "7", "{\"schemas\":[],\"SCHEMAS\":[]}"] {
            server.send("POST", "/Bulk", &[], body).await.refused(400, "invalidSyntax");
        }
        server.send("POST", "/Bulk", &[("content-type", "text/plain")], "{}").await.refused(415, "");
        let wrong = server.get("/Bulk").await;
        assert_eq!((wrong.refused(405, "").contains("POST"), wrong.header("allow")), (true, Some("POST")));
        assert_eq!(server.names("userName pr").await, [""; 0], "nothing of them was carried out");
    }
}

#[tokio::test]
async fn r7644_3_7_09_what_was_processed_is_200_whatever_came_of_it() {
    let missing = json!({"method": "DELETE", "path": "/Users/none"});
    let good = || create("a", "ann");
    for (operations, statuses) in [
        (json!([good()]), &["201"][..]),
        (json!([good(), missing]), &["201", "404"]),
        (json!([missing, {"method": "GET"}, {}]), &["404", "400", "400"]),
    ] {
        for server in everywhere() {
            let answer = server.post("/Bulk", &json!({"schemas": [BULK], "Operations": operations})).await;
            assert_eq!(answer.status, 200);
            assert_eq!(answer.header("location"), None);
            assert_eq!(answer.header("etag"), None);
            assert_eq!(Bulk::of(answer).statuses(), statuses);
        }
    }
}

#[tokio::test]
async fn r7644_3_7_12_results_have_the_bulk_id_that_was_given() {
    for server in everywhere() {
        let ann = server.user(json!({"userName": "ann"})).await;
        let answer = server
            .bulk(json!([
                create("Qwerty \u{e9}\"", "bob"),
                create("again", "BOB"),
                {"method": "DELETE", "path": ann},
                {"method": "DELETE", "path": ann, "bulkId": "on a DELETE"},
                {"method": "BREW", "bulkId": "brewed"},
            ]))
            .await;
        assert_eq!(answer.statuses(), ["201", "409", "204", "404", "400"]);
        let ids: Vec<_> = answer.0.iter().map(|result| result.get("bulkId").cloned()).collect();
        let some = |id: &str| Some(json!(id));
        assert_eq!(ids, [some("Qwerty \u{e9}\""), some("again"), None, some("on a DELETE"), some("brewed")]);
    }
}

#[tokio::test]
async fn r7644_3_7_13_a_version_is_a_precondition_of_its_operation() {
    for server in everywhere() {
        let path = server.user(json!({"userName": "ann"})).await;
        let first = server.get(&path).await.etag();
        server.patch(&path, json!([{"op": "add", "path": "title", "value": "Dr"}])).await.expect(200);
        let now = server.get(&path).await.etag();
        let all = |version: &str| {
            json!([
                {"method": "PUT", "path": path, "version": version, "data": user(json!({"userName": "ann"}))},
                {"method": "PATCH", "path": path, "version": version,
                    "data": patch_data(json!([{"op": "add", "path": "title", "value": "x"}]))},
                {"method": "DELETE", "path": path, "version": version},
            ])
        };
        // What is no list of tags is no precondition: as If-Match, it is refused.
        for garbage in ["garbage", "", "W/1", "\"1", "\"1\" \"2\"", "\"a b\""] {
            let answer = server.bulk(all(garbage)).await;
            assert_eq!(answer.statuses(), ["400", "400", "400"], "{garbage}");
            assert_eq!(
                answer.refusal(1),
                format!(
                    "400 invalidValue `version` must be `*` or versions in double quotes such as W/\"1\", got `{garbage}`"
                )
            );
            server.send("DELETE", &path, &[("if-match", garbage)], "").await.refused(400, "");
        }
        for stale in [first.as_str(), "\"garbage\"", "W/\"0\", \"foreign\""] {
            let answer = server.bulk(all(stale)).await;
            assert_eq!(answer.statuses(), ["412", "412", "412"], "{stale}");
            assert_eq!(answer.0[0]["location"], format!("https://example.com/v2{path}"));
            assert_eq!(answer.0[0].get("version"), None);
        }
        assert_eq!(server.get(&path).await.etag(), now);
        let answer = server.bulk(all(&now)).await;
        assert_eq!(answer.statuses(), ["200", "412", "412"], "each operation has a version of its own");
        assert_ne!(answer.0[0]["version"], now);
        assert_eq!(server.bulk(all("*")).await.statuses(), ["200", "200", "204"]);
    }
}

#[tokio::test]
async fn r7644_3_7_15_every_method_does_its_work() {
    for server in everywhere() {
        let bob = server.user(json!({"userName": "bob", "nickName": "Bobby"})).await;
        let dave = server.user(json!({"userName": "david", "nickName": "Dave"})).await;
        let eve = server.user(json!({"userName": "eve"})).await;
        let staff = server.group("staff", &[&bob, &eve]).await;
        let answer = server
            .bulk(json!([
                {"method": "PUT", "path": bob, "data": user(json!({"userName": "robert"}))},
                {"method": "PATCH", "path": dave, "data": patch_data(json!([
                    {"op": "remove", "path": "nickName"}, {"op": "replace", "path": "userName", "value": "dave"}]))},
                {"method": "DELETE", "path": eve},
                {"method": "PATCH", "path": staff, "data": patch_data(json!([
                    {"op": "remove", "path": format!("members[value eq \"{}\"]", id(&bob))},
                    {"op": "add", "path": "members", "value": [{"value": id(&dave)}]}]))},
                create("a", "alice"),
            ]))
            .await;
        assert_eq!(answer.statuses(), ["200", "200", "204", "200", "201"]);
        assert_eq!(server.get("/Users").await.strings("userName"), ["robert", "dave", "alice"]);
        assert_eq!(server.names("nickName pr").await, [""; 0]);
        assert_eq!(server.members(&staff).await, [id(&dave)]);
        server.get(&eve).await.refused(404, "");
    }
}

#[tokio::test]
async fn r7644_3_7_16_bulk_can_be_turned_off_and_the_configuration_says_so() {
    for server in everywhere_with(|builder| builder.bulk(false)) {
        let config = server.get("/ServiceProviderConfig").await.expect(200).json();
        assert_eq!(config["bulk"], json!({"supported": false, "maxOperations": 0, "maxPayloadSize": 0}));
        let body = json!({"schemas": [BULK], "Operations": [create("a", "ann")]}).to_string();
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
            server.send(method, "/Bulk", &[], body.as_str()).await.refused(501, "");
        }
        assert_eq!(server.names("userName pr").await, [""; 0]);
    }
}

#[tokio::test]
async fn r7644_3_7_3_01_every_operation_that_was_processed_has_a_result_in_its_place() {
    for server in everywhere() {
        for count in [1, 2, 17, 100] {
            let operations: Vec<Value> = (0..count)
                .map(|n| match n % 3 {
                    0 => json!({"method": "DELETE", "path": format!("/Users/none-{n}")}),
                    _ => create(&format!("b{n}"), &format!("user-{count}-{n}")),
                })
                .collect();
            let answer = server.bulk(json!(operations)).await;
            assert_eq!(answer.0.len(), count);
            for (n, (operation, result)) in operations.iter().zip(&answer.0).enumerate() {
                assert_eq!(result["method"], operation["method"]);
                assert_eq!(result.get("bulkId"), operation.get("bulkId"));
                if n % 3 == 0 {
                    assert_eq!(answer.path(n), operation["path"].as_str().unwrap());
                } else {
                    let created = server.get(&answer.path(n)).await.expect(200).json();
                    assert_eq!(created["userName"], operation["data"]["userName"]);
                }
            }
        }
    }
}

/// What a request of its own would be answered with; erratum 7916 has `status` as a string.
#[tokio::test]
async fn r7644_3_7_3_02_the_status_is_that_of_a_request_of_its_own() {
    for (bulk, single) in everywhere().zip(everywhere()) {
        let old = bulk.user(json!({"userName": "old"})).await;
        single.user(json!({"userName": "old"})).await;
        for (method, path, data) in [
            ("POST", "/Users", user(json!({"userName": "ann"}))),
            ("POST", "/Users", user(json!({"userName": "OLD"}))),
            ("POST", "/Users", user(json!({}))),
            ("POST", "/Nope", user(json!({"userName": "bob"}))),
            ("PUT", &old, user(json!({"userName": "old", "title": "x"}))),
            ("PUT", &old, user(json!({"userName": "ann"}))),
            ("PATCH", &old, patch_data(json!([{"op": "replace", "path": "title", "value": "y"}]))),
            ("PATCH", &old, patch_data(json!([{"op": "replace", "path": "id", "value": "y"}]))),
            ("PATCH", &old, patch_data(json!([]))),
            ("DELETE", &old, json!(null)),
            ("DELETE", &old, json!(null)),
        ] {
            let operation = json!({"method": method, "path": path, "bulkId": "b", "data": data});
            let result = bulk.bulk(json!([operation])).await.0[0].clone();
            let alone = single.send(method, path, &[], data.to_string()).await;
            assert_eq!(result["status"], alone.status.to_string(), "{operation}");
            assert_eq!(result.get("version").and_then(Value::as_str), alone.header("etag"), "{operation}");
            if alone.status >= 400 {
                assert_eq!(result["response"], alone.json(), "{operation}");
            }
        }
    }
}

#[tokio::test]
async fn names_and_methods_are_taken_in_any_case_and_paths_with_careless_slashes() {
    for server in everywhere() {
        let body = json!({"SCHEMAS": [BULK.to_ascii_uppercase()], "operations": [
            {"Method": "post", "PATH": "Users/", "bulkid": "a", "Data": user(json!({"userName": "ann"}))},
            {"METHOD": "Patch", "path": "//Users//bulkId:a",
                "DATA": patch_data(json!([{"op": "add", "path": "title", "value": "Dr"}]))},
        ], "failOnErrors": null});
        let answer = Bulk::of(server.post("/Bulk", &body).await);
        assert_eq!(answer.statuses(), ["201", "200"]);
        assert_eq!((&answer.0[0]["method"], &answer.0[1]["method"]), (&json!("POST"), &json!("PATCH")));
        assert_eq!(server.get("/Users").await.strings("title"), ["Dr"]);
    }
}

#[tokio::test]
async fn passwords_are_forgotten_here_too() {
    for server in everywhere() {
        let ann = server.user(json!({"userName": "ann"})).await;
        let set = json!([{"op": "replace", "path": "password", "value": "t0psecret"}]);
        let answer = server
            .bulk(json!([
                {"method": "POST", "path": "/Users", "bulkId": "a",
                    "data": user(json!({"userName": "bob", "password": "t0psecret"}))},
                {"method": "PUT", "path": ann,
                    "data": user(json!({"userName": "ann", "password": "t0psecret"}))},
                {"method": "PATCH", "path": ann, "data": patch_data(set)},
            ]))
            .await;
        assert_eq!(answer.statuses(), ["201", "200", if server.strict { "400" } else { "200" }]);
        let stored = format!("{:?}", stored(&server).await);
        assert!(stored.contains("userName") && !stored.contains("t0psecret"), "{stored}");
    }
}

/// Everything that the store has of users, hidden values included.
async fn stored(server: &Server) -> Vec<scim_server::store::Record> {
    use scim_server::store::{Query, Scope};
    let registry = scim_core::Registry::rfc7643();
    let context = scim_server::RequestContext::new(registry.clone(), chrono::DateTime::UNIX_EPOCH);
    let scope = Scope::all(std::sync::Arc::clone(registry.by_name("User").unwrap()));
    server.service.store().query(&context, &Query::new(vec![scope], 100)).await.unwrap().records
}
