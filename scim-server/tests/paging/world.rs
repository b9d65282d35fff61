//! A directory to be paged through.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, TimeZone as _, Utc};
use scim_core::TenantId;
use scim_server::store::{MemoryStore, ResourceStore, SqliteStore};
use scim_server::{Clock, CursorKey, Limits, Principal, ScimService, ScimServiceBuilder};

use crate::common::*;

#[derive(Debug)]
struct Hand(AtomicI64);

impl Clock for Hand {
    fn now(&self) -> DateTime<Utc> {
        Utc.timestamp_opt(self.0.load(Ordering::SeqCst), 0).unwrap()
    }
}

type Store = Arc<dyn ResourceStore>;

/// A service whose clients say who they are, and of which tenant.
pub(crate) struct World {
    service: ScimService<Store>,
    clock: Arc<Hand>,
}

/// Who asks.
#[derive(Clone, Copy, Default)]
pub(crate) struct Who<'a> {
    pub(crate) principal: Option<&'a str>,
    pub(crate) tenant: Option<&'a str>,
}

pub(crate) const KEY: [u8; 32] = [7; 32];

impl World {
    pub(crate) fn new() -> Self {
        Self::on(Arc::new(MemoryStore::new()), |builder| builder)
    }

    /// The same world over each store of this crate.
    pub(crate) fn each() -> [Self; 2] {
        let sqlite = Arc::new(SqliteStore::in_memory().unwrap());
        [Self::new(), Self::on(sqlite, |builder| builder)]
    }

    pub(crate) fn on(
        store: Store,
        options: impl FnOnce(ScimServiceBuilder<Store>) -> ScimServiceBuilder<Store>,
    ) -> Self {
        let clock = Arc::new(Hand(AtomicI64::new(1_700_000_000)));
        let builder = ScimService::builder(store)
            .clock(Arc::clone(&clock) as Arc<dyn Clock>)
            .ids(Arc::new(Counting::default()))
            .cursor_key(CursorKey::new(KEY))
            .limits(Limits::default().with_max_count(50));
        Self { service: options(builder).build(), clock }
    }

    /// Twelve users, named so that the order of names is not that of creation, and a group after every third.
    pub(crate) async fn filled(self) -> Self {
        for n in 0..12 {
            let name = format!("u{:02}", (n * 7) % 12);
            let mut user = json!({"schemas": [USER], "userName": name, "title": "x"});
            if n % 4 == 1 {
                user["displayName"] = json!("same");
            }
            self.post("/Users", &user).await.expect(201);
            if n % 3 == 2 {
                let group = json!({"schemas": [GROUP], "displayName": format!("g{n}")});
                self.post("/Groups", &group).await.expect(201);
            }
        }
        self
    }

    pub(crate) fn pass(&self, seconds: i64) {
        self.clock.0.fetch_add(seconds, Ordering::SeqCst);
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Who::default(), "GET", path, "").await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(Who::default(), "POST", path, &body.to_string()).await
    }

    pub(crate) async fn send(&self, who: Who<'_>, method: &str, path: &str, body: &str) -> Answer {
        self.send_with(who, method, path, &[], body).await
    }

    pub(crate) async fn send_with(
        &self,
        who: Who<'_>,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        let principal = who.principal.map(Principal::new);
        let tenant: Option<TenantId> = who.tenant.map(|tenant| tenant.parse().unwrap());
        let service = tower::ServiceBuilder::new()
            .map_request(move |mut request: http::Request<scim_server::Body>| {
                if let Some(principal) = &principal {
                    request.extensions_mut().insert(principal.clone());
                }
                if let Some(tenant) = &tenant {
                    request.extensions_mut().insert(tenant.clone());
                }
                request
            })
            .service(self.service.clone());
        send(service, method, path, headers, body).await
    }

    /// All pages from the first, as GET answers them.
    pub(crate) async fn walk(&self, path: &str, query: &str) -> Vec<Value> {
        let mut pages = vec![self.get(&format!("{path}?cursor&{query}")).await.expect(200).json()];
        while let Some(next) = pages.last().unwrap()["nextCursor"].as_str() {
            assert!(pages.len() < 100, "no end");
            pages.push(self.get(&format!("{path}?cursor={next}&{query}")).await.expect(200).json());
        }
        pages
    }
}

/// One attribute of all resources of some pages.
pub(crate) fn all(pages: &[Value], attribute: &str) -> Vec<String> {
    let resources = pages.iter().flat_map(|page| page["Resources"].as_array().unwrap());
    resources.map(|resource| resource[attribute].as_str().unwrap_or("-").to_owned()).collect()
}
