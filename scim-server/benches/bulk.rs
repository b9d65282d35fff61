//! A thousand users in one bulk request, against the same as requests of their own and against bare inserts.
#![allow(clippy::unwrap_used, missing_docs)]

use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use http::Request;
use http_body_util::BodyExt as _;
use rusqlite::{Connection, params};
use scim_server::store::{MemoryStore, ResourceStore, SqliteStore};
use scim_server::{Body, ScimService};
use tokio::runtime::Runtime;
use tower::ServiceExt as _;

const USERS: u64 = 1_000;

fn user(n: u64) -> String {
    format!(
        r#"{{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],
            "userName":"user{n}@example.com","name":{{"givenName":"Given{n}","familyName":"Family{n}"}},
            "displayName":"Given{n} Family{n}","externalId":"{n:032}","active":true,"title":"Engineer",
            "emails":[{{"value":"user{n}@example.com","type":"work","primary":true}}],
            "phoneNumbers":[{{"value":"+1 555 {n:07}","type":"work"}}],
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{{"department":"D{d}","employeeNumber":"{n}"}}}}"#,
        d = n % 50
    )
}

fn bulk(users: std::ops::Range<u64>) -> String {
    let operations: Vec<String> = users
        .map(|n| format!(r#"{{"method":"POST","path":"/Users","bulkId":"{n}","data":{}}}"#, user(n)))
        .collect();
    format!(
        r#"{{"schemas":["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],"Operations":[{}]}}"#,
        operations.join(",")
    )
}

async fn post<S: ResourceStore + 'static>(service: &ScimService<S>, path: &str, body: String) -> usize {
    let request = Request::post(path).body(Body::from(body.into_bytes())).unwrap();
    let response = service.clone().oneshot(request).await.unwrap();
    assert!(response.status().is_success());
    let body = response.into_body().collect().await.unwrap().to_bytes();
    std::str::from_utf8(&body).unwrap().matches(r#""status":"201""#).count()
}

fn in_one_bulk<S: ResourceStore + 'static>(
    runtime: &Runtime,
    service: &ScimService<S>,
    first: &mut u64,
) -> Duration {
    let body = bulk(*first..*first + USERS);
    *first += USERS;
    let started = Instant::now();
    let created = runtime.block_on(post(service, "/Bulk", body));
    let spent = started.elapsed();
    assert_eq!(created, 1_000);
    spent
}

fn one_by_one<S: ResourceStore + 'static>(
    runtime: &Runtime,
    service: &ScimService<S>,
    first: &mut u64,
) -> Duration {
    let bodies: Vec<String> = (*first..*first + USERS).map(user).collect();
    *first += USERS;
    let started = Instant::now();
    runtime.block_on(async {
        for body in bodies {
            post(service, "/Users", body).await;
        }
    });
    started.elapsed()
}

/// What a store cannot do without: one row for the resource and one for each key it is found by, as the tables of the
/// store have them, in one transaction.
fn bare_inserts(connection: &mut Connection, first: &mut u64) -> Duration {
    let documents: Vec<(u64, String)> = (*first..*first + USERS).map(|n| (n, user(n))).collect();
    *first += USERS;
    let started = Instant::now();
    let transaction = connection.transaction().unwrap();
    {
        let mut resource = transaction
            .prepare_cached(
                "INSERT INTO resources (tenant, type, id, created, last_modified, version, display, document) \
                 VALUES ('default', 'User', ?1, 0, 0, ?2, ?3, ?4)",
            )
            .unwrap();
        let mut unique = transaction
            .prepare_cached(
                "INSERT INTO unique_values (tenant, type, attribute, value, resource) \
                 VALUES ('default', 'User', 'userName', ?1, ?2)",
            )
            .unwrap();
        let mut shared = transaction
            .prepare_cached(
                "INSERT INTO shared_values (tenant, type, attribute, value, resource) \
                 VALUES ('default', 'User', ?1, ?2, ?3)",
            )
            .unwrap();
        for (n, document) in documents {
            let (name, display) = (format!("user{n}@example.com"), format!("given{n} family{n}"));
            // As far apart as random ids are.
            let id = format!("{:016x}-4000-8000-000000000000", n.wrapping_mul(0x9e37_79b9_7f4a_7c15));
            let row = resource.insert(params![id, n, display, document.as_bytes()]).unwrap();
            unique.execute(params![name, row]).unwrap();
            for (attribute, value) in
                [("externalId", format!("{n:032}")), ("displayName", display), ("emails.value", name)]
            {
                shared.execute(params![attribute, value, row]).unwrap();
            }
        }
    }
    transaction.commit().unwrap();
    started.elapsed()
}

fn creates(criterion: &mut Criterion) {
    let runtime = Runtime::new().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let open = |name: &str| SqliteStore::open(folder.path().join(name)).unwrap();
    let mut group = criterion.benchmark_group("create 1,000 users");
    group.sample_size(10).throughput(Throughput::Elements(USERS));
    let mut times = |name: &str, run: &mut dyn FnMut() -> Duration| {
        group.bench_function(name, |b| b.iter_custom(|times| (0..times).map(|_| run()).sum()));
    };

    let service = ScimService::builder(MemoryStore::new()).build();
    let mut next = 0;
    times("memory, one bulk", &mut || in_one_bulk(&runtime, &service, &mut next));
    times("memory, one by one", &mut || one_by_one(&runtime, &service, &mut next));

    let service = ScimService::builder(open("bulk.db")).build();
    let mut next = 0;
    times("sqlite, one bulk", &mut || in_one_bulk(&runtime, &service, &mut next));
    let service = ScimService::builder(open("single.db")).build();
    let mut next = 0;
    times("sqlite, one by one", &mut || one_by_one(&runtime, &service, &mut next));

    drop(open("bare.db"));
    let mut connection = Connection::open(folder.path().join("bare.db")).unwrap();
    connection.pragma_update(None, "foreign_keys", true).unwrap();
    connection.pragma_update(None, "synchronous", "FULL").unwrap();
    let mut next = 0;
    times("sqlite, bare inserts in one transaction", &mut || bare_inserts(&mut connection, &mut next));
}

criterion_group! {
    name = bulk_requests;
    config = Criterion::default().measurement_time(Duration::from_secs(3)).warm_up_time(Duration::from_millis(500));
    targets = creates
}
criterion_main!(bulk_requests);
