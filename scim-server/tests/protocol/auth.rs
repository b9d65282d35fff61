//! RFC 7644 section 2: who may ask, and for what.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use http::{Request, Response};
use scim_core::{ResourceId, ScimError, TypeDefinition};
use scim_server::layer::auth::{AuthError, AuthLayer, StaticTokens, VerifyToken};
use scim_server::layer::trace::TraceLayer;
use scim_server::store::{Load, Outcome, Page, Query, Record, ResourceStore, StoreError, Write};
use scim_server::{AuthenticationScheme, Body, Principal, RequestContext};
use tower::{Service, ServiceBuilder, ServiceExt as _};

use crate::server::*;

const MOUNTS: [&str; 2] = ["/v2", "/"];
pub(crate) const WRITER: (&str, &str) = ("authorization", "Bearer writer-token");
pub(crate) const READER: (&str, &str) = ("authorization", "Bearer reader-token");

/// Answers every call with the same error.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Refusing(pub(crate) fn() -> StoreError);

/// A store over another one that judges who asks for what: `writer` may do everything, others may only read and
/// change the user whose id is their name.
#[derive(Debug)]
struct Judging<S>(S);

#[async_trait]
impl<S: ResourceStore> ResourceStore for Judging<S> {
    async fn get(
        &self,
        context: &RequestContext,
        definition: &Arc<TypeDefinition>,
        id: &ResourceId,
        load: Load,
    ) -> Result<Option<Record>, StoreError> {
        self.0.get(context, definition, id, load).await
    }

    async fn query(&self, context: &RequestContext, query: &Query) -> Result<Page, StoreError> {
        self.0.query(context, query).await
    }

    async fn write(&self, context: &RequestContext, write: Write) -> Result<Outcome, StoreError> {
        let who = context.principal.as_ref().map_or("nobody", |principal| principal.as_str());
        let (what, definition) = match &write {
            // People may change what is about themselves.
            Write::Apply { target, .. } if who == target.id.as_str() => {
                return self.0.write(context, write).await;
            }
            Write::Create { new, .. } => ("create", &new[0].0),
            Write::Replace { target, .. } => ("replace", &target.definition),
            Write::Apply { target, .. } => ("change", &target.definition),
            Write::Delete { target } => ("delete", &target.definition),
        };
        if who != "writer" {
            let detail = format!("{who} may not {what} a {}", definition.name());
            return Err(StoreError::Refused(ScimError::new(403, detail)));
        }
        self.0.write(context, write).await
    }
}

#[async_trait]
impl ResourceStore for Refusing {
    async fn get(
        &self,
        _: &RequestContext,
        _: &Arc<TypeDefinition>,
        _: &ResourceId,
        _: Load,
    ) -> Result<Option<Record>, StoreError> {
        Err(self.0())
    }

    async fn query(&self, _: &RequestContext, _: &Query) -> Result<Page, StoreError> {
        Err(self.0())
    }

    async fn write(&self, _: &RequestContext, _: Write) -> Result<Outcome, StoreError> {
        Err(self.0())
    }
}

/// The data of a server behind tokens, where `reader` may only read.
pub(crate) fn guarded(
    server: &Server,
) -> impl Service<Request<Body>, Response = Response<Body>, Error = std::convert::Infallible> + Clone {
    let tokens =
        StaticTokens::new().with("writer", "writer-token").unwrap().with("reader", "reader-token").unwrap();
    let store: Store = Arc::new(Judging(Arc::clone(server.service.store())));
    let service = scim_server::ScimService::builder(store).mounted_at(MOUNTS).build();
    ServiceBuilder::new()
        .layer(TraceLayer::new())
        .layer(AuthLayer::new(tokens).with_open_discovery(MOUNTS))
        .service(service)
}

pub(crate) async fn ask(
    server: &Server,
    method: &str,
    path: &str,
    header: (&str, &str),
    body: &Value,
) -> Answer {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    send(guarded(server), method, path, &[header], body).await
}

