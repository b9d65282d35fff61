//! Clients that go away while a bulk request is under way: every operation is carried out as a whole or not at all.

use std::future::poll_fn;
use std::num::NonZeroUsize;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use async_trait::async_trait;
use scim_core::{ResourceId, TypeDefinition};
use scim_server::RequestContext;
use scim_server::layer::audit::{AuditEvent, AuditLayer, AuditSink, Outcome as AuditOutcome};
use scim_server::layer::limits::LimitsLayer;
use scim_server::store::{
    Load, MemoryStore, Outcome, Page, Query, Record, ResourceStore, SqliteStore, StoreError, Write,
};
use tokio::task::yield_now;
use tower::{Layer as _, ServiceBuilder};

use crate::bulk::{create, patch_data};
use crate::server::*;

/// Waits before and after everything it is asked for, so that a request can be given up there.
#[derive(Debug)]
struct Slow {
    store: Store,
    /// Whether it carries out writes one by one, as stores do that do not know better.
    one_by_one: bool,
}

#[async_trait]
impl ResourceStore for Slow {
    async fn get(
        &self,
        context: &RequestContext,
        definition: &Arc<TypeDefinition>,
        id: &ResourceId,
        load: Load,
    ) -> Result<Option<Record>, StoreError> {
        yield_now().await;
        let found = self.store.get(context, definition, id, load).await;
        yield_now().await;
        found
    }

    async fn query(&self, context: &RequestContext, query: &Query) -> Result<Page, StoreError> {
        self.store.query(context, query).await
    }

    async fn write(&self, context: &RequestContext, write: Write) -> Result<Outcome, StoreError> {
        yield_now().await;
        let outcome = self.store.write(context, write).await;
        yield_now().await;
        outcome
    }

    async fn write_all(
        &self,
        context: &RequestContext,
        writes: Vec<Write>,
        stop_after: Option<NonZeroUsize>,
    ) -> Vec<Result<Outcome, StoreError>> {
        if !self.one_by_one {
            yield_now().await;
            let outcomes = self.store.write_all(context, writes, stop_after).await;
            yield_now().await;
            return outcomes;
        }
        let mut outcomes = Vec::new();
        for write in writes {
            outcomes.push(self.write(context, write).await);
        }
        outcomes
    }
}

/// Sends a bulk request and goes away after so many steps of it; whether its answer came before.
async fn given_up(server: &Server, operations: &Value, steps: usize) -> bool {
    let mut left = steps;
    let mut bulk = pin!(server.bulk(operations.clone()));
    poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(false);
        }
        left -= 1;
        bulk.as_mut().poll(context).map(|_| true)
    })
    .await
}

/// Checks that nobody is half created or half changed.
async fn check(server: &Server, old: &str, steps: usize) {
    let users = server.get("/Users").await.expect(200).json();
    for user in users["Resources"].as_array().unwrap() {
        let user = json!([user["userName"], user["title"], user["nickName"]]);
        let whole = [
            json!(["old", null, null]),
            json!(["replaced", "new", "new"]),
            json!(["patched", "newer", null]),
            json!(["ann", null, null]),
            json!(["bob", null, null]),
        ];
        assert!(whole.contains(&user), "{user} after {steps} steps");
    }
    let ids = strings(&users["Resources"], "id");
    let groups = server.get("/Groups").await.expect(200).json();
    let members = |name: &str| {
        let group = groups["Resources"].as_array().unwrap().iter().find(|group| group["displayName"] == name);
        group.map(|group| strings(&group["members"], "value"))
    };
    if let Some(staff) = members("staff") {
        assert_eq!(staff.len(), 2, "after {steps} steps: {groups}");
        assert!(staff.iter().all(|id| ids.contains(id)), "after {steps} steps: {groups} {users}");
    }
    assert_eq!(members("one").is_some(), members("other").is_some(), "a circle, after {steps} steps");
    if let Some(one) = members("one") {
        assert_eq!((one.len(), members("other").unwrap().len()), (1, 1));
    }
    server.get(old).await.expect(200);
}

