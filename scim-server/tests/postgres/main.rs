//! What the store in PostgreSQL promises beyond the contract of stores: several processes, a server that goes away,
//! secrets, limits.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "../support/postgres.rs"]
mod server;

mod batches;
mod claims;
mod engines;
mod search;

use std::collections::{BTreeSet, HashSet};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use chrono::DateTime;
use scim_core::{
    Object, PatchLimits, PatchRequest, Quirks, Registry, Resource, ResourceId, TypeDefinition, Value,
    Version, validate,
};
use scim_filter::{Filter, ResolveOptions};
use scim_server::RequestContext;
use scim_server::store::{
    Load, NewResource, Outcome, PostgresOptions, PostgresStore, Precondition, Query, Record, ResourceStore,
    Scope, Start, StoreError, Target, Write, conformance,
};
use tokio::task::JoinSet;

/// One client of a store.
#[derive(Clone)]
struct Client {
    store: Arc<dyn ResourceStore>,
    context: RequestContext,
    user: Arc<TypeDefinition>,
    group: Arc<TypeDefinition>,
}

impl Client {
    fn new(store: PostgresStore) -> Self {
        Self::of(Arc::new(store))
    }

    fn of(store: Arc<dyn ResourceStore>) -> Self {
        let registry = Registry::rfc7643();
        let definition = |name| Arc::clone(registry.by_name(name).unwrap());
        let (user, group) = (definition("User"), definition("Group"));
        let context = RequestContext::new(Arc::clone(&registry), DateTime::UNIX_EPOCH);
        Self { store, context, user, group }
    }

    fn open(url: &str) -> Self {
        Self::new(PostgresStore::open(url).unwrap())
    }

    fn creation(&self, definition: &Arc<TypeDefinition>, id: &str, body: &str) -> Write {
        let draft = validate::validate_new(definition, object(body), &Quirks::interop()).unwrap();
        Write::create(definition, NewResource::new(rid(id), draft.resource, draft.relations))
    }

    async fn create(
        &self,
        definition: &Arc<TypeDefinition>,
        id: &str,
        body: &str,
    ) -> Result<Record, StoreError> {
        self.store.write(&self.context, self.creation(definition, id, body)).await?.into_created()
    }

