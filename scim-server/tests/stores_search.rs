//! Whatever the schemas, the data and the question: every store finds, counts, sorts and pages as evaluating the filter on
//! every resource does.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::sync::Arc;

use chrono::{DateTime, TimeDelta};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::{collection, option};
use scim_core::message::SortOrder;
use scim_core::schema::{Attribute, Mutability, Returned, Uniqueness};
use scim_core::strategies::types;
use scim_core::{
    Draft, Quirks, Registry, Relation, ResourceType, Schema, TenantId, TypeDefinition, Value, validate,
};
use scim_filter::{AttrPath, DataType, Filter, ResolveOptions, ResolvedAttr, ResolvedFilter};
use scim_server::RequestContext;
use scim_server::store::{
    Load, MemoryStore, NewResource, Page, Query, Record, Replacement, ResourceStore, Scope, SqliteStore,
    Start, StoreError, Target, Write,
};

#[cfg(feature = "postgres")]
#[path = "support/postgres.rs"]
mod server;

/// A tenant of a store, with nothing in it.
type Place = (Arc<dyn ResourceStore>, TenantId);

/// The stores under test that need no server.
fn stores() -> Vec<Place> {
    let stores: [Arc<dyn ResourceStore>; 2] =
        [Arc::new(MemoryStore::new()), Arc::new(SqliteStore::in_memory().unwrap())];
    stores.into_iter().map(|store| (store, TenantId::default())).collect()
}

/// A new tenant in PostgreSQL, if there is a server.
#[cfg(feature = "postgres")]
fn postgres() -> Option<Place> {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU32, Ordering};
    static STORE: OnceLock<Option<Arc<scim_server::store::PostgresStore>>> = OnceLock::new();
    static TENANTS: AtomicU32 = AtomicU32::new(0);
    let open = || Arc::new(scim_server::store::PostgresStore::open(&server::database()).unwrap());
    let store = STORE.get_or_init(|| server::is_there().then(open)).clone()?;
    let tenant = format!("t{}", TENANTS.fetch_add(1, Ordering::Relaxed));
    Some((store, tenant.parse().unwrap()))
}

/// A server's types, what is written, and what is asked.
#[derive(Clone, Debug)]
struct World {
    registry: Arc<Registry>,
    /// The bodies of things; some are written over others.
    things: Vec<(Option<usize>, String)>,
    /// The members of teams, by number.
    teams: Vec<Vec<usize>>,
    deleted: Vec<usize>,
    questions: Vec<Question>,
}

#[derive(Clone, Debug)]
struct Question {
    /// Whether it is about things, about teams, or about both.
    types: &'static [&'static str],
    filter: Option<String>,
    sort_by: Option<String>,
    descending: bool,
    start_index: u64,
    count: usize,
}

/// Texts that say something about comparing, but for the last ones as values of few resources.
const TEXTS: &[&str] = &[
    "a",
    "A",
    "ab",
    "Ab",
    "b",
    "B",
    "",
    "Stra\u{df}e",
    "STRASSE",
    "\u{e9}",
    "e\u{301}",
    "Ａb",
    "x y",
    "a\"\\b'%_",
    "\u{ffff}",
    "\u{10000}",
    "\u{1}\n",
];
const NUMBERS: &[&str] = &[
    "-1",
    "0",
    "-0",
    "1",
    "2",
    "30",
    "1.0",
    "10e-1",
    "-1.5",
    "2.25",
    "1e30",
    "-2E-7",
    "9007199254740993",
    "123456789012345678901234567890.5",
    "1e400",
];
const DATES: &[&str] = &[
    "2020-01-01T00:00:00Z",
    "2020-01-01T01:00:00+01:00",
    "2021-06-30T12:30:00.5Z",
    "2021-06-30T12:30:00.500",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59.999999999-14:00",
];

fn json(text: &str) -> String {
    String::from_utf8(Value::from(text).to_vec()).unwrap()
}

