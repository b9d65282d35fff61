//! A server with every layer, in the order that the docs of `scim_server` recommend, and clients of its tenants.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};
use scim_core::{Quirk, Quirks};
use scim_server::ScimService;
use scim_server::layer::audit::{AuditEvent, AuditLayer, AuditSink};
use scim_server::layer::auth::AuthLayer;
use scim_server::layer::auth::jwt::{HttpKeys, JwtVerifier};
use scim_server::layer::conditional::ConditionalLayer;
use scim_server::layer::forwarded::ForwardedLayer;
use scim_server::layer::limits::LimitsLayer;
use scim_server::layer::metrics::MetricsLayer;
use scim_server::layer::panic_guard::PanicGuardLayer;
use scim_server::layer::rate_limit::RateLimitLayer;
use scim_server::layer::tenant::{Tenant, TenantLayer, Tenants};
use scim_server::layer::trace::TraceLayer;
use scim_server::serve::{ServeOptions, serve};
use scim_server::store::{MemoryStore, ResourceStore, SqliteStore};
use serde_json::Value;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tower::ServiceBuilder;

use super::issuer::{AUDIENCE, ISSUER, Issuer};
use crate::common::http::{Answer, Client};
use crate::common::replay::Exchange;

/// Stands in scenarios for the token of the moment.
pub(crate) const TOKEN: &str = "TOKEN";
pub(crate) const BEARER: &str = "Bearer TOKEN";
const TENANTS: [&str; 3] = ["acme", "umbrella", "quiet"];

#[derive(Clone, Copy, Debug)]
pub(crate) enum Storage {
    Memory,
    Sqlite,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Naming {
    Path,
    Host,
}

/// How many requests a tenant may send.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Room {
    Ample,
    Tight,
}

#[derive(Clone, Debug, Default)]
struct Kept(Arc<Mutex<Vec<AuditEvent>>>);

impl AuditSink for Kept {
    fn record(&self, event: AuditEvent) {
        self.0.lock().unwrap().push(event);
    }
}

/// A running server with its issuer.
pub(crate) struct Rig {
    address: SocketAddr,
    naming: Naming,
    issuer: Arc<Issuer>,
    tally: Tally,
    kept: Kept,
    stop: oneshot::Sender<()>,
    thread: JoinHandle<Snapshotter>,
    _folder: TempDir,
}

/// What the server's own books say after it has stopped.
pub(crate) struct Seen {
    pub(crate) events: Vec<AuditEvent>,
    /// `scim_requests_total` by class of status.
    pub(crate) requests: BTreeMap<String, u64>,
    pub(crate) in_flight: u64,
    pub(crate) refused_for_rate: usize,
}

impl Seen {
    pub(crate) fn audited(&self, tenant: &str) -> usize {
        let tenant = format!("t-{tenant}");
        self.events.iter().filter(|event| event.tenant.as_ref() == Some(&tenant)).count()
    }
}

