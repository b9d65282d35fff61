//! The servers that the tests ask: every store, tolerant and strict.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use chrono::{DateTime, TimeZone as _, Utc};
use scim_core::schema::{Mutability, Returned, Uniqueness};
use scim_core::scim_filter::DataType;
use scim_core::{Attribute, Quirks, Registry, ResourceId, ResourceType, Schema, TenantId};
use scim_server::store::{MemoryStore, ResourceStore, SqliteStore};
use scim_server::{Clock, IdGenerator, ScimService, ScimServiceBuilder};
use tower::ServiceExt as _;

pub(crate) use crate::common::{
    Answer, BULK, BULK_RESPONSE, Bulk, ENTERPRISE, ERROR, GROUP, LIST, PATCH_OP, SEARCH, USER, Value, encode,
    json, send,
};

pub(crate) type Store = Arc<dyn ResourceStore>;
pub(crate) type Builder = ScimServiceBuilder<Store>;

pub(crate) const ANYTHING: &str = "urn:example:schemas:Thing";
pub(crate) const LABELS: &str = "urn:example:schemas:extension:Labels";

/// A server at `https://example.com/v2`.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) service: ScimService<Store>,
    pub(crate) strict: bool,
    tenant: TenantId,
    clock: Arc<HandClock>,
}

/// Memory and SQLite, tolerant and strict.
pub(crate) fn everywhere() -> impl Iterator<Item = Server> {
    everywhere_with(|builder| builder)
}

pub(crate) fn everywhere_with(options: impl Fn(Builder) -> Builder) -> impl Iterator<Item = Server> {
    [("memory", false), ("memory", true), ("sqlite", false), ("sqlite", true)].into_iter().map(
        move |(name, strict)| {
            println!("with {name}, {}:", if strict { "strict" } else { "tolerant" });
            let store: Store = match name {
                "memory" => Arc::new(MemoryStore::new()),
                _ => Arc::new(SqliteStore::in_memory().unwrap()),
            };
            Server::over(store, strict, &options)
        },
    )
}

impl Server {
    pub(crate) fn tolerant() -> Self {
        Self::over(Arc::new(MemoryStore::new()), false, |builder| builder)
    }

    pub(crate) fn strict() -> Self {
        Self::over(Arc::new(MemoryStore::new()), true, |builder| builder)
    }

    pub(crate) fn with(options: impl FnOnce(Builder) -> Builder) -> Self {
        Self::over(Arc::new(MemoryStore::new()), false, options)
    }

    pub(crate) fn over(store: Store, strict: bool, options: impl FnOnce(Builder) -> Builder) -> Self {
        let clock = Arc::new(HandClock(AtomicI64::new(1_700_000_000_000)));
        let builder = ScimService::builder(store)
            .quirks(if strict { Quirks::strict() } else { Quirks::interop() })
            .base_url("https://example.com/v2")
            .mounted_at(["/v2", "/"])
            .clock(Arc::clone(&clock) as Arc<dyn Clock>)
            .ids(Arc::new(Counting::default()));
        let service = options(builder).build();
        Self { service, strict, tenant: TenantId::default(), clock }
    }

    /// The same data and clock for another tenant.
    pub(crate) fn tenant(&self, name: &str) -> Self {
        Self {
            service: self.service.clone(),
            strict: self.strict,
            tenant: name.parse().unwrap(),
            clock: Arc::clone(&self.clock),
        }
    }

    /// Lets a second pass.
    pub(crate) fn tick(&self) {
        self.clock.0.fetch_add(1000, Ordering::SeqCst);
    }

