//! Evaluating the filters of `filters.txt`, and a few more, over 10,000 users.

#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]

#[path = "../tests/common/mod.rs"]
mod common;

use std::hint::black_box;

use common::Json;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use scim_filter::simple::SimpleSchema;
use scim_filter::{AttrPath, Filter, ResolveOptions};
use serde_json::{Value, json};

const USERS: u64 = 10_000;

fn user(index: u64) -> Value {
    let pick = |list: &[&str]| list[usize::try_from(index).unwrap() % list.len()].to_owned();
    let first = pick(&["Barbara", "John", "Mandy", "Søren", "李"]);
    let last = pick(&["Jensen", "Smith", "Pepperidge", "Ångström", "Johnson", "Müller", "Person"]);
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "id": format!("2819c223-7f76-453a-919d-{index:012}"),
        "externalId": format!("ext-{index}"),
        "userName": format!("User{index}@Example.com"),
        "name": {"familyName": last, "givenName": first, "formatted": format!("{first} {last}")},
        "displayName": format!("{first} {last}"),
        "title": if index.is_multiple_of(3) { Value::Null } else { json!("Tour Guide") },
        "userType": pick(&["Employee", "Intern", "Contractor"]),
        "active": !index.is_multiple_of(10),
        "emails": [
            {"value": format!("user{index}@example.com"), "type": "work", "primary": true},
            {"value": format!("user{index}@home.example.org"), "type": "home"},
        ],
        "addresses": [{"type": "work", "country": pick(&["US", "DE", "FR"]), "postalCode": format!("{index:05}")}],
        "meta": {
            "resourceType": "User",
            "created": format!("20{:02}-01-23T04:56:22Z", index % 30),
            "lastModified": format!("20{:02}-05-13T04:42:34.{:03}Z", index % 30, index % 1000),
        },
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"department": pick(&["R&D", "Sales", "Tour Operations"])},
    })
}

fn evaluate(criterion: &mut Criterion) {
    let users: Vec<_> = (0..USERS).map(user).collect();
    let schema = SimpleSchema::user();
    let more = [
        ("id eq", r#"id eq "2819c223-7f76-453a-919d-000000005000""#),
        ("userName eq", r#"userName eq "user5000@example.com""#),
        ("userName co", r#"userName co "5000@EXAMPLE""#),
        ("emails value path", r#"emails[type eq "work" and value eq "user5000@example.com"]"#),
    ];
    let mut group = criterion.benchmark_group("evaluate 10,000 users");
    group.throughput(Throughput::Elements(USERS)).sample_size(20);
    let filters = include_str!("filters.txt")
        .lines()
        .enumerate()
        .map(|(index, text)| (format!("F{}", index + 1), text));
    for (name, text) in filters.chain(more.map(|(name, text)| (name.to_owned(), text))) {
        let filter = Filter::parse(text).unwrap().resolve(&schema, &ResolveOptions::default()).unwrap();
        group.bench_function(name, |bencher| {
            bencher.iter(|| users.iter().filter(|user| black_box(&filter).matches(Json(user))).count());
        });
    }
    for path in ["userName", "meta.created", "emails"] {
        let attr = AttrPath::parse(path).unwrap().resolve_sort(&schema).unwrap();
        group.bench_function(format!("sort keys of {path}"), |bencher| {
            bencher.iter(|| users.iter().map(|user| attr.sort_key(Json(user))).collect::<Vec<_>>());
        });
    }
    group.finish();
}

criterion_group!(benches, evaluate);
criterion_main!(benches);
