use scim_server::layer::auth::{AuthLayer, StaticTokens};
use scim_server::layer::trace::TraceLayer;
use tower::ServiceBuilder;

use crate::common::*;
use crate::log::Log;

const TOKEN: &str = "0123456789abcdef0123456789abcdef";

/// What is logged of some requests that are full of what must not be.
async fn lines(layer: TraceLayer) -> (String, String) {
    let (log, guard) = Log::start();
    let server = Server::new();
    let id = server.user(json!({"userName": "private@example.com", "password": "pass-word"})).await;
    let tokens = StaticTokens::new().with("entra", TOKEN).unwrap();
    let service =
        ServiceBuilder::new().layer(layer).layer(AuthLayer::new(tokens)).service(server.service.clone());
    let bearer = format!("Bearer {TOKEN}");
    let cookie = [("authorization", bearer.as_str()), ("cookie", "session=cookie-secret")];
    let filter = encode("userName eq \"private@example.com\" and title eq \"x");
    for path in [
        format!("/Users/{id}?attributes=userName"),
        format!("/Users?filter={filter}"),
        format!("/Users?ACCESS_token={TOKEN}&filter=x&count=1"),
        format!("/Users?%61ccess_token={TOKEN}"),
        format!("/Users/private%40example.com?{}", "a=b&".repeat(2000)),
    ] {
        send(service.clone(), "GET", &path, &cookie, "").await;
    }
    let body =
        json!({"schemas": [USER], "userName": "private@example.com", "password": "pass-word"}).to_string();
    send(service.clone(), "POST", "/Users", &cookie, body.clone()).await.expect(409);
    send(service.clone(), "PUT", &format!("/Users/{id}"), &cookie, body.replace("pass-word", "")).await;
    send(service, "POST", "/Users", &[("authorization", "Bearer wrong-token")], body).await.expect(401);
    drop(guard);
    (log.text(), id)
}

#[tokio::test]
async fn rfc7644_7_07_nothing_about_people_and_no_secret_is_logged() {
    let (log, id) = lines(TraceLayer::new()).await;
    assert_eq!(log.lines().count(), 8, "{log}");
    for secret in [
        TOKEN,
        "wrong-token",
        "pass-word",
        "private",
        "cookie-secret",
        "userName",
        "filter",
        "uri",
        id.as_str(),
    ] {
        assert!(!log.contains(secret), "{secret}: {log}");
    }
}

#[tokio::test]
async fn paths_and_queries_are_logged_on_demand_without_tokens() {
    let (log, id) = lines(TraceLayer::new().with_uri()).await;
    assert!(log.contains(&format!("uri=\"/Users/{id}?attributes=userName\"")), "{log}");
    assert!(log.contains("/Users?[redacted]&filter=x&count=1"), "{log}");
    assert!(log.contains("filter=userName%20eq"), "{log}");
    assert!(log.lines().all(|line| line.len() < 3000));
    for secret in [TOKEN, "wrong-token", "pass-word", "cookie-secret"] {
        assert!(!log.contains(secret), "{secret}: {log}");
    }
}