    /// Sets the time.
    pub(crate) fn at(&self, time: &str) {
        let time: DateTime<Utc> = time.parse().unwrap();
        self.clock.0.store(time.timestamp_millis(), Ordering::SeqCst);
    }

    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Vec<u8>>,
    ) -> Answer {
        let tenant = self.tenant.clone();
        let service =
            self.service.clone().map_request(move |mut request: http::Request<scim_server::Body>| {
                request.extensions_mut().insert(tenant.clone());
                request
            });
        send(service, method, path, headers, body).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], "").await
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

    /// A bulk request with these operations; its answer.
    pub(crate) async fn bulk(&self, operations: Value) -> Bulk {
        Bulk::of(self.post("/Bulk", &json!({"schemas": [BULK], "Operations": operations})).await)
    }

    /// As [`Server::bulk`], with `failOnErrors`.
    pub(crate) async fn bulk_until(&self, fail_on_errors: usize, operations: Value) -> Bulk {
        let body = json!({"schemas": [BULK], "failOnErrors": fail_on_errors, "Operations": operations});
        Bulk::of(self.post("/Bulk", &body).await)
    }

    /// POST on `.search` with these parameters.
    pub(crate) async fn search(&self, path: &str, parameters: Value) -> Answer {
        let mut body = json!({"schemas": [SEARCH]});
        body.as_object_mut().unwrap().extend(parameters.as_object().unwrap().clone());
        self.post(path, &body).await
    }

    /// GET with a filter, percent-encoded.
    pub(crate) async fn filter(&self, path: &str, filter: &str) -> Answer {
        self.get(&format!("{path}?filter={}", encode(filter))).await
    }

    /// Creates a user with these attributes besides `schemas`; its path.
    pub(crate) async fn user(&self, attributes: Value) -> String {
        let body = user(attributes);
        format!("/Users/{}", self.post("/Users", &body).await.expect(201).id())
    }

    /// Creates a group with members that have these paths; its path.
    pub(crate) async fn group(&self, name: &str, members: &[&str]) -> String {
        let members: Vec<Value> = members.iter().map(|path| json!({"value": id(path)})).collect();
        let body = json!({"schemas": [GROUP], "displayName": name, "members": members});
        format!("/Groups/{}", self.post("/Groups", &body).await.expect(201).id())
    }

    /// The user names that match, in order.
    pub(crate) async fn names(&self, filter: &str) -> Vec<String> {
        self.filter("/Users", filter).await.expect(200).strings("userName")
    }

    /// The member ids of a group.
    pub(crate) async fn members(&self, path: &str) -> Vec<String> {
        let group = self.get(&format!("{path}?attributes=members")).await.expect(200).json();
        strings(&group["members"], "value")
    }
}

impl Bulk {
    /// The statuses, in order.
    pub(crate) fn statuses(&self) -> Vec<&str> {
        self.0.iter().map(|result| result["status"].as_str().unwrap()).collect()
    }

    /// The sentence of an operation that failed, after `status scimType`.
    #[track_caller]
    pub(crate) fn refusal(&self, nth: usize) -> String {
        let response = &self.0[nth]["response"];
        let part = |name: &str| response[name].as_str().unwrap_or("-").to_owned();
        format!("{} {} {}", part("status"), part("scimType"), part("detail"))
    }

    /// The path under the base URL that an operation was about.
    #[track_caller]
    pub(crate) fn path(&self, nth: usize) -> String {
        let location = self.0[nth]["location"].as_str().unwrap_or_else(|| panic!("{:?}", self.0[nth]));
        location.strip_prefix("https://example.com/v2").unwrap().to_owned()
    }

    /// The id of what an operation was about.
    #[track_caller]
    pub(crate) fn id(&self, nth: usize) -> String {
        id(&self.path(nth)).to_owned()
    }
}

/// The body of a user with these attributes.
pub(crate) fn user(attributes: Value) -> Value {
    let mut body = json!({"schemas": [USER]});
    body.as_object_mut().unwrap().extend(attributes.as_object().unwrap().clone());
    body
}

/// The id at the end of a path.
pub(crate) fn id(path: &str) -> &str {
    path.rsplit('/').next().unwrap()
}

/// One member of every object of a list; no list has none.
pub(crate) fn strings(list: &Value, member: &str) -> Vec<String> {
    let items = list.as_array().map(Vec::as_slice).unwrap_or_default();
    items.iter().map(|item| item[member].as_str().unwrap_or("-").to_owned()).collect()
}

/// The names of an object's members, in order.
pub(crate) fn keys(object: &Value) -> Vec<&str> {
    let mut keys: Vec<&str> = object.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}

/// A clock that tests move, in milliseconds.
#[derive(Debug)]
struct HandClock(AtomicI64);

impl Clock for HandClock {
    fn now(&self) -> DateTime<Utc> {
        Utc.timestamp_millis_opt(self.0.load(Ordering::SeqCst)).unwrap()
    }
}

/// Ids 1, 2, 3, ...
#[derive(Debug, Default)]
struct Counting(AtomicU64);