/// Simple values of an attribute, as JSON: mostly of few, so that resources share them.
fn simple(attribute: &Attribute, literal: bool) -> BoxedStrategy<String> {
    let texts = |among: &'static [&'static str]| select(among).prop_map(json).boxed();
    match attribute.data_type() {
        DataType::String => {
            let rare = prop_oneof![
                Just("a\0b".to_owned()),
                Just("z".repeat(300)),
                Just(format!("{}y", "z".repeat(299)))
            ];
            prop_oneof![40 => texts(TEXTS), 1 => rare.prop_map(|text| json(&text))].boxed()
        }
        DataType::Boolean => any::<bool>().prop_map(|value| value.to_string()).boxed(),
        DataType::Integer if !literal => {
            select(vec!["-1", "0", "1", "2", "30", "9007199254740993"]).prop_map(str::to_owned).boxed()
        }
        DataType::Integer | DataType::Decimal => {
            let many = Just(format!("1.{}", "7".repeat(250)));
            prop_oneof![40 => select(NUMBERS).prop_map(str::to_owned), 1 => many].boxed()
        }
        DataType::DateTime => texts(DATES),
        DataType::Binary => texts(&["YQ==", "YQ", "YWI=", "eQ=="]),
        DataType::Reference => texts(&["https://example.com/a", "https://example.com/A", "urn:example:b"]),
        DataType::Complex => Just("{}".to_owned()).boxed(),
    }
}

fn members(attributes: &[Attribute]) -> BoxedStrategy<Vec<String>> {
    let strategies: Vec<_> = attributes
        .iter()
        .filter(|attribute| !attribute.is_read_only())
        .map(|attribute| {
            let name = json(attribute.name());
            let weight = if attribute.is_required() { 0.999 } else { 0.6 };
            option::weighted(weight, value(attribute))
                .prop_map(move |value| Some(format!("{name}:{}", value?)))
        })
        .collect();
    strategies.prop_map(|members| members.into_iter().flatten().collect()).boxed()
}

fn value(attribute: &Attribute) -> BoxedStrategy<String> {
    let one = match attribute.data_type() {
        DataType::Complex => {
            members(attribute.sub_attributes()).prop_map(|all| format!("{{{}}}", all.join(","))).boxed()
        }
        _ => simple(attribute, false),
    };
    if !attribute.is_multi_valued() {
        return one;
    }
    collection::vec(one, 0..4).prop_map(|all| format!("[{}]", all.join(","))).boxed()
}

fn body(definition: &TypeDefinition) -> BoxedStrategy<String> {
    let extensions: Vec<_> = definition
        .extensions()
        .iter()
        .map(|extension| {
            let uri = extension.schema.id().to_string();
            option::weighted(0.8, members(extension.schema.attributes()))
                .prop_map(move |data| Some(format!("{}:{{{}}}", json(&uri), data?.join(","))))
        })
        .collect();
    let uris = std::iter::once(definition.base()).chain(definition.extensions().iter().map(|e| &e.schema));
    let uris: Vec<String> = uris.map(|schema| json(schema.id().as_str())).collect();
    (members(definition.base().attributes()), extensions)
        .prop_map(move |(mut all, extensions)| {
            all.extend(extensions.into_iter().flatten());
            all.push(format!("\"schemas\":[{}]", uris.join(",")));
            format!("{{{}}}", all.join(","))
        })
        .boxed()
}

/// A comparison, of one attribute, that the schema may refuse.
fn compared(path: String, attribute: &Attribute) -> BoxedStrategy<String> {
    let ops: &[&str] = match attribute.data_type() {
        DataType::String | DataType::Reference => &["eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"],
        DataType::Integer | DataType::Decimal | DataType::DateTime => &["eq", "ne", "gt", "ge", "lt", "le"],
        DataType::Binary => &["eq", "ne", "co", "sw", "ew"],
        DataType::Boolean | DataType::Complex => &["eq", "ne"],
    };
    let (other, literal) = (path.clone(), simple(attribute, true));
    prop_oneof![
        6 => (select(ops), literal).prop_map(move |(op, value)| format!("{path} {op} {value}")),
        1 => select(vec!["pr", "eq null", "ne null"]).prop_map(move |what| format!("{other} {what}")),
    ]
    .boxed()
}

