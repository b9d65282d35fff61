//! Filters, order, pages.

use std::sync::Arc;

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use scim_core::message::SortOrder;
use scim_core::{TypeDefinition, Value};

use super::fixture::{Fixture, filter, ids, sort_by};
use super::strategies::{self, Search};
use crate::store::{Load, Page, Precondition, Query, Record, ResourceStore, Scope, Start};

/// Without a sort, resources come in the order of creation, the same on every page and after changes; every resource
/// is on exactly one page.
///
/// # Panics
/// When the store does not keep its contract.
pub async fn paging_is_stable(store: &Arc<dyn ResourceStore>) {
    const USERS: usize = 23;
    let it = Fixture::new(store, "paging-is-stable");
    let mut expected = Vec::new();
    for n in 0..USERS {
        // Neither ids nor names nor times are in the order of creation.
        let id = format!("u{}", (n * 7) % USERS);
        it.at(100 - i64::try_from(n).unwrap()).user(&id, &format!("name {}", (n * 11) % USERS), "").await;
        if n % 5 == 0 {
            it.group(&format!("g{n}"), &[&id]).await;
        }
        expected.push(id);
    }
    for id in [&expected[2], &expected[20]] {
        it.patch(&it.user, id, r#"{"op":"add","path":"title","value":"changed"}"#).await;
    }
    assert!(it.delete(&it.user, &expected.remove(5)).await);
    let filters = [None, Some("userName pr"), Some(r#"meta.resourceType eq "User""#)];
    for (text, count) in filters.into_iter().flat_map(|text| [1, 2, 7, 22, 100].map(|count| (text, count))) {
        let mut seen = Vec::new();
        while seen.len() < expected.len() {
            let scope = Scope::all(Arc::clone(&it.user)).with_filter(text.map(|text| filter(&it.user, text)));
            let start = u64::try_from(seen.len()).unwrap() + 1;
            let page = it.query(&Query::new(vec![scope], count).with_start_index(start)).await;
            assert_eq!(page.total_results, Some(22));
            assert_eq!(page.records.len(), count.min(expected.len() - seen.len()));
            seen.extend(ids(&page.records));
        }
        assert_eq!(seen, expected, "{text:?} by {count}");
    }
    for start in [23, 24, u64::MAX] {
        let query = Query::new(vec![Scope::all(Arc::clone(&it.user))], 10).with_start_index(start);
        let page = it.query(&query).await;
        assert_eq!((page.total_results, page.records.len()), (Some(22), 0), "{start}");
    }
}

/// A page of no resources still says how many match.
///
/// # Panics
/// When the store does not keep its contract.
pub async fn count_zero_gives_total(store: &Arc<dyn ResourceStore>) {
    let it = Fixture::new(store, "count-zero");
    for n in 0..5 {
        it.user(&format!("u{n}"), &format!("user {n}"), r#""active":true"#).await;
    }
    for (text, total) in [
        (None, 5),
        (Some("active eq true"), 5),
        (Some(r#"userName eq "USER 3""#), 1),
        (Some(r#"id eq "u1" or id eq "u2""#), 2),
        (Some("active eq false"), 0),
    ] {
        for sort in [None, Some(sort_by(&it.user, "userName"))] {
            let scope = Scope::all(Arc::clone(&it.user))
                .with_filter(text.map(|text| filter(&it.user, text)))
                .with_sort_by(sort);
            let page = it.query(&Query::new(vec![scope], 0)).await;
            assert_eq!((page.total_results, page.records.len()), (Some(total), 0), "{text:?}");
        }
    }
}

/// Sorting compares as the schema compares, takes the primary of several values, puts resources without a value last
/// (descending: first), and keeps ties in the order of creation in both directions.
///
/// # Panics
/// When the store does not keep its contract.
pub async fn sort_order(store: &Arc<dyn ResourceStore>) {
    let it = Fixture::new(store, "sort-order");
    for (n, (id, more)) in [
        (
            "c",
            r#""displayName":"carl","emails":[{"value":"z@x"},{"value":"a@x","primary":true}],"active":true"#,
        ),
        ("none", ""),
        ("a", r#""displayName":"Anna","emails":[{"value":"m@x"},{"value":"b@x"}],"active":false"#),
        ("b", r#""displayName":"BEN","emails":[{"value":"B@x","type":"work"}]"#),
        ("a2", r#""displayName":"ANNA","name":{"familyName":"x"},"active":true"#),
        ("none2", r#""emails":[]"#),
    ]
    .into_iter()
    .enumerate()
    {
        it.at(i64::try_from(n).unwrap()).user(id, &format!("user {id}"), more).await;
    }
    let sorted = async |path: &str, order| {
        let scope = Scope::all(Arc::clone(&it.user)).with_sort_by(Some(sort_by(&it.user, path)));
        ids(&it.query(&Query::new(vec![scope], 100).with_order(order)).await.records)
    };
    for (path, ascending, descending) in [
        ("displayName", ["a", "a2", "b", "c", "none", "none2"], ["none", "none2", "c", "b", "a", "a2"]),
        ("emails", ["c", "b", "a", "none", "a2", "none2"], ["none", "a2", "none2", "a", "b", "c"]),
        ("active", ["a", "c", "a2", "none", "b", "none2"], ["none", "b", "none2", "c", "a2", "a"]),
        ("meta.created", ["c", "none", "a", "b", "a2", "none2"], ["none2", "a2", "b", "a", "none", "c"]),
        ("id", ["a", "a2", "b", "c", "none", "none2"], ["none2", "none", "c", "b", "a2", "a"]),
    ] {
        assert_eq!(sorted(path, SortOrder::Ascending).await, ascending, "{path}");
        assert_eq!(sorted(path, SortOrder::Descending).await, descending, "{path}");
    }
    // A page in the middle of a sorted list.
    let scope = Scope::all(Arc::clone(&it.user)).with_sort_by(Some(sort_by(&it.user, "displayName")));
    let page = it.query(&Query::new(vec![scope], 2).with_start_index(3)).await;
    assert_eq!((page.total_results, ids(&page.records)), (Some(6), vec!["b".to_owned(), "c".to_owned()]));
}

/// Several types in one query make one list, in the order of creation or sorted.
///
/// # Panics
/// When the store does not keep its contract.
pub async fn several_types_in_one_query(store: &Arc<dyn ResourceStore>) {
    let it = Fixture::new(store, "several-types");
    it.user("u1", "d", r#""displayName":"D""#).await;
    it.group("g1", &["u1"]).await;
    it.user("u2", "a", r#""displayName":"A""#).await;
    it.patch(&it.group, "g1", r#"{"op":"replace","path":"displayName","value":"b"}"#).await;
    it.user("u3", "e", "").await;
    it.try_create(&it.group, "g2", &super::fixture::group_body("c", &[])).await.unwrap();
    let scope = |definition: &Arc<TypeDefinition>, text: Option<&str>, sorted: bool| {
        Scope::all(Arc::clone(definition))
            .with_filter(text.map(|text| filter(definition, text)))
            .with_sort_by(sorted.then(|| sort_by(definition, "displayName")))
    };
    let both =
        |text: Option<&str>, sorted| vec![scope(&it.user, text, sorted), scope(&it.group, text, sorted)];
    let all = it.query(&Query::new(both(None, false), 10)).await;
    assert_eq!(
        (all.total_results, ids(&all.records)),
        (Some(5), vec!["u1", "g1", "u2", "u3", "g2"].into_iter().map(str::to_owned).collect())
    );
    assert_eq!(super::fixture::references(&all.records[1], "members").unwrap(), ["u1"]);
    for (query, total, expected) in [
        (Query::new(both(None, false), 2).with_start_index(2), 5, &["g1", "u2"] as &[&str]),
        (Query::new(both(None, true), 10), 5, &["u2", "g1", "g2", "u1", "u3"]),
        (
            Query::new(both(None, true), 2).with_start_index(4).with_order(SortOrder::Descending),
            5,
            &["g1", "u2"],
        ),
        (Query::new(both(Some(r#"displayName ge "b""#), false), 10), 3, &["u1", "g1", "g2"]),
        (Query::new(both(Some(r#"displayName eq "b" or displayName eq "d""#), false), 10), 2, &["u1", "g1"]),
        (
            Query::new(
                vec![scope(&it.user, None, false), scope(&it.group, Some("displayName eq \"c\""), false)],
                10,
            ),
            4,
            &["u1", "u2", "u3", "g2"],
        ),
        // A type that does not have the attribute to sort by comes as if unassigned.
        (
            Query::new(vec![scope(&it.group, None, true), scope(&it.user, None, false)], 10),
            5,
            &["g1", "g2", "u1", "u2", "u3"],
        ),
        (Query::new(both(None, false), 0), 5, &[]),
    ] {
        let page = it.query(&query).await;
        assert_eq!(
            (page.total_results, ids(&page.records).iter().map(String::as_str).collect::<Vec<_>>()),
            (Some(total), expected.to_vec()),
            "{query:?}"
        );
    }
}

/// A query finds, counts, sorts and pages exactly as evaluating its filter on every resource does, for generated
/// resources and filters.
///
/// # Panics
/// When the store does not keep its contract. The message has the shortest query found that shows it.
pub async fn filter_agrees_with_naive(store: &Arc<dyn ResourceStore>) {
    const ROUNDS: usize = 4;
    const QUERIES: usize = 150;
    let mut runner = TestRunner::default();
    for round in 0..ROUNDS {
        let it = Fixture::new(store, &format!("filter-agrees-{round}"));
        populate(&it, &mut runner).await;
        for definition in [&it.user, &it.group] {
            let everything =
                it.query(&Query::new(vec![Scope::all(Arc::clone(definition))], 1_000)).await.records;
            for _ in 0..QUERIES {
                let strategy = strategies::search(definition.name() == "User");
                let mut tree = strategy.new_tree(&mut runner).unwrap();
                let Err(mut shown) = compare(&it, definition, &everything, &tree.current()).await else {
                    continue;
                };
                // Looks for a shorter query that fails as well.
                let mut shorter = tree.simplify();
                while shorter {
                    match compare(&it, definition, &everything, &tree.current()).await {
                        Err(failure) => {
                            shown = failure;
                            shorter = tree.simplify();
                        }
                        Ok(()) => shorter = tree.complicate(),
                    }
                }
                let resources: Vec<String> =
                    everything.iter().map(|r| format!("{:?}", shown_of(&it, definition, r))).collect();
                panic!("{shown}\namong\n{}", resources.join("\n"));
            }
        }
    }
}

async fn populate(it: &Fixture, runner: &mut TestRunner) {
    const RESOURCES: usize = 25;
    for n in 0..RESOURCES {
        let it = it.at(i64::try_from(n).unwrap() % 7);
        let user = strategies::user().new_tree(runner).unwrap().current();
        // Some of the names that are generated are taken already.
        let _ = it.try_create(&it.user, strategies::IDS[n], &user.body()).await;
        if n % 3 == 0 {
            let group = strategies::group().new_tree(runner).unwrap().current();
            let body = super::fixture::group_body(&group.display_name, &[]);
            it.try_create(&it.group, &format!("G{n}"), &body).await.unwrap();
            for member in &group.members {
                let add = format!(r#"{{"op":"add","path":"members","value":[{{"value":"{member}"}}]}}"#);
                let _ = it.at(20).try_patch(&it.group, &format!("G{n}"), &add, Precondition::Any).await;
            }
        }
    }
    for _ in 0..5 {
        let gone = strategies::id().new_tree(runner).unwrap().current();
        it.delete(&it.user, &gone).await;
    }
}

fn shown_of(it: &Fixture, definition: &TypeDefinition, record: &Record) -> Value {
    Value::Object(record.to_object(&it.context, definition).unwrap())
}

async fn compare(
    it: &Fixture,
    definition: &Arc<TypeDefinition>,
    everything: &[Record],
    search: &Search,
) -> Result<(), String> {
    let resolved = search.filter.as_deref().map(|text| filter(definition, text));
    let sort = search.sort_by.map(|path| sort_by(definition, path));
    let order = if search.descending { SortOrder::Descending } else { SortOrder::Ascending };
    let mut expected: Vec<_> = everything
        .iter()
        .map(|record| (record, shown_of(it, definition, record)))
        .filter(|(_, shown)| resolved.as_ref().is_none_or(|filter| filter.matches(shown)))
        .map(|(record, shown)| (sort.as_ref().map(|attribute| attribute.sort_key(&shown)), record))
        .collect();
    expected.sort_by(|(a, _), (b, _)| match order {
        SortOrder::Ascending => a.cmp(b),
        SortOrder::Descending => b.cmp(a),
    });
    let all: Vec<String> = expected.into_iter().map(|(_, record)| format!("{record:?}")).collect();
    let scope = Scope::all(Arc::clone(definition)).with_filter(resolved).with_sort_by(sort);
    let query = Query::new(vec![scope], search.count).with_order(order).with_load(Load::All);
    let shown = |page: &Page| page.records.iter().map(|record| format!("{record:?}")).collect::<Vec<_>>();
    let check = |what: &str, found: &[String], expected: &[String], total: Option<u64>| {
        if found == expected && total.is_none_or(|total| total == all.len() as u64) {
            return Ok(());
        }
        Err(format!(
            "{search:?}, {what}: finds {} of {total:?}, expected {} of {}:\n{}\nexpected:\n{}",
            found.len(),
            expected.len(),
            all.len(),
            found.join("\n"),
            expected.join("\n")
        ))
    };
    let first = usize::try_from(search.start_index).unwrap() - 1;
    let expected: Vec<String> = all.iter().skip(first).take(search.count).cloned().collect();
    let page = it.query(&query.clone().with_start_index(search.start_index)).await;
    check("by index", &shown(&page), &expected, Some(page.total_results.unwrap_or(u64::MAX)))?;

    // To the end and back, by positions.
    let count = search.count.clamp(1, 7);
    let query = Query { count, ..query };
    let mut page = it.query(&query).await;
    let mut begin = 0;
    for (n, expected) in all.chunks(count).enumerate() {
        begin = n * count;
        check("forth", &shown(&page), expected, page.total_results)?;
        let Some(next) = page.next.clone() else { break };
        page = it.query(&query.clone().with_start(Start::After(next))).await;
    }
    check("to the end", &all[..begin + page.records.len()], &all, None)?;
    while let Some(previous) = page.previous {
        let end = begin;
        begin = end.saturating_sub(count);
        page = it.query(&query.clone().with_start(Start::Before(previous))).await;
        check("back", &shown(&page), &all[begin..end], page.total_results)?;
        assert!(page.next.is_some(), "{search:?}: a page before another is not the last");
    }
    assert_eq!(begin, 0, "{search:?}: the first page is where there is none before");
    Ok(())
}
