use std::io;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{TimeZone as _, Utc};
use http::{Request, Response};
use scim_core::{ResourceId, TypeDefinition};
use scim_server::context::ClientAddr;
use scim_server::layer::audit::{AuditEvent, AuditLayer, AuditSink, JsonLinesSink, Outcome, TracingSink};
use scim_server::layer::auth::{Access, AuthLayer, StaticTokens, TenantAccess};
use scim_server::layer::limits::LimitsLayer;
use scim_server::layer::panic_guard::PanicGuardLayer;
use scim_server::layer::trace::TraceLayer;
use scim_server::store::{
    Load, Outcome as StoreOutcome, Page, Query, Record, ResourceStore, StoreError, Write,
};
use scim_server::{Body, FixedClock, Principal, RequestContext, ScimService};
use tower::{Layer as _, Service as _, ServiceBuilder, ServiceExt as _};

use crate::common::*;
use crate::log::Log;

#[derive(Clone, Debug, Default)]
struct Kept(Arc<Mutex<Vec<AuditEvent>>>);

impl AuditSink for Kept {
    fn record(&self, event: AuditEvent) {
        self.0.lock().unwrap().push(event);
    }
}

impl Kept {
    fn take(&self) -> Vec<AuditEvent> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

fn user(name: &str) -> String {
    json!({"schemas": [USER], "userName": name, "password": "pass-word"}).to_string()
}

fn tokens() -> StaticTokens {
    let only = TenantAccess::Only("t-1".parse().unwrap());
    StaticTokens::new()
        .with_access(Access::new(Principal::new("entra")).with_tenants(only), "token-of-entra")
        .unwrap()
}

const BEARER: (&str, &str) = ("authorization", "Bearer token-of-entra");

#[tokio::test]
async fn every_write_is_told_once_and_no_read() {
    let server = Server::new();
    let kept = Kept::default();
    let clock = Arc::new(FixedClock(Utc.timestamp_opt(1_700_000_000, 0).unwrap()));
    let audit = AuditLayer::new(kept.clone()).with_clock(clock);
    for inside in [true, false] {
        let inner = if inside { Some(audit.clone()) } else { None };
        let outer = if inside { None } else { Some(audit.clone()) };
        let service = ServiceBuilder::new()
            .layer(TraceLayer::new())
            .map_request(|mut request: Request<Body>| {
                request.extensions_mut().insert(ClientAddr("192.0.2.7".parse().unwrap()));
                request
            })
            .option_layer(outer)
            .layer(AuthLayer::new(tokens()))
            .option_layer(inner)
            .service(server.service.clone());
        // `option_layer` changes types; what counts is that both orders tell the same.
        let service = tower::ServiceExt::map_response(service, |response| response);
        let name = if inside { "ann" } else { "bob" };
        let headers = [BEARER, ("x-request-id", "request-7")];
        let created = send(service.clone(), "POST", "/Users", &headers, user(name)).await.expect(201);
        let path = format!("/Users/{}", created.id());
        let search = json!({"schemas": [SEARCH]}).to_string();
        send(service.clone(), "POST", "/Users/.search", &headers, search).await.expect(200);
        send(service.clone(), "GET", &path, &headers, "").await.expect(200);
        send(service.clone(), "POST", "/Users", &headers, user(name)).await.expect(409);
        let put = send(service.clone(), "PUT", &path, &headers, user(name).replace("ann", "ann2"))
            .await
            .expect(200);
        send(service.clone(), "DELETE", &path, &headers, "").await.expect(204);
        send(service.clone(), "DELETE", &path, &headers, "").await.expect(404);
        // What is no id may be the address of somebody.
        send(service.clone(), "DELETE", "/Users/ann@x.org", &headers, "").await.expect(404);
        send(service.clone(), "DELETE", "/Users/ann%40x.org", &headers, "").await.expect(404);
        let events = kept.take();
        let of = |event: &AuditEvent| {
            let AuditEvent { method, route, resource_id, status, version, .. } = event.clone();
            (method, route.unwrap_or_default(), resource_id, status.unwrap_or_default(), version)
        };
        let id = Some(created.id());
        let one = || "/Users/{id}".to_owned();
        let expected = [
            ("POST".to_owned(), "/Users".to_owned(), id.clone(), 201, Some(created.etag())),
            ("POST".to_owned(), "/Users".to_owned(), None, 409, None),
            ("PUT".to_owned(), one(), id.clone(), 200, Some(put.etag())),
            ("DELETE".to_owned(), one(), id.clone(), 204, None),
            ("DELETE".to_owned(), one(), id.clone(), 404, None),
            ("DELETE".to_owned(), one(), None, 404, None),
            ("DELETE".to_owned(), one(), None, 404, None),
        ];
        assert_eq!(events.iter().map(of).collect::<Vec<_>>(), expected, "{inside}");
        for event in &events {
            assert_eq!(event.principal.as_deref(), Some("entra"), "{inside}");
            assert_eq!(event.request_id.as_deref(), Some("request-7"));
            assert_eq!(event.client.as_deref(), Some("192.0.2.7"));
            assert_eq!(event.time.timestamp(), 1_700_000_000);
            if inside {
                assert_eq!(event.tenant.as_deref(), Some("t-1"));
            }
        }
        let text = serde_json::to_string(&events).unwrap() + &format!("{events:?}");
        for secret in ["pass-word", "token-of-entra", "userName", "ann", "bob"] {
            assert!(!text.contains(secret), "{secret}: {text}");
        }
        // Refused before anybody was known: only the layer outside of that sees it.
        send(service, "DELETE", &path, &[], "").await.expect(401);
        let statuses: Vec<_> = kept.take().iter().map(|event| event.status).collect();
        assert_eq!(statuses, if inside { vec![] } else { vec![Some(401)] });
    }
}

/// A store that answers nothing.
#[derive(Debug)]
struct Stuck;

#[async_trait::async_trait]
impl ResourceStore for Stuck {
    async fn get(
        &self,
        _: &RequestContext,
        _: &Arc<TypeDefinition>,
        _: &ResourceId,
        _: Load,
    ) -> Result<Option<Record>, StoreError> {
        std::future::pending().await
    }