#[tokio::test]
async fn a_request_that_is_given_up_leaves_no_half_operation() {
    let group = |bulk_id: &str, name: &str, members: &[&str]| {
        let members: Vec<Value> = members.iter().map(|id| json!({"value": format!("bulkId:{id}")})).collect();
        json!({"method": "POST", "path": "/Groups", "bulkId": bulk_id,
            "data": {"schemas": [GROUP], "displayName": name, "members": members}})
    };
    for (name, one_by_one) in [("memory", true), ("memory", false), ("sqlite", true), ("sqlite", false)] {
        let mut steps = 0;
        loop {
            let store: Store = match name {
                "memory" => Arc::new(MemoryStore::new()),
                _ => Arc::new(SqliteStore::in_memory().unwrap()),
            };
            let server = Server::over(Arc::new(Slow { store, one_by_one }), false, |builder| builder);
            let old = server.user(json!({"userName": "old"})).await;
            let replaced = user(json!({"userName": "replaced", "title": "new", "nickName": "new"}));
            let operations = json!([
                group("staff", "staff", &["ann", "bob"]),
                create("ann", "ann"),
                {"method": "PUT", "path": old, "data": replaced},
                group("one", "one", &["other"]),
                group("other", "other", &["one"]),
                {"method": "PATCH", "path": old, "data": patch_data(json!([
                    {"op": "replace", "path": "userName", "value": "patched"},
                    {"op": "remove", "path": "nickName"},
                    {"op": "replace", "path": "title", "value": "newer"}]))},
                create("bob", "bob"),
            ]);
            let done = given_up(&server, &operations, steps).await;
            check(&server, &old, steps).await;
            // It holds nothing that others wait for.
            let next = server.bulk(json!([create("last", "last"), {"method": "DELETE", "path": old}])).await;
            assert_eq!(next.statuses(), ["201", "204"], "after {steps} steps");
            if done {
                assert!(steps > 5, "{name} has places to give up at");
                assert_eq!(server.names("userName pr").await.len(), 3);
                break;
            }
            steps += 1;
        }
    }
}

/// Takes a second for each write.
#[derive(Debug)]
struct Sluggish(Store);

#[async_trait]
impl ResourceStore for Sluggish {
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
        tokio::time::sleep(Duration::from_secs(1)).await;
        self.0.write(context, write).await
    }
}

/// The same with a way of its own to carry out many writes, which tells of each one.
#[derive(Debug)]
struct Telling(Sluggish);

#[async_trait]
impl ResourceStore for Telling {
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
        self.0.write(context, write).await
    }

    async fn write_all(
        &self,
        context: &RequestContext,
        writes: Vec<Write>,
        _: Option<NonZeroUsize>,
    ) -> Vec<Result<Outcome, StoreError>> {
        let mut results = Vec::new();
        for (nth, write) in writes.into_iter().enumerate() {
            let result = self.write(context, write).await;
            context.note_write(nth, &result);
            results.push(result);
        }
        results
    }
}

#[tokio::test(start_paused = true)]
async fn a_limit_of_time_ends_a_request_between_two_operations() {
    let server = Server::over(Arc::new(Sluggish(Arc::new(MemoryStore::new()))), false, |builder| builder);
    let service =
        LimitsLayer::unlimited().with_time(Duration::from_millis(3_500)).layer(server.service.clone());
    let operations: Vec<Value> = (0..10).map(|n| create(&format!("b{n}"), &format!("u{n}"))).collect();
    let body = json!({"schemas": [BULK], "Operations": operations}).to_string();
    let detail = send(service, "POST", "/Bulk", &[], body).await.refused(503, "");
    assert!(detail.contains("may have been carried out all the same, wholly or in part"), "{detail}");
    assert_eq!(server.names("userName pr").await, ["u0", "u1", "u2"]);
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(server.names("userName pr").await, ["u0", "u1", "u2"], "nothing further was begun");
}

#[derive(Clone, Debug, Default)]
struct Kept(Arc<Mutex<Vec<AuditEvent>>>);

impl AuditSink for Kept {
    fn record(&self, event: AuditEvent) {
        self.0.lock().unwrap().push(event);
    }
}

