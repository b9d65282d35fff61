use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use scim_core::{ScimError, TenantId};
use scim_server::context::WriteOnly;
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
async fn rfc7644_2_02_who_may_only_write_is_shown_no_resource() {
    let server = Server::with(|builder| builder.me("User", scim_server::MeBy::UserName));
    let service = AuthLayer::new(tokens()).layer(server.service.clone());
    // A layer of one's own may say the same without tokens.
    let own = ServiceBuilder::new()
        .map_request(|mut request: Request<Body>| {
            request.extensions_mut().insert(WriteOnly);
            request.extensions_mut().insert(Principal::new("writer"));
            request
        })
        .service(server.service.clone());
    let user = |name: &str| json!({"schemas": [USER], "userName": name, "title": "s3cret"}).to_string();
    let group = |name: &str| json!({"schemas": [GROUP], "displayName": name}).to_string();
    let patch = |operation: Value| json!({"schemas": [PATCH_OP], "Operations": [operation]}).to_string();
    let writer = format!("/Users/{}", server.user(json!({"userName": "writer", "title": "s3cret"})).await);
    let taken = format!("/Users/{}", server.user(json!({"userName": "s3cret"})).await);
    let team = format!("/Groups/{}", server.group("s3cret", &[writer.rsplit('/').next().unwrap()]).await);
    let nothing = patch(json!({"op": "remove", "path": "nickName"}));
    for with_layer in [true, false] {
        let ask = async |method: &str, path: &str, body: &str| {
            if with_layer {
                call(service.clone(), method, path, WRITER, body).await
            } else {
                send(own.clone(), method, path, &[], body).await
            }
        };
        let suffix = if with_layer { "1" } else { "2" };
        for query in [
            "",
            "?attributes=userName,title,displayName,members,name.familyName",
            "?attributes=urn:ietf:params:scim:schemas:core:2.0:User",
            "?excludedAttributes=id,schemas,meta",
        ] {
            for (method, path, body, status) in [
                ("POST", "/Users", user(&format!("new{suffix}{}", query.len())), 201),
                ("POST", "/Groups", group(&format!("s3cret{suffix}{}", query.len())), 201),
                ("PUT", &writer, user("writer"), 200),
                ("PUT", "/Me", user("writer"), 200),
                ("PATCH", &writer, nothing.clone(), 200),
                ("PATCH", "/Me", nothing.clone(), 200),
                ("PATCH", &writer, patch(json!({"op": "add", "path": "title", "value": "s3cret"})), 200),
                ("PATCH", &team, patch(json!({"op": "remove", "path": "externalId"})), 200),
            ] {
                let path = format!("{path}{query}");
                let answer = ask(method, &path, &body).await.expect(status);
                let json = answer.json();
                let mut names: Vec<&String> = json.as_object().unwrap().keys().collect();
                names.sort();
                assert_eq!(names, ["id", "meta", "schemas"], "{method} {path}");
                assert_eq!(json["meta"]["version"], answer.etag(), "{method} {path}");
            }
        }
        // What is taken is refused without saying what it is.
        let rename = patch(json!({"op": "replace", "path": "userName", "value": "s3cret"}));
        let bulk = json!({"schemas": [BULK], "Operations": [
            {"method": "PATCH", "path": writer, "data": serde_json::from_str::<Value>(&rename).unwrap()},
            {"method": "PUT", "path": writer, "data": serde_json::from_str::<Value>(&user("s3cret")).unwrap()},
        ]});
        let bulk = Bulk::of(ask("POST", "/Bulk", &bulk.to_string()).await.expect(200));
        assert_eq!(bulk.statuses(), ["409", "409"]);
        let mut details: Vec<String> =
            bulk.0.iter().map(|done| done["response"]["detail"].as_str().unwrap().to_owned()).collect();
        for (method, path, body) in [
            ("POST", "/Users", user("s3cret")),
            ("PUT", &writer, user("s3cret")),
            ("PATCH", &writer, rename.clone()),
            ("PATCH", "/Me", rename.clone()),
        ] {
            details.push(ask(method, path, &body).await.refused(409, "uniqueness"));
        }
        for detail in details {
            assert_eq!(detail, "another User already has this userName");
        }
        let stale: &[(&str, &str)] =
            &[("authorization", &format!("Bearer {WRITER}")), ("if-match", "W/\"999\"")];
        let answer = send(service.clone(), "PATCH", &taken, stale, nothing.as_str()).await;
        assert!(!answer.refused(412, "").contains("s3cret"));
    }
    // Who may read as well sees what was written.
    let seen = call(service, "PATCH", &writer, ALL, &nothing).await.expect(200).json();
    assert_eq!(seen["title"], "s3cret");
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

/// Takes its time for the tokens of `all`.
#[derive(Debug)]
struct Slow(StaticTokens);

#[async_trait::async_trait]
impl VerifyToken for Slow {
    async fn verify(&self, token: &str) -> Result<Principal, AuthError> {
        if token == ALL {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        self.0.verify(token).await
    }
}

/// As over HTTP/2: requests of one connection pass each other.
#[tokio::test(start_paused = true)]
async fn one_service_has_several_requests_under_way() {
    let server = Server::new();
    let mut service = AuthLayer::new(Slow(tokens())).layer(server.service.clone());
    let mut ask = |token: &str| {
        let request = Request::get("/Users").header("host", "example.com");
        let request = request.header("authorization", format!("Bearer {token}"));
        service.call(request.body(Body::empty()).unwrap())
    };
    let (slow, unknown, quick) = (ask(ALL), ask("unknown-token"), ask(READER));
    let quick = quick.await.unwrap();
    assert_eq!(quick.extensions().get::<Principal>(), Some(&Principal::new("reader")));
    assert_eq!((quick.status().as_u16(), unknown.await.unwrap().status().as_u16()), (200, 401));
    let (again, slow) = (ask(READER), slow.await.unwrap());
    assert_eq!(slow.extensions().get::<Principal>(), Some(&Principal::new("all")));
    assert_eq!(again.await.unwrap().status(), 200);
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
