//! The stores of this crate keep the contract of stores.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::num::NonZeroUsize;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta};
use proptest::prelude::*;
use proptest::sample::select;
use scim_core::message::SortOrder;
use scim_core::{
    Draft, Object, PatchLimits, PatchRequest, Quirks, Registry, Relation, ResourceId, ResourceType, Schema,
    TypeDefinition, Value, Version, validate,
};
use scim_filter::{AttrPath, Filter, ResolveOptions};
use scim_server::RequestContext;
use scim_server::store::conformance::strategies::{self, Search};
use scim_server::store::{
    Load, MemoryStore, NewResource, Outcome, Page, Position, Precondition, Query, Record, Replacement,
    ResourceStore, Scope, SqliteStore, Start, StoreError, Target, Write, conformance,
};
use tempfile::TempDir;

/// One test for each promise.
macro_rules! tests {
    ($open:path: $($name:ident)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                let folder = tempfile::tempdir().unwrap();
                let store: Option<Arc<dyn ResourceStore>> = $open(&folder).into();
                let Some(store) = store else { return };
                conformance::$name(&store).await;
            }
        )*
    };
}

macro_rules! contract {
    ($store:ident) => {
        mod $store {
            use super::*;
            tests! {
                super::open::$store:
                create_assigns_meta
                get_missing_is_none
                wrong_type_is_none
                replace_checks_version
                apply_checks_version
                versions_never_repeat
                times_never_go_back
                noop_keeps_version
                failed_patch_changes_nothing
                hidden_is_kept_apart
                tenants_are_invisible_to_each_other
                ids_are_taken_once
                unique_user_name_ignores_case
                unique_value_is_free_after_delete_and_rename
                concurrent_creates_of_one_name_let_one_win
                concurrent_patch_loses_nothing
                relations_refer_to_what_exists
                adding_a_member_twice_changes_nothing
                replace_members_writes_the_difference
                delete_removes_memberships
                load_limits
                patch_meets_what_it_expects
                new_resources_may_refer_to_each_other
                new_resources_are_kept_together_or_not_at_all
                write_all_keeps_order_and_what_succeeds
                write_all_stops_after_failures
                paging_is_stable
                positions_hold_while_others_write
                count_zero_gives_total
                sort_order
                several_types_in_one_query
                filter_agrees_with_naive
            }
        }
    };
}

contract!(memory);
contract!(sqlite);
contract!(sqlite_in_memory);
#[cfg(feature = "postgres")]
contract!(postgres);

#[cfg(feature = "postgres")]
#[path = "support/postgres.rs"]
mod postgres_server;

mod open {
    use super::{Arc, MemoryStore, ResourceStore, SqliteStore, TempDir};

    pub(super) fn memory(_: &TempDir) -> Arc<dyn ResourceStore> {
        Arc::new(MemoryStore::new())
    }

    pub(super) fn sqlite(folder: &TempDir) -> Arc<dyn ResourceStore> {
        Arc::new(SqliteStore::open(folder.path().join("scim.db")).unwrap())
    }

    #[cfg(feature = "postgres")]
    pub(super) fn postgres(_: &TempDir) -> Option<Arc<dyn ResourceStore>> {
        use super::postgres_server::{database, is_there};
        use scim_server::store::PostgresStore;
        is_there().then(|| Arc::new(PostgresStore::open(&database()).unwrap()) as _)
    }

    pub(super) fn sqlite_in_memory(_: &TempDir) -> Arc<dyn ResourceStore> {
        Arc::new(SqliteStore::in_memory().unwrap())
    }
}

/// All of it on one store, behind two pointers.
#[tokio::test]
async fn the_suite_runs_on_one_store_and_through_pointers() {
    let inner: Arc<dyn ResourceStore> = Arc::new(MemoryStore::new());
    let store: Arc<dyn ResourceStore> = Arc::new(inner);
    conformance::run_all(&store).await;
}

/// One call of a store.
#[derive(Clone, Debug)]
enum Step {
    Write(WriteStep),
    WriteAll {
        writes: Vec<WriteStep>,
        stop_after: Option<NonZeroUsize>,
    },
    Get {
        user: bool,
        id: String,
        load: Load,
    },
    Search {
        user: bool,
        search: Search,
        load: Load,
    },
    SearchBoth {
        start_index: u64,
        count: usize,
    },
    /// The page after or before the one that was found last.
    Turn {
        back: bool,
    },
}

