//! Keeps `docs/conformance.md` and the tests together: every requirement has a test that is named by its id, or a
//! reason, and every test that is named by an id belongs to a requirement.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

const LEVELS: [&str; 4] = ["MUST", "MUST\u{b0}", "SHOULD", "MAY"];

/// A row of the document.
struct Row {
    id: String,
    requirement: String,
    level: String,
    shown_by: String,
    /// Whether its RFC's section says that it is in work.
    in_work: bool,
}

impl Row {
    /// What the names of its tests begin with: `r7643_2_1_01`.
    fn prefix(&self) -> String {
        format!("r{}", self.id.replace(['.', '-'], "_"))
    }

    /// Whether a test is one of its own; a letter may follow the id.
    fn owns(&self, test: &Test) -> bool {
        test.name.strip_prefix(&self.prefix()).is_some_and(|rest| {
            rest.starts_with('_')
                || (rest.starts_with(|c: char| c.is_ascii_lowercase()) && rest.get(1..2) == Some("_"))
        })
    }
}

/// A test function that is named by an id.
struct Test {
    name: String,
    ignored: bool,
}

fn rows(document: &str) -> Vec<Row> {
    let mut in_work = false;
    let mut rows = Vec::new();
    for line in document.lines() {
        if line.starts_with("## ") {
            in_work = false;
        }
        in_work |= line.starts_with("In work");
        let cells: Vec<&str> = line.split(" | ").map(|cell| cell.trim_matches(['|', ' '])).collect();
        if let [id, requirement, level, shown_by] = cells.as_slice()
            && id.starts_with(|c: char| c.is_ascii_digit())
        {
            let [id, requirement, level, shown_by] =
                [id, requirement, level, shown_by].map(|cell| (*cell).to_owned());
            rows.push(Row { id, requirement, level, shown_by, in_work });
        }
    }
    rows
}

fn tests(source: &str) -> Vec<Test> {
    let mut found = Vec::new();
    let (mut is_test, mut ignored) = (false, false);
    for line in source.lines().map(str::trim_start) {
        if line.starts_with("#[") {
            is_test |= line.starts_with("#[test]") || line.starts_with("#[tokio::test");
            ignored |= line.starts_with("#[ignore");
            continue;
        }
        let name =
            line.trim_start_matches("async ").strip_prefix("fn ").and_then(|rest| rest.split('(').next());
        if let Some(name) = name
            && name.strip_prefix('r').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
        {
            // What looks like one and is none would never run.
            let ignored = ignored || !is_test;
            found.push(Test { name: name.to_owned(), ignored });
        }
        if !line.starts_with("//") {
            (is_test, ignored) = (false, false);
        }
    }
    found
}

/// What is wrong, in sentences.
fn problems(rows: &[Row], tests: &[Test]) -> Vec<String> {
    let mut problems = Vec::new();
    let mut ids = BTreeSet::new();
    for row in rows {
        let id = &row.id;
        if !ids.insert(id) {
            problems.push(format!("{id} is there twice"));
        }
        if row.requirement.len() < 5 || !LEVELS.contains(&row.level.as_str()) {
            problems.push(format!("{id} has no requirement or no level"));
        }
        let own: Vec<&Test> = tests.iter().filter(|test| row.owns(test)).collect();
        let runs = own.iter().any(|test| !test.ignored);
        let wants_test = row.shown_by == "test";
        if wants_test && !runs && !row.in_work {
            problems.push(format!("{id} has no test `{}_...` that runs", row.prefix()));
        }
        if !wants_test && (row.shown_by.len() < 20 || !row.shown_by.ends_with('.')) {
            problems.push(format!("{id} has neither a test nor a reason"));
        }
        if !wants_test && runs {
            problems.push(format!("{id} has a reason for having no test, and a test"));
        }
        if own.iter().any(|test| test.ignored) && !row.shown_by.starts_with("Open:") {
            problems.push(format!("a test of {id} does not run, and the row does not say `Open: ...`"));
        }
    }
    for test in tests.iter().filter(|test| !rows.iter().any(|row| row.owns(test))) {
        problems.push(format!("`{}` is named after no row", test.name));
    }
    problems
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn document() -> Vec<Row> {
    rows(&fs::read_to_string(root().join("docs/conformance.md")).unwrap())
}

/// The sources of a folder and the folders in it.
fn sources(folder: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(fs::read_to_string(path).unwrap());
        }
    }
}

