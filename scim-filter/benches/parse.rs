//! Parsing, printing and resolving the filters of `filters.txt`, and refusing hostile ones.

#![allow(missing_docs, clippy::unwrap_used)]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use scim_filter::simple::SimpleSchema;
use scim_filter::{Filter, Limits, Path, ResolveOptions};

const FILTERS: &str = include_str!("filters.txt");

fn parse(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("parse");
    for (index, text) in FILTERS.lines().enumerate() {
        group.bench_function(format!("F{}", index + 1), |bencher| {
            bencher.iter(|| Filter::parse(black_box(text)).unwrap());
        });
    }
    group.bench_function("path", |bencher| {
        bencher.iter(|| Path::parse(black_box(r#"addresses[type eq "work"].streetAddress"#)).unwrap());
    });
    group.finish();
}

fn resolve(criterion: &mut Criterion) {
    let schema = SimpleSchema::user();
    let mut group = criterion.benchmark_group("resolve");
    for (index, text) in FILTERS.lines().enumerate() {
        let filter = Filter::parse(text).unwrap();
        group.bench_function(format!("F{}", index + 1), |bencher| {
            bencher.iter(|| black_box(&filter).resolve(&schema, &ResolveOptions::default()).unwrap());
        });
    }
    group.finish();
}

fn print(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("print");
    for (index, text) in FILTERS.lines().enumerate() {
        let filter = Filter::parse(text).unwrap();
        group.bench_function(format!("F{}", index + 1), |bencher| {
            bencher.iter(|| black_box(&filter).to_string())
        });
    }
    group.finish();
}

fn hostile(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("hostile");
    let wide = Limits::default().with_length(1 << 20).into();
    let cases = [
        ("1 MB of (", "(".repeat(1 << 20)),
        ("64 deep", format!("{}title pr{}", "(".repeat(64), ")".repeat(64))),
        ("256 terms", vec!["title pr"; 256].join(" or ")),
        ("8 KB string", format!("title eq \"{}\"", "\\u0041".repeat(1_300))),
        ("8 KB name", "a".repeat(8_000)),
    ];
    for (name, text) in &cases {
        group.bench_function(*name, |bencher| {
            bencher.iter(|| Filter::parse_with(black_box(text), &wide).is_ok());
        });
    }
    group.finish();
}

criterion_group!(benches, parse, resolve, print, hostile);
criterion_main!(benches);
