//! Reading, checking, changing and writing a user of 1,970 bytes.
#![allow(clippy::unwrap_used, missing_docs)]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use scim_core::validate::validate_new;
use scim_core::{
    ChangeSet, Object, PatchLimits, PatchRequest, Projection, QueryParams, Quirks, Registry, Resource,
    TypeDefinition, Value, urn,
};

const USER: &[u8] = include_bytes!("user.json");

fn object(json: &[u8]) -> Object {
    Value::from_slice(json).unwrap().as_object().unwrap().clone()
}

fn patch(definition: &TypeDefinition, operation: &str) -> ChangeSet {
    let body = format!(r#"{{"schemas":["{}"],"Operations":[{operation}]}}"#, urn::PATCH_OP);
    let quirks = Quirks::interop();
    let request =
        PatchRequest::from_object(object(body.as_bytes()), &quirks, &PatchLimits::default()).unwrap();
    request.resolve(definition, &quirks).unwrap()
}

fn resource(c: &mut Criterion) {
    let registry = Registry::rfc7643();
    let definition = registry.by_name("User").unwrap();
    let quirks = Quirks::interop();
    let body = object(USER);
    let user = validate_new(definition, body.clone(), &quirks).unwrap().resource;

    let mut group = c.benchmark_group("json");
    group.bench_function("read", |b| b.iter(|| Value::from_slice(black_box(USER)).unwrap()));
    group.bench_function("read serde_json", |b| {
        b.iter(|| serde_json::from_slice::<serde_json::Value>(black_box(USER)).unwrap());
    });
    group.bench_function("write", |b| {
        let mut out = Vec::with_capacity(4096);
        b.iter(|| {
            out.clear();
            black_box(&body).write(&mut out);
        });
    });
    group.finish();

    let mut group = c.benchmark_group("validate");
    group.bench_function("read and validate", |b| {
        b.iter(|| validate_new(definition, object_owned(black_box(USER)), &quirks).unwrap());
    });
    group.finish();

    let mut group = c.benchmark_group("projection");
    let cases = [
        ("default", ""),
        ("one attribute", "userName"),
        ("some attributes", "userName,name.familyName,emails.value,active,displayName"),
    ];
    for (name, attributes) in cases {
        let mut params = QueryParams::default();
        params.set("attributes", attributes).unwrap();
        let projection = Projection::new(definition, &params, &quirks).unwrap();
        group.bench_function(name, |b| {
            let mut out = Vec::with_capacity(4096);
            b.iter(|| {
                out.clear();
                projection.write(definition, black_box(user.attributes()), &mut out);
            });
        });
    }
    group.finish();

    let mut group = c.benchmark_group("patch");
    let cases = [
        ("one attribute", r#"{"op":"replace","path":"title","value":"Director"}"#),
        (
            "add an e-mail",
            r#"{"op":"add","path":"emails","value":[{"value":"n@example.com","type":"other"}]}"#,
        ),
        ("value path", r#"{"op":"replace","path":"emails[type eq \"work\"].value","value":"n@example.com"}"#),
    ];
    for (name, operation) in cases {
        group.bench_function(format!("{name}: plan"), |b| b.iter(|| patch(definition, black_box(operation))));
        let changes = patch(definition, operation);
        group.bench_function(format!("{name}: apply"), |b| {
            b.iter_batched(
                || user.clone(),
                |mut user: Resource| {
                    assert!(changes.apply(definition, &mut user).unwrap());
                    user
                },
                criterion::BatchSize::SmallInput,
            );
        });
    }
    group.finish();

    // Growth: ten times as much must cost about ten times as much.
    let mut group = c.benchmark_group("growth");
    group.sample_size(10);
    for n in [100, 1_000, 10_000] {
        let emails = |from: usize| {
            let list: Vec<_> = (from..from + n)
                .map(|n| format!(r#"{{"value":"u{n}@example.com","type":"work"}}"#))
                .collect();
            list.join(",")
        };
        let json = format!(r#"{{"userName":"u","emails":[{}]}}"#, emails(0));
        group.bench_function(format!("validate {n} e-mails"), |b| {
            b.iter(|| validate_new(definition, object_owned(json.as_bytes()), &quirks).unwrap());
        });
        let user = validate_new(definition, object(json.as_bytes()), &quirks).unwrap().resource;
        let add = format!(r#"{{"op":"add","path":"emails","value":[{}]}}"#, emails(n));
        let changes = patch(definition, &add);
        group.bench_function(format!("add {n} e-mails to {n}"), |b| {
            b.iter_batched(
                || user.clone(),
                |mut user| changes.apply(definition, &mut user).unwrap(),
                criterion::BatchSize::LargeInput,
            );
        });
    }
    group.finish();
}

fn object_owned(json: &[u8]) -> Object {
    match Value::from_slice(json).unwrap() {
        Value::Object(object) => object,
        _ => Object::new(),
    }
}

criterion_group!(benches, resource);
criterion_main!(benches);
