use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use chrono::{DateTime, TimeZone, Utc};
use http::{HeaderMap, Request, Response};
use http_body_util::BodyExt as _;
use scim_core::{Quirks, ResourceId};
use scim_server::store::MemoryStore;
use scim_server::{Body, Clock, IdGenerator, ScimService, ScimServiceBuilder};
pub(crate) use serde_json::{Value, json};
use tower::{Service, ServiceExt as _};

pub(crate) const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
pub(crate) const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
pub(crate) const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
pub(crate) const PATCH_OP: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
pub(crate) const SEARCH: &str = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";
pub(crate) const BULK: &str = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";
pub(crate) const BULK_RESPONSE: &str = "urn:ietf:params:scim:api:messages:2.0:BulkResponse";
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

/// Ids 1, 2, 3, ...
#[derive(Debug, Default)]
pub(crate) struct Counting(AtomicU64);

impl IdGenerator for Counting {
    fn resource_id(&self) -> ResourceId {
        format!("id-{}", self.0.fetch_add(1, Ordering::SeqCst) + 1).parse().unwrap()
    }

    fn request_id(&self) -> String {
        "request-1".to_owned()
    }
}

/// A service over a store in memory, at `http://example.com`.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) service: ScimService<MemoryStore>,
    clock: Arc<HandClock>,
}

impl Server {
    pub(crate) fn new() -> Self {
        Self::with(|builder| builder)
    }

    pub(crate) fn strict() -> Self {
        Self::with(|builder| builder.quirks(Quirks::strict()))
    }

    pub(crate) fn with(
        options: impl FnOnce(ScimServiceBuilder<MemoryStore>) -> ScimServiceBuilder<MemoryStore>,
    ) -> Self {
        let clock = Arc::new(HandClock(AtomicI64::new(1_700_000_000)));
        let builder = ScimService::builder(MemoryStore::new())
            .clock(Arc::clone(&clock) as Arc<dyn Clock>)
            .ids(Arc::new(Counting::default()));
        Self { service: options(builder).build(), clock }
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

/// The results of a bulk request, whose form has been checked.
#[derive(Clone, Debug)]
pub(crate) struct Bulk(pub(crate) Vec<Value>);

impl Bulk {
    #[track_caller]
    pub(crate) fn of(answer: Answer) -> Self {
        let json = answer.expect(200).json();
        assert_eq!(json["schemas"], json!([BULK_RESPONSE]));
        let results = json["Operations"].as_array().unwrap().clone();
        for result in &results {
            let status = result["status"].as_str().unwrap_or_else(|| panic!("no status: {result}"));
            let failed = status.parse::<u16>().unwrap() >= 400;
            assert_eq!(result.get("response").is_some(), failed, "{result}");
            if failed {
                let response = &result["response"];
                assert_eq!((&response["schemas"], &response["status"]), (&json!([ERROR]), &json!(status)));
                assert!(response["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{result}");
            }
            // "REQUIRED in a response, except in the event of a POST failure" (RFC 7644 section 3.7.3)
            let needs_location = !failed || ["PUT", "PATCH", "DELETE"].iter().any(|m| result["method"] == *m);
            assert!(!needs_location || result["location"].is_string(), "{result}");
        }
        Self(results)
    }
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
