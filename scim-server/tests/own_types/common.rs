use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use chrono::{TimeZone as _, Utc};
use http::Request;
use http_body_util::BodyExt as _;
use scim_core::{Quirks, Registry, ResourceId};
use scim_server::store::{MemoryStore, ResourceStore, SqliteStore};
use scim_server::{Body, FixedClock, IdGenerator, ScimService};
pub(crate) use serde_json::{Value, json};
use tower::ServiceExt as _;

pub(crate) const PATCH_OP: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

#[derive(Debug, Default)]
struct Counting(AtomicU64);

impl IdGenerator for Counting {
    fn resource_id(&self) -> ResourceId {
        format!("id-{}", self.0.fetch_add(1, Ordering::SeqCst) + 1).parse().unwrap()
    }

    fn request_id(&self) -> String {
        "request".to_owned()
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Server {
    pub(crate) service: ScimService<Arc<dyn ResourceStore>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) etag: Option<String>,
    pub(crate) text: String,
}

impl Answer {
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text);
        self
    }

    #[track_caller]
    pub(crate) fn refused(&self, status: u16, scim_type: &str) {
        assert_eq!(self.status, status, "{}", self.text);
        assert_eq!(self.json()["scimType"], scim_type, "{}", self.text);
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }

    pub(crate) fn id(&self) -> String {
        self.json()["id"].as_str().unwrap().to_owned()
    }

    pub(crate) fn total(&self) -> u64 {
        self.json()["totalResults"].as_u64().unwrap()
    }
}

impl Server {
    pub(crate) fn new(
        store: Arc<dyn ResourceStore>,
        registry: impl Into<Arc<Registry>>,
        quirks: Quirks,
    ) -> Self {
        let service = ScimService::builder(store)
            .registry(registry)
            .quirks(quirks)
            .clock(Arc::new(FixedClock(Utc.timestamp_opt(1_700_000_000, 0).unwrap())))
            .ids(Arc::new(Counting::default()))
            .build();
        Self { service }
    }

    pub(crate) fn memory(registry: impl Into<Arc<Registry>>) -> Self {
        Self::new(Arc::new(MemoryStore::new()), registry, Quirks::strict())
    }

    /// Two that differ in nothing but the store.
    pub(crate) fn both(registry: &Arc<Registry>) -> [Self; 2] {
        let stores: [Arc<dyn ResourceStore>; 2] =
            [Arc::new(MemoryStore::new()), Arc::new(SqliteStore::in_memory().unwrap())];
        stores.map(|store| Self::new(store, Arc::clone(registry), Quirks::strict()))
    }

    pub(crate) async fn call(&self, request: Request<Body>) -> Answer {
        let (parts, body) = self.service.clone().oneshot(request).await.unwrap().into_parts();
        let text = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
        let etag = parts.headers.get("etag").map(|etag| etag.to_str().unwrap().to_owned());
        assert!(parts.status.as_u16() < 500, "{text}");
        Answer { status: parts.status.as_u16(), etag, text }
    }

    pub(crate) async fn send(&self, method: &str, path: &str, body: &str) -> Answer {
        let request = Request::builder().method(method).uri(path).header("host", "example.com");
        self.call(request.body(Body::from(body.as_bytes().to_vec())).unwrap()).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, "").await
    }

    pub(crate) async fn filter(&self, path: &str, filter: &str) -> Answer {
        self.get(&format!("{path}?filter={}", encode(filter))).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send("POST", path, &body.to_string()).await
    }

    pub(crate) async fn put(&self, path: &str, body: &Value) -> Answer {
        self.send("PUT", path, &body.to_string()).await
    }

    pub(crate) async fn patch(&self, path: &str, operations: Value) -> Answer {
        self.send("PATCH", path, &json!({"schemas": [PATCH_OP], "Operations": operations}).to_string()).await
    }
}

pub(crate) fn encode(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}
