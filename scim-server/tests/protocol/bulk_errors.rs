//! RFC 7644 section 3.7: operations that fail, and what becomes of the others.

use crate::bulk::{create, patch_data};
use crate::server::*;

/// Sends each operation with a good one after it, and checks what is said of it: the same sentences in every mode.
async fn refused(operations: impl Fn() -> Vec<(Value, &'static str)>) {
    for server in everywhere() {
        for (operation, expected) in operations() {
            let answer = server.bulk(json!([operation, create("after", "after")])).await;
            assert_eq!(answer.statuses()[1], "201", "the next one is carried out: {operation}");
            server.delete(&answer.path(1)).await.expect(204);
            assert_eq!(answer.refusal(0), expected, "{operation}");
        }
        assert_eq!(server.names("userName pr").await, [""; 0], "nothing else was created");
    }
}

fn with(method: &str, path: &str) -> Value {
    json!({"method": method, "path": path, "bulkId": "x", "data": user(json!({"userName": "new"}))})
}

fn without(name: &str, mut operation: Value) -> Value {
    operation.as_object_mut().unwrap().remove(name);
    operation
}

#[tokio::test]
async fn r7644_3_7_03_other_methods_are_refused() {
    refused(|| {
        vec![
            (
                with("GET", "/Users"),
                "400 invalidValue `method` must be POST, PUT, PATCH or DELETE, got `GET`",
            ),
            (with("", "/Users"), "400 invalidValue `method` must be POST, PUT, PATCH or DELETE, got ``"),
            (without("method", with("", "/Users")), "400 invalidValue `method` is missing"),
            (
                json!({"method": 5, "path": "/Users"}),
                "400 invalidValue `method` must be a string, got a number",
            ),
            (json!({}), "400 invalidValue `method` is missing"),
        ]
    })
    .await;
}

#[tokio::test]
async fn r7644_3_7_04_a_post_needs_a_bulk_id_unless_that_is_tolerated() {
    for server in everywhere() {
        let answer = server.bulk(json!([without("bulkId", create("x", "ann")), create("y", "bob")])).await;
        if server.strict {
            let missing = "400 invalidValue `bulkId` is missing; every POST of a bulk request has one";
            assert_eq!(answer.refusal(0), missing);
            assert_eq!(server.names("userName pr").await, ["bob"]);
        } else {
            assert_eq!(answer.statuses(), ["201", "201"]);
            assert_eq!(answer.0[0].get("bulkId"), None);
        }
    }
    refused(|| {
        let post = |bulk_id: Value| {
            let mut operation = create("", "x");
            operation["bulkId"] = bulk_id;
            operation
        };
        vec![
            (post(json!(7)), "400 invalidValue `bulkId` must be a string, got a number"),
            (post(json!("")), "400 invalidValue `bulkId` is empty"),
        ]
    })
    .await;
}

#[tokio::test]
async fn r7644_3_7_05_paths_are_endpoints_for_post_and_resources_for_the_others() {
    const ENDPOINT: &str =
        "400 invalidValue a POST in a bulk request takes the path of an endpoint, such as /Users, got ";
    let posts = ["/Users/1", "/Users/.search", "/.search", "/Bulk", "/Me", "/", "/Schemas"];
    for server in everywhere_with(|builder| builder.me("User", scim_server::MeBy::UserName)) {
        for path in posts {
            let answer = server.bulk(json!([with("POST", path)])).await;
            assert_eq!(answer.refusal(0), format!("{ENDPOINT}`{path}`"));
        }
        for method in ["PUT", "PATCH", "DELETE"] {
            for path in ["/Users", "/Me", "/Schemas", "/", "/Bulk", "/Users/.search"] {
                let answer = server.bulk(json!([with(method, path)])).await;
                let takes = "takes the path of a resource, such as /Users/{id}, got";
                let expected = format!("400 invalidValue a {method} in a bulk request {takes} `{path}`");
                assert_eq!(answer.refusal(0), expected);
            }
        }
        // Without a path there is no location to tell, although it is no POST.
        let body = json!({"schemas": [BULK], "Operations": [{"method": "DELETE", "bulkId": "x"}]});
        let result = server.post("/Bulk", &body).await.expect(200).json()["Operations"][0].clone();
        assert_eq!(keys(&result), ["bulkId", "method", "response", "status"]);
        assert_eq!(result["response"]["detail"], "`path` is missing");
        assert_eq!(server.names("userName pr").await, [""; 0]);
    }
    refused(|| {
        vec![
            (without("path", with("POST", "")), "400 invalidValue `path` is missing"),
            (with("POST", "/Nope"), "404 - there is no endpoint `/Nope`"),
            (with("PUT", "/Users/1/Groups/2"), "404 - there is no endpoint `/Users/1/Groups/2`"),
            (
                with("POST", "/scim/v2/Users"),
                "400 invalidPath the path of a bulk operation begins after the base URL: write `/Users`, not `/scim/v2/Users`",
            ),
            (
                with("DELETE", "https://example.com/v2//Groups/a%20b"),
                "400 invalidPath the path of a bulk operation begins after the base URL: write `/Groups/a%20b`, not `https://example.com/v2//Groups/a%20b`",
            ),
            (
                with("PATCH", "v2/Users/Groups"),
                "400 invalidPath the path of a bulk operation begins after the base URL: write `/Users/Groups`, not `v2/Users/Groups`",
            ),
            (
                with("PUT", "/Users/1?attributes=id"),
                "400 invalidValue `path` must be a path only, got `/Users/1?attributes=id`",
            ),
            (with("PUT", "/Users/%zz"), "400 - `%zz` in the URL is not valid percent-encoding"),
            (with("DELETE", "/Users/nobody"), "404 - there is no User with the id `nobody`"),
            (with("DELETE", "/Users/%00"), "404 - there is no User with the id `\\u{0}`"),
            (with("DELETE", "/Groups/nobody"), "404 - there is no Group with the id `nobody`"),
            (
                json!({"method": "DELETE", "path": "/Users/1", "version": 5}),
                "400 invalidValue `version` must be a string, got a number",
            ),
        ]
    })
    .await;
}

#[tokio::test]
async fn r7644_3_7_06_data_is_required_but_for_delete() {
    refused(|| {
        let missing = "400 invalidValue `data` is missing";
        let mut text = with("POST", "/Users");
        text["data"] = json!("text");
        let mut null = with("PUT", "/Users/1");
        null["data"] = json!(null);
        vec![
            (without("data", with("POST", "/Users")), missing),
            (without("data", with("PUT", "/Users/1")), missing),
            (without("data", with("PATCH", "/Users/1")), missing),
            (null, missing),
            (text, "400 invalidSyntax `data` must be an object, got a string"),
        ]
    })
    .await;
    for server in everywhere() {
        let ann = server.user(json!({"userName": "ann"})).await;
        assert_eq!(server.bulk(json!([{"method": "DELETE", "path": ann}])).await.statuses(), ["204"]);
        let bob = server.user(json!({"userName": "bob"})).await;
        assert_eq!(server.bulk(json!([with("DELETE", &bob)])).await.statuses(), ["204"], "it is ignored");
    }
}

#[tokio::test]
async fn r7644_3_7_07_every_result_has_its_location_but_a_post_that_failed() {
    for server in everywhere() {
        let ann = server.user(json!({"userName": "ann"})).await;
        let answer = server
            .bulk(json!([
                create("a", "bob"),
                create("b", "ann"),
                {"method": "PUT", "path": ann, "data": user(json!({"userName": "ann"}))},
                {"method": "PUT", "path": ann, "data": user(json!({}))},
                {"method": "PATCH", "path": ann, "data": patch_data(json!([{"op": "remove", "path": "nope"}]))},
                {"method": "PATCH", "path": ann, "data": 5},
                {"method": "DELETE", "path": ann, "version": "W/\"0\""},
                {"method": "DELETE", "path": "/Users/no body"},
                {"method": "DELETE", "path": ann},
                {"method": "DELETE", "path": ann},
            ]))
            .await;
        assert_eq!(answer.statuses(), ["201", "409", "200", "400", "400", "400", "412", "404", "204", "404"]);
        let bob = answer.path(0);
        server.get(&bob).await.expect(200);
        let at = |path: &str| json!(format!("https://example.com/v2{path}"));
        let locations: Vec<_> = answer.0.iter().map(|result| result["location"].clone()).collect();
        let mut expected = vec![at(&ann); 10];
        expected[0] = at(&bob);
        expected[1] = json!(null);
        expected[7] = at("/Users/no%20body");
        assert_eq!(locations, expected);
    }
}

#[tokio::test]
async fn r7644_3_7_08_errors_have_an_error_as_their_response_and_nothing_else_has_one() {
    for server in everywhere() {
        let ann = server.user(json!({"userName": "ann"})).await;
        let answer = server
            .bulk(json!([
                create("a", "bob"),
                create("b", "ann"),
                {"method": "PATCH", "path": ann, "data": patch_data(json!([{"op": "replace", "path": "id", "value": "x"}]))},
                {"method": "DELETE", "path": "/Users/none"},
                {"method": "DELETE", "path": ann},
            ]))
            .await;
        let errors = [None, Some((409, "uniqueness")), Some((400, "mutability")), Some((404, "")), None];
        for (result, error) in answer.0.iter().zip(errors) {
            let Some((status, scim_type)) = error else {
                assert_eq!(result.get("response"), None);
                continue;
            };
            let response = &result["response"];
            assert_eq!(result["status"], status.to_string());
            assert_eq!(response["status"], status.to_string());
            assert_eq!(response["schemas"], json!([ERROR]));
            assert_eq!(response.get("scimType").map_or("", |text| text.as_str().unwrap()), scim_type);
            assert_eq!(result.get("version"), None);
        }
    }
}

#[tokio::test]
async fn r7644_3_7_10_without_fail_on_errors_everything_is_tried() {
    for server in everywhere() {
        let answer = server
            .bulk(json!([
                create("a", "Ann"),
                create("b", "ANN"),
                create("c", "Cid"),
                {"method": "DELETE", "path": "/Users/nobody"},
                {"method": "BREW"},
                create("d", "Dan"),
            ]))
            .await;
        assert_eq!(answer.statuses(), ["201", "409", "201", "404", "400", "201"]);
        assert_eq!(server.names("userName pr").await, ["Ann", "Cid", "Dan"]);
    }
}

#[tokio::test]
async fn r7644_3_7_11_with_fail_on_errors_it_ends_with_the_last_failure_that_is_borne() {
    let good = |n: usize| create(&format!("g{n}"), &format!("good-{n}"));
    let bad = [
        create("bad", "OLD"),
        json!({"method": "BREW", "path": "/Users"}),
        json!({"method": "DELETE", "path": "/Users/nobody"}),
        json!({"method": "PUT", "path": "/Users/nobody", "data": user(json!({"userName": "x"}))}),
    ];
    for (most, expected) in [(1, 2), (2, 4), (3, 6), (4, 8), (5, 9), (100, 9)] {
        for first in 0..bad.len() {
            for server in everywhere() {
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
}

#[tokio::test]
async fn r7644_3_7_11_b_fail_on_errors_is_a_whole_number_from_one() {
    for server in everywhere() {
        for (number, shown) in [
            (json!(0), "`0`"),
            (json!(-1), "`-1`"),
            (json!(1.5), "`1.5`"),
            (json!("1"), "a string"),
            (json!([1]), "an array"),
        ] {
            let body = json!({"schemas": [BULK], "failOnErrors": number, "Operations": [create("a", "ann")]});
            let detail = server.post("/Bulk", &body).await.refused(400, "invalidValue");
            assert_eq!(detail, format!("`failOnErrors` must be a whole number from 1, got {shown}"));
        }
        assert_eq!(server.names("userName pr").await, [""; 0]);
    }
}

#[tokio::test]
async fn r7644_3_7_3_03_errors_say_what_is_wrong() {
    refused(|| {
        let with_data = |data: Value| {
            let mut operation = with("POST", "/Users");
            operation["data"] = data;
            operation
        };
        vec![
            (
                with_data(json!({"schemas": [USER]})),
                "400 invalidValue `userName` is required and must not be empty",
            ),
            (
                with_data(json!({"schemas": [USER], "userName": "x", "active": "perhaps"})),
                "400 invalidValue `active` must be true or false, got the string `perhaps`",
            ),
            (
                with("PATCH", "/Users/1"),
                "400 invalidSyntax `schemas` must be [\"urn:ietf:params:scim:api:messages:2.0:PatchOp\"] in the body of a PATCH",
            ),
        ]
    })
    .await;
    for server in everywhere() {
        server.user(json!({"userName": "Ann"})).await;
        let answer = server.bulk(json!([create("a", "ANN")])).await;
        assert_eq!(answer.refusal(0), "409 uniqueness another User already has the userName `ANN`");
    }
}