#[derive(Clone, Debug)]
enum WriteStep {
    /// Type, id and body of each.
    Create(Vec<(bool, String, String)>),
    Replace {
        user: bool,
        id: String,
        body: String,
        guarded: bool,
    },
    Patch {
        user: bool,
        id: String,
        operations: String,
        guarded: bool,
        load: Load,
    },
    Delete {
        user: bool,
        id: String,
    },
}

fn load() -> impl Strategy<Value = Load> {
    prop_oneof![Just(Load::All), Just(Load::None), (0..4_usize).prop_map(Load::AtMost)]
}

fn write() -> impl Strategy<Value = WriteStep> {
    let id = strategies::id;
    let user = || strategies::user().prop_map(|user| user.body());
    let group = || strategies::group().prop_map(|group| group.body());
    let few = || select(&["a", "A", "k1"][..]).prop_map(str::to_owned);
    let one = move || {
        prop_oneof![
            2 => (id(), user()).prop_map(|(id, body)| (true, id, body)),
            1 => (few(), group()).prop_map(|(id, body)| (false, id, body)),
        ]
    };
    prop_oneof![
        8 => one().prop_map(|new| WriteStep::Create(vec![new])),
        2 => prop::collection::vec(one(), 0..4).prop_map(WriteStep::Create),
        2 => (id(), user(), any::<bool>())
            .prop_map(|(id, body, guarded)| WriteStep::Replace { user: true, id, body, guarded }),
        2 => (few(), group(), any::<bool>())
            .prop_map(|(id, body, guarded)| WriteStep::Replace { user: false, id, body, guarded }),
        3 => (id(), strategies::user_patch(), any::<bool>(), load()).prop_map(|(id, operations, guarded, load)| {
            WriteStep::Patch { user: true, id, operations, guarded, load }
        }),
        6 => (few(), strategies::group_patch(), any::<bool>(), load()).prop_map(|(id, operations, guarded, load)| {
            WriteStep::Patch { user: false, id, operations, guarded, load }
        }),
        2 => (any::<bool>(), id()).prop_map(|(user, id)| WriteStep::Delete { user, id }),
    ]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let id = strategies::id;
    let step = prop_oneof![
        20 => write().prop_map(Step::Write),
        4 => (prop::collection::vec(write(), 0..10), 0..4_usize).prop_map(|(writes, stop_after)| Step::WriteAll {
            writes,
            stop_after: NonZeroUsize::new(stop_after),
        }),
        2 => (any::<bool>(), id(), load()).prop_map(|(user, id, load)| Step::Get { user, id, load }),
        4 => any::<bool>().prop_flat_map(strategies_search).prop_flat_map(move |(user, search)| {
            load().prop_map(move |load| Step::Search { user, search: search.clone(), load })
        }),
        1 => (1..20_u64, 0..20_usize).prop_map(|(start_index, count)| Step::SearchBoth { start_index, count }),
        6 => any::<bool>().prop_map(|back| Step::Turn { back }),
    ];
    prop::collection::vec(step, 1..50)
}

fn strategies_search(user: bool) -> impl Strategy<Value = (bool, Search)> {
    strategies::search(user).prop_map(move |search| (user, search))
}

/// A store whose writes come one by one, in calls of their own.
#[derive(Debug)]
struct OneByOne(MemoryStore);

#[async_trait]
impl ResourceStore for OneByOne {
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
}

/// Runs steps on one store and writes down all that can be seen, versions aside: those are the store's own.
struct Observer {
    store: Arc<dyn ResourceStore>,
    context: RequestContext,
    seen: Vec<String>,
    /// The version of each resource that was seen last.
    versions: std::collections::HashMap<String, Version>,
    /// The last query, and where the pages after and before its page are.
    last: Option<(Query, Option<Position>, Option<Position>)>,
}

impl Observer {
    fn new(store: Arc<dyn ResourceStore>) -> Self {
        Self::of_tenant(store, "default")
    }

    fn of_tenant(store: Arc<dyn ResourceStore>, tenant: &str) -> Self {
        let context = RequestContext::new(Registry::rfc7643(), DateTime::UNIX_EPOCH)
            .with_tenant(tenant.parse().unwrap());
        Self { store, context, seen: Vec::new(), versions: std::collections::HashMap::new(), last: None }
    }

    fn definition(&self, user: bool) -> Arc<TypeDefinition> {
        Arc::clone(self.context.registry.by_name(if user { "User" } else { "Group" }).unwrap())
    }

