//! Bulk requests: what operations come to, and what goes wrong with them (RFC 7644 section 3.7).

use crate::common::*;

fn create(bulk_id: &str, name: &str) -> Value {
    json!({"method": "POST", "path": "/Users", "bulkId": bulk_id, "data": {"schemas": [USER], "userName": name}})
}

fn patch_data(operations: Value) -> Value {
    json!({"schemas": [PATCH_OP], "Operations": operations})
}

/// The request of section 3.7.3, and its answer; PATCH as erratum 5050 has it.
#[tokio::test]
async fn rfc7644_3_7_15_one_request_creates_replaces_patches_and_deletes() {
    let server = Server::new();
    let bob = server.user(json!({"userName": "Bob", "nickName": "Bobby"})).await;
    let dave = server.user(json!({"userName": "David", "nickName": "Dave"})).await;
    let eve = server.user(json!({"userName": "Eve"})).await;
    let version = async |path: String| server.get(&path).await.etag();
    let (bob_version, dave_version) =
        (version(format!("/Users/{bob}")).await, version(format!("/Users/{dave}")).await);
    let answer = server
        .bulk_until(
            1,
            json!([
                {"method": "POST", "path": "/Users", "bulkId": "qwerty", "data": {"schemas": [USER], "userName": "Alice"}},
                {"method": "PUT", "path": format!("/Users/{bob}"), "version": bob_version,
                    "data": {"schemas": [USER], "id": bob, "userName": "Bob"}},
                {"method": "PATCH", "path": format!("/Users/{dave}"), "version": dave_version,
                    "data": patch_data(json!([{"op": "remove", "path": "nickName"}, {"op": "add", "path": "userName", "value": "Dave"}]))},
                {"method": "DELETE", "path": format!("/Users/{eve}"), "version": server.get(&format!("/Users/{eve}")).await.etag()},
            ]),
        )
        .await;
    let alice = answer.id(0);
    let etag = async |id: &str| server.get(&format!("/Users/{id}")).await.expect(200).etag();
    let expected = json!([
        {"location": format!("http://example.com/Users/{alice}"), "method": "POST", "bulkId": "qwerty",
            "version": etag(&alice).await, "status": "201"},
        {"location": format!("http://example.com/Users/{bob}"), "method": "PUT", "version": etag(&bob).await, "status": "200"},
        {"location": format!("http://example.com/Users/{dave}"), "method": "PATCH", "version": etag(&dave).await, "status": "200"},
        {"location": format!("http://example.com/Users/{eve}"), "method": "DELETE", "status": "204"},
    ]);
    assert_eq!(json!(answer.0), expected);
    assert_eq!(server.get("/Users").await.strings("userName"), ["Bob", "Dave", "Alice"]);
    assert_eq!(server.get("/Users").await.strings("nickName"), ["-", "-", "-"]);
}

/// Section 3.7.3 prints the operations of a PATCH alone as its data.
#[tokio::test]
async fn a_patch_may_come_as_the_rfc_prints_it_unless_strict() {
    for (server, expected) in [(Server::new(), "200"), (Server::strict(), "400")] {
        let id = server.user(json!({"userName": "Dave", "nickName": "D"})).await;
        let remove = json!([{"op": "remove", "path": "nickName"}]);
        let answer =
            server.bulk(json!([{"method": "PATCH", "path": format!("/Users/{id}"), "data": remove}])).await;
        assert_eq!(answer.statuses(), [expected]);
    }
}

#[tokio::test]
async fn rfc7644_3_7_10_without_fail_on_errors_everything_is_tried() {
    let server = Server::new();
    let answer = server
        .bulk(json!([
            create("a", "Ann"),
            create("b", "ANN"),
            create("c", "Cid"),
            {"method": "DELETE", "path": "/Users/nobody"},
            create("d", "Dan"),
        ]))
        .await;
    assert_eq!(answer.statuses(), ["201", "409", "201", "404", "201"]);
    assert_eq!(answer.refusal(1), "409 uniqueness another User already has the userName `ANN`");
    assert_eq!(answer.0[1].get("location"), None, "nothing was created");
    assert_eq!(answer.0[3]["location"], "http://example.com/Users/nobody");
    let ids: Vec<_> = answer.0.iter().map(|result| result.get("bulkId").cloned()).collect();
    assert_eq!(
        ids,
        [Some(json!("a")), Some(json!("b")), Some(json!("c")), None, Some(json!("d"))],
        "rfc7644_3_7_12"
    );
    assert_eq!(server.names("userName pr").await, ["Ann", "Cid", "Dan"]);
}

