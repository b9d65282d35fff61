//! RFC 7644 section 3.12: errors.

use std::sync::Arc;

use scim_server::store::StoreError;

use crate::auth::{Refusing, guarded};
use crate::server::*;

/// One request for every kind of error, with its status and scimType.
async fn all_kinds(server: &Server) -> Vec<(Answer, u16, &'static str)> {
    let ann = server.user(json!({"userName": "ann"})).await;
    server.user(json!({"userName": "bob"})).await;
    let stale = [("if-match", "W/\"0\"")];
    vec![
        (server.filter("/Users", "userName").await, 400, "invalidFilter"),
        (server.filter("/Users", "password eq \"x\"").await, 403, "sensitive"),
        (server.filter("/Schemas", "id pr").await, 403, ""),
        (server.post("/Users", &user(json!({"userName": "ann"}))).await, 409, "uniqueness"),
        (server.patch(&ann, json!([{"op": "replace", "path": "id", "value": "x"}])).await, 400, "mutability"),
        (server.send("POST", "/Users", &[], "{").await, 400, "invalidSyntax"),
        (server.patch(&ann, json!([{"op": "remove", "path": "a b"}])).await, 400, "invalidPath"),
        (server.patch(&ann, json!([{"op": "remove"}])).await, 400, "noTarget"),
        (server.post("/Users", &user(json!({}))).await, 400, "invalidValue"),
        (server.get("/Users?count=x").await, 400, "invalidValue"),
        (server.get("/Users/%zz").await, 400, ""),
        (server.get("/Users/none").await, 404, ""),
        (server.get("/Nope").await, 404, ""),
        (server.get("/ResourceTypes/none").await, 404, ""),
        (server.get("/Schemas/none").await, 404, ""),
        (server.put("/Users", &json!({})).await, 405, ""),
        (server.send("DELETE", &ann, &stale, "").await, 412, ""),
        (server.send("POST", "/Users", &[], " ".repeat(2_000_000)).await, 413, ""),
        (server.send("POST", "/Users", &[("content-type", "text/csv")], "x").await, 415, ""),
    ]
}

#[tokio::test]
async fn r7644_3_12_01_the_body_is_an_error_with_the_status_as_a_string() {
    for server in everywhere() {
        for (answer, status, kind) in all_kinds(&server).await {
            answer.refused(status, kind);
            let json = answer.json();
            assert_eq!(json["schemas"], json!([ERROR]));
            assert_eq!(json["status"], json!(status.to_string()), "a string: {json}");
            let known = ["detail", "schemas", "scimType", "status"];
            assert!(keys(&json).iter().all(|key| known.contains(key)), "{json}");
        }
    }
}

#[tokio::test]
async fn r7644_3_12_02_errors_of_layers_are_in_the_body_too() {
    let server = Server::tolerant();
    for (token, status) in [("", 401), ("Bearer wrong-token", 401), ("Bearer reader-token", 403)] {
        let headers = [("authorization", token)];
        let headers = if token.is_empty() { &[][..] } else { &headers };
        let body = user(json!({"userName": "x"})).to_string();
        let answer = send(guarded(&server), "POST", "/v2/Users", headers, body).await;
        answer.refused(status, "");
        assert!(answer.json()["detail"].is_string());
    }
}

#[tokio::test]
async fn r7644_3_12_03_scim_types_come_from_the_table() {
    let table = [
        "invalidFilter",
        "tooMany",
        "uniqueness",
        "mutability",
        "invalidSyntax",
        "invalidPath",
        "noTarget",
        "invalidValue",
        "invalidVers",
        "sensitive",
    ];
    for server in everywhere() {
        for (answer, _, kind) in all_kinds(&server).await {
            match answer.json().get("scimType") {
                Some(found) => assert!(table.contains(&found.as_str().unwrap()), "{answer:?}"),
                None => assert_eq!(kind, "", "{answer:?}"),
            }
        }
    }
}

#[tokio::test]
async fn r7644_3_12_04_what_cannot_be_read_or_breaks_a_schema_is_400() {
    for server in everywhere() {
        for body in ["{", "[]", "{\"schemas\":5}", "{\"userName\":{}}", "nonsense"] {
            server.send("POST", "/Users", &[], body).await.expect(400);
        }
        server.post("/Users", &user(json!({"userName": 5}))).await.refused(400, "invalidValue");
        let unknown = server.post("/Users", &user(json!({"userName": "x", "shoeSize": 5}))).await;
        if server.strict {
            let detail = unknown.refused(400, "invalidValue");
            assert!(detail.contains("shoeSize"), "C5: {detail}");
        } else {
            assert!(!unknown.expect(201).text.contains("shoeSize"));
        }
    }
}

