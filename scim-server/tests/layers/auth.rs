use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use scim_core::{ScimError, TenantId};
use scim_server::layer::auth::{
    Access, AnyOf, AuthError, AuthLayer, Scopes, StaticTokens, TenantAccess, VerifyToken,
};
use scim_server::{Body, Principal};
use tower::{Layer as _, Service, ServiceBuilder};

use crate::common::*;

const ALL: &str = "token-for-all";
const READER: &str = "token-for-reading";
const WRITER: &str = "token-for-writing";
const NOTHING: &str = "token-for-nothing";

fn access(name: &str, scopes: Scopes) -> Access {
    Access::new(Principal::new(name)).with_scopes(scopes)
}

fn tokens() -> StaticTokens {
    StaticTokens::new()
        .with("all", ALL)
        .unwrap()
        .with_access(access("reader", Scopes::READ), READER)
        .unwrap()
        .with_access(access("writer", Scopes::WRITE), WRITER)
        .unwrap()
        .with_access(access("nothing", Scopes::NONE), NOTHING)
        .unwrap()
}

async fn call<S>(service: S, method: &str, path: &str, token: &str, body: &str) -> Answer
where
    S: Service<Request<Body>, Response = Response<Body>>,
    S::Error: std::fmt::Debug,
{
    send(service, method, path, &[("authorization", &format!("Bearer {token}"))], body).await
}

#[tokio::test]
async fn rfc7644_2_02_scopes_part_reading_from_writing() {
    let server = Server::new();
    let id = server.user(json!({"userName": "ann"})).await;
    let service =
        AuthLayer::new(tokens()).with_realm("Direc\"tory\\ \u{e9}\r\n1").layer(server.service.clone());
    let user = json!({"schemas": [USER], "userName": "ann"}).to_string();
    let patch =
        json!({"schemas": [PATCH_OP], "Operations": [{"op": "replace", "path": "title", "value": "x"}]});
    let search = json!({"schemas": [SEARCH], "count": 1}).to_string();
    let one = format!("/Users/{id}");
    for (method, path, body, writes) in [
        ("GET", "/Users", "", false),
        ("HEAD", one.as_str(), "", false),
        ("POST", "/Users/.search", search.as_str(), false),
        ("POST", "/.search", search.as_str(), false),
        ("POST", "/users/.SEARCH", search.as_str(), false),
        ("POST", "//%2esearch/", search.as_str(), false),
        ("PUT", &one, &user, true),
        ("PATCH", &one, &patch.to_string(), true),
        ("POST", "/Users", &json!({"schemas": [USER], "userName": "bob"}).to_string(), true),
        ("POST", "/Bulk", "{}", true),
        ("POST", "/Users/x.search", "{}", true),
        ("DELETE", &one, "", true),
    ] {
        let (allowed, refused) = if writes { (WRITER, READER) } else { (READER, WRITER) };
        for token in [refused, NOTHING] {
            // That answers to HEAD have no body is left to the HTTP server.
            let method = if method == "HEAD" { "GET" } else { method };
            let answer = call(service.clone(), method, path, token, body).await;
            let challenge = "Bearer realm=\"Directory 1\", error=\"insufficient_scope\"";
            assert_eq!(answer.header("www-authenticate"), Some(challenge), "{method} {path}");
            let word = if writes { "write" } else { "read" };
            assert_eq!(answer.refused(403, ""), format!("the bearer token gives no {word} access"));
        }
        let status = call(service.clone(), method, path, allowed, body).await.status;
        assert!(![401, 403].contains(&status), "{method} {path}: {status}");
        let status = call(service.clone(), method, path, ALL, body).await.status;
        assert!(![401, 403].contains(&status), "{method} {path}: {status}");
    }
}

#[tokio::test]
async fn rfc7644_2_06_a_reader_writes_nothing() {
    let server = Server::new();
    let service = AuthLayer::new(tokens()).layer(server.service.clone());
    let user = json!({"schemas": [USER], "userName": "ann"}).to_string();
    call(service, "POST", "/Users", READER, &user).await.expect(403);
    assert_eq!(server.get("/Users").await.json()["totalResults"], 0);
}