#[tokio::test]
async fn rfc7644_3_7_11_with_fail_on_errors_it_ends_with_the_last_failure_that_is_borne() {
    let good = |n: usize| create(&format!("g{n}"), &format!("good {n}"));
    let put = |id: &str| json!({"method": "PUT", "path": format!("/Users/{id}"), "data": {"schemas": [USER], "userName": "Old"}});
    let bad = [
        create("bad", "OLD"),
        json!({"method": "BREW", "path": "/Users"}),
        json!({"method": "DELETE", "path": "/Users/nobody"}),
        put("nobody"),
    ];
    for (most, expected) in [(1, 2), (2, 4), (3, 6), (4, 8), (5, 9), (100, 9)] {
        for first in 0..bad.len() {
            let server = Server::new();
            server.user(json!({"userName": "Old"})).await;
            let bad = |n: usize| bad[(first + n) % bad.len()].clone();
            let operations =
                json!([good(1), bad(0), good(2), bad(1), good(3), bad(2), good(4), bad(3), good(5)]);
            let answer = server.bulk_until(most, operations).await;
            assert_eq!(answer.0.len(), expected, "{most} {first}: {answer:?}");
            let kept = server.names("userName sw \"good\"").await.len();
            assert_eq!(kept, expected.div_ceil(2), "{most} {first}: nothing after it is carried out");
        }
    }
}

#[tokio::test]
async fn rfc7644_3_7_13_a_stale_version_is_412() {
    let server = Server::new();
    let id = server.user(json!({"userName": "Ann"})).await;
    let path = format!("/Users/{id}");
    let first = server.get(&path).await.etag();
    server.patch(&path, json!([{"op": "add", "path": "title", "value": "Dr"}])).await.expect(200);
    let now = server.get(&path).await.etag();
    let all = |version: &str| {
        json!([
            {"method": "PUT", "path": path, "version": version, "data": {"schemas": [USER], "userName": "Ann"}},
            {"method": "PATCH", "path": path, "version": version,
                "data": patch_data(json!([{"op": "add", "path": "title", "value": "x"}]))},
            {"method": "DELETE", "path": path, "version": version},
        ])
    };
    for stale in [first.as_str(), "garbage", ""] {
        let answer = server.bulk(all(stale)).await;
        assert_eq!(answer.statuses(), ["412", "412", "412"], "{stale}");
        for nth in 0..3 {
            let sentence = format!("412 - the resource has changed: its version is now {now}");
            assert_eq!(answer.refusal(nth), sentence, "{stale}");
        }
        assert_eq!(answer.0[0]["location"], format!("http://example.com{path}"));
        assert_eq!(answer.0[0].get("version"), None);
    }
    assert_eq!(server.get(&path).await.etag(), now);
    let answer = server.bulk(all(&now)).await;
    assert_eq!(answer.statuses(), ["200", "412", "412"], "each operation has a version of its own");
    assert_eq!(server.bulk(all("*")).await.statuses(), ["200", "200", "204"]);
}

