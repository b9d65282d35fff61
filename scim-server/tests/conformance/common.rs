use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use chrono::{DateTime, TimeZone, Utc};
use http::{HeaderMap, Request, Response};
use http_body_util::BodyExt as _;
use scim_core::{Quirks, ResourceId, TenantId};
use scim_server::store::{MemoryStore, ResourceStore, SqliteStore};
use scim_server::{Body, Clock, IdGenerator, ScimService, ScimServiceBuilder};
pub(crate) use serde_json::{Value, json};
use tower::{Service, ServiceExt as _};

pub(crate) const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
pub(crate) const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
pub(crate) const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
pub(crate) const PATCH_OP: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
pub(crate) const SEARCH: &str = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";
pub(crate) const LIST: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";
pub(crate) const ERROR: &str = "urn:ietf:params:scim:api:messages:2.0:Error";

/// A clock that tests move.
#[derive(Debug)]
pub(crate) struct HandClock(AtomicI64);

impl Clock for HandClock {
    fn now(&self) -> DateTime<Utc> {
        Utc.timestamp_opt(self.0.load(Ordering::SeqCst), 0).unwrap()
    }
}

/// Ids with letters, in order.
#[derive(Debug, Default)]
pub(crate) struct Counting(AtomicU64);

impl IdGenerator for Counting {
    fn resource_id(&self) -> ResourceId {
        format!("Id-{}", self.0.fetch_add(1, Ordering::SeqCst) + 1).parse().unwrap()
    }

    fn request_id(&self) -> String {
        "request-1".to_owned()
    }
}

pub(crate) type Store = Arc<dyn ResourceStore>;

/// A service at `http://example.com`.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) service: ScimService<Store>,
    clock: Arc<HandClock>,
}

impl Server {
    /// Over a store in memory, with the quirks that are on by default.
    pub(crate) fn new() -> Self {
        Self::with(|builder| builder)
    }

    /// Over a store in memory, to the letter of the RFCs.
    pub(crate) fn strict() -> Self {
        Self::with(|builder| builder.quirks(Quirks::strict()))
    }

    pub(crate) fn with(options: impl FnOnce(ScimServiceBuilder<Store>) -> ScimServiceBuilder<Store>) -> Self {
        Self::over(Arc::new(MemoryStore::new()), options)
    }

    pub(crate) fn over(
        store: Store,
        options: impl FnOnce(ScimServiceBuilder<Store>) -> ScimServiceBuilder<Store>,
    ) -> Self {
        let clock = Arc::new(HandClock(AtomicI64::new(1_700_000_000)));
        let builder = ScimService::builder(store)
            .clock(Arc::clone(&clock) as Arc<dyn Clock>)
            .ids(Arc::new(Counting::default()));
        Self { service: options(builder).build(), clock }
    }

    /// One server for each store and each set of quirks: what an RFC demands holds for all of them.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        Self::all_with(|builder| builder)
    }

    /// As [`Server::all`], with options of the test's own.
    pub(crate) fn all_with(
        options: impl Fn(ScimServiceBuilder<Store>) -> ScimServiceBuilder<Store>,
    ) -> impl Iterator<Item = Self> {
        let modes = [("interop", Quirks::interop()), ("strict", Quirks::strict())];
        let stores =
            modes.into_iter().flat_map(|mode| ["memory", "sqlite"].map(|store| (store, mode.clone())));
        stores.map(move |(store, (mode, quirks))| {
            // Shown when the test fails.
            eprintln!("store {store}, quirks {mode}");
            let store: Store = match store {
                "memory" => Arc::new(MemoryStore::new()),
                _ => Arc::new(SqliteStore::in_memory().unwrap()),
            };
            Self::over(store, |builder| options(builder).quirks(quirks))
        })
    }

    /// Lets a second pass.
    pub(crate) fn tick(&self) {
        self.clock.0.fetch_add(1, Ordering::SeqCst);
    }

    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Vec<u8>>,
    ) -> Answer {
        send(self.service.clone(), method, path, headers, body).await
    }

    /// A request of a tenant.
    pub(crate) async fn send_as(&self, tenant: &str, method: &str, path: &str, body: &Value) -> Answer {
        let tenant: TenantId = tenant.parse().unwrap();
        let service = tower::ServiceBuilder::new()
            .map_request(move |mut request: Request<Body>| {
                request.extensions_mut().insert(tenant.clone());
                request
            })
            .service(self.service.clone());
        send(service, method, path, &[], body.to_string()).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], "").await
    }

    /// GET with the query parameter percent-encoded.
    pub(crate) async fn filter(&self, path: &str, filter: &str) -> Answer {
        self.get(&format!("{path}?filter={}", encode(filter))).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.send("DELETE", path, &[], "").await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send("POST", path, &[("content-type", "application/scim+json")], body.to_string()).await
    }

    pub(crate) async fn put(&self, path: &str, body: &Value) -> Answer {
        self.send("PUT", path, &[("content-type", "application/scim+json")], body.to_string()).await
    }

    /// PATCH with these operations.
    pub(crate) async fn patch(&self, path: &str, operations: Value) -> Answer {
        let body = json!({"schemas": [PATCH_OP], "Operations": operations}).to_string();
        self.send("PATCH", path, &[("content-type", "application/scim+json")], body).await
    }

    /// Creates a user with these attributes besides `schemas`; its id.
    pub(crate) async fn user(&self, attributes: Value) -> String {
        let mut body = json!({"schemas": [USER]});
        body.as_object_mut().unwrap().extend(attributes.as_object().unwrap().clone());
        self.post("/Users", &body).await.expect(201).id()
    }

    /// The resource with this id as a GET shows it.
    pub(crate) async fn read(&self, endpoint: &str, id: &str) -> Value {
        self.get(&format!("{endpoint}/{id}")).await.expect(200).json()
    }

    /// Creates a group with these members; its id.
    pub(crate) async fn group(&self, name: &str, members: &[&str]) -> String {
        let members: Vec<Value> = members.iter().map(|id| json!({"value": id})).collect();
        let body = json!({"schemas": [GROUP], "displayName": name, "members": members});
        self.post("/Groups", &body).await.expect(201).id()
    }

    /// The user names that match, in order.
    pub(crate) async fn names(&self, filter: &str) -> Vec<String> {
        self.filter("/Users", filter).await.expect(200).strings("userName")
    }
}

