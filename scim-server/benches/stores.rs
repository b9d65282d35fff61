//! What stores cost, and how that grows with the directory: indexed work should not.
#![allow(clippy::unwrap_used, missing_docs)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::DateTime;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use scim_core::patch::ChangeSet;
use scim_core::{
    Draft, Object, PatchLimits, PatchRequest, Quirks, Registry, ResourceId, TypeDefinition, Value, validate,
};
use scim_filter::{AttrPath, Filter, ResolveOptions};
use scim_server::RequestContext;
use scim_server::store::{
    Load, MemoryStore, NewResource, Query, ResourceStore, Scope, SqliteStore, Start, Target, Write,
};
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

type Store = Arc<dyn ResourceStore>;

struct Bench {
    runtime: Runtime,
    context: RequestContext,
    user: Arc<TypeDefinition>,
    group: Arc<TypeDefinition>,
}

impl Bench {
    fn new() -> Self {
        let registry = Registry::rfc7643();
        let definition = |name| Arc::clone(registry.by_name(name).unwrap());
        let (user, group) = (definition("User"), definition("Group"));
        let context =
            RequestContext::new(registry, DateTime::UNIX_EPOCH).with_base_url("https://example.com");
        Self { runtime: Runtime::new().unwrap(), context, user, group }
    }