impl Rig {
    pub(crate) fn start(storage: Storage, naming: Naming, room: Room) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store: Arc<dyn ResourceStore> = match storage {
            Storage::Memory => Arc::new(MemoryStore::new()),
            Storage::Sqlite => Arc::new(SqliteStore::open(folder.path().join("people.db")).unwrap()),
        };
        let issuer = Arc::new(Issuer::start());
        let kept = Kept::default();
        let (stop, stopped) = oneshot::channel();
        let (says, listening) = std::sync::mpsc::channel();
        let (keys, sink) = (HttpKeys::new(issuer.url()).unwrap(), kept.clone());
        // One thread does all the work, so that a recorder of this thread sees all of it and nothing of other tests.
        let thread = std::thread::spawn(move || {
            let recorder = DebuggingRecorder::new();
            let snapshotter = recorder.snapshotter();
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            metrics::with_local_recorder(&recorder, || {
                runtime.block_on(async move {
                    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                    says.send(listener.local_addr().unwrap()).unwrap();
                    run(listener, store, keys, sink, naming, room, stopped).await;
                });
            });
            snapshotter
        });
        let address = listening.recv().unwrap();
        Self { address, naming, issuer, tally: Tally::default(), kept, stop, thread, _folder: folder }
    }

    pub(crate) fn issuer(&self) -> &Issuer {
        &self.issuer
    }

    pub(crate) fn tally(&self) -> Tally {
        self.tally.clone()
    }

    /// An identity provider of a tenant.
    pub(crate) fn caller(&self, tenant: &'static str) -> Caller {
        let base = match self.naming {
            Naming::Path => format!("/t/{tenant}/scim/v2"),
            Naming::Host => "/scim/v2".to_owned(),
        };
        Caller {
            client: Client::new(&format!("http://{}", self.address), &base, None),
            tenant,
            naming: self.naming,
            issuer: Arc::clone(&self.issuer),
            token: None,
            tally: self.tally.clone(),
        }
    }

    /// Ends the server.
    pub(crate) fn stop(self) -> Seen {
        self.stop.send(()).unwrap();
        let snapshot = self.thread.join().unwrap().snapshot().into_vec();
        let mut requests = BTreeMap::new();
        let mut in_flight = 0;
        for (key, _, _, value) in snapshot {
            let key = key.key();
            match (key.name(), value) {
                ("scim_requests_total", DebugValue::Counter(n)) => {
                    let class =
                        key.labels().find(|label| label.key() == "status").unwrap().value().to_owned();
                    *requests.entry(class).or_default() += n;
                }
                #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
                ("scim_requests_in_flight", DebugValue::Gauge(n)) => in_flight = n.0 as u64,
                _ => {}
            }
        }
        let events = std::mem::take(&mut *self.kept.0.lock().unwrap());
        let refused_for_rate = self.tally.0.lock().unwrap().refused_for_rate;
        Seen { events, requests, in_flight, refused_for_rate }
    }
}

async fn run(
    listener: TcpListener,
    store: Arc<dyn ResourceStore>,
    keys: HttpKeys,
    sink: Kept,
    naming: Naming,
    room: Room,
    stopped: oneshot::Receiver<()>,
) {
    let name = |tenant: &str| match naming {
        Naming::Path => tenant.to_owned(),
        Naming::Host => format!("{tenant}.example.com"),
    };
    let known = TENANTS.iter().fold(Tenants::new(), |known, tenant| {
        known.with(&name(tenant), Tenant::new(format!("t-{tenant}").parse().unwrap()))
    });
    let tenants = match naming {
        Naming::Path => TenantLayer::by_path("/t", known),
        Naming::Host => TenantLayer::by_host(known),
    };
    let tokens = JwtVerifier::new(ISSUER, AUDIENCE, keys)
        .with_tenant_claim("tenant")
        .with_keys_read_apart(Duration::from_millis(1));
    let second = Duration::from_secs(1);
    let by_tenant = match room {
        Room::Ample => RateLimitLayer::new(100_000, second),
        Room::Tight => RateLimitLayer::new(25, second).with_burst(50),
    };
    let quirks = Quirks::interop().with(Quirk::AnyCountry, true);
    let service = ServiceBuilder::new()
        .layer(ForwardedLayer::new().trust(["127.0.0.1"]).unwrap())
        .layer(TraceLayer::new())
        .layer(MetricsLayer::new())
        .layer(PanicGuardLayer::new())
        .layer(LimitsLayer::new())
        .layer(RateLimitLayer::new(100_000, second))
        .layer(AuthLayer::new(tokens))
        .layer(tenants)
        .layer(by_tenant.by_tenant())
        .layer(AuditLayer::new(sink))
        .layer(ConditionalLayer::new())
        .service(ScimService::builder(store).quirks(quirks).mounted_at(["/scim/v2"]).build());
    let shutdown = async move { drop(stopped.await) };
    serve(listener, service, ServeOptions::default(), shutdown).await.unwrap();
}

/// What the clients have sent and got.
#[derive(Clone, Default)]
pub(crate) struct Tally(Arc<Mutex<Counts>>);