/// What was carried out before nobody waited any more is known to the audit, operation by operation.
#[tokio::test(start_paused = true)]
async fn the_audit_names_the_operations_that_had_ended_when_the_request_was_given_up() {
    let operations: Vec<Value> = (0..10).map(|n| create(&format!("b{n}"), &format!("u{n}"))).collect();
    let body = json!({"schemas": [BULK], "Operations": operations}).to_string();
    let time = Duration::from_millis(3_500);
    let limits = [(true, false), (false, true), (false, false)];
    for (tells, (limited_inside, limited_outside)) in
        limits.map(|limit| [(false, limit), (true, limit)]).concat()
    {
        let slow = Sluggish(Arc::new(MemoryStore::new()));
        let store: Store = if tells { Arc::new(Telling(slow)) } else { Arc::new(slow) };
        let server = Server::over(store, false, |builder| builder);
        let kept = Kept::default();
        let limit = |on| match on {
            true => LimitsLayer::unlimited().with_time(time),
            false => LimitsLayer::unlimited(),
        };
        let service = ServiceBuilder::new()
            .layer(limit(limited_outside))
            .layer(AuditLayer::new(kept.clone()))
            .layer(limit(limited_inside))
            .service(server.service.clone());
        let answer = send(service, "POST", "/Bulk", &[], body.clone());
        match tokio::time::timeout(time, answer).await {
            Ok(answer) => drop(answer.refused(503, "")),
            Err(_) => assert!(!limited_inside && !limited_outside, "the client has gone"),
        }
        let events = std::mem::take(&mut *kept.0.lock().unwrap());
        let (request, operations) = events.split_first().unwrap();
        let (outcome, status) = match (limited_inside, limited_outside) {
            (true, _) => (AuditOutcome::Answered, Some(503)),
            (_, true) => (AuditOutcome::TimedOut, None),
            _ => (AuditOutcome::Abandoned, None),
        };
        assert_eq!((request.outcome, request.status, request.operation), (outcome, status, None));
        let told: Vec<_> = operations.iter().map(|event| (event.operation, event.status)).collect();
        assert_eq!(told, [(Some(1), Some(201)), (Some(2), Some(201)), (Some(3), Some(201))]);
        for event in operations {
            assert_eq!((event.outcome, event.method.as_str()), (AuditOutcome::Answered, "POST"));
            let id = event.resource_id.as_deref().unwrap();
            server.get(&format!("/Users/{id}")).await.expect(200);
        }
    }
}

/// A request that is not waited for any more ends at its next operation, although memory never lets anybody wait.
#[tokio::test]
async fn a_request_that_is_given_up_begins_nothing_further() {
    let operations: Vec<Value> = (0..50).map(|n| create(&format!("b{n}"), &format!("u{n}"))).collect();
    let operations = json!(operations);
    let mut seen = Vec::new();
    for steps in 0..110 {
        let server = Server::tolerant();
        let done = given_up(&server, &operations, steps).await;
        let count = server.names("userName pr").await.len();
        yield_now().await;
        assert_eq!(server.names("userName pr").await.len(), count);
        assert!(seen.last().is_none_or(|last| count == *last || count == last + 1), "{seen:?} {count}");
        assert!(!done || count == 50);
        seen.push(count);
    }
    assert!(seen.contains(&1) && seen.contains(&25) && seen.contains(&50), "{seen:?}");
}

/// Others need not wait for a whole bulk request.
#[tokio::test]
async fn others_have_their_turn_between_two_operations() {
    let server = Server::tolerant();
    let operations: Vec<Value> = (0..50).map(|n| create(&format!("b{n}"), &format!("u{n}"))).collect();
    let other = async {
        // Until the writes have begun.
        while server.names("userName pr").await.is_empty() {
            yield_now().await;
        }
        server.user(json!({"userName": "other"})).await;
        server.names("userName pr").await
    };
    let (answer, names) = tokio::join!(server.bulk(json!(operations)), other);
    assert_eq!(answer.statuses(), ["201"; 50]);
    assert!(names.contains(&"other".to_owned()) && names.len() < 51, "{names:?}");
}