#[tokio::test]
async fn r7644_2_01_the_schemes_are_announced_with_a_challenge() {
    let server = Server::tolerant();
    for (headers, error) in [
        (&[][..], ""),
        (&[("authorization", "Bearer wrong-token")], ", error=\"invalid_token\""),
        (&[("authorization", "Basic YTpi")], ""),
    ] {
        for (method, path) in
            [("GET", "/v2/Users"), ("POST", "/Users"), ("DELETE", "/v2/Users/x"), ("GET", "/nope")]
        {
            let answer = send(guarded(&server), method, path, headers, "").await;
            let challenge = format!("Bearer realm=\"SCIM\"{error}");
            assert_eq!(answer.header("www-authenticate"), Some(challenge.as_str()), "{method} {path}");
            answer.refused(401, "");
        }
    }
}

#[tokio::test]
async fn r7644_2_02_every_client_is_an_access_control_subject() {
    let server = Server::tolerant();
    let body = user(json!({"userName": "ann"}));
    let answer = ask(&server, "POST", "/v2/Users", READER, &body).await;
    assert_eq!(answer.refused(403, ""), "reader may not create a User");
    ask(&server, "POST", "/v2/Users", WRITER, &body).await.expect(201);
}

#[tokio::test]
async fn r7644_2_03_the_action_is_judged_against_subject_and_resource() {
    let server = Server::tolerant();
    let ann = server.user(json!({"userName": "ann"})).await;
    let group = server.group("staff", &[&ann]).await;
    let change = json!({"schemas": [PATCH_OP], "Operations": [{"op": "replace", "path": "displayName", "value": "x"}]});
    for (method, path, body, detail) in [
        ("PUT", &ann, user(json!({"userName": "x"})), "reader may not replace a User"),
        ("PATCH", &group, change.clone(), "reader may not change a Group"),
        ("DELETE", &group, Value::Null, "reader may not delete a Group"),
    ] {
        let before = server.get(path).await.text;
        assert_eq!(ask(&server, method, path, READER, &body).await.refused(403, ""), detail);
        assert_eq!(server.get(path).await.text, before);
        ask(&server, "GET", path, READER, &Value::Null).await.expect(200);
    }
    ask(&server, "PATCH", &group, WRITER, &change).await.expect(200);
    ask(&server, "DELETE", &group, WRITER, &Value::Null).await.expect(204);
}

#[tokio::test]
async fn r7644_2_05_without_a_token_only_discovery_can_be_read() {
    let server = Server::tolerant();
    for path in ["/v2/ServiceProviderConfig", "/v2/Schemas", "/v2/ResourceTypes/User", "/Schemas"] {
        send(guarded(&server), "GET", path, &[], "").await.expect(200);
    }
    for path in ["/v2/Users", "/v2/", "/Users/x", "/v2/Users/Schemas"] {
        send(guarded(&server), "GET", path, &[], "").await.refused(401, "");
    }
}

#[tokio::test]
async fn r7644_2_06_a_write_without_a_token_has_no_effect() {
    let server = Server::tolerant();
    let ann = server.user(json!({"userName": "ann", "title": "T"})).await;
    let before = server.get("/").await.text;
    let patch = json!({"schemas": [PATCH_OP], "Operations": [{"op": "remove", "path": "title"}]}).to_string();
    let other = user(json!({"userName": "bob"})).to_string();
    for headers in [&[][..], &[("authorization", "Bearer wrong-token")]] {
        for (method, path, body) in [
            ("POST", "/Users", &other),
            ("PUT", ann.as_str(), &other),
            ("PATCH", &ann, &patch),
            ("DELETE", &ann, &patch),
        ] {
            send(guarded(&server), method, path, headers, body.clone()).await.refused(401, "");
        }
    }
    assert_eq!(server.get("/").await.text, before);
}

#[tokio::test]
async fn r7644_2_07_the_name_of_the_scheme_has_no_case() {
    let server = Server::tolerant();
    for scheme in ["Bearer", "bearer", "BEARER", "bEARER"] {
        let header = format!("{scheme} reader-token");
        send(guarded(&server), "GET", "/v2/Users", &[("authorization", &header)], "").await.expect(200);
    }
}