    fn guard(&self, guarded: bool, id: &str) -> Precondition {
        match self.versions.get(id) {
            Some(version) if guarded => Precondition::IfVersion(vec![*version]),
            _ => Precondition::Any,
        }
    }

    fn note(&mut self, what: impl std::fmt::Debug) {
        self.seen.push(format!("{what:?}"));
    }

    fn note_record(&mut self, record: &Record) {
        let last = self.versions.insert(record.id.to_string(), record.version);
        let renewed = last.map(|last| record.version.cmp(&last));
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        self.note((
            (record.id.as_str(), &record.resource_type, record.created, record.last_modified, renewed),
            (text(&record.document), record.hidden.as_deref().map(text), &record.related),
        ));
    }

    fn note_outcome(&mut self, outcome: Result<Outcome, StoreError>) {
        match outcome {
            Ok(Outcome::Created(records)) => records.iter().for_each(|record| self.note_record(record)),
            Ok(Outcome::Written(written)) => {
                self.note(written.changed);
                self.note_record(&written.record);
            }
            Ok(other) => self.note(other),
            Err(StoreError::Precondition { .. }) => self.note("precondition"),
            Err(error) => self.note(error.to_string()),
        }
    }

    /// The write of a step, unless the schemas refuse it.
    fn write(&self, step: &WriteStep) -> Option<Write> {
        let target = |user: bool, id: &str, guarded: bool| {
            Target::new(&self.definition(user), &id.parse().unwrap())
                .with_precondition(self.guard(guarded, id))
        };
        Some(match step {
            WriteStep::Create(all) => {
                let new = all.iter().map(|(user, id, body)| {
                    let definition = self.definition(*user);
                    let Draft { resource, relations, .. } = draft(&definition, body)?;
                    Some((definition, NewResource::new(id.parse().unwrap(), resource, relations)))
                });
                Write::create_set(new.collect::<Option<_>>()?)
            }
            WriteStep::Replace { user, id, body, guarded } => {
                let Draft { resource, relations, .. } = draft(&self.definition(*user), body)?;
                Write::replace(target(*user, id, *guarded), Replacement::new(resource, relations))
            }
            WriteStep::Patch { user, id, operations, guarded, load } => {
                let schema = r#""schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"]"#;
                let body = object(&format!(r#"{{{schema},"Operations":[{operations}]}}"#));
                let request =
                    PatchRequest::from_object(body, &Quirks::interop(), &PatchLimits::default()).unwrap();
                let changes = request.resolve(&self.definition(*user), &Quirks::interop()).ok()?;
                Write::apply(target(*user, id, *guarded), changes).with_load(*load)
            }
            WriteStep::Delete { user, id } => Write::delete(target(*user, id, false)),
        })
    }

    async fn run(&mut self, step: &Step) {
        // Time goes on, but not with every step, and sometimes back.
        let seconds = i64::try_from(self.seen.len() * 7 % 31).unwrap();
        self.context = self.context.clone().with_now(DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds));
        let (store, context) = (Arc::clone(&self.store), self.context.clone());
        match step {
            Step::Write(step) => {
                let Some(write) = self.write(step) else { return };
                self.note_outcome(store.write(&context, write).await);
            }
            Step::WriteAll { writes, stop_after } => {
                let writes = writes.iter().filter_map(|step| self.write(step)).collect();
                let outcomes = store.write_all(&context, writes, *stop_after).await;
                self.note(outcomes.len());
                outcomes.into_iter().for_each(|outcome| self.note_outcome(outcome));
            }
            Step::Get { user, id, load } => {
                let definition = self.definition(*user);
                match store.get(&context, &definition, &id.parse().unwrap(), *load).await.unwrap() {
                    Some(record) => self.note_record(&record),
                    None => self.note("missing"),
                }
            }
            Step::Search { user, search, load } => {
                let definition = self.definition(*user);
                let options = ResolveOptions::default();
                let filter = search.filter.as_deref();
                let filter =
                    filter.map(|f| Filter::parse(f).unwrap().resolve(&*definition, &options).unwrap());
                let sort = search.sort_by.map(|path| AttrPath::parse(path).unwrap());
                let sort = sort.map(|path| path.resolve_sort(&*definition).unwrap());
                let order = if search.descending { SortOrder::Descending } else { SortOrder::Ascending };
                let scope = Scope::all(definition).with_filter(filter).with_sort_by(sort);
                let query = Query::new(vec![scope], search.count)
                    .with_start_index(search.start_index)
                    .with_order(order)
                    .with_load(*load);
                self.search(&query).await;
            }
            Step::Turn { back } => {
                let Some((query, next, previous)) = self.last.clone() else { return };
                let start = if *back { previous.map(Start::Before) } else { next.map(Start::After) };
                let Some(start) = start else { return };
                self.search(&query.with_start(start)).await;
            }
            Step::SearchBoth { start_index, count } => {
                let scopes = vec![Scope::all(self.definition(false)), Scope::all(self.definition(true))];
                self.search(&Query::new(scopes, *count).with_start_index(*start_index)).await;
            }
        }
    }

    async fn search(&mut self, query: &Query) {
        let page = self.store.query(&self.context, query).await.unwrap();
        // At a position a store counts only where that costs it nothing.
        if matches!(query.start, Start::Index(_)) {
            self.note(page.total_results);
        }
        page.records.iter().for_each(|record| self.note_record(record));
        self.note((page.previous.is_some(), page.next.is_some()));
        self.last = Some((query.clone(), page.next, page.previous));
    }
}

fn object(json: &str) -> Object {
    match Value::from_slice(json.as_bytes()).unwrap() {
        Value::Object(object) => object,
        other => panic!("{other:?}"),
    }
}

fn draft(definition: &TypeDefinition, body: &str) -> Option<Draft> {
    validate::validate_new(definition, object(body), &Quirks::interop()).ok()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever is done to them, the stores show the same, and several writes at once are what they are one by one.
    #[test]
    fn memory_and_sqlite_agree(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let mut memory = Observer::new(Arc::new(MemoryStore::new()));
        let mut sqlite = Observer::new(Arc::new(SqliteStore::in_memory().unwrap()));
        let mut one_by_one = Observer::new(Arc::new(OneByOne(MemoryStore::new())));
        for step in &steps {
            for observer in [&mut memory, &mut sqlite, &mut one_by_one] {
                runtime.block_on(observer.run(step));
            }
            prop_assert_eq!(&memory.seen, &sqlite.seen, "after {:?}", step);
            prop_assert_eq!(&memory.seen, &one_by_one.seen, "after {:?}", step);
        }
    }
}

#[cfg(feature = "postgres")]
proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    /// The same with a database server, in a new tenant each time.
    #[test]
    fn memory_sqlite_and_postgres_agree(steps in steps()) {
        use std::sync::atomic::{AtomicU32, Ordering};
        static POSTGRES: std::sync::OnceLock<Option<Arc<dyn ResourceStore>>> = std::sync::OnceLock::new();
        static TENANTS: AtomicU32 = AtomicU32::new(0);
        let folder = tempfile::tempdir().unwrap();
        let Some(postgres) = POSTGRES.get_or_init(|| open::postgres(&folder)).clone() else { return Ok(()) };
        let tenant = format!("agree-{}", TENANTS.fetch_add(1, Ordering::Relaxed));
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let mut memory = Observer::new(Arc::new(MemoryStore::new()));
        let mut sqlite = Observer::new(Arc::new(SqliteStore::in_memory().unwrap()));
        let mut postgres = Observer::of_tenant(postgres, &tenant);
        for step in &steps {
            for observer in [&mut memory, &mut sqlite, &mut postgres] {
                runtime.block_on(observer.run(step));
            }
            prop_assert_eq!(&memory.seen, &sqlite.seen, "after {:?}", step);
            prop_assert_eq!(&memory.seen, &postgres.seen, "after {:?}", step);
        }
    }
}

