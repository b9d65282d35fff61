//! The seeds of the fuzz targets, in an ordinary test.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

use std::path::Path;

fn replay(target: &str, body: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(target);
    let mut seeds = 0;
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let data = std::fs::read(&path).unwrap();
        if std::panic::catch_unwind(|| body(&data)).is_err() {
            panic!("{} fails", path.display());
        }
        seeds += 1;
    }
    assert!(seeds >= 20, "{} has only {seeds} seeds", folder.display());
}

#[test]
fn patch_seeds() {
    replay("patch", scim_core::fuzzing::patch_document);
}

#[test]
fn resource_seeds() {
    replay("resource", scim_core::fuzzing::resource_document);
}
