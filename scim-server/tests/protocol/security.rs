//! RFC 7644 sections 2, 5, 6 and 7: who may ask, names that look alike, tenants, and secrets.

use std::io;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use http::{Request, Response};
use scim_core::{ChangeSet, ResourceId, ScimError, TypeDefinition};
use scim_server::layer::auth::{AuthLayer, StaticTokens};
use scim_server::layer::trace::TraceLayer;
use scim_server::store::{
    Load, MemoryStore, NewResource, Page, Precondition, Query, Record, Replacement, ResourceStore,
    StoreError, Written,
};
use scim_server::{Body, RequestContext};
use tower::{Service, ServiceBuilder};

use crate::server::*;

const MOUNTS: [&str; 2] = ["/v2", "/"];
const WRITER: (&str, &str) = ("authorization", "Bearer writer-token");
const READER: (&str, &str) = ("authorization", "Bearer reader-token");

/// Answers every call with the same error.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Refusing(pub(crate) fn() -> StoreError);

/// A store over another one that judges who asks for what: the principal `reader` may only read, and a user may only
/// be deleted by `writer`.
#[derive(Debug)]
struct Judging<S>(S);

impl<S> Judging<S> {
    fn judge(context: &RequestContext, definition: &TypeDefinition, what: &str) -> Result<(), StoreError> {
        let who = context.principal.as_ref().map_or("nobody", |principal| principal.as_str());
        if who == "writer" {
            return Ok(());
        }
        let detail = format!("{who} may not {what} a {}", definition.name());
        Err(StoreError::Refused(ScimError::new(403, detail)))
    }
}

#[async_trait]
impl<S: ResourceStore> ResourceStore for Judging<S> {
    async fn create(
        &self,
        context: &RequestContext,
        definition: &Arc<TypeDefinition>,
        new: NewResource,
        load: Load,
    ) -> Result<Record, StoreError> {
        Self::judge(context, definition, "create")?;
        self.0.create(context, definition, new, load).await
    }

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

    async fn replace(
        &self,
        context: &RequestContext,
        definition: &Arc<TypeDefinition>,
        id: &ResourceId,
        replacement: Replacement,
        precondition: Precondition,
        load: Load,
    ) -> Result<Option<Written>, StoreError> {
        Self::judge(context, definition, "replace")?;
        self.0.replace(context, definition, id, replacement, precondition, load).await
    }

    async fn apply(
        &self,
        context: &RequestContext,
        definition: &Arc<TypeDefinition>,
        id: &ResourceId,
        changes: ChangeSet,
        precondition: Precondition,
        load: Load,
    ) -> Result<Option<Written>, StoreError> {
        Self::judge(context, definition, "change")?;
        self.0.apply(context, definition, id, changes, precondition, load).await
    }

    async fn delete(
        &self,
        context: &RequestContext,
        definition: &Arc<TypeDefinition>,
        id: &ResourceId,
        precondition: Precondition,
    ) -> Result<bool, StoreError> {
        Self::judge(context, definition, "delete")?;
        self.0.delete(context, definition, id, precondition).await
    }
}

#[async_trait]
impl ResourceStore for Refusing {
    async fn create(
        &self,
        _: &RequestContext,
        _: &Arc<TypeDefinition>,
        _: NewResource,
        _: Load,
    ) -> Result<Record, StoreError> {
        Err(self.0())
    }

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

    async fn replace(
        &self,
        _: &RequestContext,
        _: &Arc<TypeDefinition>,
        _: &ResourceId,
        _: Replacement,
        _: Precondition,
        _: Load,
    ) -> Result<Option<Written>, StoreError> {
        Err(self.0())
    }

    async fn apply(
        &self,
        _: &RequestContext,
        _: &Arc<TypeDefinition>,
        _: &ResourceId,
        _: ChangeSet,
        _: Precondition,
        _: Load,
    ) -> Result<Option<Written>, StoreError> {
        Err(self.0())
    }