fn terms(leaf: BoxedStrategy<String>) -> BoxedStrategy<String> {
    leaf.prop_recursive(3, 6, 3, |inner| {
        prop_oneof![
            3 => collection::vec(inner.clone(), 2..4).prop_map(|terms| format!("({})", terms.join(" and "))),
            3 => collection::vec(inner.clone(), 2..4).prop_map(|terms| format!("({})", terms.join(" or "))),
            2 => inner.prop_map(|term| format!("not ({term})")),
        ]
    })
    .boxed()
}

/// Comparisons of the attributes of a type, of their parts, and of several parts of one value.
fn leaves(definition: &TypeDefinition) -> Vec<BoxedStrategy<String>> {
    let mut leaves = Vec::new();
    let schemas = definition.extensions().iter().map(|e| (format!("{}:", e.schema.id()), &e.schema));
    for (prefix, schema) in std::iter::once((String::new(), definition.base())).chain(schemas) {
        for attribute in schema.attributes() {
            let path = format!("{prefix}{}", attribute.name());
            if !attribute.is_complex() {
                leaves.push(compared(path.clone(), attribute));
                let inner = terms(compared("value".to_owned(), attribute));
                leaves.push(inner.prop_map(move |inner| format!("{path}[{inner}]")).boxed());
                continue;
            }
            let mut inner = Vec::new();
            for sub in attribute.sub_attributes() {
                leaves.push(compared(format!("{path}.{}", sub.name()), sub));
                inner.push(compared(sub.name().to_owned(), sub));
            }
            let name = path.clone();
            leaves.push(
                select(vec!["pr", "eq null", "ne null"])
                    .prop_map(move |what| format!("{name} {what}"))
                    .boxed(),
            );
            let inner = terms(proptest::strategy::Union::new(inner).boxed());
            leaves.push(inner.prop_map(move |inner| format!("{path}[{inner}]")).boxed());
        }
    }
    leaves
}

/// Comparisons of what every type has, and of relations.
fn common() -> BoxedStrategy<String> {
    let order = select(vec!["eq", "ne", "gt", "ge", "lt", "le"]);
    let text = select(vec!["eq", "ne", "co", "sw", "ew", "gt", "le"]);
    let time = (0..8_i64, 0..3_u32).prop_map(|(second, part)| {
        let nanos = part * 500_500_000;
        json(&(time(second) + TimeDelta::nanoseconds(nanos.into())).to_rfc3339())
    });
    let id = select(vec!["t0", "t1", "T1", "t3", "g0", "g1", "G1", "t", ""]).prop_map(json);
    let display = select(vec!["team 0", "Team 1", "a", "team"]).prop_map(json);
    let version = select(vec!["W/\"1\"", "W/\"3\"", "\"3\"", "W/\"03\"", "3"]).prop_map(json);
    let among = |name: &'static str| {
        let parts = prop_oneof![
            (text.clone(), id.clone()).prop_map(|(op, value)| format!("value {op} {value}")),
            (text.clone(), display.clone()).prop_map(|(op, value)| format!("display {op} {value}")),
            (text.clone(), select(vec!["\"Thing\"", "\"direct\"", "\"team\"", "\"thing\""]))
                .prop_map(|(op, value)| format!("type {op} {value}")),
            select(vec!["value pr", "display pr", "type pr", "$ref pr", "$ref ew \"t1\""])
                .prop_map(str::to_owned),
        ];
        let dotted = parts.clone().prop_map(move |part| format!("{name}.{part}"));
        prop_oneof![
            dotted,
            terms(parts.boxed()).prop_map(move |inner| format!("{name}[{inner}]")),
            select(vec!["pr", "eq null"]).prop_map(move |what| format!("{name} {what}")),
        ]
    };
    prop_oneof![
        2 => (text.clone(), id.clone()).prop_map(|(op, id)| format!("id {op} {id}")),
        2 => (select(vec!["meta.created", "meta.lastModified"]), order.clone(), time.clone())
            .prop_map(|(path, op, time)| format!("{path} {op} {time}")),
        1 => (order, time).prop_map(|(op, time)| format!("meta[created {op} {time} and resourceType pr]")),
        1 => (text.clone(), version).prop_map(|(op, tag)| format!("meta.version {op} {tag}")),
        1 => (text.clone(), select(vec!["\"Thing\"", "\"thing\"", "\"Team\""])).prop_map(|(op, name)| format!("meta.resourceType {op} {name}")),
        1 => (text.clone(), id.clone()).prop_map(|(op, id)| format!("meta.location {op} {id}")),
        1 => select(vec!["schemas co \"ext\"", "schemas ne \"urn:example:core:2.0:Thing\"", "meta pr", "externalId pr", "schemas[value sw \"urn:example:ext\"]"]).prop_map(str::to_owned),
        3 => among("teams"),
        3 => among("people"),
        1 => (text, display).prop_map(|(op, name)| format!("displayName {op} {name}")),
    ]
    .boxed()
}