/// What was answered is there after a restart: resources, indexes, unique values, relations, versions.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_keeps_everything_when_opened_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("scim.db");
    let registry = Registry::rfc7643();
    let context = RequestContext::new(Arc::clone(&registry), DateTime::UNIX_EPOCH);
    let (user, group) = (registry.by_name("User").unwrap(), registry.by_name("Group").unwrap());
    let everything = Query::new(vec![Scope::all(Arc::clone(user)), Scope::all(Arc::clone(group))], 1_000);

    let store = Arc::new(SqliteStore::open(&path).unwrap());
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..100 {
        let (store, context, user) = (Arc::clone(&store), context.clone(), Arc::clone(user));
        tasks.spawn(async move {
            let body = format!(
                r#"{{"userName":"User{n}","emails":[{{"value":"{n}@Example.com"}}],"password":"p{n}"}}"#
            );
            let Draft { resource, relations, .. } = draft(&user, &body).unwrap();
            let new = NewResource::new(format!("u{n}").parse().unwrap(), resource, relations);
            store.write(&context, Write::create(&user, new)).await.unwrap();
        });
    }
    tasks.join_all().await;
    let body = r#"{"displayName":"G","members":[{"value":"u7"},{"value":"u3"}]}"#;
    let Draft { resource, relations, .. } = draft(group, body).unwrap();
    let new = NewResource::new("g".parse().unwrap(), resource, relations);
    store.write(&context, Write::create(group, new)).await.unwrap();
    let before = store.query(&context, &everything).await.unwrap();
    assert_eq!(before.total_results, Some(101));
    drop(store);

    let store = SqliteStore::open(&path).unwrap();
    let after = store.query(&context, &everything).await.unwrap();
    assert_eq!(format!("{after:?}"), format!("{before:?}"));
    for (definition, filter, id) in [
        (user, r#"userName eq "USER42""#, "u42"),
        (user, r#"emails.value eq "42@example.COM""#, "u42"),
        (group, r#"members.value eq "u3""#, "g"),
    ] {
        let filter =
            Filter::parse(filter).unwrap().resolve(&**definition, &ResolveOptions::default()).unwrap();
        let scope = Scope::all(Arc::clone(definition)).with_filter(Some(filter));
        let page = store.query(&context, &Query::new(vec![scope], 10)).await.unwrap();
        assert_eq!(page.records.iter().map(|r| r.id.as_str()).collect::<Vec<_>>(), [id]);
    }
    let create = async |id: &str, name: &str| {
        let Draft { resource, .. } = draft(user, &format!(r#"{{"userName":"{name}"}}"#)).unwrap();
        let new = NewResource::new(id.parse().unwrap(), resource, vec![]);
        store.write(&context, Write::create(user, new)).await?.into_created()
    };
    assert!(matches!(create("new", "USER7").await, Err(StoreError::Uniqueness { .. })));
    let newest = before.records.iter().map(|record| record.version).max().unwrap();
    assert!(create("new", "User100").await.unwrap().version > newest);
}

/// Schemas of a server's own: relations whose ids compare without case, unique values in lists, in extensions and in
/// sub-attributes, unique numbers, what is hidden in an extension.
#[tokio::test]
async fn schemas_of_ones_own_are_indexed_as_they_compare() {
    let folder = tempfile::tempdir().unwrap();
    let stores = [
        Some(open::memory(&folder)),
        Some(open::sqlite(&folder)),
        #[cfg(feature = "postgres")]
        open::postgres(&folder),
    ];
    for store in stores.into_iter().flatten() {
        own_schemas(&store).await;
    }
}

async fn own_schemas(store: &Arc<dyn ResourceStore>) {
    const TEAM: &str = r#"{"id":"urn:example:Team","name":"Team","attributes":[
        {"name":"people","type":"complex","multiValued":true,"subAttributes":[
            {"name":"value","type":"string","caseExact":false},{"name":"display","type":"string"},
            {"name":"$ref","type":"reference","referenceTypes":["Person"]},{"name":"type","type":"string"}]},
        {"name":"number","type":"decimal","uniqueness":"server"}]}"#;
    const PERSON: &str = r#"{"id":"urn:example:Person","name":"Person","attributes":[
        {"name":"aliases","type":"string","multiValued":true,"uniqueness":"server"},
        {"name":"cards","type":"complex","multiValued":true,"subAttributes":[
            {"name":"serial","type":"string","caseExact":true,"uniqueness":"global"},{"name":"note","type":"string"}]},
        {"name":"teams","type":"complex","multiValued":true,"mutability":"readOnly","subAttributes":[
            {"name":"value","type":"string","caseExact":false,"mutability":"readOnly"},
            {"name":"display","type":"string","mutability":"readOnly"}]}]}"#;
    const BADGE: &str = r#"{"id":"urn:example:Badge","name":"Badge","attributes":[
        {"name":"badge","type":"string","uniqueness":"server"},
        {"name":"pin","type":"string","returned":"never","mutability":"writeOnly"}]}"#;
    let schema = |json| Arc::new(Schema::from_json(json).unwrap());
    let schemas = [schema(TEAM), schema(PERSON), schema(BADGE)];
    let uri = |n: usize| schemas[n].id().clone();
    let teams = ResourceType::new("Team", uri(0)).with_relation(Relation {
        attribute: "people".into(),
        targets: vec!["Person".into()],
        inverse: Some("teams".into()),
    });
    let people = ResourceType::new("Person", uri(1)).with_endpoint("/People").with_extension(uri(2), false);
    let registry = Arc::new(Registry::new(schemas.clone(), [teams, people]).unwrap());
    let context = RequestContext::new(Arc::clone(&registry), DateTime::UNIX_EPOCH)
        .with_tenant("own-schemas".parse().unwrap());
    let (team, person) = (registry.by_name("Team").unwrap(), registry.by_name("Person").unwrap());
    let create = async |definition: &Arc<TypeDefinition>, id: &str, body: &str| {
        let Draft { resource, relations, .. } = draft(definition, body).unwrap();
        let new = NewResource::new(id.parse().unwrap(), resource, relations);
        store.write(&context, Write::create(definition, new)).await?.into_created()
    };
    let found = async |definition: &Arc<TypeDefinition>, filter: &str| {
        let filter =
            Filter::parse(filter).unwrap().resolve(&**definition, &ResolveOptions::default()).unwrap();
        let scope = Scope::all(Arc::clone(definition)).with_filter(Some(filter));
        let page = store.query(&context, &Query::new(vec![scope], 10)).await.unwrap();
        page.records.iter().map(|record| record.id.to_string()).collect::<Vec<_>>().join(" ")
    };
    let body = r#"{"aliases":["Al","Ally"],"cards":[{"serial":"S1"},{"serial":"S2","note":"n"}],
        "urn:example:Badge":{"badge":"B-1","pin":"1234"}}"#;
    let first = create(person, "P\u{e9}", body).await.unwrap();
    assert!(!String::from_utf8_lossy(&first.document).contains("pin"));
    assert_eq!(first.hidden.as_deref(), Some(&br#"{"urn:example:Badge":{"pin":"1234"}}"#[..]));
    for (taken, attribute) in [
        (r#"{"aliases":["x","ALLY"]}"#, "aliases"),
        (r#"{"cards":[{"serial":"S2"}]}"#, "cards.serial"),
        (r#"{"urn:example:Badge":{"badge":"b-1"}}"#, "urn:example:Badge:badge"),
    ] {
        match create(person, "p2", taken).await {
            Err(StoreError::Uniqueness { attribute: named, .. }) => assert_eq!(named, attribute),
            other => panic!("{other:?}"),
        }
    }
    create(person, "p\u{c9}", r#"{"aliases":["x"],"cards":[{"serial":"s2"},{"serial":"s2"}]}"#)
        .await
        .unwrap();
    for (filter, expected) in [
        (r#"aliases eq "ALLY""#, "P\u{e9}"),
        (r#"aliases[value eq "al"]"#, "P\u{e9}"),
        (r#"cards.serial eq "s2""#, "p\u{c9}"),
        (r#"cards[serial eq "S2" and note eq "n"]"#, "P\u{e9}"),
        (r#"cards[serial eq "S1" and note eq "n"]"#, ""),
        (r#"urn:example:Badge:badge eq "b-1""#, "P\u{e9}"),
    ] {
        assert_eq!(found(person, filter).await, expected, "{filter}");
    }
    create(team, "T1", r#"{"number":5,"people":[{"value":"P\u00e9"},{"value":"p\u00c9"}]}"#).await.unwrap();
    create(team, "t1", r#"{"number":6.5,"people":[{"value":"p\u00c9"}]}"#).await.unwrap();
    for same in ["5.0", "0.5e1", "65e-1"] {
        let taken = create(team, "t2", &format!(r#"{{"number":{same}}}"#)).await;
        assert!(matches!(taken, Err(StoreError::Uniqueness { .. })), "{same}: {taken:?}");
    }
    // Both people have ids that are one without case, and so have both teams.
    assert_eq!(found(team, "people.value eq \"p\u{e9}\"").await, "T1 t1");
    assert_eq!(found(team, "people[value eq \"P\u{c9}\"]").await, "T1 t1");
    assert_eq!(found(person, r#"teams.value eq "t1""#).await, "P\u{e9} p\u{c9}");
    assert_eq!(found(team, r#"number eq 6.50"#).await, "t1");
    let delete = Write::delete(Target::new(person, &"p\u{c9}".parse().unwrap()));
    assert!(matches!(store.write(&context, delete).await, Ok(Outcome::Deleted)));
    assert_eq!(found(team, "people.value eq \"p\u{e9}\"").await, "T1");
    assert_eq!(found(person, "id eq \"p\u{e9}\"").await, "", "ids are case exact");
}