    fn stores(&self, folder: &tempfile::TempDir, name: &str) -> [(&'static str, Store); 2] {
        let path = folder.path().join(format!("{name}.db"));
        [("memory", Arc::new(MemoryStore::new())), ("sqlite", Arc::new(SqliteStore::open(path).unwrap()))]
    }

    /// Creates users `from..to`, so many at a time.
    fn create(&self, store: &Store, from: usize, to: usize, at_once: usize) {
        self.runtime.block_on(async {
            let mut tasks = JoinSet::new();
            for worker in 0..at_once {
                let (store, context, user) =
                    (Arc::clone(store), self.context.clone(), Arc::clone(&self.user));
                tasks.spawn(async move {
                    for n in (from + worker..to).step_by(at_once) {
                        let new = new_user(&user, n);
                        store.write(&context, create(&user, new)).await.unwrap();
                    }
                });
            }
            tasks.join_all().await;
        });
    }

    /// Creates a group of the first users.
    fn create_group(&self, store: &Store, size: usize) -> ResourceId {
        let body = object(&format!(r#"{{"displayName":"{size}"}}"#));
        let Draft { resource, mut relations, .. } =
            validate::validate_new(&self.group, body, &Quirks::interop()).unwrap();
        relations.iter_mut().for_each(|relation| relation.targets.extend((0..size).map(id)));
        let group_id: ResourceId = format!("group-{size}").parse().unwrap();
        let new = NewResource::new(group_id.clone(), resource, relations);
        self.runtime.block_on(store.write(&self.context, create(&self.group, new))).unwrap();
        group_id
    }

    fn apply(&self, store: &Store, id: &ResourceId, changes: ChangeSet) {
        let write = Write::apply(Target::new(&self.group, id), changes).with_load(Load::None);
        assert!(self.runtime.block_on(store.write(&self.context, write)).unwrap().is_change());
    }
}

fn object(json: &str) -> Object {
    match Value::from_slice(json.as_bytes()).unwrap() {
        Value::Object(object) => object,
        _ => Object::new(),
    }
}

fn new_user(definition: &TypeDefinition, n: usize) -> NewResource {
    let body = format!(
        r#"{{"userName":"user{n}@example.com","name":{{"givenName":"Given{n}","familyName":"Family{n}"}},
            "displayName":"Given{n} Family{n}","externalId":"{n:032}","active":true,"title":"Engineer",
            "emails":[{{"value":"user{n}@example.com","type":"work","primary":true}}],
            "phoneNumbers":[{{"value":"+1 555 {n:07}","type":"work"}}],
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{{"department":"D{d}","employeeNumber":"{n}"}}}}"#,
        d = n % 50
    );
    let Draft { resource, relations, .. } =
        validate::validate_new(definition, object(&body), &Quirks::interop()).unwrap();
    NewResource::new(id(n), resource, relations)
}

fn create(definition: &Arc<TypeDefinition>, new: NewResource) -> Write {
    Write::create(definition, new).with_load(Load::None)
}

fn id(n: usize) -> ResourceId {
    format!("{n:08x}-0000-4000-8000-000000000000").parse().unwrap()
}

fn changes(definition: &TypeDefinition, operation: &str) -> ChangeSet {
    let body = format!(
        r#"{{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{operation}]}}"#
    );
    PatchRequest::from_object(object(&body), &Quirks::interop(), &PatchLimits::default())
        .unwrap()
        .resolve(definition, &Quirks::interop())
        .unwrap()
}

fn query(definition: &Arc<TypeDefinition>, filter: &str, count: usize) -> Query {
    let filter = (!filter.is_empty())
        .then(|| Filter::parse(filter).unwrap().resolve(&**definition, &ResolveOptions::default()).unwrap());
    Query::new(vec![Scope::all(Arc::clone(definition)).with_filter(filter)], count)
        .with_load(Load::AtMost(100))
}

fn reads(criterion: &mut Criterion) {
    let bench = Bench::new();
    let folder = tempfile::tempdir().unwrap();
    for users in [1_000, 100_000] {
        for (name, store) in bench.stores(&folder, &format!("reads{users}")) {
            bench.create(&store, 0, users, 512);
            let mut group = criterion.benchmark_group(format!("{name} of {users} users"));
            let mut n = 0;
            group.bench_function("get", |b| {
                b.iter(|| {
                    n = (n + 7919) % users;
                    let id = id(n);
                    let get = store.get(&bench.context, &bench.user, &id, Load::AtMost(100));
                    bench.runtime.block_on(get).unwrap().unwrap()
                });
            });
            group.bench_function("userName eq", |b| {
                b.iter(|| {
                    n = (n + 7919) % users;
                    let query = query(&bench.user, &format!(r#"userName eq "USER{n}@example.com""#), 100);
                    let page = bench.runtime.block_on(store.query(&bench.context, &query)).unwrap();
                    assert_eq!(page.total_results, Some(1));
                });
            });
            group.bench_function("first page of 100", |b| {
                let query = query(&bench.user, "", 100);
                b.iter(|| bench.runtime.block_on(store.query(&bench.context, &query)).unwrap());
            });
            group.bench_function("last page of 100", |b| {
                let query = query(&bench.user, "", 100).with_start_index(u64::try_from(users - 99).unwrap());
                b.iter(|| bench.runtime.block_on(store.query(&bench.context, &query)).unwrap());
            });
            group.sample_size(10);
            group.bench_function("scan: title eq and department sw", |b| {
                let filter = r#"title eq "engineer" and urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department sw "D1""#;
                let query = query(&bench.user, filter, 100);
                b.iter(|| bench.runtime.block_on(store.query(&bench.context, &query)).unwrap());
            });
        }
    }
}

/// A page of 100: the first one, and one in the middle by position and by index; of all users, of those that a scan
/// finds, and sorted.
fn paging(criterion: &mut Criterion) {
    let bench = Bench::new();
    let folder = tempfile::tempdir().unwrap();
    for users in [1_000, 100_000] {
        for (name, store) in bench.stores(&folder, &format!("paging{users}")) {
            bench.create(&store, 0, users, 512);
            let mut group = criterion.benchmark_group(format!("paging: {name} of {users} users"));
            let sort = AttrPath::parse("userName").unwrap().resolve_sort(&*bench.user).unwrap();
            let all = query(&bench.user, "", 100);
            let scan = query(&bench.user, r#"title sw "engineer""#, 100);
            let scopes = vec![Scope::all(Arc::clone(&bench.user)).with_sort_by(Some(sort))];
            let sorted = Query::new(scopes, 100).with_load(Load::AtMost(100));
            let ask = |query: &Query| bench.runtime.block_on(store.query(&bench.context, query)).unwrap();
            for (kind, first) in [("all", all), ("scan", scan), ("sorted", sorted)] {
                if kind != "all" {
                    group.sample_size(10);
                }
                let by_index = first.clone().with_start_index(u64::try_from(users / 2 + 1).unwrap());
                // What comes after the resource before it is the same page by position.
                let mut before = first.clone().with_start_index(u64::try_from(users / 2).unwrap());
                before.count = 1;
                let before = ask(&before);
                let by_cursor = first.clone().with_start(Start::After(before.next.unwrap()));
                let begins = |query: &Query| ask(query).records.first().map(|record| record.id.clone());
                assert_eq!(begins(&by_cursor), begins(&by_index));
                for (what, query) in
                    [("first", &first), ("middle by cursor", &by_cursor), ("middle by index", &by_index)]
                {
                    group.bench_function(format!("{kind}, {what}"), |b| b.iter(|| ask(query)));
                }
            }
        }
    }
}

/// What no index answers, over 10,000 users: filters of each kind, and orders.
fn searches(criterion: &mut Criterion) {
    const DEPARTMENT: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department";
    let bench = Bench::new();
    let folder = tempfile::tempdir().unwrap();
    for (name, store) in bench.stores(&folder, "searches") {
        bench.create(&store, 0, 10_000, 512);
        let mut group = criterion.benchmark_group(format!("search: {name} of 10000 users"));
        group.sample_size(20);
        for (what, filter) in [
            ("familyName ew", r#"name.familyName ew "99""#.to_owned()),
            ("department eq", format!(r#"{DEPARTMENT} eq "d7""#)),
            ("title eq and department sw", format!(r#"title eq "engineer" and {DEPARTMENT} sw "D1""#)),
            ("emails[type eq and value co]", r#"emails[type eq "work" and value co "99"]"#.to_owned()),
            ("not (active eq true)", "not (active eq true)".to_owned()),
            ("userName sw", r#"userName sw "user99""#.to_owned()),
            ("meta.created gt", r#"meta.created gt "2020-01-01T00:00:00Z""#.to_owned()),
            ("everything matches", "title pr".to_owned()),
            ("decided in Rust", r#"meta.location ew "99""#.to_owned()),
        ] {
            let query = query(&bench.user, &filter, 100);
            group.bench_function(what, |b| {
                b.iter(|| bench.runtime.block_on(store.query(&bench.context, &query)).unwrap());
            });
        }
        for (what, filter, sort) in [
            ("sorted by userName", "", "userName"),
            ("sorted by department, title pr", "title pr", DEPARTMENT),
        ] {
            let mut query = query(&bench.user, filter, 100);
            let sort = AttrPath::parse(sort).unwrap().resolve_sort(&*bench.user).unwrap();
            query.scopes =
                query.scopes.into_iter().map(|scope| scope.with_sort_by(Some(sort.clone()))).collect();
            group.bench_function(what, |b| {
                b.iter(|| bench.runtime.block_on(store.query(&bench.context, &query)).unwrap());
            });
            let middle = query.clone().with_start_index(5_000);
            let middle = bench.runtime.block_on(store.query(&bench.context, &middle)).unwrap();
            let middle = query.clone().with_start(Start::After(middle.next.unwrap()));
            group.bench_function(format!("{what}, middle by cursor"), |b| {
                b.iter(|| bench.runtime.block_on(store.query(&bench.context, &middle)).unwrap());
            });
        }
    }
}

fn members(criterion: &mut Criterion) {
    let bench = Bench::new();
    let folder = tempfile::tempdir().unwrap();
    let mut stores = Vec::from(bench.stores(&folder, "members"));
    stores.push(("sqlite in memory", Arc::new(SqliteStore::in_memory().unwrap())));
    for (name, store) in stores {
        bench.create(&store, 0, 100_001, 512);
        let mut group = criterion.benchmark_group(format!("{name}: add a member"));
        let newcomer = id(100_000);
        let add = format!(r#"{{"op":"add","path":"members","value":[{{"value":"{newcomer}"}}]}}"#);
        let remove = format!(r#"{{"op":"remove","path":"members[value eq \"{newcomer}\"]"}}"#);
        let (add, remove) = (changes(&bench.group, &add), changes(&bench.group, &remove));
        for size in [10, 1_000, 100_000] {
            let group_id = bench.create_group(&store, size);
            group.bench_function(BenchmarkId::from_parameter(size), |b| {
                b.iter_custom(|times| {
                    let mut spent = Duration::ZERO;
                    for _ in 0..times {
                        let started = Instant::now();
                        bench.apply(&store, &group_id, add.clone());
                        spent += started.elapsed();
                        bench.apply(&store, &group_id, remove.clone());
                    }
                    spent
                });
            });
        }
    }
}

/// A page of 100 members of a group by cursor, from its middle.
fn pages_of_members(criterion: &mut Criterion) {
    let bench = Bench::new();
    let folder = tempfile::tempdir().unwrap();
    for (name, store) in bench.stores(&folder, "pages of members") {
        bench.create(&store, 0, 100_000, 512);
        let mut group = criterion.benchmark_group(format!("{name}: page of 100 members"));
        for size in [1_000, 100_000] {
            let group_id = bench.create_group(&store, size);
            let mut first = query(&bench.user, &format!(r#"groups.value eq "{group_id}""#), 1);
            first.start = Start::Index(u64::try_from(size / 2).unwrap());
            let page = bench.runtime.block_on(store.query(&bench.context, &first)).unwrap();
            let mut middle = first.with_start(Start::After(page.next.unwrap()));
            middle.count = 100;
            group.bench_function(BenchmarkId::from_parameter(size), |b| {
                b.iter(|| bench.runtime.block_on(store.query(&bench.context, &middle)).unwrap());
            });
        }
    }
}

fn creates(criterion: &mut Criterion) {
    const USERS: usize = 2_000;
    let bench = Bench::new();
    let mut group = criterion.benchmark_group(format!("create {USERS} users"));
    group.sample_size(10).throughput(Throughput::Elements(u64::try_from(USERS).unwrap()));
    for at_once in [1, 64, USERS] {
        let folder = tempfile::tempdir().unwrap();
        for (name, store) in bench.stores(&folder, "creates") {
            let mut next = 0;
            group.bench_function(BenchmarkId::new(name, at_once), |b| {
                b.iter(|| {
                    bench.create(&store, next, next + USERS, at_once);
                    next += USERS;
                });
            });
        }
    }
}

criterion_group! {
    name = stores;
    config = Criterion::default().measurement_time(Duration::from_secs(2)).warm_up_time(Duration::from_millis(500));
    targets = reads, paging, searches, members, pages_of_members, creates
}
criterion_main!(stores);