#[derive(Default)]
struct Counts {
    by_class: BTreeMap<String, u64>,
    /// Of each tenant, requests that write and came as far as the layer that audits.
    writes: BTreeMap<&'static str, usize>,
    refused_for_rate: usize,
    waits: usize,
}

impl Tally {
    pub(crate) fn by_class(&self) -> BTreeMap<String, u64> {
        self.0.lock().unwrap().by_class.clone()
    }

    pub(crate) fn writes(&self, tenant: &str) -> usize {
        self.0.lock().unwrap().writes.get(tenant).copied().unwrap_or_default()
    }

    /// How often a client waited because it was told to.
    pub(crate) fn waits(&self) -> usize {
        self.0.lock().unwrap().waits
    }
}

/// An identity provider that signs in as it should, and waits when it is told to.
pub(crate) struct Caller {
    client: Client,
    tenant: &'static str,
    naming: Naming,
    issuer: Arc<Issuer>,
    token: Option<String>,
    tally: Tally,
}

impl Caller {
    /// The same with this token, whatever it is.
    pub(crate) fn with_token(&self, token: &str) -> Self {
        Self {
            client: self.client.clone(),
            tenant: self.tenant,
            naming: self.naming,
            issuer: Arc::clone(&self.issuer),
            token: Some(token.to_owned()),
            tally: self.tally.clone(),
        }
    }

    /// What the tenant's locations begin with.
    pub(crate) fn outside_base(&self) -> String {
        match self.naming {
            Naming::Path => format!("{}/t/{}/scim/v2/", self.client.origin(), self.tenant),
            Naming::Host => format!("https://{}.example.com/scim/v2/", self.tenant),
        }
    }

    /// Status and body.
    pub(crate) fn get(&mut self, path: &str) -> (u16, Value) {
        let answer = self.exchange("GET", path, &[("Authorization", BEARER)], None).unwrap();
        (answer.status, answer.json())
    }

    /// Does not wait.
    pub(crate) fn try_once(&mut self, method: &str, path: &str) -> Answer {
        self.once(method, path, &[("Authorization", BEARER)], None).unwrap()
    }

    fn once(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&[u8]>,
    ) -> Result<Answer, String> {
        let token = self.token.clone().unwrap_or_else(|| self.issuer.token(self.tenant));
        let bearer = format!("Bearer {token}");
        let host = format!("{}.example.com", self.tenant);
        let mut headers: Vec<(&str, &str)> = headers
            .iter()
            .map(|(name, value)| (*name, if *value == BEARER { bearer.as_str() } else { *value }))
            .collect();
        if self.naming == Naming::Host {
            headers.push(("X-Forwarded-Host", &host));
            headers.push(("X-Forwarded-Proto", "https"));
            headers.push(("X-Forwarded-For", "192.0.2.7"));
        }
        let answer = self.client.send(method, path, &headers, body)?;
        let mut counts = self.tally.0.lock().unwrap();
        *counts.by_class.entry(format!("{}xx", answer.status / 100)).or_default() += 1;
        let reads = method == "GET" || path.split('?').next().is_some_and(|path| path.ends_with("/.search"));
        match answer.status {
            429 => counts.refused_for_rate += 1,
            401 => {}
            _ if reads => {}
            _ => *counts.writes.entry(self.tenant).or_default() += 1,
        }
        Ok(answer)
    }
}

impl Exchange for Caller {
    #[expect(clippy::disallowed_methods, reason = "a client that was told to wait does so")]
    fn exchange(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&[u8]>,
    ) -> Result<Answer, String> {
        for _ in 0..100 {
            let answer = self.once(method, path, headers, body)?;
            if answer.status != 429 {
                return Ok(answer);
            }
            let wait = answer.header("retry-after").and_then(|text| text.parse().ok());
            let wait = wait.ok_or("a 429 without Retry-After")?;
            self.tally.0.lock().unwrap().waits += 1;
            std::thread::sleep(Duration::from_secs(wait));
        }
        Err("still refused after a hundred times of waiting as told".to_owned())
    }
}