pub(crate) async fn send<S>(
    service: S,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: impl Into<Vec<u8>>,
) -> Answer
where
    S: Service<Request<Body>, Response = Response<Body>>,
    S::Error: std::fmt::Debug,
{
    let mut request = Request::builder().method(method).uri(path);
    if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
        request = request.header("host", "example.com");
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Body::from(body.into())).unwrap();
    let head = method == "HEAD";
    Answer::read(service.oneshot(request).await.unwrap(), head).await
}

/// An answer whose form has been checked.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    async fn read(response: Response<Body>, head: bool) -> Self {
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        let answer = Self { status: parts.status.as_u16(), headers: parts.headers, text };
        answer.check(head);
        answer
    }

    /// What holds of every answer.
    fn check(&self, head: bool) {
        assert_eq!(self.header("x-content-type-options"), Some("nosniff"), "{self:?}");
        assert_eq!(self.header("cache-control"), Some("no-store"), "{self:?}");
        assert!(!self.text.contains("\"password\":"), "{self:?}");
        if head || matches!(self.status, 204 | 304) {
            assert!(self.text.is_empty(), "{self:?}");
            return;
        }
        assert_eq!(self.header("content-type"), Some("application/scim+json"), "{self:?}");
        let json = self.json();
        assert!(json["schemas"].as_array().is_some_and(|uris| !uris.is_empty()), "{self:?}");
        if self.status >= 400 {
            assert_eq!(json["schemas"], json!([ERROR]), "{self:?}");
            assert_eq!(json["status"], json!(self.status.to_string()), "{self:?}");
            let detail = json["detail"].as_str().unwrap();
            assert!(!detail.is_empty() && !detail.ends_with('.') && !detail.contains('\n'), "{detail}");
            assert!(detail.len() < 800, "{detail}");
            let known = [
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
                // RFC 9865
                "invalidCursor",
                "expiredCursor",
                "invalidCount",
            ];
            assert!(json.get("scimType").is_none_or(|t| known.contains(&t.as_str().unwrap())), "{self:?}");
        } else if let Some(meta) = json.get("meta")
            && meta.get("version").is_some()
        {
            assert_eq!(self.header("etag"), meta["version"].as_str(), "{self:?}");
            assert_eq!(self.header("location"), meta["location"].as_str(), "{self:?}");
        }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self:?}");
        self
    }

    /// Checks status and `scimType` (`""`: none) of an error, and gives its sentence.
    #[track_caller]
    pub(crate) fn refused(&self, status: u16, scim_type: &str) -> String {
        assert_eq!(self.status, status, "{self:?}");
        let json = self.json();
        assert_eq!(json.get("scimType").map_or("", |t| t.as_str().unwrap()), scim_type, "{self:?}");
        json["detail"].as_str().unwrap().to_owned()
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    #[track_caller]
    pub(crate) fn id(&self) -> String {
        self.json()["id"].as_str().unwrap().to_owned()
    }

    #[track_caller]
    pub(crate) fn etag(&self) -> String {
        self.header("etag").unwrap().to_owned()
    }

    /// One attribute of every resource of a list.
    #[track_caller]
    pub(crate) fn strings(&self, attribute: &str) -> Vec<String> {
        let json = self.json();
        let resources = json["Resources"].as_array().unwrap();
        resources.iter().map(|r| r[attribute].as_str().unwrap_or("-").to_owned()).collect()
    }
}

/// The path of a location of this server.
#[track_caller]
pub(crate) fn path_of(location: &Value) -> String {
    location.as_str().unwrap().strip_prefix("http://example.com").unwrap().to_owned()
}

/// An object without some of its members.
pub(crate) fn without(object: &Value, names: &[&str]) -> Value {
    let mut object = object.clone();
    object.as_object_mut().unwrap().retain(|name, _| !names.contains(&name.as_str()));
    object
}

pub(crate) fn encode(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

/// A user with something in most places.
pub(crate) fn barbara() -> Value {
    json!({
        "schemas": [USER, ENTERPRISE],
        "externalId": "Ext-1",
        "userName": "bjensen@example.com",
        "name": {"familyName": "Jensen", "givenName": "Barbara", "middleName": "Jane"},
        "displayName": "Babs Jensen",
        "nickName": "Babs",
        "title": "Tour Guide",
        "active": true,
        "password": "t1meMa$heen",
        "emails": [
            {"value": "bjensen@example.com", "type": "work", "primary": true},
            {"value": "babs@jensen.org", "type": "home"}
        ],
        "addresses": [{"type": "work", "streetAddress": "100 Universal City Plaza", "country": "US"}],
        ENTERPRISE: {"employeeNumber": "701984", "department": "Tour Operations"}
    })
}
