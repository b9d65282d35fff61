//! The sentences that administrators read, word for word.

use crate::common::*;

#[tokio::test]
async fn sentences() {
    let server = Server::strict();
    server.user(json!({"userName": "taken"})).await;
    let id = server.post("/Users", &barbara()).await.expect(201).id();
    let path = format!("/Users/{id}");
    let before = server.get(&path).await.text;
    let patch = |operation: Value| json!({"schemas": [PATCH_OP], "Operations": [operation]}).to_string();
    let user = |more: Value| {
        let mut body = json!({"schemas": [USER]});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body.to_string()
    };
    let table = [
        ("GET", "/Nope", String::new(), "404 - there is no endpoint `/Nope`"),
        ("GET", "/Users/none", String::new(), "404 - there is no User with the id `none`"),
        ("GET", "/Schemas/urn:x:y", String::new(), "404 - there is no Schema with the id `urn:x:y`"),
        (
            "PUT",
            "/Users",
            user(json!({})),
            "405 - PUT is not possible here; this endpoint takes GET, HEAD, POST",
        ),
        (
            "POST",
            &path,
            user(json!({})),
            "405 - POST is not possible here; this endpoint takes GET, HEAD, PUT, PATCH, DELETE",
        ),
        (
            "GET",
            "/Me",
            String::new(),
            "501 - /Me is not supported by this server; see ServiceProviderConfig for what is",
        ),
        ("POST", "/Bulk", String::new(), "400 invalidSyntax the body is empty; a JSON object is expected"),
        ("POST", "/Users", String::new(), "400 invalidSyntax the body is empty; a JSON object is expected"),
        ("POST", "/Users", "[]".to_owned(), "400 invalidSyntax the body must be a JSON object, got an array"),
        (
            "POST",
            "/Users",
            user(json!({"userName": "Taken"})),
            "409 uniqueness another User already has the userName `Taken`",
        ),
        ("POST", "/Users", user(json!({})), "400 invalidValue `userName` is required and must not be empty"),
        (
            "POST",
            "/Users",
            user(json!({"userName": "a", "active": "yes", "emails": 5})),
            "400 invalidValue `active` must be true or false, got the string `yes`; `emails` must be a list, got `5`",
        ),
        (
            "POST",
            "/Users",
            user(json!({"userName": "a", "shoeSize": 5})),
            "400 invalidValue `shoeSize` is not defined for User",
        ),
        (
            "GET",
            "/Users?filter=userName%20eq",
            String::new(),
            "400 invalidFilter the filter cannot be read: ",
        ),
        (
            "GET",
            "/Users?filter=shoe%20eq%205",
            String::new(),
            "400 invalidFilter the filter cannot be used: ",
        ),
        (
            "GET",
            "/Users?count=many",
            String::new(),
            "400 invalidValue `count` must be a whole number, got `many`",
        ),
        ("GET", "/Users?sortBy=shoe", String::new(), "400 invalidValue `sortBy` cannot be used: "),
        ("PATCH", &path, patch(json!({"op": "remove"})), "400 noTarget operation 1: "),
        (
            "PATCH",
            &path,
            patch(json!({"op": "replace", "path": "id", "value": "x"})),
            "400 mutability operation 1: ",
        ),
        (
            "PATCH",
            "/Users/none",
            patch(json!({"op": "remove", "path": "title"})),
            "404 - there is no User with the id `none`",
        ),
    ];
    for (method, path, body, expected) in table {
        let answer = server.send(method, path, &[], body.clone()).await;
        let json = answer.json();
        let kind = json.get("scimType").map_or("-", |t| t.as_str().unwrap());
        let text = format!("{} {kind} {}", answer.status, json["detail"].as_str().unwrap());
        // A sentence that ends in a blank is the beginning of one that another crate words.
        if expected.ends_with(' ') {
            assert!(text.starts_with(expected), "{method} {path} {body}: {text}");
        } else {
            assert_eq!(text, expected, "{method} {path} {body}");
        }
    }
    assert_eq!(server.get(&path).await.text, before);
}

#[tokio::test]
async fn what_is_echoed_is_short_and_has_no_control_characters() {
    let server = Server::strict();
    let long = "x".repeat(5000);
    let answers = [
        server.get(&format!("/{long}")).await,
        server.get(&format!("/Users/{long}")).await,
        server.get(&format!("/Users?filter={long}")).await,
        server.get(&format!("/Users?count={long}")).await,
        server.get("/Users/%00%1b%5B31m").await,
        server.get("/%0a%0d%00").await,
        server.get("/Users?count=%0a%00").await,
        server.send("GET", "/Users", &[], "").await.expect(200),
        server.send(&"M".repeat(300), "/Users", &[], "").await,
        server.send("POST", "/Users", &[("content-type", &long)], "{}").await,
        server.send("POST", "/Users", &[("content-encoding", &long)], "{}").await,
        server.post("/Users", &json!({"schemas": [USER], "userName": "a", "title": {long.clone(): 1}})).await,
        server.post("/Users", &json!({"schemas": [USER], "userName": "a", long.clone(): 1})).await,
        server.patch("/Users/1", json!([{"op": long, "path": "title"}])).await,
        server.patch("/Users/1", json!([{"op": "add", "path": long, "value": 1}])).await,
    ];
    for answer in answers {
        assert!(answer.text.len() < 800, "{answer:?}");
        assert!(
            !answer.json()["detail"].as_str().unwrap_or_default().chars().any(char::is_control),
            "{answer:?}"
        );
    }
}

#[tokio::test]
async fn rfc7644_3_2_05_and_3_12_15_wrong_methods_say_which_are_right() {
    let server = Server::new();
    for (path, allow, wrong) in [
        ("/Users", "GET, HEAD, POST", &["PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"][..]),
        ("/Users/1", "GET, HEAD, PUT, PATCH, DELETE", &["POST", "OPTIONS", "TRACE", "BREW"]),
        ("/Users/.search", "POST", &["GET", "HEAD", "PUT", "DELETE"]),
        ("/.search", "POST", &["GET", "PATCH"]),
        ("/", "GET, HEAD", &["POST", "PUT", "DELETE", "OPTIONS"]),
    ] {
        for method in wrong {
            let answer = server.send(method, path, &[], "").await.expect(405);
            assert_eq!(answer.header("allow"), Some(allow), "{method} {path}");
        }
    }
}

#[tokio::test]
async fn rfc7644_3_11_01_04_me_is_not_there_and_says_so() {
    let server = Server::new();
    for path in ["/Me"] {
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"] {
            server.send(method, path, &[], "{}").await.expect(501);
        }
    }
}