impl IdGenerator for Counting {
    fn resource_id(&self) -> ResourceId {
        format!("id-{}", self.0.fetch_add(1, Ordering::SeqCst) + 1).parse().unwrap()
    }

    fn request_id(&self) -> String {
        "request-1".to_owned()
    }
}

/// Ids that the RFC's examples have, in the order in which resources are made.
#[derive(Debug)]
pub(crate) struct Listed(pub(crate) &'static [&'static str], AtomicU64);

impl Listed {
    pub(crate) fn new(ids: &'static [&'static str]) -> Arc<Self> {
        Arc::new(Self(ids, AtomicU64::new(0)))
    }
}

impl IdGenerator for Listed {
    fn resource_id(&self) -> ResourceId {
        let next = usize::try_from(self.1.fetch_add(1, Ordering::SeqCst)).unwrap();
        self.0[next].parse().unwrap()
    }

    fn request_id(&self) -> String {
        "request-1".to_owned()
    }
}

/// A type of an application: characteristics that the RFC's own schemas do not use, each in one attribute.
pub(crate) fn things() -> Arc<Registry> {
    let string = |name: &str| Attribute::new(name, DataType::String);
    let thing = Schema::new(
        ANYTHING.parse().unwrap(),
        "Thing",
        "A thing",
        [
            string("serial").required().with_mutability(Mutability::Immutable),
            string("code").with_uniqueness(Uniqueness::Server).case_exact(),
            string("tag").with_uniqueness(Uniqueness::Global),
            string("place").with_mutability(Mutability::Immutable),
            Attribute::complex(
                "parts",
                [
                    string("value").with_mutability(Mutability::Immutable),
                    string("note"),
                    string("stamp").with_mutability(Mutability::ReadOnly),
                ],
            )
            .multi_valued(),
            string("always").with_returned(Returned::Always),
            string("onRequest").with_returned(Returned::Request),
            string("secret").with_mutability(Mutability::WriteOnly).with_returned(Returned::Never),
            string("checked").with_mutability(Mutability::ReadOnly),
            Attribute::new("size", DataType::Integer),
            Attribute::new("weight", DataType::Decimal),
            Attribute::new("bought", DataType::DateTime),
            Attribute::new("broken", DataType::Boolean),
            Attribute::new("key", DataType::Binary),
            string("exact").case_exact(),
            string("words").multi_valued(),
            Attribute::complex("slots", [string("name").required(), string("note")]).multi_valued(),
        ],
    )
    .unwrap();
    let labels = Schema::new(
        LABELS.parse().unwrap(),
        "Labels",
        "What things are called",
        [
            string("colour"),
            string("shelf").with_returned(Returned::Always),
            string("history").with_returned(Returned::Request),
            Attribute::complex("marks", [string("value"), string("why").with_returned(Returned::Request)])
                .multi_valued(),
        ],
    )
    .unwrap();
    let kind =
        ResourceType::new("Thing", ANYTHING.parse().unwrap()).with_extension(LABELS.parse().unwrap(), false);
    Arc::new(Registry::new([Arc::new(thing), Arc::new(labels)], [kind]).unwrap())
}

/// The body of a thing with these attributes.
pub(crate) fn thing(attributes: Value) -> Value {
    let mut body = json!({"schemas": [ANYTHING], "serial": "S1"});
    body.as_object_mut().unwrap().extend(attributes.as_object().unwrap().clone());
    body
}

/// A user with something in most places.
pub(crate) fn full_user(name: &str) -> Value {
    json!({
        "schemas": [USER, ENTERPRISE],
        "externalId": format!("Ext-{name}"),
        "userName": name,
        "name": {"familyName": "Jensen", "givenName": "Barbara", "middleName": "Jane"},
        "displayName": "Babs Jensen",
        "nickName": "Babs",
        "title": "Tour Guide",
        "active": true,
        "password": "t1meMa$heen",
        "emails": [
            {"value": "bjensen@example.com", "type": "work", "primary": true},
            {"value": "babs@jensen.org", "type": "home", "display": "at home"}
        ],
        "addresses": [
            {"type": "work", "streetAddress": "100 Universal City Plaza", "locality": "Hollywood", "country": "US"},
            {"type": "home", "streetAddress": "456 Hollywood Blvd", "locality": "Hollywood", "country": "US"}
        ],
        ENTERPRISE: {"employeeNumber": "701984", "department": "Tour Operations"}
    })
}