#[test]
fn every_requirement_has_a_test_or_a_reason() {
    let mut files = Vec::new();
    for member in ["scim-filter", "scim-core", "scim-server", "op-bridge", "examples"] {
        for folder in ["src", "tests"] {
            sources(&root().join(member).join(folder), &mut files);
        }
    }
    let tests: Vec<Test> = files.iter().flat_map(|source| tests(source)).collect();
    let rows = document();
    for rfc in ["7642-", "7643-", "7644-", "9865-", "9944-", "9967-"] {
        assert!(rows.iter().any(|row| row.id.starts_with(rfc)), "RFC {rfc} is missing");
    }
    let problems = problems(&rows, &tests);
    assert!(problems.is_empty(), "{problems:#?}");
    assert!(tests.len() > 100, "the sources were not found");
}

/// Where the list that the document was made from lies beside the repository, no row of it is missing.
#[test]
fn the_document_has_every_row_of_the_list() {
    let Ok(list) = fs::read_to_string(root().join("../shared/rfc-checklist.md")) else { return };
    let ids = |rows: Vec<Row>| -> BTreeSet<(String, String)> {
        rows.into_iter().map(|row| (row.id, row.level)).filter(|(id, _)| id.contains('-')).collect()
    };
    let (listed, written) = (ids(rows(&list)), ids(document()));
    let missing: Vec<_> = listed.difference(&written).collect();
    assert!(missing.is_empty(), "not in the document, or with another level: {missing:?}");
    let more: Vec<_> = written.difference(&listed).collect();
    assert!(more.is_empty(), "not in the list: {more:?}");
}

#[test]
fn what_is_wrong_is_found() {
    let row = |id: &str, shown_by: &str| format!("| {id} | What it asks | MUST | {shown_by} |\n");
    let test = |name: &str| format!("#[tokio::test]\nasync fn {name}() {{\n");
    let reason = "It binds the client, which we are not.";
    for (document, source, expected) in [
        (row("1-2.3-01", "test"), test("r1_2_3_01_works"), ""),
        (row("1-2.3-01", "test"), test("r1_2_3_01b_works"), ""),
        (row("1-2.3-01", "test"), "#[test]\n// why\nfn r1_2_3_01_works() {\n".to_owned(), ""),
        (row("1-2.3-01", reason), String::new(), ""),
        (format!("In work.\n{}", row("1-2.3-01", "test")), String::new(), ""),
        (format!("In work.\n## Next\n{}", row("1-2.3-01", "test")), String::new(), "no test `r1_2_3_01_...`"),
        (row("1-2.3-01", "test"), String::new(), "no test `r1_2_3_01_...`"),
        (row("1-2.3-01", "test"), test("r1_2_3_011_works"), "no test `r1_2_3_01_...`"),
        (row("1-2.3-01", "test"), "fn r1_2_3_01_works() {\n".to_owned(), "no test `r1_2_3_01_...`"),
        (row("1-2.3-01", "test"), format!("#[ignore]\n{}", test("r1_2_3_01_works")), "does not run"),
        (row("1-2.3-01", "no"), String::new(), "neither a test nor a reason"),
        (row("1-2.3-01", ""), String::new(), "neither a test nor a reason"),
        (row("1-2.3-01", reason), test("r1_2_3_01_works"), "and a test"),
        (row("1-2.3-01", "test").repeat(2), test("r1_2_3_01_works"), "there twice"),
        (row("1-2.3-01", reason), test("r1_2_3_02_works"), "named after no row"),
        ("| 1-2-01 | x | OUGHT | test |".to_owned(), test("r1_2_01_works"), "no requirement or no level"),
    ] {
        let problems = problems(&rows(&document), &tests(&source));
        if expected.is_empty() {
            assert!(problems.is_empty(), "{document}{source}{problems:?}");
        } else {
            assert!(
                problems.iter().any(|problem| problem.contains(expected)),
                "{document}{source}{problems:?}"
            );
        }
    }
}