#[tokio::test]
async fn r7644_3_12_05_missing_and_wrong_credentials_are_401() {
    let server = Server::tolerant();
    for headers in [
        &[][..],
        &[("authorization", "Bearer wrong-token")],
        &[("authorization", "Basic abc")],
        &[("authorization", "")],
    ] {
        send(guarded(&server), "GET", "/v2/Users", headers, "").await.refused(401, "");
    }
}

#[tokio::test]
async fn r7644_3_12_06_missing_rights_are_403() {
    let server = Server::tolerant();
    let headers = [("authorization", "Bearer reader-token")];
    send(guarded(&server), "DELETE", "/v2/Users/id-1", &headers, "").await.refused(403, "");
}

#[tokio::test]
async fn r7644_3_12_07_unknown_resources_and_endpoints_are_404() {
    for server in everywhere() {
        for path in [
            "/Nope",
            "/Users/none",
            "/users/x/y",
            "/Nope/.search",
            "/v3",
            "/ServiceProviderConfig/x",
            "/Bulk/x",
        ] {
            let detail = server.get(path).await.refused(404, "");
            assert!(detail.starts_with("there is no "), "{detail}");
        }
        server.post("/Nope", &json!({})).await.refused(404, "");
    }
}

#[tokio::test]
async fn r7644_3_12_08_duplicates_are_409() {
    for server in everywhere() {
        server.user(json!({"userName": "ann"})).await;
        let detail =
            server.post("/Users", &user(json!({"userName": "Ann"}))).await.refused(409, "uniqueness");
        assert_eq!(detail, "another User already has the userName `Ann`");
    }
    let server = Server::over(Arc::new(Refusing(|| StoreError::Contended)), true, |builder| builder);
    server.patch("/Users/1", json!([{"op": "remove", "path": "title"}])).await.refused(409, "");
}

#[tokio::test]
async fn r7644_3_12_09_a_failed_precondition_is_412() {
    for server in everywhere() {
        let ann = server.user(json!({"userName": "ann"})).await;
        let answer = server.send("DELETE", &ann, &[("if-match", "W/\"0\"")], "").await;
        let detail = answer.refused(412, "");
        assert!(detail.contains("version"), "{detail}");
    }
}

#[tokio::test]
async fn r7644_3_12_11_what_fails_inside_is_500_without_what_it_was() {
    let server = Server::over(
        Arc::new(Refusing(|| StoreError::internal("postgres://user:pw@db/ has no table `scim`"))),
        false,
        |builder| builder,
    );
    let body = user(json!({"userName": "x"})).to_string();
    for (method, path, body) in [
        ("GET", "/Users", ""),
        ("GET", "/Users/1", ""),
        ("POST", "/Users", &body),
        ("PUT", "/Users/1", &body),
        ("DELETE", "/Users/1", ""),
    ] {
        let answer = server.send(method, path, &[], body).await;
        let detail = answer.refused(500, "");
        assert!(detail.contains("request-1"), "it names the line of the log: {detail}");
        assert!(!answer.text.contains("postgres") && !answer.text.contains("scim`"), "{answer:?}");
    }
}

#[tokio::test]
async fn r7644_3_12_13_each_scim_type_is_used_for_what_it_means() {
    for server in everywhere() {
        let kinds: Vec<_> = all_kinds(&server)
            .await
            .into_iter()
            .map(|(answer, ..)| answer.json()["scimType"].clone())
            .collect();
        for kind in [
            "invalidFilter",
            "uniqueness",
            "mutability",
            "invalidSyntax",
            "invalidPath",
            "noTarget",
            "invalidValue",
            "sensitive",
        ] {
            assert!(kinds.contains(&json!(kind)), "{kind}");
        }
        // tooMany: more work than one request may ask for.
        let ann = server.user(json!({"userName": "cid"})).await;
        let group = server.group("staff", &[&ann]).await;
        let sweep = json!({"op": "remove", "path": "members[type eq \"Group\"]"});
        server.patch(&group, json!(vec![sweep; 11])).await.refused(400, "tooMany");
    }
}

#[tokio::test]
async fn r7644_3_12_14_errors_are_scim_json() {
    for server in everywhere() {
        for (answer, ..) in all_kinds(&server).await {
            assert_eq!(answer.header("content-type"), Some("application/scim+json"));
            assert!(answer.header("location").is_none() && answer.header("etag").is_none(), "{answer:?}");
        }
    }
}

#[tokio::test]
async fn r7644_3_12_15_method_errors_have_the_body_too() {
    for server in everywhere() {
        for (method, path) in
            [("PUT", "/Users"), ("DELETE", "/Schemas"), ("TRACE", "/Users/x"), ("BREW", "/")]
        {
            let answer = server.send(method, path, &[], "{}").await;
            let detail = answer.refused(405, "");
            assert!(detail.contains(method) && detail.contains(answer.header("allow").unwrap()), "{detail}");
        }
    }
}