    async fn create_user(&self, id: &str) -> Result<Record, StoreError> {
        self.create(&self.user, id, &format!(r#"{{"userName":"{id}"}}"#)).await
    }

    fn patching(
        &self,
        definition: &Arc<TypeDefinition>,
        id: &str,
        operation: &str,
        precondition: Precondition,
    ) -> Write {
        let body = format!(
            r#"{{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{operation}]}}"#
        );
        let request =
            PatchRequest::from_object(object(&body), &Quirks::interop(), &PatchLimits::default()).unwrap();
        let changes = request.resolve(definition, &Quirks::interop()).unwrap();
        let target = Target::new(definition, &rid(id)).with_precondition(precondition);
        Write::apply(target, changes).with_load(Load::None)
    }

    async fn patch(
        &self,
        definition: &Arc<TypeDefinition>,
        id: &str,
        operation: &str,
        precondition: Precondition,
    ) -> Result<Version, StoreError> {
        let write = self.patching(definition, id, operation, precondition);
        Ok(self.store.write(&self.context, write).await?.into_written()?.unwrap().record.version)
    }

    async fn add_member(&self, group: &str, id: &str) -> Result<Version, StoreError> {
        let operation = format!(r#"{{"op":"add","path":"members","value":[{{"value":"{id}"}}]}}"#);
        self.patch(&self.group, group, &operation, Precondition::Any).await
    }

    async fn delete(&self, definition: &Arc<TypeDefinition>, id: &str) -> Result<bool, StoreError> {
        self.store
            .write(&self.context, Write::delete(Target::new(definition, &rid(id))))
            .await?
            .into_deleted()
    }

    async fn get(&self, definition: &Arc<TypeDefinition>, id: &str) -> Result<Option<Record>, StoreError> {
        self.store.get(&self.context, definition, &rid(id), Load::All).await
    }

    async fn references(&self, definition: &Arc<TypeDefinition>, id: &str) -> Vec<String> {
        let record = self.get(definition, id).await.unwrap().unwrap();
        record.related[0].references.as_ref().unwrap().iter().map(|r| r.id.to_string()).collect()
    }

    async fn matching(&self, filter: &str) -> Vec<String> {
        let filter = Filter::parse(filter).unwrap().resolve(&*self.user, &ResolveOptions::default()).unwrap();
        let scope = Scope::all(Arc::clone(&self.user)).with_filter(Some(filter));
        let page = self.store.query(&self.context, &Query::new(vec![scope], 100)).await.unwrap();
        page.records.iter().map(|record| record.id.to_string()).collect()
    }

    fn users(&self, count: usize) -> Query {
        Query::new(vec![Scope::all(Arc::clone(&self.user))], count).with_load(Load::None)
    }

    async fn count(&self) -> u64 {
        self.store.query(&self.context, &self.users(0)).await.unwrap().total_results.unwrap()
    }
}

fn object(json: &str) -> Object {
    match Value::from_slice(json.as_bytes()).unwrap() {
        Value::Object(object) => object,
        other => panic!("{other:?}"),
    }
}

fn rid(id: &str) -> ResourceId {
    id.parse().unwrap()
}

/// Two processes, as far as the database can tell.
fn two() -> [Client; 2] {
    let url = server::database();
    [Client::open(&url), Client::open(&url)]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_suite_runs_on_one_store_and_through_pointers() {
    if !server::is_there() {
        return;
    }
    let store: Arc<dyn ResourceStore> = Arc::new(PostgresStore::open(&server::database()).unwrap());
    let store: Arc<dyn ResourceStore> = Arc::new(store);
    conformance::run_all(&store).await;
}

/// What comes out does not depend on which of the two was asked.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_stores_that_create_one_name_one_wins() {
    if !server::is_there() {
        return;
    }
    let both = two();
    for round in 0..20 {
        let mut tasks = JoinSet::new();
        for n in 0..8 {
            let client = both[n % 2].clone();
            let name = if n % 3 == 0 { "Ann" } else { "ANN" };
            let body = format!(r#"{{"userName":"{name}{round}"}}"#);
            tasks.spawn(async move { client.create(&client.user, &format!("u{round}-{n}"), &body).await });
        }
        let outcomes = tasks.join_all().await;
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
        for lost in outcomes.into_iter().filter_map(Result::err) {
            assert_eq!(
                lost.to_string().split('`').next(),
                Some("another User already has the userName "),
                "{lost}"
            );
        }
    }
    // The same id at once.
    let mut tasks = JoinSet::new();
    for n in 0..8 {
        let client = both[n % 2].clone();
        tasks.spawn(async move {
            client.create(&client.user, "same", &format!(r#"{{"userName":"n{n}"}}"#)).await
        });
    }
    let outcomes = tasks.join_all().await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    for lost in outcomes.into_iter().filter_map(Result::err) {
        assert!(lost.to_string().starts_with("another User already has the id `same`"), "{lost}");
    }
    assert_eq!([both[0].count().await, both[1].count().await], [21, 21]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_stores_that_change_one_version_one_wins() {
    if !server::is_there() {
        return;
    }
    let both = two();
    let mut version = both[0].create_user("u").await.unwrap().version;
    for round in 0..20 {
        let mut tasks = JoinSet::new();
        for n in 0..6 {
            let client = both[n % 2].clone();
            tasks.spawn(async move {
                let title = format!(r#"{{"op":"add","path":"title","value":"{round}-{n}"}}"#);
                client.patch(&client.user, "u", &title, Precondition::IfVersion(vec![version])).await
            });
        }
        let outcomes = tasks.join_all().await;
        let won: Vec<Version> =
            outcomes.iter().filter_map(|outcome| outcome.as_ref().ok().copied()).collect();
        assert_eq!(won.len(), 1, "{outcomes:?}");
        assert!(won[0] > version);
        for lost in outcomes.into_iter().filter_map(Result::err) {
            assert!(matches!(lost, StoreError::Precondition { current } if current == won[0]), "{lost:?}");
        }
        version = won[0];
    }
}

/// Members come and go by both stores at once, members are deleted meanwhile; what was answered is what is there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_stores_lose_no_membership() {
    if !server::is_there() {
        return;
    }
    let both = two();
    for n in 0..60 {
        both[n % 2].create_user(&format!("u{n}")).await.unwrap();
    }
    for group in ["g0", "g1", "g2"] {
        both[0].create(&both[0].group, group, &format!(r#"{{"displayName":"{group}"}}"#)).await.unwrap();
    }
    let mut tasks = JoinSet::new();
    for n in 0..60_usize {
        let client = both[n % 2].clone();
        tasks.spawn(async move {
            let mut versions = Vec::new();
            for group in ["g0", "g1", "g2"] {
                match client.add_member(group, &format!("u{n}")).await {
                    Ok(version) => versions.push((group, version)),
                    Err(StoreError::UnknownReference { .. }) if n % 5 == 0 => {}
                    Err(error) => panic!("{error:?}"),
                }
            }
            versions
        });
        if n.is_multiple_of(5) {
            let client = both[(n + 1) % 2].clone();
            tasks.spawn(async move {
                assert!(client.delete(&client.user, &format!("u{n}")).await.unwrap());
                Vec::new()
            });
        }
    }
    let versions: Vec<_> = tasks.join_all().await.into_iter().flatten().collect();
    let distinct: HashSet<_> = versions.iter().collect();
    assert_eq!(distinct.len(), versions.len(), "no group has a version twice");
    let expected: BTreeSet<String> = (0..60).filter(|n| n % 5 != 0).map(|n| format!("u{n}")).collect();
    for group in ["g0", "g1", "g2"] {
        let members: Vec<String> = both[0].references(&both[0].group, group).await;
        assert_eq!(members.iter().cloned().collect::<BTreeSet<_>>(), expected, "{group}");
        assert_eq!(members.len(), expected.len());
    }
    assert_eq!(both[1].references(&both[1].user, "u1").await.len(), 3);
    assert_eq!(both[1].count().await, 48);
}

/// Somebody reads page after page while both stores create and delete: what is there all the time comes once, and the
/// order is the same from both.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_hold_while_two_stores_write() {
    if !server::is_there() {
        return;
    }
    let both = two();
    for n in 0..200 {
        both[n % 2].create_user(&format!("stays{n}")).await.unwrap();
    }
    let stop = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let mut writers = JoinSet::new();
    for n in 0..6 {
        let (client, stop) = (both[n % 2].clone(), Arc::clone(&stop));
        writers.spawn(async move {
            let mut round = 0;
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                let id = format!("comes{n}-{round}");
                client.create_user(&id).await.unwrap();
                if round % 3 != 0 {
                    assert!(client.delete(&client.user, &id).await.unwrap());
                }
                round += 1;
            }
        });
    }
    for walk in 0..4 {
        let query = both[0].users(17);
        let (mut seen, mut rows) = (Vec::new(), Vec::new());
        let mut start = Start::Index(1);
        for turn in 0.. {
            let client = &both[(turn + walk) % 2];
            let page = client.store.query(&client.context, &query.clone().with_start(start)).await.unwrap();
            seen.extend(page.records.iter().map(|record| record.id.to_string()));
            let Some(next) = page.next else { break };
            rows.push(next.row());
            start = Start::After(next);
        }
        let distinct: HashSet<&String> = seen.iter().collect();
        assert_eq!(distinct.len(), seen.len(), "nothing comes twice");
        let stayed: Vec<&String> = seen.iter().filter(|id| id.starts_with("stays")).collect();
        assert_eq!(
            stayed,
            (0..200).map(|n| format!("stays{n}")).collect::<Vec<_>>().iter().collect::<Vec<_>>()
        );
        assert!(rows.is_sorted());
    }
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    writers.join_all().await;
    let everything = both[0].store.query(&both[0].context, &both[0].users(100_000)).await.unwrap();
    assert_eq!(everything.total_results, Some(everything.records.len() as u64), "the counters are right");
}

/// Writes that take the same resources in opposite orders are carried out again when the database undoes one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writes_that_stop_each_other_are_carried_out_again() {
    if !server::is_there() {
        return;
    }
    let both = two();
    // More than are locked at once.
    let ids: Vec<String> = (0..50).map(|n| format!("u{n:02}")).collect();
    for id in &ids {
        both[0].create_user(id).await.unwrap();
    }
    let mut tasks = JoinSet::new();
    for n in 0..8_usize {
        let (client, mut ids) = (both[n % 2].clone(), ids.clone());
        tasks.spawn(async move {
            if n.is_multiple_of(2) {
                ids.reverse();
            }
            let email = format!(r#"{{"op":"add","path":"emails","value":[{{"value":"{n}@example.com"}}]}}"#);
            let write = |id: &String| client.patching(&client.user, id, &email, Precondition::Any);
            client.store.write_all(&client.context, ids.iter().map(write).collect(), None).await
        });
    }
    for outcome in tasks.join_all().await.into_iter().flatten() {
        assert!(matches!(outcome, Ok(Outcome::Written(_))), "{outcome:?}");
    }
    for id in &ids {
        let record = both[0].get(&both[0].user, id).await.unwrap().unwrap();
        let document = String::from_utf8(record.document.to_vec()).unwrap();
        assert_eq!(document.matches("@example.com").count(), 8, "{document}");
    }
}

/// Of many writes in one call, those that fail in the database itself leave the others.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_that_the_database_refuses_leaves_the_others() {
    if !server::is_there() {
        return;
    }
    let [client, _] = two();
    let body = |name: usize| format!(r#"{{"userName":"n{name}"}}"#);
    let writes: Vec<Write> =
        (0..100).map(|n| client.creation(&client.user, &format!("u{n}"), &body(n / 10 * 10))).collect();
    let outcomes = client.store.write_all(&client.context, writes, None).await;
    for (n, outcome) in outcomes.iter().enumerate() {
        match outcome {
            Ok(Outcome::Created(records)) => assert_eq!((n % 10, records.len()), (0, 1)),
            Err(StoreError::Uniqueness { attribute, .. }) => {
                assert_eq!((n % 10 != 0, &**attribute), (true, "userName"))
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(client.count().await, 10);
    let writes: Vec<Write> =
        (0..10).map(|n| client.creation(&client.user, &format!("v{n}"), &body(0))).collect();
    let outcomes = client.store.write_all(&client.context, writes, NonZeroUsize::new(3)).await;
    assert_eq!(outcomes.len(), 3);
    assert_eq!(client.count().await, 10);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_goes_away_is_waited_for() {
    if !server::is_there() {
        return;
    }
    let cluster = server::Cluster::start_new();
    let url = cluster.database();
    cluster.stop();
    let options = PostgresOptions::default().with_connections(4).with_acquire_timeout(Duration::from_secs(3));
    // It is away at the start.
    let client = Client::new(PostgresStore::open_with(&url, &options).unwrap());
    for _ in 0..2 {
        match client.create_user("u0").await {
            Err(StoreError::Unavailable(error)) => assert!(error.retry_after > Duration::ZERO),
            other => panic!("{other:?}"),
        }
    }
    cluster.start();
    client.create_user("u1").await.unwrap();
    let mut tasks = JoinSet::new();
    for n in 2..20 {
        let client = client.clone();
        tasks.spawn(async move { client.create_user(&format!("u{n}")).await.unwrap() });
    }
    tasks.join_all().await;
    // It crashes under load: each write is either answered, or not there, or in doubt.
    let mut tasks = JoinSet::new();
    for n in 0..4 {
        let client = client.clone();
        tasks.spawn(async move {
            let mut kept = Vec::new();
            for round in 0.. {
                let id = format!("load{n}-{round}");
                match client.create_user(&id).await {
                    Ok(_) => kept.push(id),
                    Err(StoreError::Unavailable(_)) => break,
                    Err(other) => panic!("{other:?}"),
                }
            }
            kept
        });
    }
    while client.count().await < 60 {
        tokio::task::yield_now().await;
    }
    cluster.stop();
    let kept: Vec<String> = tasks.join_all().await.into_iter().flatten().collect();
    for _ in 0..6 {
        assert!(matches!(client.get(&client.user, "u1").await, Err(StoreError::Unavailable(_))));
    }
    cluster.start();
    // The same store, with no help, at the first try.
    for id in kept.iter().map(String::as_str).chain(["u1", "u19"]) {
        assert!(client.get(&client.user, id).await.unwrap().is_some(), "{id} was answered");
    }
    assert!(client.get(&client.user, "u0").await.unwrap().is_none());
    client.create_user("u0").await.unwrap();
    let everything = client.store.query(&client.context, &client.users(100_000)).await.unwrap();
    assert_eq!(everything.total_results, Some(everything.records.len() as u64));
    assert!(everything.records.len() <= kept.len() + 20 + 4);
    // A connection that the server ends is replaced without anybody noticing.
    for _ in 0..3 {
        cluster.sql(
            "postgres",
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'scim-server'",
        );
        assert!(client.get(&client.user, "u1").await.unwrap().is_some());
    }
}

/// When all connections are busy, others are told so in time, and reads go on once they are free.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_all_connections_are_busy_others_are_told_so() {
    if !server::is_there() {
        return;
    }
    let url = server::shared().database();
    let name = url.split(['/', '?']).nth(3).unwrap().to_owned();
    let options = PostgresOptions::default()
        .with_connections(2)
        .with_acquire_timeout(Duration::from_millis(300))
        .with_statement_timeout(Duration::from_secs(2));
    let client = Client::new(PostgresStore::open_with(&url, &options).unwrap());
    client.create_user("u1").await.unwrap();
    // Somebody else holds what all of them want until told to let go.
    let hold = "BEGIN; LOCK scim_resources; \
        DO $$ BEGIN PERFORM pg_sleep(600); EXCEPTION WHEN query_canceled THEN NULL; END $$; COMMIT";
    let holder = tokio::task::spawn_blocking(move || server::shared().sql(&name, hold));
    let waits_for_lock =
        "SELECT 1 FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND granted AND relation IS NOT NULL";
    while server::shared().sql("postgres", waits_for_lock).len() < 3 {
        tokio::task::yield_now().await;
    }
    let mut tasks = JoinSet::new();
    for _ in 0..8 {
        let client = client.clone();
        tasks.spawn(async move { client.get(&client.user, "u1").await });
    }
    for outcome in tasks.join_all().await {
        assert!(matches!(outcome, Err(StoreError::Unavailable(_))), "{outcome:?}");
    }
    assert!(!holder.is_finished(), "they did not wait for the other");
    let let_go = "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE query LIKE 'BEGIN; LOCK scim%'";
    server::shared().sql("postgres", let_go);
    holder.await.unwrap();
    assert!(client.get(&client.user, "u1").await.unwrap().is_some());
}

/// Texts that PostgreSQL cannot keep or index as they are. The schemas refuse some of them, a store that is used without
/// them does not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_text_is_too_strange() {
    if !server::is_there() {
        return;
    }
    let client = Client::open(&server::database());
    let long = |end: &str| format!("{}{end}", "é".repeat(2_000));
    let (x, y) = (long("x"), long("y"));
    let names = ["a\0b", "a\u{1}b", "a\u{1}\u{1}b", &x, &y, "'; DROP TABLE x; --", "\u{10ffff}"];
    for (n, name) in names.iter().enumerate() {
        let create = async |id: &str| {
            let email: Object = [("value", *name)].into_iter().collect();
            let mut attributes: Object = [("userName", *name), ("displayName", *name)].into_iter().collect();
            attributes.insert("emails", Value::Array(vec![Value::Object(email)]));
            let new = NewResource::new(rid(id), Resource::from_attributes(attributes), Vec::new());
            client.store.write(&client.context, Write::create(&client.user, new)).await
        };
        create(&format!("u{n}")).await.unwrap();
        let again = create("again").await;
        assert!(matches!(again, Err(StoreError::Uniqueness { .. })), "{again:?}");
    }
    for (n, name) in names.iter().enumerate() {
        let (id, group) = (format!("u{n}"), format!("g{n}"));
        let quoted = String::from_utf8(Value::from(*name).to_vec()).unwrap();
        for attribute in ["userName", "displayName", "emails.value"] {
            assert_eq!(client.matching(&format!("{attribute} eq {quoted}")).await, [&*id], "{n}");
        }
        client.create(&client.group, &group, r#"{"displayName":"g"}"#).await.unwrap();
        client.add_member(&group, &id).await.unwrap();
        let group = client.get(&client.group, &group).await.unwrap().unwrap();
        let shown = group.related[0].references.as_ref().unwrap()[0].display.as_deref().unwrap();
        assert_eq!(shown, name.chars().take(256).collect::<String>());
    }
    assert!(client.get(&client.user, &"x".repeat(512)).await.unwrap().is_none());
}

/// The connection is as well protected as the URL says.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_server_is_who_it_should_be() {
    if !server::is_there() {
        return;
    }
    let certificate = |name: &str| {
        let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
        (made.cert.pem(), made.signing_key.serialize_pem())
    };
    let (ours, key) = certificate("localhost");
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let cluster = server::Cluster::start_with(
        Some(port),
        "ssl = on\n",
        &[
            ("server.crt", &ours),
            ("server.key", &key),
            (
                "pg_hba.conf",
                "local all all trust\nhostssl all locked 127.0.0.1/32 scram-sha-256\nhostssl all all 127.0.0.1/32 trust\n",
            ),
        ],
    );
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string().replace('/', "%2F")
    };
    let (good, other) = (file("good.pem", &ours), file("other.pem", &certificate("localhost").0));
    for (host, options, works) in [
        ("localhost", String::new(), true),
        ("localhost", "?sslmode=prefer".to_owned(), true),
        ("127.0.0.1", "?sslmode=require".to_owned(), true),
        ("localhost", format!("?sslmode=verify-full&sslrootcert={good}"), true),
        ("localhost", format!("?sslrootcert={good}&sslmode=require"), true),
        ("127.0.0.1", format!("?sslmode=verify-full&sslrootcert={good}"), false),
        ("localhost", format!("?sslmode=verify-full&sslrootcert={other}"), false),
        ("localhost", format!("?sslmode=require&sslrootcert={other}"), false),
        ("localhost", "?sslmode=verify-full".to_owned(), false),
        ("localhost", "?sslmode=disable".to_owned(), false),
    ] {
        let url = format!("postgres://scim@{host}:{port}/postgres{options}");
        let store = PostgresStore::open(&url).unwrap();
        let ready = store.ready().await;
        assert_eq!(ready.is_ok(), works, "{url}: {ready:?}");
        if !works {
            assert!(matches!(ready, Err(StoreError::Unavailable(_))), "{url}: {ready:?}");
            continue;
        }
        let answer = cluster.sql(
            "postgres",
            "SELECT bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) \
             WHERE application_name = 'scim-server'",
        );
        let encrypted = answer.iter().find_map(|message| match message {
            tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0),
            _ => None,
        });
        assert_eq!(encrypted, Some("t"), "{url}");
    }
    cluster.sql("postgres", "CREATE USER locked PASSWORD 'hush=hush'; GRANT scim TO locked");
    let ready = async |password: &str| {
        let url = format!("postgres://locked:{password}@localhost:{port}/postgres");
        PostgresStore::open(&url).unwrap().ready().await
    };
    ready("hush%3Dhush").await.unwrap();
    let refused = shown(&ready("hush").await.unwrap_err());
    assert!(refused.contains("password authentication failed") && !refused.contains("hush"), "{refused}");
}

/// An error as a log may have it.
fn shown(error: &StoreError) -> String {
    let mut shown = format!("{error:?}");
    let mut cause: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = cause {
        shown.push_str(&error.to_string());
        cause = error.source();
    }
    shown
}

/// Adding one member to a large group reads and writes one row of the members, and the row of the group.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn adding_a_member_leaves_the_others_alone() {
    if !server::is_there() {
        return;
    }
    let url = server::shared().database();
    let name = url.split(['/', '?']).nth(3).unwrap().to_owned();
    let client = Client::open(&url);
    let members: Vec<String> = (0..2_000).map(|n| format!("u{n}")).collect();
    let mut writes: Vec<Write> = members
        .iter()
        .map(|id| client.creation(&client.user, id, &format!(r#"{{"userName":"{id}"}}"#)))
        .collect();
    let values: Vec<String> = members.iter().map(|id| format!(r#"{{"value":"{id}"}}"#)).collect();
    let body = format!(r#"{{"displayName":"all","members":[{}]}}"#, values.join(","));
    writes.push(client.creation(&client.group, "g", &body));
    let outcomes = client.store.write_all(&client.context, writes, None).await;
    assert!(outcomes.iter().all(Result::is_ok));
    client.create_user("one-more").await.unwrap();
    let counters = || {
        let sql = "SELECT idx_tup_fetch + seq_tup_read, n_tup_ins + n_tup_upd + n_tup_del FROM pg_stat_user_tables \
                   WHERE relname = 'scim_relations'";
        let answer = server::shared().sql(&name, sql);
        let row = answer.iter().find_map(|message| match message {
            tokio_postgres::SimpleQueryMessage::Row(row) => Some(row),
            _ => None,
        });
        let number = |at| row.unwrap().get(at).unwrap().parse::<u64>().unwrap();
        (number(0), number(1))
    };
    // The server adds up what its processes have done a while after they have.
    let written = async |expected: u64| {
        for _ in 0..2_000 {
            if counters().1 >= expected {
                return counters();
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{:?}", counters());
    };
    let before = written(2_000).await;
    client.add_member("g", "one-more").await.unwrap();
    let after = written(2_001).await;
    assert_eq!(after.1 - before.1, 1, "one row is written");
    assert!(after.0 - before.0 <= 2, "the others are not read: {before:?} {after:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tables_of_a_newer_version_are_left_alone() {
    if !server::is_there() {
        return;
    }
    let url = server::database();
    PostgresStore::open(&url).unwrap().ready().await.unwrap();
    server::sql(
        &url,
        "INSERT INTO scim_migrations (version, name, applied_on, checksum) \
         VALUES (1000, 'later', '2030-01-01T00:00:00Z', '1')",
    );
    let newer = PostgresStore::open(&url).unwrap().ready().await;
    match newer {
        Err(error @ StoreError::Internal(_)) => {
            let mut causes = String::new();
            let mut cause: Option<&dyn std::error::Error> = Some(&error);
            while let Some(error) = cause {
                causes.push_str(&error.to_string());
                cause = error.source();
            }
            assert!(causes.contains("newer version"), "{causes}");
        }
        other => panic!("{other:?}"),
    }
}

/// Whoever may only use the tables can, once somebody else has made them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_who_may_make_no_tables_can_use_them() {
    if !server::is_there() {
        return;
    }
    let url = server::shared().database();
    let name = url.split(['/', '?']).nth(3).unwrap().to_owned();
    PostgresStore::open(&url).unwrap().ready().await.unwrap();
    server::shared().sql(
        &name,
        "CREATE USER humble; REVOKE CREATE ON SCHEMA public FROM PUBLIC; \
         GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO humble; \
         GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO humble",
    );
    let client = Client::open(&url.replace("user=scim", "user=humble"));
    client.create_user("u1").await.unwrap();
    assert_eq!(client.count().await, 1);
}

/// Not in errors, not in their causes, not in `Debug`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_password_is_never_shown() {
    if !server::is_there() {
        return;
    }
    let options = PostgresOptions::default().with_acquire_timeout(Duration::from_secs(2));
    let url = "postgres://scim:hush-hush@127.0.0.1:1/scim";
    let store = PostgresStore::open_with(url, &options).unwrap();
    assert!(!format!("{store:?}").contains("hush"));
    let error = store.ready().await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)));
    let shown = shown(&error);
    assert!(!shown.contains("hush"), "{shown}");
}

/// Stores are made, used and dropped in tasks, and by runtimes that end.
#[test]
fn a_store_belongs_to_no_runtime() {
    if !server::is_there() {
        return;
    }
    let client = Client::open(&server::database());
    for n in 0..3 {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(client.create_user(&format!("u{n}"))).unwrap();
    }
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async move { drop(client) });
}
