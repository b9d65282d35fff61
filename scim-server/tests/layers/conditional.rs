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
                let expected =
                    format!("the header {name} must be `*` or versions in quotes, such as `W/\"3\"`");
                assert_eq!(detail, expected, "{method} {value}");
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