/// What an operation cannot be refuses that operation, with the sentence that a request of its own would get.
#[tokio::test]
async fn rfc7644_3_7_3_to_06_operations_that_cannot_be_carried_out_say_why() {
    let server = Server::new();
    let ann = server.user(json!({"userName": "Ann"})).await;
    let data = json!({"schemas": [USER], "userName": "new"});
    let with =
        |method: &str, path: &str| json!({"method": method, "path": path, "bulkId": "x", "data": data});
    let needs_endpoint =
        "400 invalidValue a POST in a bulk request takes the path of an endpoint, such as /Users";
    let needs_resource = "takes the path of a resource, such as /Users/{id}";
    for (operation, expected) in [
        (with("GET", "/Users"), "400 invalidValue `method` must be POST, PUT, PATCH or DELETE, got `GET`".to_owned()),
        (json!({"path": "/Users"}), "400 invalidValue `method` is missing".to_owned()),
        (json!({"method": 5, "path": "/Users"}), "400 invalidValue `method` must be a string, got a number".to_owned()),
        (json!({"method": "POST", "bulkId": "x", "data": data}), "400 invalidValue `path` is missing".to_owned()),
        (
            json!({"method": "POST", "path": "/Users", "bulkId": 7, "data": data}),
            "400 invalidValue `bulkId` must be a string, got a number".to_owned(),
        ),
        (json!({"method": "POST", "path": "/Users", "bulkId": "", "data": data}), "400 invalidValue `bulkId` is empty".to_owned()),
        (json!({"method": "POST", "path": "/Users", "bulkId": "x"}), "400 invalidValue `data` is missing".to_owned()),
        (
            json!({"method": "POST", "path": "/Users", "bulkId": "x", "data": "text"}),
            "400 invalidSyntax `data` must be an object, got a string".to_owned(),
        ),
        (json!({"method": "PATCH", "path": "/Users/1"}), "400 invalidValue `data` is missing".to_owned()),
        (
            json!({"method": "DELETE", "path": "/Users/1", "version": 5}),
            "400 invalidValue `version` must be a string, got a number".to_owned(),
        ),
        (with("POST", "/Nope"), "404 - there is no endpoint `/Nope`".to_owned()),
        (with("POST", "/Users/1"), format!("{needs_endpoint}, got `/Users/1`")),
        (with("POST", "/Users/.search"), format!("{needs_endpoint}, got `/Users/.search`")),
        (with("POST", "/.search"), format!("{needs_endpoint}, got `/.search`")),
        (with("POST", "/Bulk"), format!("{needs_endpoint}, got `/Bulk`")),
        (with("POST", "/Me"), format!("{needs_endpoint}, got `/Me`")),
        (with("POST", "/"), format!("{needs_endpoint}, got `/`")),
        (with("PUT", "/Users"), format!("400 invalidValue a PUT in a bulk request {needs_resource}, got `/Users`")),
        (with("PATCH", "/Me"), format!("400 invalidValue a PATCH in a bulk request {needs_resource}, got `/Me`")),
        (with("DELETE", "/Schemas"), format!("400 invalidValue a DELETE in a bulk request {needs_resource}, got `/Schemas`")),
        (with("PUT", "/Users/1?attributes=id"), "400 invalidValue `path` must be a path only, got `/Users/1?attributes=id`".to_owned()),
        (with("PUT", "/Users/%zz"), "400 - `%zz` in the URL is not valid percent-encoding".to_owned()),
        (with("DELETE", "/Users/nobody"), "404 - there is no User with the id `nobody`".to_owned()),
        (with("DELETE", "/Users/%00"), "404 - there is no User with the id `\\u{0}`".to_owned()),
        (with("DELETE", &format!("/Groups/{ann}")), format!("404 - there is no Group with the id `{ann}`")),
        (with("PATCH", &format!("/Users/{ann}")), "400 invalidSyntax `schemas` must be [\"urn:ietf:params:scim:api:messages:2.0:PatchOp\"] in the body of a PATCH".to_owned()),
        (
            json!({"method": "POST", "path": "/Users", "bulkId": "x", "data": {"schemas": [USER]}}),
            "400 invalidValue `userName` is required and must not be empty".to_owned(),
        ),
        (
            json!({"method": "PATCH", "path": format!("/Users/{ann}"), "data": patch_data(json!([{"op": "replace", "path": "groups", "value": []}]))}),
            String::new(),
        ),
    ] {
        let answer = server.bulk(json!([operation, create("after", "after")])).await;
        assert_eq!(answer.statuses()[1], "201", "the next one is carried out: {operation}");
        server.delete(&answer.path(1)).await.expect(204);
        if expected.is_empty() {
            assert!(answer.refusal(0).starts_with("400 mutability "), "{operation}: {}", answer.refusal(0));
        } else {
            assert_eq!(answer.refusal(0), expected, "{operation}");
        }
    }
    assert_eq!(server.names("userName pr").await, ["Ann"]);
}

#[tokio::test]
async fn rfc7644_3_7_04_a_post_needs_a_bulk_id_unless_nobody_is_strict() {
    let operation =
        json!([{"method": "POST", "path": "/Users", "data": {"schemas": [USER], "userName": "a"}}]);
    let answer = Server::strict().bulk(operation.clone()).await;
    assert_eq!(
        answer.refusal(0),
        "400 invalidValue `bulkId` is missing; every POST of a bulk request has one"
    );
    let answer = Server::new().bulk(operation).await;
    assert_eq!(answer.statuses(), ["201"]);
    assert_eq!(answer.0[0].get("bulkId"), None);
}

#[tokio::test]
async fn names_and_methods_are_taken_in_any_case_and_paths_with_careless_slashes() {
    let server = Server::strict();
    let body = json!({"SCHEMAS": [BULK.to_ascii_uppercase()], "operations": [
        {"Method": "post", "PATH": "Users/", "bulkid": "a", "Data": {"schemas": [USER], "userName": "Ann"}},
        {"METHOD": "Patch", "path": "//Users//bulkId:a", "DATA": patch_data(json!([{"op": "add", "path": "title", "value": "Dr"}]))},
    ], "failOnErrors": null});
    let answer = Bulk::of(server.post("/Bulk", &body).await);
    assert_eq!(answer.statuses(), ["201", "200"]);
    assert_eq!((&answer.0[0]["method"], &answer.0[1]["method"]), (&json!("POST"), &json!("PATCH")));
    assert_eq!(server.get("/Users").await.strings("title"), ["Dr"]);
}