    async fn query(&self, _: &RequestContext, _: &Query) -> Result<Page, StoreError> {
        std::future::pending().await
    }

    async fn write(&self, context: &RequestContext, _: Write) -> Result<StoreOutcome, StoreError> {
        assert_ne!(context.request_id.as_str(), "broken", "a fault of the store");
        std::future::pending().await
    }
}

#[tokio::test(start_paused = true)]
async fn a_write_that_gets_no_answer_is_told_with_all_that_is_known() {
    let (log, guard) = Log::start();
    let kept = Kept::default();
    let service = ServiceBuilder::new()
        .layer(TraceLayer::new())
        .layer(PanicGuardLayer::new())
        .layer(LimitsLayer::unlimited().with_time(Duration::from_secs(30)))
        .layer(AuditLayer::new(kept.clone()))
        .layer(AuthLayer::new(tokens()))
        .service(ScimService::builder(Stuck).mounted_at(["/v2"]).build());
    let request = |id: &str| {
        let request =
            Request::delete("/v2//users/id-7").header("x-request-id", id).header(BEARER.0, BEARER.1);
        request.body(Body::empty()).unwrap()
    };
    // The client goes away; time runs out; the code breaks.
    let gone = tokio::spawn(service.clone().oneshot(request("gone")));
    tokio::task::yield_now().await;
    gone.abort();
    assert!(gone.await.unwrap_err().is_cancelled());
    let late = service.clone().oneshot(request("late")).await.unwrap();
    assert_eq!(late.status(), 503);
    let broken = service.oneshot(request("broken")).await.unwrap();
    assert_eq!(broken.status(), 500);
    drop(guard);

    let events = kept.take();
    let outcomes: Vec<_> = events.iter().map(|event| event.outcome).collect();
    assert_eq!(outcomes, [Outcome::Abandoned, Outcome::TimedOut, Outcome::Failed]);
    for event in &events {
        let AuditEvent { principal, tenant, route, resource_type, resource_id, status, .. } = event;
        let known =
            [principal, tenant, route, resource_type, resource_id].map(|text| text.as_deref().unwrap_or("-"));
        assert_eq!(known, ["entra", "t-1", "/Users/{id}", "User", "id-7"]);
        assert_eq!(*status, None);
    }
    let line = |id: &str| {
        let log = log.text();
        log.lines().find(|line| line.contains(&format!("request_id={id} "))).unwrap_or_default().to_owned()
    };
    let gone = line("gone");
    for part in ["route=\"/Users/{id}\"", "outcome=\"abandoned\"", "principal=\"entra\"", "method=\"DELETE\""]
    {
        assert!(gone.contains(part), "{part}: {gone}");
    }
    assert!(!gone.contains("status="), "{gone}");
    let late = line("late");
    assert!(late.contains("route=\"/Users/{id}\"") && late.contains("status=503"), "{late}");
}

#[tokio::test]
async fn a_write_whose_client_has_gone_is_told_also_by_a_service_of_another_kind() {
    let kept = Kept::default();
    let stuck = tower::service_fn(|_: Request<Body>| std::future::pending::<Result<Response<Body>, _>>());
    let mut service = AuditLayer::new(kept.clone()).layer(stuck);
    let answer = service.call(Request::delete("/Users/1").body(Body::empty()).unwrap());
    drop(answer);
    let events = kept.take();
    assert_eq!((events.len(), events[0].status, events[0].method.as_str()), (1, None, "DELETE"));
    assert_eq!(events[0].outcome, Outcome::Abandoned);
}

/// Two who are called the same are two.
#[tokio::test]
async fn events_tell_who_has_given_a_principal_its_name() {
    let server = Server::new();
    let kept = Kept::default();
    let ours = Access::new(Principal::new("alice"));
    let theirs = Access::new(Principal::new("alice").issued_by("https://login.example.com/"));
    let tokens = StaticTokens::new().with_access(ours, "token-of-ours").unwrap();
    let tokens = tokens.with_access(theirs, "token-of-theirs").unwrap();
    let service = ServiceBuilder::new()
        .layer(AuditLayer::new(kept.clone()))
        .layer(AuthLayer::new(tokens))
        .service(server.service.clone());
    for token in ["Bearer token-of-ours", "Bearer token-of-theirs"] {
        send(service.clone(), "DELETE", "/Users/x", &[("authorization", token)], "").await.expect(404);
    }
    let who: Vec<_> = kept.take().into_iter().map(|event| (event.principal.unwrap(), event.issuer)).collect();
    let alice = || "alice".to_owned();
    assert_eq!(who, [(alice(), None), (alice(), Some("https://login.example.com/".to_owned()))]);
}

/// A writer that waits for leave before each write.
struct Gate(Receiver<()>, Sender<Vec<u8>>);

impl io::Write for Gate {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.recv().map_err(|_| io::ErrorKind::BrokenPipe)?;
        self.1.send(bytes.to_vec()).map_err(|_| io::ErrorKind::BrokenPipe)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn lines_of_json_never_hold_an_answer_up() {
    let server = Server::new();
    let (leave, wait) = channel();
    let (written, lines) = channel();
    let sink = Arc::new(JsonLinesSink::new(Gate(wait, written), 2).unwrap());
    let service = AuditLayer::new(Arc::clone(&sink)).layer(server.service.clone());
    // Nothing is written yet: the queue fills up, and answers come all the same.
    for n in 0..20 {
        send(service.clone(), "POST", "/Users", &[], user(&format!("u{n}"))).await.expect(201);
    }
    let dropped = sink.dropped();
    assert!((1..20).contains(&dropped), "{dropped}");
    assert!(!sink.flush(Duration::from_millis(1)));
    for _ in 0..100 {
        leave.send(()).unwrap();
    }
    let mut text = Vec::new();
    while text.iter().filter(|byte| **byte == b'\n').count() < 20 - usize::try_from(dropped).unwrap() {
        text.extend(lines.recv_timeout(Duration::from_secs(30)).unwrap());
    }
    let text = String::from_utf8(text).unwrap();
    let first: Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    assert_eq!(first["method"], "POST");
    assert_eq!(first["route"], "/Users");
    assert_eq!(first["status"], 201);
    assert_eq!(first["resource_id"], "id-1");
    assert!(first["duration_us"].is_u64() && first["time"].is_string(), "{first}");
    assert!(first.get("principal").is_none(), "{first}");
    send(service, "DELETE", "/Users/id-1", &[], "").await.expect(204);
    assert!(sink.flush(Duration::from_secs(30)));
    assert_eq!(sink.dropped(), dropped);
}

#[tokio::test]
async fn events_can_be_log_lines() {
    let (log, guard) = Log::start();
    let server = Server::new();
    let service = AuditLayer::new(TracingSink).layer(server.service.clone());
    send(service.clone(), "POST", "/Users", &[], user("ann")).await.expect(201);
    send(service, "GET", "/Users", &[], "").await.expect(200);
    drop(guard);
    let log = log.text();
    assert_eq!(log.lines().count(), 1, "{log}");
    for part in ["scim_server::audit", "method=\"POST\"", "resource_id=\"id-1\"", "status=201"] {
        assert!(log.contains(part), "{part}: {log}");
    }
    assert!(!log.contains("ann") && !log.contains("pass-word"), "{log}");
}
