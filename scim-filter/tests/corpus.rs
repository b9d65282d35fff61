//! The seeds of the fuzz targets, in an ordinary test.

#![allow(clippy::unwrap_used)]

use std::path::Path;

fn replay(target: &str, body: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(target);
    let mut seeds = 0;
    for entry in std::fs::read_dir(&folder).unwrap() {
        body(&std::fs::read(entry.unwrap().path()).unwrap());
        seeds += 1;
    }
    assert!(seeds >= 20, "{} has only {seeds} seeds", folder.display());
}

#[test]
fn filter_seeds() {
    replay("filter", scim_filter::fuzzing::filter);
}

#[test]
fn path_seeds() {
    replay("path", scim_filter::fuzzing::path);
}