#[tokio::test]
async fn rfc7644_2_03_a_policy_sees_who_does_what_to_what() {
    let server = Server::new();
    let layer = AuthLayer::new(tokens()).with_policy(|intent, access| {
        if access.principal.as_str() == "all" && intent.is_about("Group") {
            return Err(ScimError::new(403, "groups are kept elsewhere"));
        }
        Ok(())
    });
    let service = layer.layer(server.service.clone());
    call(service.clone(), "GET", "/Users", ALL, "").await.expect(200);
    call(service.clone(), "GET", "/Groups", READER, "").await.expect(200);
    let refused = call(service, "GET", "/Groups", ALL, "").await;
    assert_eq!(refused.refused(403, ""), "groups are kept elsewhere");
}

/// A layer further out that has chosen a tenant.
fn in_tenant(
    tenant: Option<&str>,
    server: &Server,
    tokens: StaticTokens,
) -> impl Service<Request<Body>, Response = Response<Body>, Error = std::convert::Infallible> + Clone {
    let tenant: Option<TenantId> = tenant.map(|tenant| tenant.parse().unwrap());
    ServiceBuilder::new()
        .map_request(move |mut request: Request<Body>| {
            tenant.clone().map(|tenant| request.extensions_mut().insert(tenant));
            request
        })
        .layer(AuthLayer::new(tokens))
        .service(server.service.clone())
}

#[tokio::test]
async fn a_token_is_for_its_own_tenant() {
    let server = Server::new();
    let bound = |tenant: &str| {
        let only = TenantAccess::Only(tenant.parse().unwrap());
        Access::new(Principal::new(tenant)).with_tenants(only)
    };
    let every = Access::new(Principal::new("operator")).with_tenants(TenantAccess::Every);
    let tokens = StaticTokens::new()
        .with_access(bound("one"), "token-of-one")
        .unwrap()
        .with_access(bound("two"), "token-of-two")
        .unwrap()
        .with_access(every, "token-of-operator")
        .unwrap()
        .with("nobody", "token-of-nobody")
        .unwrap();
    let user = |name: &str| json!({"schemas": [USER], "userName": name}).to_string();

    // No layer has chosen: the token does.
    let service = in_tenant(None, &server, tokens.clone());
    let ann = call(service.clone(), "POST", "/Users", "token-of-one", &user("ann")).await.expect(201);
    let path = format!("/Users/{}", ann.id());
    call(service.clone(), "GET", &path, "token-of-one", "").await.expect(200);
    call(service.clone(), "GET", &path, "token-of-two", "").await.expect(404);
    call(service.clone(), "GET", &path, "token-of-nobody", "").await.expect(404);

    // A layer has chosen: the token must be for that.
    let service = in_tenant(Some("one"), &server, tokens);
    call(service.clone(), "GET", &path, "token-of-one", "").await.expect(200);
    call(service.clone(), "GET", &path, "token-of-operator", "").await.expect(200);
    let other = call(service.clone(), "GET", &path, "token-of-two", "").await;
    assert_eq!(other.refused(404, ""), "there is no such tenant");
    let unbound = call(service, "GET", &path, "token-of-nobody", "").await;
    assert!(unbound.refused(403, "").contains("belongs to no tenant"));
}

#[derive(Debug)]
struct Away;

#[async_trait::async_trait]
impl VerifyToken for Away {
    async fn verify(&self, token: &str) -> Result<Principal, AuthError> {
        match token.strip_prefix("away-") {
            Some(_) => Err(AuthError::Unavailable { retry_after: Duration::from_millis(4200) }),
            None => Err(AuthError::Unknown),
        }
    }
}

#[tokio::test]
async fn several_kinds_of_tokens() {
    let server = Server::new();
    let any = AnyOf::new().or(Away).or(Arc::new(tokens()) as Arc<dyn VerifyToken>);
    let service = AuthLayer::new(any).layer(server.service.clone());
    call(service.clone(), "GET", "/Users", ALL, "").await.expect(200);
    call(service.clone(), "GET", "/Users", NOTHING, "").await.expect(403);
    let away = call(service.clone(), "GET", "/Users", "away-1", "").await;
    assert_eq!(away.header("retry-after"), Some("5"));
    assert_eq!(away.refused(503, ""), "bearer tokens cannot be checked now; try again");
    let unknown = call(service.clone(), "GET", "/Users", "unknown-token", "").await;
    assert_eq!(unknown.refused(401, ""), "the bearer token is not valid");
    call(AuthLayer::new(AnyOf::new()).layer(server.service.clone()), "GET", "/Users", ALL, "")
        .await
        .expect(401);
}