fn question(definition: &TypeDefinition) -> BoxedStrategy<Question> {
    let leaf = prop_oneof![3 => proptest::strategy::Union::new(leaves(definition)), 1 => common()];
    let mut sorts: Vec<String> = types::filterable(definition).into_iter().map(|(path, _)| path).collect();
    sorts.extend(
        ["id", "meta.created", "meta.lastModified", "meta.location", "schemas", "teams.value", "displayName"]
            .map(str::to_owned),
    );
    (
        select(vec![&["Thing"] as &[_], &["Thing"], &["Team"], &["Thing", "Team"]]),
        option::weighted(0.8, terms(leaf.boxed())),
        option::weighted(0.6, select(sorts)),
        any::<bool>(),
        prop_oneof![3 => Just(1), 2 => 1..12_u64],
        prop_oneof![2 => Just(100), 2 => 0..6_usize],
    )
        .prop_map(|(types, filter, sort_by, descending, start_index, count)| Question {
            types,
            filter,
            sort_by,
            descending,
            start_index,
            count,
        })
        .boxed()
}

/// The types `Thing`, of any attributes, and `Team`, which has things and teams for its people.
fn registry() -> impl Strategy<Value = Arc<Registry>> {
    let base = types::schema("urn:example:core:2.0:Thing");
    let extension = option::of(types::schema("urn:example:ext:2.0:One"));
    (base, extension, any::<bool>()).prop_filter_map("a legal registry", |(base, extension, exact)| {
        let part = |name: &str| {
            let part = Attribute::new(name, DataType::String).with_mutability(Mutability::ReadOnly);
            if exact { part.case_exact() } else { part }
        };
        let writable = |name: &str| part(name).with_mutability(Mutability::Immutable);
        let teams = Attribute::complex("teams", ["value", "$ref", "display", "type"].map(part))
            .multi_valued()
            .with_mutability(Mutability::ReadOnly);
        let people =
            Attribute::complex("people", ["value", "$ref", "display", "type"].map(writable)).multi_valued();
        let name = Attribute::new("displayName", DataType::String).required();
        let team = Schema::new("urn:example:core:2.0:Team".parse().ok()?, "Team", "", [name, people]).ok()?;
        let relation = Relation::new("people", ["Thing", "Team"]).with_inverse("teams");
        let primary = || Attribute::new("primary", DataType::Boolean);
        let value = Attribute::new("value", DataType::String);
        let mails = Attribute::complex("mails", [value, primary()]).multi_valued();
        // Where there is one value, what it does not say is not assumed.
        let home = Attribute::complex("home", [primary()]);
        let base = base.with_attribute(teams).ok()?.with_attribute(mails).ok()?.with_attribute(home).ok()?;
        let types = [
            ResourceType::new("Thing", base.id().clone()),
            ResourceType::new("Team", team.id().clone()).with_relation(relation),
        ];
        let [thing, team_type] = types;
        let mut builder =
            Registry::builder().schema(base).schema(team).resource_type(thing).resource_type(team_type);
        if let Some(extension) = extension {
            builder = builder.extension("Thing", extension, false);
        }
        builder.build().ok().map(Arc::new)
    })
}