#[tokio::test]
async fn rfc7644_3_7_01_02_what_is_no_bulk_request_is_refused_as_a_whole() {
    let server = Server::new();
    let ok = create("a", "Ann");
    for (body, scim_type, detail) in [
        (json!({"Operations": [ok]}), "invalidSyntax", "`schemas` must be"),
        (json!({"schemas": [PATCH_OP], "Operations": [ok]}), "invalidSyntax", "`schemas` must be"),
        (json!({"schemas": [BULK]}), "invalidSyntax", "`Operations` is missing"),
        (json!({"schemas": [BULK], "Operations": []}), "invalidSyntax", "`Operations` is empty"),
        (
            json!({"schemas": [BULK], "Operations": ok}),
            "invalidSyntax",
            "`Operations` must be a list, got an object",
        ),
        (
            json!({"schemas": [BULK], "Operations": [ok, 5]}),
            "invalidSyntax",
            "operation 2 must be an object, got a number",
        ),
        (
            json!({"schemas": [BULK], "failOnErrors": 0, "Operations": [ok]}),
            "invalidValue",
            "`failOnErrors` must be a whole number from 1, got `0`",
        ),
        (json!({"schemas": [BULK], "failOnErrors": -1, "Operations": [ok]}), "invalidValue", "got `-1`"),
        (json!({"schemas": [BULK], "failOnErrors": 1.5, "Operations": [ok]}), "invalidValue", "got `1.5`"),
        (json!({"schemas": [BULK], "failOnErrors": "1", "Operations": [ok]}), "invalidValue", "got a string"),
        (json!([ok]), "invalidSyntax", "the body must be a JSON object"),
    ] {
        let answer = server.post("/Bulk", &body).await;
        let got = answer.refused(400, scim_type);
        assert!(got.contains(detail), "{got}: {body}");
    }
    server.send("POST", "/Bulk", &[("content-type", "text/plain")], "{}").await.refused(415, "");
    let wrong = server.get("/Bulk").await;
    assert_eq!((wrong.refused(405, "").contains("POST"), wrong.header("allow")), (true, Some("POST")));
    assert!(server.names("userName pr").await.is_empty());
}

#[tokio::test]
async fn rfc7644_3_7_16_bulk_can_be_turned_off() {
    let server = Server::with(|builder| builder.bulk(false));
    let config = server.get("/ServiceProviderConfig").await.json();
    assert_eq!(config["bulk"], json!({"supported": false, "maxOperations": 0, "maxPayloadSize": 0}));
    for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"] {
        server.send(method, "/Bulk", &[], "{}").await.expect(501);
    }
}

#[tokio::test]
async fn passwords_are_forgotten_here_too() {
    let server = Server::new();
    let id = server.user(json!({"userName": "Ann"})).await;
    let answer = server
        .bulk(json!([
            {"method": "POST", "path": "/Users", "bulkId": "a", "data": {"schemas": [USER], "userName": "b", "password": "t0psecret"}},
            {"method": "PUT", "path": format!("/Users/{id}"), "data": {"schemas": [USER], "userName": "Ann", "password": "t0psecret"}},
            {"method": "PATCH", "path": format!("/Users/{id}"),
                "data": patch_data(json!([{"op": "replace", "path": "password", "value": "t0psecret"}]))},
        ]))
        .await;
    assert_eq!(answer.statuses(), ["201", "200", "200"]);
    let stored = format!("{:?}", stored(&server).await);
    assert!(stored.contains("userName") && !stored.contains("t0psecret"), "{stored}");
}

/// Everything that the store has of users, hidden values included.
async fn stored(server: &Server) -> Vec<scim_server::store::Record> {
    use scim_server::store::{Query, ResourceStore as _, Scope};
    let registry = scim_core::Registry::rfc7643();
    let context = scim_server::RequestContext::new(registry.clone(), chrono::DateTime::UNIX_EPOCH);
    let scope = Scope::all(std::sync::Arc::clone(registry.by_name("User").unwrap()));
    server.service.store().query(&context, &Query::new(vec![scope], 100)).await.unwrap().records
}