/// A layer of an application: names and passwords in place of tokens.
fn with_basic(
    server: &Server,
) -> impl Service<Request<Body>, Response = Response<Body>, Error = std::convert::Infallible> + Clone {
    let store: Store = Arc::new(Judging(Arc::clone(server.service.store())));
    let basic = AuthenticationScheme::new("httpbasic", "Basic", "A name and a password");
    let service = scim_server::ScimService::builder(store).authentication_schemes(vec![basic]).build();
    service.map_request(|mut request: Request<Body>| {
        let value = request.headers().get("authorization").and_then(|value| value.to_str().ok());
        if value == Some("Basic d3JpdGVyOnB3") {
            request.extensions_mut().insert(Principal::new("writer"));
        }
        request
    })
}

#[tokio::test]
async fn r7644_2_04_other_schemes_than_bearer_tokens_are_layers_of_the_application() {
    let server = Server::tolerant();
    let body = user(json!({"userName": "ann"})).to_string();
    let answer = send(with_basic(&server), "POST", "/Users", &[], body.clone()).await;
    assert_eq!(answer.refused(403, ""), "nobody may not create a User");
    let header = [("authorization", "Basic d3JpdGVyOnB3")];
    send(with_basic(&server), "POST", "/Users", &header, body).await.expect(201);
    let config = send(with_basic(&server), "GET", "/ServiceProviderConfig", &[], "").await.expect(200).json();
    assert_eq!(config["authenticationSchemes"][0]["type"], "httpbasic", "and are declared");
}

/// A token that ends.
#[derive(Debug)]
struct Ending(Arc<AtomicBool>);

#[async_trait]
impl VerifyToken for Ending {
    async fn verify(&self, token: &str) -> Result<Principal, AuthError> {
        match (token, self.0.load(Ordering::SeqCst)) {
            ("a-token-for-an-hour", false) => Ok(Principal::new("entra")),
            _ => Err(AuthError::Refused(ScimError::new(401, "the token has ended"))),
        }
    }
}

#[tokio::test]
async fn r7644_7_02_tokens_cannot_be_short_and_can_end() {
    for short in ["", "a", "1234567"] {
        let error = StaticTokens::new().with("entra", short).unwrap_err().to_string();
        assert!(error.contains("at least 8 characters"), "{error}");
    }
    for unsent in ["a token with blanks", "tökens-are-ascii", "no-line\nbreaks", "no,commas,here"] {
        StaticTokens::new().with("entra", unsent).unwrap_err();
    }
    let server = Server::tolerant();
    let ended = Arc::new(AtomicBool::new(false));
    let layer = AuthLayer::new(Ending(Arc::clone(&ended)));
    let service = ServiceBuilder::new().layer(layer).service(server.service.clone());
    let header = [("authorization", "Bearer a-token-for-an-hour")];
    send(service.clone(), "GET", "/Users", &header, "").await.expect(200);
    ended.store(true, Ordering::SeqCst);
    let answer = send(service, "GET", "/Users", &header, "").await;
    assert_eq!(answer.refused(401, ""), "the token has ended");
    assert_eq!(answer.header("www-authenticate"), Some("Bearer realm=\"SCIM\", error=\"invalid_token\""));
}

#[tokio::test]
async fn r7644_7_05_clients_are_kept_apart_and_a_person_changes_only_what_is_theirs() {
    let server = Server::tolerant();
    let (ann, bob) =
        (server.user(json!({"userName": "ann"})).await, server.user(json!({"userName": "bob"})).await);
    let set =
        json!({"schemas": [PATCH_OP], "Operations": [{"op": "replace", "path": "nickName", "value": "x"}]});
    let themselves = |who: &str| {
        let who = Principal::new(who);
        let store: Store = Arc::new(Judging(Arc::clone(server.service.store())));
        let service = scim_server::ScimService::builder(store).build();
        service.map_request(move |mut request: Request<Body>| {
            request.extensions_mut().insert(who.clone());
            request
        })
    };
    send(themselves(id(&ann)), "PATCH", &ann, &[], set.to_string()).await.expect(200);
    send(themselves(id(&ann)), "PATCH", &bob, &[], set.to_string()).await.refused(403, "");
    send(themselves(id(&ann)), "DELETE", &ann, &[], "").await.refused(403, "");
    assert_eq!(server.get(&ann).await.json()["nickName"], "x");
    assert!(server.get(&bob).await.json().get("nickName").is_none());
}
