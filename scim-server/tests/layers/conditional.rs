use http::{HeaderValue, Request, Response, StatusCode};
use scim_server::Body;
use scim_server::layer::conditional::ConditionalLayer;
use tower::{Layer as _, ServiceExt as _, service_fn};

use crate::common::*;

/// A service that has tags and knows nothing of conditions.
async fn plain(request: Request<Body>) -> Result<Response<Body>, std::convert::Infallible> {
    let mut response = Response::new(Body::from(b"{}".to_vec()));
    *response.status_mut() = match request.uri().path() {
        "/gone" => StatusCode::NOT_FOUND,
        _ => StatusCode::OK,
    };
    if request.uri().path() != "/untagged" {
        response.headers_mut().insert("etag", HeaderValue::from_static("\"v,1\""));
    }
    response.headers_mut().insert("location", HeaderValue::from_static("/here"));
    response.headers_mut().insert("content-type", HeaderValue::from_static("application/scim+json"));
    Ok(response)
}

#[tokio::test]
async fn known_versions_are_not_sent_again() {
    let service = ConditionalLayer::new().layer(service_fn(plain));
    for (method, path, value, status) in [
        ("GET", "/", "\"v,1\"", 304),
        ("HEAD", "/", "W/\"v,1\"", 304),
        ("GET", "/", "\"a\", W/\"v,1\"", 304),
        ("GET", "/", "*", 304),
        ("GET", "/", "\"v\"", 200),
        ("GET", "/gone", "*", 404),
        ("GET", "/untagged", "*", 200),
        ("PUT", "/", "\"v,1\"", 200),
        ("POST", "/", "*", 200),
    ] {
        let request = Request::builder().method(method).uri(path).header("if-none-match", value);
        let response = service.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(response.status(), status, "{method} {path} {value}");
        if status == 304 {
            assert_eq!(response.headers()["etag"], "\"v,1\"");
            assert_eq!(response.headers()["location"], "/here");
            assert!(!response.headers().contains_key("content-type"));
            assert!(http_body::Body::is_end_stream(response.body()));
        }
    }
}

#[tokio::test]
async fn what_cannot_be_read_is_refused_before_any_work() {
    let server = Server::new();
    let id = server.user(json!({"userName": "ann"})).await;
    let path = format!("/Users/{id}");
    let service = ConditionalLayer::new().layer(server.service.clone());
    for name in ["if-match", "if-none-match"] {
        for value in ["", "3", "W/3", "'3'", "\"3", "*, \"3\"", "\"3\" \"4\""] {
            for method in ["GET", "PUT", "PATCH", "DELETE"] {
                let answer = send(service.clone(), method, &path, &[(name, value)], "").await;
                let detail = answer.refused(400, "");
                let name = if name == "if-match" { "If-Match" } else { "If-None-Match" };
                let expected = format!(
                    "the header {name} must be `*` or at most 100 versions in double quotes such as W/\"1\", got `{value}`"
                );
                assert_eq!(detail, expected, "{method} {value}");
                // The service itself has the same answer.
                let alone = send(server.service.clone(), method, &path, &[(name, value)], "").await;
                assert_eq!((alone.status, alone.text), (answer.status, answer.text), "{method} {value}");
            }
        }
    }
    server.get(&path).await.expect(200);
}

#[tokio::test]
async fn a_change_may_have_to_say_of_what() {
    let server = Server::new();
    let id = server.user(json!({"userName": "ann"})).await;
    let path = format!("/Users/{id}");
    let service = ConditionalLayer::new().require_if_match().layer(server.service.clone());
    let body = json!({"schemas": [USER], "userName": "ann", "title": "x"}).to_string();
    for method in ["PUT", "PATCH", "DELETE"] {
        let answer = send(service.clone(), method, &path, &[], body.clone()).await;
        assert!(answer.refused(428, "").contains("If-Match"), "{method}");
    }
    let etag = server.get(&path).await.etag();
    send(service.clone(), "POST", "/Users", &[], body.replace("ann", "bob")).await.expect(201);
    send(service.clone(), "GET", &path, &[], "").await.expect(200);
    send(service.clone(), "GET", &path, &[("if-none-match", &etag)], "").await.expect(304);
    send(service.clone(), "PUT", &path, &[("if-match", "W/\"999\"")], body.clone()).await.expect(412);
    send(service.clone(), "PUT", &path, &[("if-match", &etag)], body.clone()).await.expect(200);
    send(service.clone(), "PUT", &path, &[("if-match", &etag)], body.replace('x', "y")).await.expect(412);
    send(service, "DELETE", &path, &[("if-match", "*")], "").await.expect(204);
}

#[tokio::test]
async fn operations_of_a_bulk_request_have_to_say_so_too() {
    let server = Server::new();
    let ann = format!("/Users/{}", server.user(json!({"userName": "ann"})).await);
    let etag = server.get(&ann).await.etag();
    let service = ConditionalLayer::new().require_if_match().layer(server.service.clone());
    let user = |name: &str| json!({"schemas": [USER], "userName": name});
    let title = json!({"schemas": [PATCH_OP], "Operations": [{"op": "add", "path": "title", "value": "x"}]});
    let body = json!({"schemas": [BULK], "Operations": [
        {"method": "POST", "path": "/Users", "bulkId": "b", "data": user("bob")},
        {"method": "PUT", "path": ann, "data": user("anna")},
        {"method": "PATCH", "path": ann, "data": title},
        {"method": "DELETE", "path": ann},
        {"method": "DELETE", "path": ann, "version": null},
        {"method": "PATCH", "path": ann, "version": "W/\"999\"", "data": title},
        {"method": "PATCH", "path": ann, "version": etag, "data": title},
        {"method": "DELETE", "path": "/Users/bulkId:b", "version": "*"},
    ]});
    let answer = Bulk::of(send(service, "POST", "/Bulk", &[], body.to_string()).await);
    assert_eq!(answer.statuses(), ["201", "428", "428", "428", "428", "412", "200", "204"]);
    let detail = "this server carries out PUT, PATCH and DELETE of a bulk request only with `version`: send the version \
                  that you have read, or `*` for any";
    assert_eq!(answer.0[1]["response"]["detail"], detail);
    assert_eq!(server.names("userName pr").await, ["ann"]);
}