    async fn delete(
        &self,
        _: &RequestContext,
        _: &Arc<TypeDefinition>,
        _: &ResourceId,
        _: Precondition,
    ) -> Result<bool, StoreError> {
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

async fn ask(server: &Server, method: &str, path: &str, header: (&str, &str), body: &Value) -> Answer {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    send(guarded(server), method, path, &[header], body).await
}

#[tokio::test]
async fn r7644_2_01_the_schemes_are_announced_with_a_challenge() {
    let server = Server::tolerant();
    for (headers, error) in [
        (&[][..], ""),
        (&[("authorization", "Bearer wrong-token")], ", error=\"invalid_token\""),
        (&[("authorization", "Basic YTpi")], ", error=\"invalid_request\""),
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

#[tokio::test]
async fn r7644_5_01_user_names_are_prepared_before_they_are_compared() {
    for server in everywhere() {
        let ann = server.user(json!({"userName": "Ångström"})).await;
        let bob = server.user(json!({"userName": "bob"})).await;
        for twin in ["ångström", "ÅNGSTRÖM", "A\u{30a}ngstro\u{308}m", "Ångströ\u{ff4d}"] {
            server.post("/Users", &user(json!({"userName": twin}))).await.refused(409, "uniqueness");
            server.put(&bob, &user(json!({"userName": twin}))).await.refused(409, "uniqueness");
            let rename = json!([{"op": "replace", "path": "userName", "value": twin}]);
            server.patch(&bob, rename).await.refused(409, "uniqueness");
            assert_eq!(server.names(&format!("userName eq \"{twin}\"")).await, ["Ångström"], "{twin}");
        }
        assert_eq!(server.get(&ann).await.json()["userName"], "Ångström", "kept as it came");
        for wrong in ["a\u{0}b", "a\u{200b}b", "\u{202e}nna", "a\tb"] {
            server.post("/Users", &user(json!({"userName": wrong}))).await.refused(400, "invalidValue");
        }
        let blank = server.post("/Users", &user(json!({"userName": "anna b"}))).await;
        assert_eq!(blank.status, if server.strict { 400 } else { 201 }, "C12");
    }
}

#[tokio::test]
async fn r7644_6_01_tenants_are_told_apart() {
    for server in everywhere() {
        let (one, two) = (server.tenant("one"), server.tenant("two"));
        one.user(json!({"userName": "ann"})).await;
        two.user(json!({"userName": "ann"})).await;
        two.user(json!({"userName": "bob"})).await;
        assert_eq!(one.names("userName pr").await, ["ann"]);
        assert_eq!(two.names("userName pr").await, ["ann", "bob"]);
        assert_eq!(server.get("/").await.json()["totalResults"], 0, "nor is it the default tenant's");
    }
}

#[tokio::test]
async fn r7644_6_02_no_tenant_reaches_the_data_of_another() {
    for server in everywhere() {
        let (one, two) = (server.tenant("one"), server.tenant("two"));
        let ann = one.user(json!({"userName": "ann", "title": "T"})).await;
        let group = two.group("staff", &[]).await;
        let before = one.get(&ann).await.expect(200).text;
        two.get(&ann).await.refused(404, "");
        two.put(&ann, &user(json!({"userName": "x"}))).await.refused(404, "");
        two.patch(&ann, json!([{"op": "remove", "path": "title"}])).await.refused(404, "");
        two.delete(&ann).await.refused(404, "");
        assert_eq!(two.filter("/", &format!("id eq \"{}\"", id(&ann))).await.json()["totalResults"], 0);
        let add = json!([{"op": "add", "path": "members", "value": [{"value": id(&ann)}]}]);
        two.patch(&group, add).await.refused(400, "invalidValue");
        assert_eq!(one.get(&ann).await.text, before);
    }
}

#[tokio::test]
async fn r7644_6_03_external_ids_and_unique_values_are_each_tenants_own() {
    for server in everywhere() {
        for name in ["one", "two"] {
            let tenant = server.tenant(name);
            tenant.user(json!({"userName": "ann", "externalId": "X"})).await;
            assert_eq!(tenant.names("externalId eq \"X\"").await, ["ann"]);
        }
    }
}

#[tokio::test]
async fn r7644_7_03_a_get_that_filters_by_what_is_sensitive_is_403() {
    for server in everywhere() {
        server.post("/Users", &full_user("ann")).await.expect(201);
        let answer = server.filter("/Users", "password eq \"t1meMa$heen\"").await;
        let detail = answer.refused(403, "sensitive");
        assert_eq!(answer.json()["status"], "403", "erratum 6893");
        assert!(!detail.contains("t1meMa"), "{detail}");
    }
}

#[tokio::test]
async fn r7644_7_04_inputs_are_validated_and_passwords_are_not_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("scim.db");
    let sqlite: Store = Arc::new(scim_server::store::SqliteStore::open(&path).unwrap());
    let server = Server::over(sqlite, false, |builder| builder);
    let ann = server.post("/Users", &full_user("ann")).await.expect(201).id();
    let set = json!([{"op": "replace", "path": "password", "value": "t1meMa$heen-2"}]);
    server.patch(&format!("/Users/{ann}"), set).await.expect(200);
    drop(server);
    let mut kept = 0;
    for file in std::fs::read_dir(folder.path()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        kept += bytes.windows(7).filter(|part| part == b"bjensen").count();
        assert!(!bytes.windows(6).any(|part| part == b"t1meMa"), "no password on disk");
    }
    assert!(kept > 0, "while the rest is there");
}

#[tokio::test]
async fn r7644_7_06_names_are_compared_prepared_and_other_strings_by_their_case_rule() {
    for server in everywhere() {
        server.user(json!({"userName": "\u{ff21}nn", "title": "STRASSE", "externalId": "É"})).await;
        assert_eq!(server.names("userName eq \"ann\"").await.len(), 1);
        assert_eq!(server.names("title eq \"strasse\"").await.len(), 1);
        assert_eq!(server.names("externalId eq \"é\"").await.len(), 0);
    }
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn r7644_7_07_credentials_appear_in_no_answer_and_no_log() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    let guard = tracing::subscriber::set_default(subscriber);
    let server = Server::tolerant();
    let mut answers = vec![ask(&server, "POST", "/v2/Users", WRITER, &full_user("ann")).await.expect(201)];
    let set = json!({"schemas": [PATCH_OP], "Operations": [{"op": "replace", "path": "password", "value": "t1meMa$heen"}]});
    answers.push(ask(&server, "PATCH", "/Users/id-x", READER, &set).await);
    let wrong = json!({"schemas": [PATCH_OP], "Operations": [{"op": "replace", "path": "password", "value": ["t1meMa$heen"]}]});
    let path = format!("/Users/{}", answers[0].id());
    answers.push(ask(&server, "PATCH", &path, WRITER, &wrong).await);
    answers.push(ask(&server, "GET", "/Users?filter=password+eq+%22t1meMa%22", READER, &Value::Null).await);
    answers.push(ask(&server, "GET", "/Users", ("authorization", "Bearer t1meMa-wrong"), &Value::Null).await);
    drop(guard);
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert_eq!(log.lines().filter(|line| line.contains("status=")).count(), 5, "{log}");
    answers.iter().for_each(|answer| assert!(answer.status != 500, "{answer:?}"));
    for text in answers.iter().map(|answer| answer.text.as_str()).chain([log.as_str()]) {
        for secret in ["t1meMa", "writer-token", "reader-token"] {
            assert!(!text.contains(secret), "{secret}: {text}");
        }
    }
}

#[test]
fn r7644_7_07_b_nor_in_what_debug_shows() {
    let tokens = StaticTokens::new().with("entra", "a-long-random-token").unwrap();
    let shown = format!("{:?} {:?}", tokens, AuthLayer::new(tokens.clone()));
    assert!(shown.contains("entra") && !shown.contains("random"), "{shown}");
    assert!(format!("{:?}", MemoryStore::new()).len() < 1000);
}