fn world() -> impl Strategy<Value = World> {
    registry().prop_flat_map(|registry| {
        let thing = Arc::clone(registry.by_name("Thing").unwrap());
        let things = collection::vec((option::weighted(0.15, 0..8_usize), body(&thing)), 1..14);
        let teams = collection::vec(collection::vec(0..10_usize, 0..4), 0..4);
        let deleted = collection::vec(0..14_usize, 0..2);
        let questions = collection::vec(question(&thing), 1..12);
        (things, teams, deleted, questions).prop_map(move |(things, teams, deleted, questions)| World {
            registry: Arc::clone(&registry),
            things,
            teams,
            deleted,
            questions,
        })
    })
}

fn time(seconds: i64) -> DateTime<chrono::Utc> {
    DateTime::from_timestamp(1_700_000_000, 500_000_000).unwrap() + TimeDelta::seconds(seconds)
}

fn draft(definition: &TypeDefinition, body: &str) -> Option<Draft> {
    let Value::Object(body) = Value::from_slice(body.as_bytes()).unwrap() else { panic!("{body}") };
    validate::validate_new(definition, body, &Quirks::interop()).ok()
}

/// One store with a world in it.
struct Filled {
    store: Arc<dyn ResourceStore>,
    context: RequestContext,
}

impl Filled {
    /// Writes what a world has; says what became of it.
    async fn new((store, tenant): Place, world: &World) -> (Self, Vec<String>) {
        let context = RequestContext::new(Arc::clone(&world.registry), time(0))
            .with_base_url("https://example.com/scim")
            .with_tenant(tenant);
        let mut filled = Self { store, context };
        let mut log = Vec::new();
        for (n, (over, body)) in world.things.iter().enumerate() {
            filled.context = filled.context.with_now(time(i64::try_from(n % 6).unwrap()));
            let id = if n == 2 { "T1".to_owned() } else { format!("t{n}") };
            log.push(filled.write("Thing", &id, over.map(|n| format!("t{n}")), body).await);
        }
        for (n, members) in world.teams.iter().enumerate() {
            let members: Vec<_> =
                members.iter().map(|member| format!(r#"{{"value":"t{member}"}}"#)).collect();
            let all = format!(r#"{{"displayName":"Team {n}","people":[{}]}}"#, members.join(","));
            log.push(filled.write("Team", &format!("g{n}"), None, &all).await);
            let alone = format!(r#"{{"displayName":"team {n}","people":[{{"value":"g{n}"}}]}}"#);
            log.push(filled.write("Team", &format!("h{n}"), None, &alone).await);
        }
        for n in &world.deleted {
            let thing = world.registry.by_name("Thing").unwrap();
            let target = Target::new(thing, &format!("t{n}").parse().unwrap());
            log.push(format!(
                "{:?}",
                filled.store.write(&filled.context, Write::delete(target)).await.is_ok()
            ));
        }
        (filled, log)
    }

    async fn write(&self, name: &str, id: &str, over: Option<String>, body: &str) -> String {
        let definition = self.context.registry.by_name(name).unwrap();
        let Some(Draft { resource, relations, .. }) = draft(definition, body) else {
            return "refused".to_owned();
        };
        let write = match over {
            Some(id) => Write::replace(
                Target::new(definition, &id.parse().unwrap()),
                Replacement::new(resource, relations),
            ),
            None => Write::create(definition, NewResource::new(id.parse().unwrap(), resource, relations)),
        };
        match self.store.write(&self.context, write).await {
            Ok(_) => "done".to_owned(),
            // Of several values that others have, each store names the one that it meets first.
            Err(StoreError::Uniqueness { .. }) => "taken".to_owned(),
            Err(error @ StoreError::UnknownReference { .. }) => error.to_string(),
            Err(error) => panic!("{error:?}"),
        }
    }

    async fn everything(&self) -> Vec<Record> {
        let all = ["Thing", "Team"]
            .map(|name| Scope::all(Arc::clone(self.context.registry.by_name(name).unwrap())));
        self.query(&Query::new(Vec::from(all), 10_000)).await.records
    }

    async fn query(&self, query: &Query) -> Page {
        self.store.query(&self.context, query).await.unwrap()
    }

    /// What a question finds, after checking it against evaluation; `None` if the schemas refuse the question.
    async fn ask(&self, everything: &[Record], question: &Question) -> Option<Vec<String>> {
        // Shown where an assertion fails.
        let asked = format!("{question:?}");
        let mut scopes = Vec::new();
        for name in question.types {
            let definition = self.context.registry.by_name(name).unwrap();
            scopes.push(resolved(definition, question, question.types.len() > 1)?);
        }
        let order = if question.descending { SortOrder::Descending } else { SortOrder::Ascending };
        let is_sorted = scopes.iter().any(|scope| scope.sort_by.is_some());
        let mut expected = Vec::new();
        for record in everything {
            let Some(scope) = scopes.iter().find(|s| s.definition.name() == &*record.resource_type) else {
                continue;
            };
            let shown = Value::Object(record.to_object(&self.context, &scope.definition).unwrap());
            if scope.filter.as_ref().is_none_or(|filter: &ResolvedFilter| filter.matches(&shown)) {
                let key = scope
                    .sort_by
                    .as_ref()
                    .filter(|_| is_sorted)
                    .map_or(scim_filter::SortKey::Unassigned, |attr: &ResolvedAttr| {
                        scim_server::store::Position::cut(attr.sort_key(&shown))
                    });
                expected.push((key, record.id.to_string()));
            }
        }
        expected.sort_by(|(a, _), (b, _)| match order {
            SortOrder::Ascending => a.cmp(b),
            SortOrder::Descending => b.cmp(a),
        });
        let all: Vec<String> = expected.into_iter().map(|(_, id)| id).collect();
        let ids = |page: &Page| page.records.iter().map(|record| record.id.to_string()).collect::<Vec<_>>();

        let query = Query::new(scopes, question.count).with_order(order).with_load(Load::None);
        let page = self.query(&query.clone().with_start_index(question.start_index)).await;
        let first = usize::try_from(question.start_index).unwrap() - 1;
        let wanted: Vec<String> = all.iter().skip(first).take(question.count).cloned().collect();
        assert_eq!((page.total_results, ids(&page)), (Some(all.len() as u64), wanted), "by index, {asked}");
        let follows = question.count > 0 && first + question.count < all.len();
        assert_eq!(page.next.is_some(), follows && !page.records.is_empty(), "by index, {asked}");

        // To the end and back, by positions.
        let count = question.count.clamp(1, 4);
        let mut query = query;
        query.count = count;
        let mut page = self.query(&query).await;
        let mut begin = 0;
        for (n, expected) in all.chunks(count).enumerate() {
            begin = n * count;
            assert_eq!(ids(&page), expected, "forth, page {n}, {asked}");
            assert!(
                page.total_results.is_none_or(|total| total == all.len() as u64),
                "forth, page {n}, {asked}"
            );
            let Some(next) = page.next.clone() else { break };
            page = self.query(&query.clone().with_start(Start::After(next))).await;
        }
        assert_eq!(begin + page.records.len(), all.len(), "to the end, {asked}");
        while let Some(previous) = page.previous {
            let end = begin;
            begin = end.saturating_sub(count);
            page = self.query(&query.clone().with_start(Start::Before(previous))).await;
            assert_eq!(ids(&page), &all[begin..end], "back to {begin}, {asked}");
        }
        assert_eq!(begin, 0, "back to the beginning, {asked}");
        Some(all)
    }
}

fn resolved(definition: &Arc<TypeDefinition>, question: &Question, several: bool) -> Option<Scope> {
    let mut options = ResolveOptions::default();
    if several {
        options = options.with_unknown(scim_filter::UnknownAttributes::NoValue);
    }
    let filter = match &question.filter {
        Some(text) => Some(Filter::parse(text).unwrap().resolve(&**definition, &options).ok()?),
        None => None,
    };
    let sort =
        question.sort_by.as_deref().map(|path| AttrPath::parse(path).unwrap().resolve_sort(&**definition));
    let sort = match sort {
        Some(Ok(sort)) => Some(sort),
        Some(Err(_)) if several => None,
        Some(Err(_)) => return None,
        None => None,
    };
    Some(Scope::all(Arc::clone(definition)).with_filter(filter).with_sort_by(sort))
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

/// All stores find what evaluation finds, and the same.
async fn agree(stores: Vec<Place>, world: &World) {
    let mut logs = Vec::new();
    let mut answers: Vec<Vec<Option<Vec<String>>>> = Vec::new();
    for place in stores {
        let (filled, log) = Filled::new(place, world).await;
        let everything = filled.everything().await;
        let mut found = Vec::new();
        for question in &world.questions {
            let answer = filled.ask(&everything, question).await;
            // The numbers of versions are each store's own.
            let is_own = question.filter.as_ref().is_some_and(|filter| filter.contains("meta.version"));
            found.push(answer.filter(|_| !is_own));
        }
        logs.push(log);
        answers.push(found);
    }
    for (log, answer) in logs.iter().zip(&answers).skip(1) {
        assert_eq!(log, &logs[0]);
        assert_eq!(answer, &answers[0]);
    }
}

/// What was written by other schemas is found by those of today, before and after search documents are made anew.
async fn follow(place: Place, world: &World) {
    let before = World { registry: altered(&world.registry), ..world.clone() };
    let (filled, _) = Filled::new(place, &before).await;
    let old = filled.context;
    let context = RequestContext::new(Arc::clone(&world.registry), old.now)
        .with_base_url("https://example.com/scim")
        .with_tenant(old.tenant);
    let filled = Filled { context, store: filled.store };
    let body = &world.things[0].1;
    filled.write("Thing", "newest", None, body).await;
    let everything = filled.everything().await;
    for question in &world.questions {
        filled.ask(&everything, question).await;
        tokio::task::yield_now().await;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn stores_find_what_evaluation_finds(world in world()) {
        block_on(agree(stores(), &world));
    }

    /// Whoever changes a schema finds what is there by the new one.
    #[test]
    fn what_was_written_by_other_schemas_is_found_by_those_of_today(world in world()) {
        block_on(async {
            for place in stores() {
                follow(place, &world).await;
            }
        });
    }
}

#[cfg(feature = "postgres")]
proptest! {
    #![proptest_config(ProptestConfig { cases: 96, max_shrink_iters: 100, failure_persistence: None, ..ProptestConfig::default() })]

    /// The same with a database server, in a new tenant each time.
    #[test]
    fn postgres_finds_what_evaluation_and_the_others_find(world in world()) {
        if let Some(postgres) = postgres() {
            let mut stores = stores();
            stores.push(postgres);
            block_on(agree(stores, &world));
        }
    }

    #[test]
    fn what_was_written_by_other_schemas_is_found_in_postgres(world in world()) {
        if let Some(postgres) = postgres() {
            block_on(follow(postgres, &world));
        }
    }
}

/// The same types, but strings of which no index is kept compare in the other way, and some have one value instead of
/// several.
fn altered(registry: &Registry) -> Arc<Registry> {
    const INDEXED: [&str; 4] = ["externalId", "displayName", "userName", "emails"];
    let mut builder = Registry::builder();
    for schema in registry.schemas() {
        let change = |attribute: &Attribute| {
            let is_free = attribute.uniqueness() == Uniqueness::None
                && attribute.returned() != Returned::Never
                && attribute.data_type() == DataType::String
                && !INDEXED.contains(&attribute.name());
            if !is_free {
                return attribute.clone();
            }
            let mut other =
                Attribute::new(attribute.name(), DataType::String).with_uniqueness(Uniqueness::None);
            if attribute.is_multi_valued() {
                other = other.multi_valued();
            }
            if attribute.compared_by() == scim_filter::CaseRule::Exact { other } else { other.case_exact() }
        };
        let attributes: Vec<_> = schema.attributes().iter().map(change).collect();
        builder = builder.schema(
            Schema::new(schema.id().clone(), schema.name(), schema.description(), attributes).unwrap(),
        );
    }
    for definition in registry.types() {
        builder = builder.resource_type(definition.resource_type().clone());
    }
    Arc::new(builder.build().unwrap())
}
